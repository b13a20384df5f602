package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
)

// onLoopback opens a port on a real socket.
func onLoopback(tb testing.TB, name string, handle Handler) *Port {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var dialer net.Dialer
	p := NewPort(Config{
		Listener: l,
		Dial:     func(ctx context.Context, addr string) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", addr) },
		Secret:   secret,
		Me:       func() Identity { return Identity{Cluster: "house", Node: name} },
		Admit: func(_ Stream, from Identity) error {
			if from.Cluster != "house" {
				return errors.New("not of this house")
			}
			return nil
		},
		Handlers: map[Stream]Handler{Control: handle},
	})
	tb.Cleanup(func() { p.Close() })
	return p
}

func TestCallsTravelOverRealSockets(t *testing.T) {
	a, b := onLoopback(t, "a", echo), onLoopback(t, "b", echo)
	var callers sync.WaitGroup
	for i := range 32 {
		callers.Go(func() {
			link := a.Link(Control, b.Addr().String())
			for j := range 50 {
				text := fmt.Sprint(i, " ", j, " ", string(make([]byte, i*j*32)))
				if got := ask(link, text); got.err != nil || got.reply != text {
					t.Errorf("call %d %d ended with %d bytes, %v", i, j, len(got.reply), got.err)
				}
			}
		})
	}
	callers.Wait()
}

func TestARefusalArrivesOverRealSockets(t *testing.T) {
	b := onLoopback(t, "b", echo)
	conn, err := net.Dial("tcp", b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = sayHello(conn, secret, Control, Identity{"another house", "a"})
	if !errors.Is(err, ErrRefused) || err.Error() != "refused by the peer: not of this house" {
		t.Errorf("sayHello = %v", err)
	}
	expectHangUp(t, conn)
}

func TestCloseBreaksCallsOverRealSockets(t *testing.T) {
	handled := make(chan struct{}, 1)
	a := onLoopback(t, "a", echo)
	b := onLoopback(t, "b", func(string, byte, []byte, func([]byte)) { handled <- struct{}{} })
	call := begin(a.Link(Control, b.Addr().String()), "x")
	<-handled
	b.Close()
	if got := <-call; !errors.Is(got.err, ErrBroken) || got.after > linkPatience {
		t.Errorf("the call ended with %v after %v", got.err, got.after)
	}
	if got := ask(a.Link(Control, b.Addr().String()), "x"); !errors.Is(got.err, ErrNotSent) {
		t.Errorf("the next call ended with %v", got.err)
	}
}

func TestRaftsBytesTravelOverRealSockets(t *testing.T) {
	a, b := onLoopback(t, "a", echo), onLoopback(t, "b", echo)
	dialed, err := a.DialRaft(t.Context(), b.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	send(t, dialed, []byte("there"))
	accepted, err := b.AcceptRaft()
	if err != nil {
		t.Fatal(err)
	}
	expectBytes(t, accepted, "there")
	send(t, accepted, []byte("back"))
	expectBytes(t, dialed, "back")
	b.Close()
	expectHangUp(t, dialed)
}

// BenchmarkCalls measures small calls between two ports of one process, with so many under way at a time.
func BenchmarkCalls(b *testing.B) {
	for _, width := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("%d under way", width), func(b *testing.B) {
			near, far := onLoopback(b, "a", echo), onLoopback(b, "b", echo)
			link := near.Link(Control, far.Addr().String())
			slots := make(chan struct{}, width)
			payload := make([]byte, 32)
			done := func(_ []byte, err error) {
				if err != nil {
					b.Error(err)
				}
				<-slots
			}
			b.ReportAllocs()
			for b.Loop() {
				slots <- struct{}{}
				link.Call(1, payload, done)
			}
			for range width {
				slots <- struct{}{}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
