package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Conn is one end of a connection, a net.Conn that behaves like TCP: an in-order stream in each direction, bounded by Window.
// Its errors are *net.OpError around os.ErrDeadlineExceeded, net.ErrClosed (this end was closed or its host killed) or
// ECONNRESET (the far host was killed, or closed and was written to, or the connection broke); io.EOF is bare.
type Conn struct {
	n             *Network
	id            uint64
	local, remote string
	peer          *Conn
	cond          *sync.Cond // of n.mu; broadcast when anything that a Read or Write of this end waits for may have changed
	in            stream     // from peer to here
	readBy        time.Time  // deadlines; zero is none
	writeBy       time.Time
	writing       bool // a Write has the turn: concurrent Writes don't mix their bytes
	closed        bool
	breaks        time.Time // when the connection breaks, or broke; zero: not
}

// Read waits for data and returns what has arrived. Data sent before the far end closed or died is read first.
func (c *Conn) Read(p []byte) (int, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for {
		now := time.Now()
		if err := c.refusalLocked(c.readBy, now); err != nil {
			return 0, c.opError("read", err)
		}
		if len(p) == 0 {
			return 0, nil
		}
		horizon := c.horizonLocked(now)
		seg := c.in.next(horizon)
		if seg == nil && c.brokenLocked(now) {
			return 0, c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		}
		if seg == nil {
			c.waitLocked(earlier(c.readBy, earlier(c.breaks, c.in.nextArrival())))
			continue
		}
		switch seg.kind {
		case fin:
			return 0, io.EOF
		case reset:
			return 0, c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		}
		m := c.in.take(p, horizon)
		c.peer.cond.Broadcast() // there is room in the window
		return m, nil
	}
}

// Write returns when all of p is on its way or an error ends it, with the number of bytes sent until then. As with TCP, no
// error doesn't mean that anybody will read them.
func (c *Conn) Write(p []byte) (sent int, err error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for c.writing {
		if err := c.refusalLocked(c.writeBy, time.Now()); err != nil {
			return 0, c.opError("write", err)
		}
		c.waitLocked(c.writeBy)
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.cond.Broadcast()
	}()
	for {
		now := time.Now()
		if err := c.refusalLocked(c.writeBy, now); err != nil {
			return sent, c.opError("write", err)
		}
		broken := c.in.reset()
		if broken != nil && broken.arrived(now) || c.brokenLocked(now) {
			return sent, c.opError("write", os.NewSyscallError("write", syscall.ECONNRESET))
		}
		if part := p[sent:min(len(p), sent+Window-c.peer.in.unread)]; len(part) > 0 {
			c.sendLocked(data, append([]byte(nil), part...))
			sent += len(part)
			if sent < len(p) {
				continue // a closed peer may have answered with a reset
			}
		}
		if sent == len(p) {
			return sent, nil
		}
		until := earlier(c.writeBy, c.breaks)
		if broken != nil && !broken.held {
			until = earlier(until, broken.arrive)
		}
		c.waitLocked(until)
	}
}

// Close ends both directions. What was written still arrives, then the far end reads io.EOF. A second Close is net.ErrClosed.
func (c *Conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.opError("close", net.ErrClosed)
	}
	c.endLocked(fin)
	return nil
}

// Pending reports whether unread input has arrived, so that a Read would return data at once. The far end's closing is not
// input.
func (c *Conn) Pending() bool {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	seg := c.in.next(c.horizonLocked(time.Now()))
	return seg != nil && seg.kind == data
}

// LocalAddr is this end's address.
func (c *Conn) LocalAddr() net.Addr { return Addr(c.local) }

// RemoteAddr is the far end's address.
func (c *Conn) RemoteAddr() net.Addr { return Addr(c.remote) }

// SetDeadline sets both deadlines; the zero time is none. Waiting calls obey it, too.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(func() { c.readBy, c.writeBy = t, t })
}

// SetReadDeadline sets the time from which Read fails.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return c.setDeadlines(func() { c.readBy = t })
}

// SetWriteDeadline sets the time from which Write fails.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadlines(func() { c.writeBy = t })
}

func (c *Conn) setDeadlines(set func()) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.opError("set", net.ErrClosed)
	}
	set()
	c.cond.Broadcast()
	return nil
}

// refusalLocked is why no call with this deadline may go on.
func (c *Conn) refusalLocked(deadline, now time.Time) error {
	if c.closed {
		return net.ErrClosed
	}
	if !deadline.IsZero() && !deadline.After(now) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// waitLocked waits for a broadcast, or until a time unless that is zero.
func (c *Conn) waitLocked(until time.Time) {
	if until.IsZero() {
		c.cond.Wait()
		return
	}
	timer := time.AfterFunc(time.Until(until), func() {
		c.n.mu.Lock() // or it could fire before the Wait below
		defer c.n.mu.Unlock()
		c.cond.Broadcast()
	})
	defer timer.Stop()
	c.cond.Wait()
}

// sendLocked puts a segment on its way to the peer. A closed peer answers data with a reset, as soon as it gets there.
func (c *Conn) sendLocked(k kind, p []byte) {
	from, to := hostOf(c.local), hostOf(c.remote)
	held := c.n.severedLocked(from, to)
	if c.peer.closed && !held {
		if k == data {
			c.peer.sendLocked(reset, nil)
		}
		return
	}
	if c.peer.in.reset() != nil {
		return
	}
	seg := segment{kind: k, data: p, held: held}
	if held {
		c.n.countsLocked(from, to).Held++
	} else {
		seg.arrive = c.departLocked(&seg)
	}
	c.peer.in.add(seg)
	c.peer.cond.Broadcast()
}

// endLocked closes this end and tells the far one by a fin or a reset. Held input stays, and stays in the window: a peer
// beyond a cut can't notice anything before Heal.
func (c *Conn) endLocked(how kind) {
	c.closed = true
	c.in.drop()
	c.sendLocked(how, nil)
	c.cond.Broadcast()
	c.peer.cond.Broadcast()
	if c.peer.closed {
		delete(c.n.conns, c.id)
		delete(c.n.conns, c.peer.id)
	}
}

// releaseLocked sends the held input on its way again, and what a Link has delayed or lost.
func (c *Conn) releaseLocked() {
	now := time.Now()
	if c.in.shaped {
		c.in.hold(now)
		c.in.shaped = false
	}
	if !c.brokenLocked(now) {
		c.breaks = time.Time{}
	}
	c.in.release(func() time.Time {
		return time.Now().Add(c.n.delayLocked(hostOf(c.remote), hostOf(c.local)))
	})
	c.cond.Broadcast()
}

// answerLocked answers data that was held beyond this end's Close with a reset.
func (c *Conn) answerLocked() {
	if !c.closed || c.in.unread == 0 {
		return
	}
	c.in.drop()
	c.sendLocked(reset, nil)
	c.peer.cond.Broadcast()
}

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: networkName, Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// earlier is the earlier of two times, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
