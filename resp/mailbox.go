package resp

import (
	"sync"
	"sync/atomic"
)

// Messages that answer no command: of channels, and of MONITOR. They come from other connections, whose locks are held, so
// none may wait for the lock of the one they are for. Each connection has a mailbox between the two: whoever has a message
// posts it there, and a goroutine takes what is there into the replies, under the connection's lock, where there is room.
//
//	a session, under its conn's lock    switchboard.mu → mailbox.mu    post
//	conn.deliver, conn.drain            conn.mu     → mailbox.mu    collect
//
// A mailbox's lock is taken last and held for a few instructions.

// mailbox is what waits for one connection. The zero value keeps what it gets until it is collected.
type mailbox struct {
	wake func()          // starts a delivery; called once until everything is collected, and when the mailbox overruns
	hold func(bytes int) // notes how many more bytes wait, or fewer

	waiting atomic.Bool // there is something to collect, or the mailbox has overrun; for a look without the lock

	mu       sync.Mutex
	protocol int
	queue    [][]byte // encoded messages, shared with other mailboxes
	size     int      // bytes in queue
	closed   bool
	overrun  bool
}

// message is encoded once for each protocol in which somebody gets it. Its user sees to it that one goroutine at a time posts it.
type message struct {
	write   func(w *writer)
	encoded [protocol3 + 1][]byte
}

func (m *message) in(protocol int) []byte {
	if m.encoded[protocol] == nil {
		w := writer{protocol: protocol}
		m.write(&w)
		m.encoded[protocol] = w.buf
	}
	return m.encoded[protocol]
}

// post puts a message in, and never waits.
func (b *mailbox) post(m *message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.overrun {
		return
	}
	text := m.in(b.protocol)
	b.overrun = b.size+len(text) > maxUnread
	if b.overrun {
		b.empty()
	} else {
		b.queue = append(b.queue, text)
		b.resize(len(text))
	}
	if first := !b.waiting.Swap(true); b.wake != nil && (first || b.overrun) {
		b.wake()
	}
}

// take moves messages to the end of out until it has room bytes of them or there are no more. ok is false if some are lost.
func (b *mailbox) take(out []byte, room int) (all []byte, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, taken := 0, 0
	for ; n < len(b.queue) && taken < room; n++ {
		out = append(out, b.queue[n]...)
		taken += len(b.queue[n])
	}
	if n == len(b.queue) {
		b.empty()
		b.waiting.Store(b.overrun)
		return out, !b.overrun
	}
	clear(b.queue[:n])
	b.queue = b.queue[n:]
	b.resize(-taken)
	return out, true
}

// speak changes the protocol of what is posted from now on.
func (b *mailbox) speak(protocol int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.protocol = protocol
}

// close drops everything, also what is still to come.
func (b *mailbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.empty()
	b.waiting.Store(false)
}

// waits is how many bytes wait.
func (b *mailbox) waits() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.size
}

func (b *mailbox) empty() {
	b.queue = nil
	b.resize(-b.size)
}

func (b *mailbox) resize(by int) {
	b.size += by
	if b.hold != nil && by != 0 {
		b.hold(by)
	}
}

// collect takes what has come into the replies, while there is room for it. It reports false if messages are lost.
func (s *session) collect() bool {
	if !s.inbox.waiting.Load() || s.closing {
		return true
	}
	room, ok := maxReplies, false
	if !s.hasRoom() {
		room = 0
	}
	s.out.buf, ok = s.inbox.take(s.out.buf, room)
	return ok
}

// collectAll takes everything, room or not: what follows changes what may come.
func (s *session) collectAll() {
	if s.inbox.waiting.Load() {
		s.out.buf, _ = s.inbox.take(s.out.buf, maxUnread+1)
	}
}

// deliver takes the mailbox into the replies. What there is no room for is taken by drain, which writes them. A message may
// be for thousands, so each takes a lane.
func (c *conn) deliver() {
	c.server.lanes.enter()
	defer c.server.lanes.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.dead && c.session.inbox.waiting.Load() && !c.session.closing {
		c.collect()
		c.flush()
		c.account()
		if c.writing {
			return
		}
	}
}

// collect cuts off who has not read his messages.
func (c *conn) collect() {
	if c.dead || c.session.collect() {
		return
	}
	c.server.door.overrun.Add(1)
	c.server.noticeOverrun.log(c.server.logf, "resp: client %s is cut off: more than %d MiB of messages wait that it has not read",
		c.net.RemoteAddr(), maxUnread>>20)
	c.close()
}
