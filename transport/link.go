package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"time"
)

var (
	// ErrNotSent: no byte of the call left this node.
	ErrNotSent = errors.New("not sent")
	// ErrBroken: the connection ended before the reply; the call may have arrived.
	ErrBroken = errors.New("connection lost")

	errForgotten = errors.New("this node no longer speaks with it")
)

const (
	dialTimeout  = time.Second
	redialPause  = 20 * time.Millisecond // after a failed dial: calls fail at once for so long
	linkPatience = 2 * time.Second       // a connection that owes a reply all that time, and is silent, is broken; see Link.read
)

// Link makes calls to one peer over one connection: many under way, replies in any order.
type Link struct {
	port   *Port
	stream Stream
	addr   string
	ctx    context.Context    // ends with the Port, and when the Port forgets the Link
	forget context.CancelFunc // ends ctx

	mu      sync.Mutex
	closed  bool    // forgotten: no more calls
	out     *outbox // nil: no connection
	dialing bool
	paused  time.Time        // no dial before
	failure error            // why there was no connection at paused
	next    uint64           // number of the next call
	pending map[uint64]*call // handed to the connection, or waiting for it
}

type call struct {
	method  byte
	payload []byte
	sent    bool
	done    func(reply []byte, err error)
}

// Call sends a request of at most maxPayload bytes, which belong to the Link from now on. done is called exactly once, never
// from within Call: with the reply, or with an error that wraps ErrNotSent or ErrBroken, and its cause. It does not wait
// longer than the connection lasts; who is less patient must stop waiting.
func (l *Link) Call(method byte, payload []byte, done func(reply []byte, err error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &call{method: method, payload: payload, done: done}
	if err := l.refusalLocked(len(payload)); err != nil {
		err = fmt.Errorf("%w to %s: %w", ErrNotSent, l.addr, err)
		fail := func() { done(nil, err) }
		if !l.port.start(fail) {
			go fail() // nobody waits for it: Close has begun
		}
		return
	}
	id := l.next
	l.next++
	l.pending[id] = c
	if l.out != nil {
		l.sendLocked(id, c)
	}
}

// refusalLocked says why a call can't even wait for a connection. If there is none, it starts one.
func (l *Link) refusalLocked(size int) error {
	switch {
	case size > maxPayload:
		return fmt.Errorf("a call of %d bytes, at most %d", size, maxPayload)
	case len(l.pending) >= maxCalls:
		return fmt.Errorf("%d calls are under way", maxCalls)
	case l.closed:
		return errForgotten
	case l.out != nil || l.dialing:
		return nil
	case time.Now().Before(l.paused):
		return l.failure
	}
	if !l.port.start(l.run) {
		return net.ErrClosed
	}
	l.dialing = true
	return nil
}

func (l *Link) sendLocked(id uint64, c *call) {
	c.sent = true
	l.out.add(id, c.method, c.payload)
	c.payload = nil
}

// run dials and serves one connection until it ends.
func (l *Link) run() {
	ctx, cancel := context.WithTimeout(l.ctx, dialTimeout)
	defer cancel()
	conn, err := l.port.dial(ctx, l.stream, l.addr)
	if err != nil {
		l.end(err)
		return
	}
	out := newOutbox(conn, nil)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		conn.Close()
		l.end(errForgotten)
		return
	}
	l.port.wg.Go(out.run)
	l.out, l.dialing = out, false
	for _, id := range slices.Sorted(maps.Keys(l.pending)) {
		l.sendLocked(id, l.pending[id])
	}
	l.mu.Unlock()
	err = l.read(conn)
	out.close()
	l.end(err)
}

// read resolves calls until the connection ends or has owed a reply for the whole of a silent linkPatience. As patience
// begins anew with every frame, and while nothing is owed, the call that finds a dead connection may wait twice as long.
func (l *Link) read(conn net.Conn) error {
	in := bufio.NewReaderSize(conn, 64<<10)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(linkPatience)); err != nil {
			return err
		}
		owed := l.owed()
		_, err := in.Peek(1)
		if errors.Is(err, os.ErrDeadlineExceeded) && !owed {
			continue
		}
		if err != nil {
			return err
		}
		// The deadline may be near, and the rest of the frame still on its way.
		if err := conn.SetReadDeadline(time.Now().Add(linkPatience)); err != nil {
			return err
		}
		id, _, payload, err := readFrame(in)
		if err != nil {
			return err
		}
		l.mu.Lock()
		c := l.pending[id]
		delete(l.pending, id)
		l.mu.Unlock()
		if c != nil {
			c.done(payload, nil)
		}
	}
}

// owed reports whether a reply is due.
func (l *Link) owed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending) > 0
}

// close ends the connection, or the dial, and with it all calls.
func (l *Link) close() {
	l.forget()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.out != nil {
		l.out.close()
	}
}

// end fails all calls that the connection leaves behind.
func (l *Link) end(err error) {
	l.mu.Lock()
	if l.out == nil {
		l.paused = time.Now().Add(redialPause)
	}
	if l.closed {
		err = errForgotten
	}
	left := l.pending
	l.out, l.dialing, l.failure = nil, false, err
	l.pending = map[uint64]*call{}
	l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(left)) {
		c, family := left[id], ErrNotSent
		if c.sent {
			family = ErrBroken
		}
		c.done(nil, fmt.Errorf("%w to %s: %w", family, l.addr, err))
	}
}
