package transport

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/truecount/truecount/internal/memnet"
)

// tap is a host in the middle: it carries what a dialer and a listener say, and keeps what each of them has said, as it
// carried it. It is made for one connection at a time.
type tap struct {
	mu       sync.Mutex
	dialer   []byte
	listener []byte
}

// tapping opens a tap before the peer port of another host. edit may change each byte, at its offset in what one of them
// says; nil changes none.
func tapping(t *testing.T, n *memnet.Network, name, to string, edit func(byDialer bool, at int, b byte) byte) *tap {
	t.Helper()
	l, err := n.Listen(addrOf(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &tap{}
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := n.Dial(t.Context(), name, addrOf(to))
			if err != nil {
				near.Close()
				continue
			}
			p.mu.Lock()
			p.dialer, p.listener = nil, nil
			p.mu.Unlock()
			go p.carry(near, far, &p.dialer, func(at int, b byte) byte { return edited(edit, true, at, b) })
			go p.carry(far, near, &p.listener, func(at int, b byte) byte { return edited(edit, false, at, b) })
		}
	}()
	return p
}

func edited(edit func(bool, int, byte) byte, byDialer bool, at int, b byte) byte {
	if edit == nil {
		return b
	}
	return edit(byDialer, at, b)
}

func (p *tap) carry(from, to net.Conn, said *[]byte, edit func(at int, b byte) byte) {
	defer to.Close()
	defer from.Close()
	buf, at := make([]byte, 1<<10), 0
	for {
		size, err := from.Read(buf)
		for i := range size {
			buf[i] = edit(at, buf[i])
			at++
		}
		p.mu.Lock()
		*said = append(*said, buf[:size]...)
		p.mu.Unlock()
		if _, fail := to.Write(buf[:size]); err != nil || fail != nil {
			return
		}
	}
}

// heard is what was said up to now.
func (p *tap) heard() (dialer, listener []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]byte(nil), p.dialer...), append([]byte(nil), p.listener...)
}

// script is a connection that says what it was given, and nothing answers to it.
type script struct {
	net.Conn
	r io.Reader
}

func (s script) Read(p []byte) (int, error)  { return s.r.Read(p) }
func (s script) Write(p []byte) (int, error) { return len(p), nil }
