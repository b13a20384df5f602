package resp

import (
	"cmp"
	"slices"
	"unsafe"
)

// Memory of connections. What one may hold is bounded by the limits of its parts (doc.go), to some MiB; that is much for each
// of thousands. So all of them together have a bound, too, Options.MaxHeld: beyond it, whoever holds the most is cut off,
// and then the next one. (Redis: maxmemory-clients.) Those who read their replies and send whole commands hold a few KiB.

// heldStep is how exactly it is counted, in bytes: most commands change nothing then.
const heldStep = 4 << 10

// holds is how many bytes of buffers the session has, used or not.
func (s *session) holds() int {
	n := s.in.holds() + cap(s.out.buf) + cap(s.call.ops)*int(unsafe.Sizeof(s.call.ops[0])) + s.subscriptions.holds() + s.bound.holds()
	for _, u := range [...]*unit{s.open, s.sent, s.spare} {
		if u != nil {
			n += u.holds()
		}
	}
	if s.multi != nil {
		n += s.multi.bytes + cap(s.multi.ops)*int(unsafe.Sizeof(s.call.ops[0])) + cap(s.multi.queue)*int(unsafe.Sizeof(s.multi.queue[0]))
	}
	if s.watch != nil {
		n += s.watch.bytes
	}
	return n
}

func (r *Reader) holds() int {
	return len(r.buf) + cap(r.spans)*int(unsafe.Sizeof(r.spans[0])) + cap(r.args)*int(unsafe.Sizeof(r.args[0]))
}

// holds leaves out the Results: while the unit is on its way they belong to the cluster, and then they become replies.
func (u *unit) holds() int {
	walked := 0
	if u.walk != nil {
		walked = u.walk.holds()
	}
	return walked + cap(u.request.Groups) + cap(u.again.Groups) + cap(u.slots)*int(unsafe.Sizeof(u.slots[0])) + cap(u.text.buf)
}

// rest gives back what a session without anything to do doesn't need.
func (s *session) rest() {
	s.in.Shrink()
	s.spare = nil
	s.call.ops = nil
	if len(s.out.buf) == 0 {
		s.out.buf = nil
	}
}

// account tells the Server what the connection holds now.
func (c *conn) account() {
	n := int64(c.session.holds()+cap(c.spare)+cap(c.writes)) / heldStep * heldStep
	if c.dead {
		n = 0
	}
	before := c.held.Swap(n)
	if n == before {
		return
	}
	if c.server.door.held.Add(n-before) > c.server.maxHeld {
		c.server.relieve()
	}
}

// holdMail tells the Server that more bytes wait in the mailbox, or fewer. It is called with the mailbox's lock, at any time
// before the connection has ended.
func (c *conn) holdMail(bytes int) {
	c.mailed.Add(int64(bytes))
	if c.server.door.held.Add(int64(bytes)) > c.server.maxHeld {
		c.server.relieve()
	}
}

// relieve sees to it that connections are cut off until the rest hold no more than they may. It doesn't wait for that.
func (s *Server) relieve() {
	if !s.relieving.CompareAndSwap(false, true) {
		return
	}
	s.running.Go(func() {
		for _, c := range s.largest() {
			if s.door.held.Load() <= s.maxHeld {
				break
			}
			c.overheld()
		}
		s.relieving.Store(false)
		if s.door.held.Load() > s.maxHeld { // who wanted to say so meanwhile was not heard
			s.relieve()
		}
	})
}

// largest are the connections that hold anything, those first that hold the most.
func (s *Server) largest() []*conn {
	type holder struct {
		conn *conn
		held int64
	}
	var holders []holder
	s.mu.Lock()
	for c := range s.conns {
		if n := c.held.Load() + c.mailed.Load(); n > 0 {
			holders = append(holders, holder{c, n})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(holders, func(a, b holder) int { return cmp.Compare(b.held, a.held) })
	conns := make([]*conn, len(holders))
	for i := range holders {
		conns[i] = holders[i].conn
	}
	return conns
}

// overheld cuts the connection off because it holds too much.
func (c *conn) overheld() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	s := c.server
	s.door.overheld.Add(1)
	s.noticeHeld.log(s.logf, "resp: client %s is cut off: its buffers are the largest, %d KiB, and all clients together have more than %d MiB",
		c.net.RemoteAddr(), (c.held.Load()+c.mailed.Load())>>10, s.maxHeld>>20)
	c.close()
	c.changed.Signal()
}
