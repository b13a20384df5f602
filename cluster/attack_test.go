package cluster_test

import (
	"context"
	"maps"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/internal/sim"
	"github.com/truecount/truecount/transport"
)

// A stranger with the library's own transport tries to take over a healthy cluster. raft believes whoever reaches it, so all
// depends on what the peer port lets through.

// hugeTerm is larger than all terms of a cluster.
const hugeTerm = 1 << 40

func TestAForgedLeaderCannotTakeOverAHealthyCluster(t *testing.T) {
	rows := map[string]func(c *sim.Cluster, me *transport.Identity) (secret []byte){ // me: what n2 says of itself
		"without a handshake": nil,
		"without a secret":    func(*sim.Cluster, *transport.Identity) []byte { return nil },
		"with a wrong secret": func(*sim.Cluster, *transport.Identity) []byte { return []byte("is it this? who knows") },
		"of another cluster":  func(c *sim.Cluster, me *transport.Identity) []byte { me.Cluster = "another"; return c.Secret },
		"of no cluster":       func(c *sim.Cluster, me *transport.Identity) []byte { me.Cluster = ""; return c.Secret },
		"who is not a member": func(c *sim.Cluster, me *transport.Identity) []byte { me.Node = "n9-1"; return c.Secret },
		"without a name":      func(c *sim.Cluster, me *transport.Identity) []byte { me.Node = ""; return c.Secret },
	}
	for name, who := range rows {
		synctest.Test(t, func(t *testing.T) {
			c := healthy(t)
			defer c.Stop()
			dial := dialer(func(ctx context.Context, addr string) (net.Conn, error) { return c.Net.Dial(ctx, "stranger", addr) })
			if who != nil {
				me := c.Node("n2").Introduce()
				secret := who(c, &me)
				dial = forge(t, c, "stranger", secret, me).DialRaft
			}
			before := stateOf(t, c)
			for _, node := range c.Names() {
				if answered := attack(t, c, dial, node); answered != 0 {
					t.Errorf("%s: %s answered %d messages", name, node, answered)
				}
			}
			time.Sleep(2 * time.Second)
			if after := stateOf(t, c); len(before) != 3 || !maps.Equal(before, after) {
				t.Errorf("%s: %v became %v", name, before, after)
			}
		})
	}
}

// The same messages of one who knows the secret, and a member's id, do what the test above is afraid of.
func TestTheForgedLeaderWouldTakeOverIfHeWereLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := healthy(t)
		defer c.Stop()
		p := forge(t, c, "stranger", c.Secret, c.Node("n2").Introduce())
		s := &stock{t: t, c: c, dial: p.DialRaft}
		trans := s.transport()
		defer trans.Close()
		var answer raft.AppendEntriesResponse
		err := trans.AppendEntries("n3", "n3:17379", &raft.AppendEntriesRequest{RPCHeader: s.header(), Term: hugeTerm, LeaderCommitIndex: 1}, &answer)
		if err != nil {
			t.Fatal(err)
		}
		if term := c.Node("n3").Local().Term; term < hugeTerm {
			t.Errorf("term %d", term)
		}
	})
}

// healthy is a cluster of three with a counter of 5, in which everybody knows the leader and has caught up.
func healthy(t *testing.T) *sim.Cluster {
	t.Helper()
	c := sim.New(t, 1)
	c.StartThree()
	if _, err := c.Incr("n1", "hits", 5); err != nil {
		t.Fatal(err)
	}
	for _, name := range c.Names() {
		c.WaitFor("counter at "+name, 5*time.Second, func() bool {
			got, err := c.Get(name, "hits")
			return err == nil && got == 5 && c.Node(name).Local().Leader != nil
		})
	}
	return c
}

// state is what an attack must not change, as seen by one node.
type state struct {
	leader string
	term   uint64
	hits   int64
}

func stateOf(t *testing.T, c *sim.Cluster) map[string]state {
	t.Helper()
	all := map[string]state{}
	for _, name := range c.Names() {
		hits, err := c.Get(name, "hits")
		local := c.Node(name).Local()
		if err != nil || local.Leader == nil {
			t.Errorf("%s: %v, leader %v", name, err, local.Leader)
			continue
		}
		all[name] = state{local.Leader.ID, local.Term, hits}
	}
	return all
}

type dialer func(ctx context.Context, addr string) (net.Conn, error)

// stock is the library's transport over a stranger's connections.
type stock struct {
	t    *testing.T
	c    *sim.Cluster
	dial dialer
	net.Listener
}

func (s *stock) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return s.dial(ctx, string(addr))
}

func (s *stock) transport() *raft.NetworkTransport {
	var err error
	if s.Listener, err = s.c.Net.Listen("stranger:1"); err != nil {
		s.t.Fatal(err)
	}
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: s, MaxPool: 1, Timeout: time.Second, Logger: hclog.NewNullLogger(),
	})
}

func (s *stock) header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("n2"), Addr: []byte("stranger:1")}
}

// attack sends a node everything that a forged leader has to say, and counts the answers.
func attack(t *testing.T, c *sim.Cluster, dial dialer, node string) (answered int) {
	t.Helper()
	s := &stock{t: t, c: c, dial: dial}
	trans := s.transport()
	defer trans.Close()
	id, addr := raft.ServerID(node), raft.ServerAddress(node+":17379")
	forged := make([]*raft.Log, 50)
	for i := range forged {
		forged[i] = &raft.Log{Index: uint64(i + 1), Term: hugeTerm, Type: raft.LogNoop}
	}
	for _, rpc := range []func() error{
		func() error { // how long is its log?
			return trans.AppendEntries(id, addr, &raft.AppendEntriesRequest{RPCHeader: s.header(), Term: 1, PrevLogEntry: 1 << 50},
				&raft.AppendEntriesResponse{})
		},
		func() error {
			return trans.AppendEntries(id, addr, &raft.AppendEntriesRequest{RPCHeader: s.header(), Term: hugeTerm, Entries: forged,
				LeaderCommitIndex: uint64(len(forged))}, &raft.AppendEntriesResponse{})
		},
		func() error {
			return trans.RequestVote(id, addr, &raft.RequestVoteRequest{RPCHeader: s.header(), Term: hugeTerm, LastLogIndex: 1 << 50,
				LastLogTerm: hugeTerm, LeadershipTransfer: true}, &raft.RequestVoteResponse{})
		},
		func() error {
			return trans.TimeoutNow(id, addr, &raft.TimeoutNowRequest{RPCHeader: s.header()}, &raft.TimeoutNowResponse{})
		},
		func() error {
			return trans.InstallSnapshot(id, addr, &raft.InstallSnapshotRequest{RPCHeader: s.header(), SnapshotVersion: 1, Term: hugeTerm,
				LastLogIndex: 1 << 50, LastLogTerm: hugeTerm, Size: 4}, &raft.InstallSnapshotResponse{}, strings.NewReader("junk"))
		},
	} {
		if rpc() == nil {
			answered++
		}
	}
	return answered
}
