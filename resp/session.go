package resp

import (
	"time"

	"github.com/truecount/truecount/fsm"
)

const defaultUser = "default" // whoever has not logged in

// session is one connection's conversation: commands in, ordered replies out. Whoever drives it (conn, or a test) fills in,
// calls pump, and again while ready, writes out.buf, and calls complete and pump again when done was called; never two of
// these at a time.
type session struct {
	door *door
	in   *Reader
	out  writer
	done func(*unit) // called by the cluster when a unit is finished; must lead to complete(unit)

	id      int64
	address string // of the client
	name    string // given by HELLO … SETNAME or CLIENT SETNAME
	lib     library
	level   fsm.Level
	trusted bool // logged in, or need not
	noEvict bool // CLIENT NO-EVICT, which is told and changes nothing
	monitor bool
	reply   replying
	last    *command // the newest; nil: none, or one that does not exist

	subscriptions subscriptions
	inbox         mailbox
	bound         binding

	acked   uint64        // the index of the last write that was acknowledged: stale reads never go behind it
	backlog int           // bytes of replies that the driver took out of out and has not written yet
	taken   uint64        // commands, ever
	now     time.Duration // see clock; 0: not known yet in this turn

	turn int  // what is left of the present turn, in bytes of replies or what commands count as
	more bool // commands wait for nothing but a turn, or room for their replies

	open  *unit // collects
	sent  *unit // is on its way
	spare *unit // for the next open
	calm  bool  // the last that was sent was light; see gate.go

	call    call     // these three are here so that none is allocated per command or unit
	once    fsm.Once // what ONCE says in front of the command that is being taken
	results answers
	again   answers
	held    [][]byte // a command that must wait; its bytes are still in the Reader
	hungry  bool     // in holds no whole command, and there is room for more
	closing bool     // takes no more commands
	foreign bool     // the client speaks HTTP; see crossProtocol
	refused string   // burst rule: the error that every command gets for now

	alone bool         // the last command, an EXEC, changes the session when it is answered: nothing is taken before that
	multi *transaction // nil outside of MULTI
	watch *watch       // nil: no key is watched
}

func newSession(d *door, in *Reader, id int64, done func(*unit)) *session {
	s := &session{door: d, in: in, out: writer{protocol: protocol2}, done: done, id: id, hungry: true}
	s.call.session = s
	s.inbox.protocol = protocol2
	s.trust(d.password == nil)
	return s
}

// pump takes what commands it can in a turn and hands over what they became.
func (s *session) pump() {
	s.turn = turnReplies
	defer func() { s.now = 0 }()
	for {
		s.advance()
		if !s.submit() || s.hungry || s.more {
			return
		}
	}
}

// ready reports whether a pump would take commands although nothing was received and nothing was answered since the last.
func (s *session) ready() bool { return s.more && !s.closing && s.hasRoom() }

// hasRoom reports whether replies are read fast enough for more of them.
func (s *session) hasRoom() bool { return len(s.out.buf)+s.backlog <= maxReplies }

// unfinished reports whether replies are still to come for commands that were taken.
func (s *session) unfinished() bool { return s.sent != nil || s.open != nil && len(s.open.slots) > 0 }

// advance takes commands until the input is exhausted, one must wait, replies pile up, or the turn is over.
func (s *session) advance() {
	s.hungry, s.more = false, false
	for !s.closing {
		if s.turn <= 0 || !s.hasRoom() {
			s.more = true
			return
		}
		args := s.held
		if args == nil {
			var err error
			if args, err = s.in.Next(); err != nil {
				s.violation(err)
				return
			}
			if args == nil {
				s.hungry = true
				return
			}
		}
		s.held = nil
		before := len(s.out.buf)
		if !s.take(args) {
			s.held = args
			return
		}
		s.taken++
		if s.reply != replyOn {
			s.hush(before)
		}
		s.turn -= turnReplies/turnCommands + max(0, len(s.out.buf)-before)
	}
}

// violation ends the conversation, once the commands in front are answered. (The Reader repeats its error until then.)
func (s *session) violation(err error) {
	if s.unfinished() {
		return
	}
	s.out.Error("ERR " + err.Error())
	s.closing = true
}

// take answers a command, or places it, or reports that it must wait: then it is taken again with the same arguments when
// a unit has completed.
func (s *session) take(args [][]byte) bool {
	if s.alone && s.unfinished() {
		return false
	}
	s.alone = false
	c, err := s.resolve(args)
	if c == nil && crossProtocol(args[0]) {
		if s.unfinished() {
			return false
		}
		s.foreign, s.closing = true, true
		return true
	}
	if s.refuses(c, args) {
		return true
	}
	if err == nil {
		err = s.forbids(c)
	}
	if err != nil && c != nil && c.name == "exec" {
		err = s.abort(err)
	}
	switch {
	case s.inTransaction(c):
		if !s.queue(c, err, args) {
			return false
		}
	case err != nil:
		if s.multi != nil { // of those that are not queued, too
			s.multi.broken = true
		}
		s.last = c
		return s.answer(c, args, err, false)
	case c.barrier && s.unfinished() || !s.run(c, args):
		return false
	}
	s.last = c
	if err == nil && s.door.monitors.Load() > 0 {
		s.door.tellMonitors(s, c, args)
	}
	return true
}

