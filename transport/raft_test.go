package transport

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

func TestRaftGetsItsConnectionsAsTheyAre(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a, b := open(t, n, "a"), open(t, n, "b")
		dialed, err := a.DialRaft(t.Context(), addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := b.AcceptRaft()
		if err != nil {
			t.Fatal(err)
		}
		there := "\x00TCNT3R" + strings.Repeat("there ", 1000)
		send(t, dialed, []byte(there))
		expectBytes(t, accepted, there)
		send(t, accepted, []byte("and back"))
		expectBytes(t, dialed, "and back")
		dialed.Close()
		if _, err := accepted.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("after the far Close: %v", err)
		}
		accepted.Close()
		if len(a.conns)+len(b.conns) != 0 {
			t.Errorf("%d and %d connections are known after both ends were closed", len(a.conns), len(b.conns))
		}
	})
}

func TestTheHandshakeSwallowsNoByteOfRafts(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		b := open(t, n, "b")
		conn := stranger(t, n, "b")
		send(t, conn, appendRecord(knock(t, conn, Raft), []byte("the first words"))) // in one segment
		accepted, err := b.AcceptRaft()
		if err != nil {
			t.Fatal(err)
		}
		expectBytes(t, accepted, "the first words")
	})
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		l, err := n.Listen(addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			if x, _, _, err := hearHello(conn, secret); err == nil && x.welcome() == nil {
				_, _ = conn.Write(appendRecord(nil, []byte("the first words")))
			}
		}()
		conn, err := open(t, n, "a").DialRaft(t.Context(), addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		expectBytes(t, conn, "the first words")
	})
}

func TestNoDeadlineOfTheHandshakeIsLeftOnRaftsConnections(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a, b := open(t, n, "a"), open(t, n, "b")
		dialed, err := a.DialRaft(t.Context(), addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := b.AcceptRaft()
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * handshakeTimeout)
		send(t, dialed, []byte("there"))
		expectBytes(t, accepted, "there")
		send(t, accepted, []byte("back"))
		expectBytes(t, dialed, "back")
	})
}

func TestCloseUnblocksAcceptRaft(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		accepted := make(chan error)
		go func() {
			_, err := a.AcceptRaft()
			accepted <- err
		}()
		synctest.Wait()
		a.Close()
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("AcceptRaft = %v", err)
		}
		if _, err := a.AcceptRaft(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("AcceptRaft after Close = %v", err)
		}
	})
}
