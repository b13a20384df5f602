package resp

import "github.com/truecount/truecount/fsm"

// walk is a command that is answered page after page, each a Request of its own, so that no step of the cluster is long.
// Other commands may come between.
type walk interface {
	op(cursor int64) fsm.Op           // what answers the page from the cursor on; 0: the first one
	page(r *fsm.Request) (next int64) // takes a page in; next is the cursor of the one that is needed still, or 0
	tell(w *writer, err error)        // the reply; err: why the last page did not come
	holds() int                       // bytes
}

// begin starts a walk. Nothing may be unfinished.
func (s *session) begin(walk walk) {
	u := s.ask()
	u.slow, u.walk = true, walk
	u.tell = func(w *writer) { walk.tell(w, u.request.Err) }
	s.nextPage(u, 0)
}

func (s *session) nextPage(u *unit, cursor int64) {
	op := u.walk.op(cursor)
	u.request.Reset()
	u.request.Add(op)
	u.request.Level, u.request.MinIndex = s.readLevel(), s.acked
	s.door.gate.done(u) // with the page before
	u.reads, u.writes = fsm.MaxScan, 0
	if op.Kind.Writes() {
		u.writes = 1
	}
	s.door.gate.pass(u, false)
}
