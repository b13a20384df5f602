package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/internal/sim"
	"github.com/truecount/truecount/transport"
)

// forge opens the peer port of a host that claims to be whoever it likes.
func forge(t *testing.T, c *sim.Cluster, host string, secret []byte, me transport.Identity) *transport.Port {
	t.Helper()
	l, err := c.Net.Listen(host + ":17379")
	if err != nil {
		t.Fatal(err)
	}
	p := transport.NewPort(transport.Config{Listener: l, Secret: secret,
		Dial:  func(ctx context.Context, addr string) (net.Conn, error) { return c.Net.Dial(ctx, host, addr) },
		Me:    func() transport.Identity { return me },
		Admit: func(transport.Stream, transport.Identity) error { return errors.New("nobody is let in here") },
	})
	t.Cleanup(func() { p.Close() })
	return p
}

// call asks for nothing in particular; the error tells whether the stream is open to who asks.
func call(p *transport.Port, stream transport.Stream, to string) error {
	done := make(chan error, 1)
	p.Link(stream, to).Call(0, nil, func(_ []byte, err error) { done <- err })
	return <-done
}

func TestOneWithTheSecretWhoIsNoMemberMayOnlyAskToJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.StartThree()
		house := c.Node("n1").Introduce().Cluster
		known := func() bool {
			for _, name := range c.Names() {
				if c.Node(name).Local().Leader == nil {
					return false
				}
			}
			return true
		}
		c.WaitFor("leader that all know", 5*time.Second, known)
		inside := forge(t, c, "inside", c.Secret, transport.Identity{Cluster: house, Node: "nobody-1"})
		outside := forge(t, c, "outside", c.Secret, transport.Identity{Cluster: "another", Node: c.Node("n2").Introduce().Node})
		for _, name := range c.Names() {
			addr := name + ":17379"
			for _, p := range []*transport.Port{inside, outside} {
				for _, stream := range []transport.Stream{transport.Control, transport.Batches} {
					if err := call(p, stream, addr); !errors.Is(err, transport.ErrRefused) {
						t.Errorf("%c to %s: %v", stream, name, err)
					}
				}
				if _, err := p.DialRaft(t.Context(), addr); !errors.Is(err, transport.ErrRefused) {
					t.Errorf("raft of %s: %v", name, err)
				}
				if err := call(p, transport.Join, addr); err != nil {
					t.Errorf("join at %s: %v", name, err)
				}
			}
		}
	})
}

func TestAGuestIsHeardWhileThereIsNoLeaderAndDismissedWhenThereIsOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.StartThree()
		house := c.Node("n1").Introduce().Cluster
		c.Crash("n2")
		c.Crash("n3")
		leader := func() bool { return c.Node("n1").Local().Leader != nil }
		c.WaitFor("loss of the leader", 5*time.Second, func() bool { return !leader() })
		p := forge(t, c, "guest", c.Secret, transport.Identity{Cluster: house, Node: "nobody-1"})
		conn, err := p.DialRaft(t.Context(), "n1:17379")
		if err != nil {
			t.Fatal(err)
		}
		if err := call(p, transport.Control, "n1:17379"); err != nil {
			t.Errorf("Control: %v", err)
		}
		if err := call(p, transport.Batches, "n1:17379"); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("Batches: %v", err)
		}
		c.Restart("n2")
		c.WaitFor("leader", 5*time.Second, leader)
		if err := conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		var timeout net.Error
		if _, err := conn.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("the guest is still there: %v", err)
		}
		time.Sleep(50 * time.Millisecond) // a link that broke is made again
		if err := call(p, transport.Control, "n1:17379"); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("Control, once there is a leader: %v", err)
		}
		if leader := c.Leader(); leader == "" {
			t.Error("the leader is gone again")
		}
	})
}

// Its heartbeats must not get through while its log does not.
func TestALeaderThatIsAGuestMayOpenMoreConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.StartThree()
		me := transport.Identity{Cluster: c.Node("n1").Introduce().Cluster, Node: "n9-1"}
		c.Crash("n2")
		c.Crash("n3")
		c.WaitFor("loss of the leader", 5*time.Second, func() bool { return c.Node("n1").Local().Leader == nil })
		p := forge(t, c, "stranger", c.Secret, me)
		s := &stock{t: t, c: c, dial: p.DialRaft}
		trans := s.transport()
		defer trans.Close()
		lead := func() error {
			r := &raft.AppendEntriesRequest{RPCHeader: s.header(), Term: c.Node("n1").Local().Term + 1, LeaderCommitIndex: 1}
			r.ID = []byte(me.Node)
			return trans.AppendEntries("n1", "n1:17379", r, &raft.AppendEntriesResponse{})
		}
		if err := lead(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // several ticks, and no silence that n1 would mind
		if _, err := p.DialRaft(t.Context(), "n1:17379"); err != nil {
			t.Errorf("one more: %v", err)
		}
		if err := call(p, transport.Control, "n1:17379"); err != nil {
			t.Errorf("Control: %v", err)
		}
		if err := lead(); err != nil {
			t.Errorf("over its first connection: %v", err)
		}
		c.Restart("n2")
		c.WaitFor("leader", 5*time.Second, func() bool { return c.Leader() != "" && c.Node("n1").Local().Leader != nil })
		time.Sleep(20 * time.Millisecond)
		if err := lead(); err == nil {
			t.Error("it is still there when another leads")
		}
	})
}

func TestThereIsABoundOnGuests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.StartThree()
		house := c.Node("n1").Introduce().Cluster
		c.Crash("n2")
		c.Crash("n3")
		c.WaitFor("loss of the leader", 5*time.Second, func() bool { return c.Node("n1").Local().Leader == nil })
		admitted := 0
		for i := range 100 {
			p := forge(t, c, fmt.Sprint("guest", i), c.Secret, transport.Identity{Cluster: house, Node: fmt.Sprint("nobody-", i)})
			for range 2 { // a known guest needs no more room
				if conn, err := p.DialRaft(t.Context(), "n1:17379"); err == nil {
					admitted++
					conn.Close()
				}
			}
		}
		if admitted != 2*64 {
			t.Errorf("%d connections of guests", admitted)
		}
	})
}

func TestASecretThatCanBeGuessedIsRefused(t *testing.T) {
	_, err := cluster.Open(cluster.Config{Dir: t.TempDir(), Secret: []byte("too short")})
	if err == nil || !strings.Contains(err.Error(), "openssl rand -hex 32") {
		t.Errorf("Open = %v", err)
	}
}
