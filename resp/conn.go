package resp

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

const (
	readRoom      = 2 << 10          // bytes of room for a read; the Reader makes more for clients that fill it
	quietRoom     = 8 << 10          // a larger buffer is given back when the client has gone quiet
	quietAfter    = 5 * time.Second  // what quiet means
	writePatience = 30 * time.Second // a client that takes no byte of its replies for so long is cut off
	emptyAfter    = time.Millisecond // no input for so long is "empty", where the connection can't tell
	keptReplies   = 64 << 10         // bytes of room for replies that a connection keeps
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// conn drives a session from a connection. mu guards everything but net's methods.
type conn struct {
	server *Server
	net    net.Conn
	socket socket // what a TCP connection can do more; its zero value can nothing

	mu      sync.Mutex
	changed sync.Cond // signals serve, the only one that waits: the session or the output has moved on
	session *session
	counted uint64                // of session.taken
	spare   []byte                // the other buffer for replies
	writing bool                  // drain is running
	reading bool                  // serve is in Read
	kicked  bool                  // serve was called back from Read
	room    int                   // bytes of room at the last read
	take    func(fd uintptr) bool // takeDirect; kept so that no read allocates
	taken   struct {              // what it took
		n   int
		err error
	}
	deadline bool // Read has a deadline
	dead     bool // the connection is closed
}

func newConn(s *Server, nc net.Conn, id int64) *conn {
	c := &conn{server: s, net: nc, socket: newSocket(nc)}
	c.changed.L = &c.mu
	c.take = c.takeDirect
	c.session = newSession(s.door, NewReader(s.limits), id, c.done)
	return c
}

// serve is the connection's life: read until the end, then wait until what was taken is answered.
func (c *conn) serve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.receive() {
	}
	for !c.finished() {
		c.changed.Wait()
	}
	c.close()
}

// receive waits until the session can take more, and reads once. It reports false when there is nothing more to read.
func (c *conn) receive() bool {
	for !c.dead && !c.session.closing && !c.session.hungry {
		c.changed.Wait() // not reading is what slows the client down
	}
	if c.dead || c.session.closing {
		return false
	}
	probing := c.probe()
	c.setDeadline(probing)
	n, kicked, err := c.read()
	if n > 0 {
		c.server.door.bytesIn.Add(uint64(n))
		c.session.in.Fill(n)
		c.turn()
	}
	switch {
	case err == nil:
		return true
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return false // the client sends no more, or is gone; what it has sent is done all the same
	case n == 0 && probing && !kicked:
		c.session.inputEmpty()
	case n == 0 && !probing && !kicked:
		c.session.in.Shrink()
	}
	return true
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

func (c *conn) setDeadline(probing bool) {
	var at time.Time
	switch {
	case probing:
		at = time.Now().Add(emptyAfter)
	case c.room > quietRoom:
		at = time.Now().Add(quietAfter)
	case !c.deadline:
		return
	}
	c.deadline = !at.IsZero()
	_ = c.net.SetReadDeadline(at) // fails only on a closed connection, and then Read fails, too
}

// done is called by the cluster when a unit is finished. It never blocks: nobody holds mu over a wait.
func (c *conn) done(u *unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session.complete(u)
	c.turn()
}

// turn moves everything on that can move: commands into the cluster, replies onto the socket.
func (c *conn) turn() {
	if c.dead {
		return
	}
	c.session.pump()
	c.flush()
	c.server.door.commands.Add(c.session.taken - c.counted)
	c.counted = c.session.taken
	c.changed.Signal()
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

// close also keeps the session from handing over what it has collected.
func (c *conn) close() {
	if c.dead {
		return
	}
	c.dead = true
	c.session.closing = true
	c.session.open = nil
	c.session.out.buf, c.spare = nil, nil
	c.server.running.Go(func() { c.net.Close() }) // it waits for read, which may be waiting for mu
}

// kick calls serve back from Read.
func (c *conn) kick() {
	if !c.reading || c.dead {
		return
	}
	c.kicked, c.deadline = true, true
	_ = c.net.SetReadDeadline(longAgo) // fails only on a closed connection, and then Read fails, too
}
