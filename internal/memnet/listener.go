package memnet

import (
	"net"
	"sync"
)

// networkName is what Addr.Network answers and errors name.
const networkName = "mem"

// Addr is an address on a Network, "host:port".
type Addr string

// Network is always "mem".
func (a Addr) Network() string { return networkName }

// String is the address as it was given to Listen or Dial.
func (a Addr) String() string { return string(a) }

// Listener is a net.Listener on a Network.
type Listener struct {
	n      *Network
	addr   string
	cond   *sync.Cond
	queue  []*Conn // dialed and not accepted, at most Backlog
	closed bool
}

// Accept waits for the next connection; it is a *Conn. The error is net.ErrClosed after Close or Kill.
func (l *Listener) Accept() (net.Conn, error) {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.cond.Wait()
	}
	if l.closed {
		return nil, &net.OpError{Op: "accept", Net: networkName, Addr: l.Addr(), Err: net.ErrClosed}
	}
	c, full := l.queue[0], len(l.queue) == Backlog
	l.queue = l.queue[1:]
	if full {
		l.n.changedLocked() // dials may wait for the room
	}
	return c, nil
}

// Close frees the address. Connections that nobody accepted are reset; accepted ones live on.
func (l *Listener) Close() error {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.closed {
		return &net.OpError{Op: "close", Net: networkName, Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.closeLocked()
	return nil
}

// Addr is the address that others dial.
func (l *Listener) Addr() net.Addr { return Addr(l.addr) }

func (l *Listener) closeLocked() {
	for _, c := range l.queue {
		if !c.closed {
			c.endLocked(reset)
		}
	}
	l.queue = nil
	l.closed = true
	delete(l.n.listeners, l.addr)
	l.cond.Broadcast()
	l.n.changedLocked() // a dial that waited for room is refused now
}
