package main

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

func TestWhatNeedsTheNodeWaitsAtTheGateAndTheRestDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(fsm.Status{ID: "n1", Version: "v1", Role: fsm.Nonvoter}, nil)
		if s := g.Local(); s.ID != "n1" || s.Version != "v1" || s.Leader != nil {
			t.Errorf("status %+v", s)
		}
		described := make(chan fsm.Status)
		g.Describe(func(s fsm.Status) { described <- s })
		if s := <-described; s.ID != "n1" {
			t.Errorf("described as %+v", s)
		}
		for _, ask := range []func(*fsm.Request){g.Propose, g.Read} {
			from := time.Now()
			done := make(chan struct{})
			r := &fsm.Request{Done: func(*fsm.Request) { close(done) }}
			ask(r)
			<-done
			if took := time.Since(from); !errors.Is(r.Err, fsm.ErrNotApplied) || took != gatePatience {
				t.Errorf("%v after %v", r.Err, took)
			}
		}
	})
}

func TestTheGateLetsThroughWhatWaited(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(fsm.Status{ID: "n1", Version: "v1", Role: fsm.Nonvoter}, nil)
	done := make(chan struct{})
	r := &fsm.Request{Done: func(*fsm.Request) { close(done) }}
	r.Add(fsm.Op{Kind: fsm.Incr, Key: []byte("hits"), Amount: 1})
	g.Propose(r)
	node, err := cluster.Open(cluster.Config{Dir: t.TempDir(), Name: "n1", RESP: "127.0.0.1:1", Listener: listener, Bootstrap: true,
		Fatal: func(err error) { t.Errorf("the node ended: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	g.open(node)
	<-done
	if r.Err != nil {
		t.Errorf("what waited got %v", r.Err)
	}
	if s := g.Local(); s.ID != "n1" || s.Role == fsm.Nonvoter {
		t.Errorf("status behind the open gate: %+v", s)
	}
}
