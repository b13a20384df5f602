package resp

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	readRoom     = 2 << 10          // bytes of room for a read; the Reader makes more for clients that fill it
	quietHeld    = 8 << 10          // what more a connection holds is given back when the client has gone quiet
	quietAfter   = 5 * time.Second  // what quiet means; at most twice as long
	emptyAfter   = time.Millisecond // no input for so long is "empty", where the connection can't tell
	keptReplies  = 64 << 10         // bytes of room for replies that a connection keeps
	largeResults = 32 << 10         // bytes; to make replies of so many takes longer than to wake a goroutine
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// conn drives a session from a connection. mu guards everything but net's methods.
type conn struct {
	server *Server
	id     int64
	net    net.Conn
	socket socket // what a TCP connection can do more; its zero value can nothing

	mu      sync.Mutex
	changed sync.Cond // signals serve, the only one that waits: the session or the output has moved on
	session *session
	counted uint64                // of session.taken
	spare   []byte                // the other buffer for replies
	writes  []byte                // what drain writes now
	writing bool                  // drain is running
	reading bool                  // serve is in Read
	kicked  bool                  // serve was called back from Read
	take    func(fd uintptr) bool // takeDirect; kept so that no read allocates
	room    int                   // bytes of room for the last read
	taken   struct {              // what it took
		n   int
		err error
	}
	deadline deadline // of Read
	heard    bool     // something has come in since the quiet deadline was set
	streak   int      // turns, less those in which the client had sent no more; see lane.go
	inLane   bool
	dead     bool // the connection is closed

	born, lastHeard time.Time
	stalled         time.Duration // how long the client has sent nothing, in the middle of a command

	active atomic.Int64 // when the client was last heard or answered, by the door's clock; noted while clients may be idle
	mailed atomic.Int64 // bytes in the session's mailbox
	held   atomic.Int64 // bytes of buffers, as far as the Server has been told
}

// deadline is what kind of deadline Read has.
type deadline uint8

const (
	noDeadline    deadline = iota
	quietDeadline          // to see whether the client has gone quiet
	pastDeadline           // it has passed, or is about to: a new one must be set before the next Read
)

func newConn(s *Server, nc net.Conn, id int64) *conn {
	c := &conn{server: s, id: id, net: nc, socket: newSocket(nc), streak: freeTurns, born: time.Now()}
	c.lastHeard = c.born
	c.changed.L = &c.mu
	c.take = c.takeDirect
	c.session = newSession(s.door, NewReader(s.limits), id, c.done)
	c.session.address = nc.RemoteAddr().String()
	c.session.inbox.wake = func() { s.running.Go(c.deliver) }
	c.session.inbox.hold = c.holdMail
	return c
}

// serve is the connection's life: read until the end, then wait until what was taken is answered.
func (c *conn) serve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.receive() {
	}
	for !c.finished() {
		c.next()
	}
	if c.die() {
		c.mu.Unlock()
		c.shut()
		c.mu.Lock()
	}
}

// shut closes the connection itself, in a lane: many may end at once.
func (c *conn) shut() {
	c.server.lanes.enter()
	defer c.server.lanes.leave()
	c.net.Close()
}

// next lets the session go on if it can do so at once, or waits until something has changed.
func (c *conn) next() {
	if !c.session.ready() {
		c.changed.Wait()
		return
	}
	c.streak++
	c.enter()
	c.turn()
	c.leave()
}

// receive waits until the session can take more, and reads once. It reports false when there is nothing more to read.
func (c *conn) receive() bool {
	for !c.dead && !c.session.closing && !c.session.hungry {
		c.next() // not reading is what slows the client down
	}
	if c.dead || c.session.closing {
		return false
	}
	c.enter()
	defer c.leave()
	if c.dead || c.session.closing {
		return false
	}
	probing := c.probe()
	c.setDeadline(probing)
	n, kicked, err := c.read()
	if n > 0 {
		c.count(n)
		c.heard, c.lastHeard, c.stalled = true, time.Now(), 0
		c.server.door.bytesIn.Add(uint64(n))
		c.session.in.Fill(n)
		c.turn()
	}
	if err == nil {
		return true
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false // the client sends no more, or is gone; what it has sent is done all the same
	}
	c.deadline = pastDeadline
	switch {
	case n == 0 && probing && !kicked:
		c.session.inputEmpty()
	case n == 0 && !probing && !kicked && !c.heard:
		c.session.rest()
		if !c.writing {
			c.spare = nil
		}
		c.account()
		return c.patient()
	}
	return true
}

// patient reports whether a client that was quiet once more may go on: one that owes the rest of a command may not for ever.
func (c *conn) patient() bool {
	if c.session.in.Buffered() == 0 {
		return true
	}
	if c.stalled += quietAfter; c.stalled < halfPatience {
		return true
	}
	c.server.door.half.Add(1)
	c.server.noticeHalf.log(c.server.logf, "resp: client %s is cut off: it has sent nothing for %v in the middle of a command", c.net.RemoteAddr(), halfPatience)
	return false
}

// read waits for input and reads once, without mu while it waits. On TCP the bytes pass from the socket to the Reader under
// mu, so that whoever holds it and finds the socket and the Reader empty knows that the client has nothing on its way.
func (c *conn) read() (n int, kicked bool, err error) {
	c.reading = true
	defer func() {
		c.reading = false
		kicked, c.kicked = c.kicked, false
	}()
	if !c.socket.direct() {
		room := c.session.in.Space(readRoom)
		c.room = len(room)
		c.leave() // nobody can tell whether it will wait
		c.mu.Unlock()
		n, err = c.net.Read(room)
		c.mu.Lock()
		return n, false, err
	}
	c.mu.Unlock()
	if err := c.socket.read(c.take); err != nil { // the deadline, or the end of the connection
		c.mu.Lock()
		return 0, false, err
	}
	return c.taken.n, false, c.taken.err
}

