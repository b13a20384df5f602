package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// visit makes a connection of a node that has been let in.
func visit(t *testing.T, n *memnet.Network, to, node string, stream Stream) net.Conn {
	t.Helper()
	conn := stranger(t, n, to)
	if err := sayHello(conn, secret, stream, Identity{"house", node}); err != nil {
		t.Fatal(err)
	}
	return &records{Conn: conn}
}

// takeRaft does with some connections what raft does: reads until they end, then closes them.
func takeRaft(p *peer, some int) {
	for range some {
		conn, err := p.AcceptRaft()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}()
	}
}

func TestDropEndsAllThatANodeHasOpenedAndNothingElse(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		b := open(t, n, "b")
		open(t, n, "removed")
		var gone, kept []net.Conn
		for _, stream := range []Stream{Control, Batches, Raft, Raft} {
			gone = append(gone, visit(t, n, "b", "removed", stream))
			kept = append(kept, visit(t, n, "b", "member", stream), visit(t, n, "b", "", stream))
		}
		go takeRaft(b, 1) // the others wait for raft
		silent := stranger(t, n, "b")
		outbound := b.Link(Control, addrOf("removed"))
		expectEcho(t, outbound, "before")
		synctest.Wait()
		b.Drop("removed")
		b.Drop("nobody")
		for _, conn := range gone {
			expectHangUp(t, conn)
		}
		for _, conn := range append(kept, silent) {
			_ = conn.SetReadDeadline(time.Now())
			if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("another connection: %v", err)
			}
		}
		expectEcho(t, outbound, "after")
		b.Drop("") // a name like any other: neither strangers nor those whom b has dialed
		for _, conn := range []net.Conn{kept[1], kept[3], kept[5], kept[7]} {
			_ = conn.SetReadDeadline(time.Time{})
			expectHangUp(t, conn)
		}
		_ = silent.SetReadDeadline(time.Time{})
		send(t, silent, knock(t, silent, Control))
		expectEcho(t, outbound, "after")
		go takeRaft(b, 5)
		synctest.Wait()
		if b.dials.Load() != 1 || seatsOf(b, Control) != 2 || seatsOf(b, Batches) != 1 || seatsOf(b, Raft) != 2 {
			t.Errorf("%d dials, %d, %d and %d seats", b.dials.Load(), seatsOf(b, Control), seatsOf(b, Batches), seatsOf(b, Raft))
		}
	})
}

// The owner's rule is asked, then the node is removed, then the answer takes effect: Drop must not come in between.
func TestDropSeesThoseWhoseAdmissionIsUnderWay(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		asked, answer := make(chan struct{}), make(chan struct{})
		b := open(t, n, "b", admitting(func(Stream, Identity) error {
			close(asked)
			<-answer
			return nil
		}))
		conn := stranger(t, n, "b")
		done := make(chan error, 1)
		go func() { done <- sayHello(conn, secret, Control, Identity{"house", "removed"}) }()
		<-asked
		b.Drop("removed")
		close(answer)
		if err := <-done; err == nil {
			t.Error("it was let in")
		}
		synctest.Wait()
		if seatsOf(b, Control) != 0 {
			t.Error("it keeps its seat")
		}
	})
}

func TestForgetEndsTheLinksToAnAddress(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		b := open(t, n, "b", func(c *Config) { c.Handlers = map[Stream]Handler{Control: silent, Batches: echo} })
		open(t, n, "c")
		open(t, n, "far")
		n.Cut("a", "far")
		links := []*Link{a.Link(Control, addrOf("b")), a.Link(Batches, addrOf("b")), a.Link(Join, addrOf("b"))}
		expectEcho(t, links[1], "before")
		expectEcho(t, a.Link(Control, addrOf("c")), "before")
		sent, dialing := begin(links[0], "never answered"), begin(a.Link(Control, addrOf("far")), "x")
		synctest.Wait()
		start := time.Now()
		a.Forget(addrOf("b"))
		a.Forget(addrOf("far"))
		a.Forget(addrOf("nobody"))
		expectFailure(t, sent, ErrBroken, errForgotten, 0, 0)
		expectFailure(t, dialing, ErrNotSent, errForgotten, 0, 0)
		for _, l := range links {
			expectFailure(t, begin(l, "x"), ErrNotSent, errForgotten, 0, 0)
		}
		synctest.Wait()
		if len(b.conns) != 0 || a.dials.Load() != 4 || time.Since(start) != 0 {
			t.Errorf("%d connections are left, %d dials", len(b.conns), a.dials.Load())
		}
		expectEcho(t, a.Link(Control, addrOf("c")), "others are not disturbed")
		expectEcho(t, a.Link(Batches, addrOf("b")), "a new link")
		if len(a.links) != 2 {
			t.Errorf("%d links", len(a.links))
		}
	})
}

func TestForgetWinsOverADialThatSucceeds(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		b := open(t, n, "b")
		var a *peer
		a = open(t, n, "a", func(c *Config) {
			c.Dial = func(_ context.Context, addr string) (net.Conn, error) {
				a.Forget(addr)
				return n.Dial(context.Background(), "a", addr)
			}
		})
		expectFailure(t, begin(a.Link(Control, addrOf("b")), "x"), ErrNotSent, errForgotten, 0, 0)
		synctest.Wait()
		if len(b.conns) != 0 {
			t.Errorf("%d connections are left", len(b.conns))
		}
	})
}
