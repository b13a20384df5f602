package transport

import (
	"net"
	"sync"
)

// outbox writes frames to a connection from a goroutine of its own; frames that arrive while a write is under way leave
// together in the next. Its length is bounded by those who fill it: a Link by its calls under way, Port.serve by its slots,
// which it gets back when their replies are written.
type outbox struct {
	conn    net.Conn
	written func(frames int) // called after each write, which may hold several frames; nil: nobody counts
	ended   chan struct{}    // closed once nothing is written any more

	mu     sync.Mutex
	frames []byte
	count  int           // frames in frames
	wake   chan struct{} // holds a token while frames wait
	closed bool
}

func newOutbox(conn net.Conn, written func(frames int)) *outbox {
	return &outbox{conn: conn, written: written, ended: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// add queues a frame. After the connection ended it is dropped.
func (o *outbox) add(call uint64, method byte, payload []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return
	}
	if o.count == 0 {
		o.wake <- struct{}{} // has room: run takes the token, then the frames
	}
	o.frames = appendFrame(o.frames, call, method, payload)
	o.count++
}

// close closes the connection and ends run.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.closed = true
		close(o.wake)
		o.conn.Close()
	}
}

func (o *outbox) run() {
	defer close(o.ended)
	var spare []byte
	for range o.wake {
		o.mu.Lock()
		frames, count := o.frames, o.count
		o.frames, o.count = spare[:0], 0
		o.mu.Unlock()
		if _, err := o.conn.Write(frames); err != nil {
			o.close()
			return
		}
		if o.written != nil {
			o.written(count)
		}
		if spare = frames; cap(spare) > maxSpare {
			spare = nil
		}
	}
}

const maxSpare = 1 << 20 // a write buffer larger than this is not kept