// takeDirect is one read of a TCP connection that has something to read. It leaves mu locked if it has taken something.
func (c *conn) takeDirect(fd uintptr) bool {
	c.mu.Lock()
	room := c.session.in.Space(readRoom)
	c.room = len(room)
	var again bool
	c.taken.n, again, c.taken.err = readOnce(fd, room)
	if again {
		c.streak = 0
		c.leave()
		c.mu.Unlock()
	}
	return !again
}

// probe looks for an empty input if the burst rule waits for it and everything is flushed. It reports true if only a read
// with a short deadline can tell.
func (c *conn) probe() bool {
	if !c.session.refusing() || c.session.in.Buffered() > 0 || !c.flushed() {
		return false
	}
	if _, pends := c.net.(interface{ Pending() bool }); !pends && !c.socket.direct() {
		return true
	}
	if c.inputEmpty() {
		c.session.inputEmpty()
	}
	return false
}

// inputEmpty reports whether the client has nothing on its way here, where that can be told at once. On TCP every byte is
// either in the socket or in the Reader while mu is held; elsewhere only serve may ask, for it is the one that reads.
func (c *conn) inputEmpty() bool {
	if c.session.in.Buffered() > 0 {
		return false
	}
	if c.socket.direct() {
		return c.socket.empty()
	}
	pending, ok := c.net.(interface{ Pending() bool })
	return ok && !c.reading && !pending.Pending()
}

// setDeadline bounds the next Read where that has a use. A quiet deadline is set once and not moved by what comes in: that
// would cost every Read of a busy connection.
func (c *conn) setDeadline(probing bool) {
	var at time.Time
	switch {
	case probing:
		at = time.Now().Add(emptyAfter)
		c.deadline = pastDeadline
	case c.deadline == quietDeadline:
		return
	case c.held.Load() > quietHeld || c.session.in.Buffered() > 0:
		at = time.Now().Add(quietAfter)
		c.deadline, c.heard = quietDeadline, false
	case c.deadline == noDeadline:
		return
	default:
		c.deadline = noDeadline
	}
	_ = c.net.SetReadDeadline(at) // fails only on a closed connection, and then Read fails, too
}

// done is called by the cluster when a unit is finished. It never blocks: nobody holds mu over a wait. Others wait for the
// cluster's goroutine meanwhile, so large Results are for another one, in a lane.
func (c *conn) done(u *unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(u.request.Results) < largeResults && !u.slow || c.dead {
		c.complete(u)
		return
	}
	c.server.running.Go(func() {
		c.server.lanes.enter()
		defer c.server.lanes.leave()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.complete(u)
	})
}

func (c *conn) complete(u *unit) {
	if c.dead {
		c.session.drop(u)
		return
	}
	c.session.complete(u)
	c.turn()
}

// turn moves on what can move: commands into the cluster, replies onto the socket. It is short, see lane.go; what it leaves
// is for serve.
func (c *conn) turn() {
	if c.dead {
		return
	}
	if c.server.door.idle.after() > 0 {
		c.active.Store(int64(c.session.clock()))
	}
	c.session.pump()
	c.flush()
	c.server.door.commands.Add(c.session.taken - c.counted)
	c.counted = c.session.taken
	c.account()
	c.changed.Signal()
	if c.session.closing {
		c.kick() // CLIENT KILL may have ended it while serve reads
	}
	if c.session.foreign {
		c.session.foreign = false
		c.server.door.foreign.Add(1)
		c.server.noticeForeign.log(c.server.logf, "resp: client %s is cut off: it sent POST or Host:, which looks like an attack through a browser",
			c.net.RemoteAddr())
	}
}

// flushed reports whether every reply so far is on the socket.
func (c *conn) flushed() bool { return len(c.session.out.buf) == 0 && !c.writing }

// finished reports whether nothing is left to be done for the client.
func (c *conn) finished() bool {
	if c.dead {
		return true
	}
	return (c.session.closing || c.session.hungry) && !c.session.unfinished() && c.flushed()
}

// finish makes the session take no more commands; what was taken is answered before the connection closes.
func (c *conn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session.closing = true
	c.kick()
	c.changed.Signal()
}

// abort closes the connection at once.
func (c *conn) abort() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
	c.changed.Signal()
}

// close closes the connection from anywhere; serve ends then.
func (c *conn) close() {
	if c.die() {
		c.server.running.Go(c.shut) // it waits for read, which may be waiting for mu
	}
}

// die ends everything but the connection itself, for which the caller must care if it reports true. The session does not even
// hand over what it has collected.
func (c *conn) die() bool {
	if c.dead {
		return false
	}
	c.dead = true
	c.session.closing = true
	c.session.open = nil
	c.session.out.buf, c.spare = nil, nil
	c.session.end()
	c.account()
	return true
}

// kick calls serve back from Read.
func (c *conn) kick() {
	if !c.reading || c.dead {
		return
	}
	c.kicked, c.deadline = true, pastDeadline
	_ = c.net.SetReadDeadline(longAgo) // fails only on a closed connection, and then Read fails, too
}
