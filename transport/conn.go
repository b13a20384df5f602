package transport

import (
	"fmt"
	"net"
	"slices"
)

const (
	// maxStrangers bounds the connections that have not proven that they know the secret. One more, and the oldest is closed:
	// a peer proves it in two round trips, so those who say nothing, or little, or too much keep nobody out.
	maxStrangers = 128

	// maxServed bounds the connections of a Stream that have. A member needs one, and a handful for Raft.
	maxServed = 128
)

// trackedConn is an open connection in either direction. Its fields are the Port's, and guarded by its mutex.
type trackedConn struct {
	net.Conn
	port   *Port
	stream Stream // inbound, and proven: it has a seat of this Stream; else 0
	node   string // inbound, and proven: who it is
}

// Close may be called by everybody who holds the connection. The first call gives back what it holds in the Port.
func (c *trackedConn) Close() error {
	p := c.port
	p.mu.Lock()
	if _, open := p.conns[c]; open {
		delete(p.conns, c)
		p.unstrangeLocked(c)
		if c.stream != 0 {
			p.seats[c.stream]--
		}
	}
	p.mu.Unlock()
	return c.Conn.Close()
}

// Drop closes every connection that a node has opened, for whatever Stream, also those that wait to be admitted. Once
// Config.Admit no longer welcomes the node, Drop leaves none. What was read of them already may still be handled.
func (p *Port) Drop(node string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if c.stream != 0 && c.node == node {
			c.Conn.Close() // whoever reads it notices, and calls Close
		}
	}
}

// track makes Close of the Port close the connection, too. After it, it refuses.
func (p *Port) track(raw net.Conn) (*trackedConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trackLocked(raw)
}

func (p *Port) trackLocked(raw net.Conn) (*trackedConn, error) {
	if p.done {
		raw.Close()
		return nil, net.ErrClosed
	}
	c := &trackedConn{Conn: raw, port: p}
	p.conns[c] = struct{}{}
	return c, nil
}

// knock takes in a stranger.
func (p *Port) knock(raw net.Conn) (*trackedConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, err := p.trackLocked(raw)
	if err != nil {
		return nil, err
	}
	if len(p.strangers) == maxStrangers {
		p.strangers[0].Conn.Close() // its handshake notices, and calls Close
		p.strangers = slices.Delete(p.strangers, 0, 1)
	}
	p.strangers = append(p.strangers, c)
	return c, nil
}

func (p *Port) unstrangeLocked(c *trackedConn) {
	if i := slices.Index(p.strangers, c); i >= 0 {
		p.strangers = slices.Delete(p.strangers, i, i+1)
	}
}

// seat gives a stranger that has proven itself its seat, until Close. The error is the refusal. The seat comes before the
// owner's decision, so that there is a bound on those who wait for it, and so that Drop sees them.
func (p *Port) seat(c *trackedConn, stream Stream, node string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.unstrangeLocked(c)
	taken, known := p.seats[stream]
	_, open := p.conns[c]
	switch {
	case !open:
		return net.ErrClosed
	case !known:
		return fmt.Errorf("unknown stream %q", byte(stream))
	case taken == maxServed:
		return fmt.Errorf("%d connections for stream %q are open", maxServed, byte(stream))
	}
	p.seats[stream]++
	c.stream, c.node = stream, node
	return nil
}