// forbids is why the session may not run a command now that others may.
func (s *session) forbids(c *command) error {
	switch {
	case !s.trusted && !c.early:
		return errNoAuth
	case !c.listening && s.listens():
		return replyError("ERR Can't execute '" + c.name + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context")
	case s.monitor && c.parse != nil:
		return errMonitors
	}
	return nil
}

// run answers a command or places it, or reports that it must wait.
func (s *session) run(c *command, args [][]byte) bool {
	if c.local != nil {
		if err := s.door.cluster.Removal(); err != nil && !c.stale {
			text, _ := failure(err)
			return s.answer(c, args, replyError(text), false)
		}
		return s.say(func(w *writer) {
			start := len(w.buf)
			s.clock()
			c.local(s, w, args)
			s.tallySpot(c, args, w.buf[start:], true)
		})
	}
	return s.runOps(c, args)
}

// runOps answers or places a command about keys.
func (s *session) runOps(c *command, args [][]byte) bool {
	if c.atOnce && s.watch != nil && s.unfinished() { // the answer to WATCH may be on its way
		return false
	}
	err := s.parse(c, args)
	if err == nil {
		s.call.parsed()
		err = tooLarge(s.call.size())
	}
	done := false
	switch {
	case err != nil:
		done = s.answer(c, args, err, true)
	case s.call.walk != nil:
		if done = !s.unfinished(); done {
			s.clock()
			s.begin(s.call.walk)
			s.tallySpot(c, args, nil, true)
		}
	case len(s.call.ops) == 0:
		done = s.say(func(w *writer) {
			start := len(w.buf)
			s.call.render(w, c, 0, &answers{})
			s.tallySpot(c, args, w.buf[start:], true)
		})
	default:
		done = s.place(c, &s.call)
	}
	if done && s.call.binds && err == nil {
		s.bind(s.call.ops)
	}
	if done && s.call.taken != nil {
		s.call.taken(s)
	}
	return done
}

// crossProtocol reports whether a command is the beginning or a header of an HTTP request. A browser can be made to send one to
// any address, with commands in its body; so, as in Redis, the connection is closed without an answer.
func crossProtocol(name []byte) bool { return is(name, "POST") || is(name, "HOST:") }

// answer gives an error, if there is room. c is nil if there is no such command.
func (s *session) answer(c *command, args [][]byte, err error, executed bool) bool {
	return s.say(func(w *writer) {
		start := len(w.buf)
		w.Error(err.Error())
		s.tallySpot(c, args, w.buf[start:], executed)
	})
}

// queue answers QUEUED, or why a command can't be queued.
func (s *session) queue(c *command, err error, args [][]byte) bool {
	return s.say(func(w *writer) {
		if err := s.enqueue(c, err, args); err != nil {
			start := len(w.buf)
			w.Error(err.Error())
			s.tallySpot(c, args, w.buf[start:], false)
			return
		}
		w.Simple("QUEUED")
	})
}

// say writes a reply that is known already, or reports that there is no room for it: nothing has happened then.
func (s *session) say(write func(*writer)) bool {
	w := s.onTheSpot()
	if w == nil {
		return false
	}
	start := len(w.buf)
	write(w)
	s.seal(w, start)
	return true
}

// onTheSpot is where a reply goes that is known already: out, or behind the commands in front; nil if there is no room. What
// was written must be sealed.
func (s *session) onTheSpot() *writer {
	if !s.unfinished() {
		return &s.out
	}
	u := s.collecting()
	if u.full() {
		return nil
	}
	return &u.text
}

func (s *session) seal(w *writer, start int) {
	if w == &s.out {
		return
	}
	u := s.open
	u.slots = append(u.slots, slot{from: start, to: len(w.buf)})
}

// collecting is the open unit; it makes one if there is none.
func (s *session) collecting() *unit {
	if s.open != nil {
		return s.open
	}
	u := s.spare
	s.spare = nil
	if u == nil {
		u = &unit{}
		done := func(*fsm.Request) { s.done(u) }
		u.request.Done, u.again.Done = done, done
	}
	u.text.protocol = s.out.protocol
	u.share = s.door.gate.share()
	s.open = u
	return u
}

// submit hands the open unit over if nothing is on its way, and reports whether it did.
func (s *session) submit() bool {
	u := s.open
	if s.sent != nil || u == nil || len(u.slots) == 0 {
		return false
	}
	s.open = nil
	if u.class == empty {
		s.render(u)
		return true
	}
	s.sent = u
	if u.writes == 0 { // riders alone, too: the write they stood behind is finished by now
		u.request.MinIndex = s.acked
	}
	calm := s.calm
	s.calm = u.request.Ops <= lightOps
	s.door.gate.pass(u, calm)
	return true
}

// complete renders the replies of the unit that was on its way and hands the next one over.
func (s *session) complete(u *unit) {
	for _, r := range [...]*fsm.Request{&u.request, &u.again} {
		if r.Err == nil {
			s.acked = max(s.acked, r.Index)
		}
	}
	if u.reviving && u.again.Err == nil && u.revived() {
		u.request.MinIndex = s.acked
		s.door.cluster.Read(&u.request)
		return
	}
	if !u.reviving && u.revive(s.door.heartbeats) {
		s.door.cluster.Propose(&u.again)
		return
	}
	if !u.reread && u.late() {
		u.reread = true
		u.again.Level, u.again.MinIndex = s.readLevel(), s.acked
		s.door.cluster.Read(&u.again)
		return
	}
	if u.walk != nil && u.request.Err == nil {
		if next := u.walk.page(&u.request); next != 0 {
			s.nextPage(u, next)
			return
		}
	}
	s.finish()
	s.render(u)
	s.submit()
}

// drop is complete without replies, for a connection that is closed.
func (s *session) drop(u *unit) {
	s.finish()
	u.reset()
	s.unbind()
}

// finish notes that nothing is on its way.
func (s *session) finish() {
	s.door.gate.done(s.sent)
	s.sent = nil
}
