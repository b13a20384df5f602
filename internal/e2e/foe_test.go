//go:build e2e

package e2e

import (
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// foe is one connection of an attack.
type foe struct {
	field *field
	conn  *net.TCPConn
	gone  sync.Once
}

// dial connects, or returns nil and counts that.
func (f *field) dial() *foe {
	conn, err := net.DialTimeout("tcp", f.target, answerTime)
	if err != nil {
		f.failed.Add(1)
		return nil
	}
	f.connected.Add(1)
	c := &foe{field: f, conn: conn.(*net.TCPConn)}
	_ = c.conn.SetLinger(0) // no port stays taken behind a storm of connections
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns == nil {
		f.conns = map[*foe]struct{}{}
	}
	f.conns[c] = struct{}{}
	return c
}

// crowd connects n times, some at once, and runs each connection's part in the attack.
func (f *field) crowd(n int, part func(c *foe)) {
	const dialers = 32
	var dialing sync.WaitGroup
	for d := range dialers {
		dialing.Go(func() {
			for i := d; i < n; i += dialers {
				if c := f.dial(); c != nil {
					f.running.Go(func() {
						part(c)
						c.close()
					})
				}
			}
		})
	}
	dialing.Wait()
}

func (c *foe) close() {
	c.conn.Close()
	c.field.mu.Lock()
	defer c.field.mu.Unlock()
	delete(c.field.conns, c)
}

// send reports false when the connection is at its end.
func (c *foe) send(text []byte) bool {
	n, err := c.conn.Write(text)
	c.field.sent.Add(int64(n))
	if err != nil {
		c.ended(err)
	}
	return err == nil
}

// ended counts a connection that the node has closed.
func (c *foe) ended(err error) {
	if !errors.Is(err, net.ErrClosed) && !c.field.stopped() {
		c.gone.Do(func() { c.field.closed.Add(1) })
	}
}

// repeat sends the text again and again, many times in one packet.
func (c *foe) repeat(text string) {
	packet := []byte(strings.Repeat(text, max(1, 64<<10/len(text))))
	for c.send(packet) {
	}
}

// listen reads what the node says, until the end, and returns the last of it.
func (c *foe) listen() string {
	const kept = 256
	var last []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := c.conn.Read(buf)
		c.field.received.Add(int64(n))
		last = append(last, buf[max(0, n-kept):n]...)
		last = slices.Delete(last, 0, max(0, len(last)-kept))
		if err != nil {
			c.ended(err)
			return string(last)
		}
	}
}

// wait waits until the attack ends or the node closes the connection, which it notices without reading what comes.
func (c *foe) wait() { c.field.hear(c.listen()) }

// linger waits until the attack ends, and never reads.
func (c *foe) linger() { <-c.field.stop }

// drip sends a packet each interval.
func (c *foe) drip(interval time.Duration, packet []byte) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-c.field.stop:
			return
		case <-tick.C:
			if !c.send(packet) {
				return
			}
		}
	}
}
