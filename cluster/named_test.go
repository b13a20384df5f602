package cluster

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/internal/memnet"
	"github.com/truecount/truecount/transport"
)

// oneAddress is a network with one listener; everybody who dials anything reaches it.
type oneAddress chan net.Conn

func (a oneAddress) Addr() net.Addr { return &net.TCPAddr{} }
func (a oneAddress) Close() error   { return nil }

func (a oneAddress) Accept() (net.Conn, error) {
	if conn, open := <-a; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (a oneAddress) Dial(raft.ServerAddress, time.Duration) (net.Conn, error) {
	here, there := net.Pipe()
	a <- there
	return here, nil
}

// answerAs says yes to everything.
func answerAs(id string, rpcs <-chan raft.RPC, done <-chan struct{}) {
	me := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(id)}
	for {
		select {
		case <-done:
			return
		case rpc := <-rpcs:
			switch rpc.Command.(type) {
			case *raft.AppendEntriesRequest:
				rpc.Respond(&raft.AppendEntriesResponse{RPCHeader: me, Success: true}, nil)
			case *raft.RequestVoteRequest:
				rpc.Respond(&raft.RequestVoteResponse{RPCHeader: me, Granted: true}, nil)
			case *raft.RequestPreVoteRequest:
				rpc.Respond(&raft.RequestPreVoteResponse{RPCHeader: me, Granted: true}, nil)
			}
		}
	}
}

// With one, raft hangs when leadership ends while it is full: see noPipeline.
func TestRaftIsOfferedNoPipeline(t *testing.T) {
	wire := make(oneAddress, 1)
	trans := gatedTransport{namedTransport: namedTransport{raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: wire, MaxPool: 1, MaxRPCsInFlight: noPipeline, Timeout: raftTimeout})}, silence: &silence{}}
	if _, err := trans.AppendEntriesPipeline("c-1", "c:1"); !errors.Is(err, raft.ErrPipelineReplicationNotSupported) {
		t.Errorf("a pipeline is offered: %v", err)
	}
	trans.Close()
	close(wire)
}

func TestAnAnswerCountsForTheMemberThatGaveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := make(oneAddress, 1)
		trans := namedTransport{raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: wire, MaxPool: 1, MaxRPCsInFlight: noPipeline, Timeout: raftTimeout})}
		go answerAs("c-1", trans.Consumer(), t.Context().Done())
		for name, ask := range map[string]func(id raft.ServerID) error{
			"entries": func(id raft.ServerID) error {
				return trans.AppendEntries(id, "c:1", &raft.AppendEntriesRequest{PrevLogEntry: 1}, &raft.AppendEntriesResponse{})
			},
			"a vote": func(id raft.ServerID) error {
				return trans.RequestVote(id, "c:1", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})
			},
			"a vote before the vote": func(id raft.ServerID) error {
				return trans.RequestPreVote(id, "c:1", &raft.RequestPreVoteRequest{}, &raft.RequestPreVoteResponse{})
			},
		} {
			if err := ask("c-1"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err := ask("b-1"); err == nil || !strings.Contains(err.Error(), `at c:1 answers "c-1", not b-1`) {
				t.Errorf("%s of another one: %v", name, err)
			}
		}
		trans.CloseStreams()
		trans.Close()
		close(wire)
	})
}

func TestAVoteIsForACandidateNotForItsAddress(t *testing.T) {
	trans := namedTransport{&raft.NetworkTransport{}}
	if string(trans.EncodePeer("a-1", "10.0.0.1:17379")) == string(trans.EncodePeer("b-1", "10.0.0.1:17379")) {
		t.Error("who has got the address of a candidate is taken for it")
	}
	for _, stored := range [][]byte{trans.EncodePeer("a-1", "10.0.0.1:17379"), []byte("10.0.0.1:17379")} {
		if got := trans.DecodePeer(stored); got != "10.0.0.1:17379" {
			t.Errorf("%q is the address %q", stored, got)
		}
	}
}

func TestAnEchoCountsForWhoSaysIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		house := memnet.New(rand.New(rand.NewPCG(1, 1)))
		open := func(name string) *transport.Port {
			listener, err := house.Listen(name + ":1")
			if err != nil {
				t.Fatal(err)
			}
			return transport.NewPort(transport.Config{Listener: listener,
				Dial:  func(ctx context.Context, addr string) (net.Conn, error) { return house.Dial(ctx, name, addr) },
				Me:    func() transport.Identity { return transport.Identity{Cluster: "house", Node: name + "-1"} },
				Admit: func(transport.Stream, transport.Identity) error { return nil },
				Handlers: map[transport.Stream]transport.Handler{transport.Control: func(_ string, _ byte, _ []byte, reply func([]byte)) {
					reply(appendEcho(nil, echo{term: 7, disk: diskEcho{known: true}, id: name + "-1"}))
				}}})
		}
		n := nodeWithLogger()
		n.port = open("a")
		c := open("c")
		for id, counts := range map[raft.ServerID]bool{"c-1": true, "b-1": false} {
			got := make(chan error, 1)
			n.echo(raft.Server{ID: id, Address: "c:1"}, func(e echo, err error) {
				if counts != (e.term == 7) {
					t.Errorf("for %s: %+v", id, e)
				}
				got <- err
			})
			if err := <-got; (err == nil) != counts {
				t.Errorf("for %s: %v", id, err)
			}
		}
		n.port.Close()
		c.Close()
	})
}
