package resp

import (
	"errors"
	"os"
	"time"
)

// flush writes what can be written at once, and leaves the rest to a goroutine. Most replies take the first way: no other
// goroutine is woken for them.
func (c *conn) flush() {
	if c.writing || len(c.session.out.buf) == 0 {
		return
	}
	// Looked for before the write: a client that waits for its replies has sent the next command before write returns.
	empty := c.session.refusing() && c.inputEmpty()
	n := c.socket.write(c.session.out.buf)
	c.server.door.bytesOut.Add(uint64(n))
	if n == len(c.session.out.buf) {
		c.session.out.buf = kept(c.session.out.buf)
		if empty {
			c.session.inputEmpty()
		}
		c.whenFlushed()
		return
	}
	c.session.out.buf = append(c.session.out.buf[:0], c.session.out.buf[n:]...)
	c.writing = true
	c.server.running.Go(c.drain)
}

// kept empties a buffer of replies, or drops it if it has become too large to keep.
func kept(buf []byte) []byte {
	if cap(buf) > keptReplies {
		return nil
	}
	return buf[:0]
}

// drain writes replies until there are none, and ends. There is at most one per connection.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.dead && len(c.session.out.buf) > 0 {
		out := c.session.out.buf
		c.session.out.buf, c.spare = c.spare, nil
		c.session.backlog, c.writes = len(out), out
		c.mu.Unlock()
		n, err := c.write(out)
		c.mu.Lock()
		c.server.door.bytesOut.Add(uint64(n))
		c.session.backlog, c.writes = 0, nil
		if err != nil {
			c.cutOff(err)
			break
		}
		if !c.dead {
			c.spare = kept(out)
			c.collect()
			c.changed.Signal() // the session may have waited for room
		}
	}
	c.writing = false
	if !c.dead {
		c.whenFlushed()
	}
	c.changed.Signal()
}

// cutOff ends a connection whose replies can't be written.
func (c *conn) cutOff(err error) {
	if !c.dead && errors.Is(err, os.ErrDeadlineExceeded) {
		c.server.door.unread.Add(1)
		c.server.noticeUnread.log(c.server.logf, "resp: client %s is cut off: it has read none of its replies for %v", c.net.RemoteAddr(), writePatience)
	}
	c.close()
}

// write gives a slow client writePatience for each of its steps. The deadline is taken away afterwards: it would also end
// the attempts of flush.
func (c *conn) write(out []byte) (written int, err error) {
	const step = 64 << 10
	for len(out) > 0 && err == nil {
		if err = c.net.SetWriteDeadline(time.Now().Add(writePatience)); err != nil {
			return written, err
		}
		var n int
		n, err = c.net.Write(out[:min(step, len(out))])
		written += n
		out = out[n:]
	}
	if err != nil {
		return written, err
	}
	return written, c.net.SetWriteDeadline(time.Time{})
}

// whenFlushed lets serve look for an empty input if the burst rule still waits for it.
func (c *conn) whenFlushed() {
	if c.session.refusing() {
		c.kick()
	}
}
