package cluster

import (
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// loneRaft is a raft of one voter, which leads.
func loneRaft(t *testing.T, machine raft.FSM) *raft.Raft {
	t.Helper()
	rc := raft.DefaultConfig()
	rc.LocalID, rc.Logger = "n1-1", hclog.New(&hclog.LoggerOptions{Output: io.Discard})
	store := raft.NewInmemStore()
	addr, trans := raft.NewInmemTransport("n1:1")
	snapshots := raft.NewInmemSnapshotStore()
	err := raft.BootstrapCluster(rc, store, store, snapshots, trans, raft.Configuration{Servers: []raft.Server{{ID: rc.LocalID, Address: addr}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := raft.NewRaft(rc, machine, store, store, snapshots, trans)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Shutdown().Error() })
	time.Sleep(10 * time.Second)
	if r.State() != raft.Leader {
		t.Fatal("it does not lead")
	}
	return r
}

// Raft's channel of leadership changes drops what nobody takes in time, and two changes may look like none. So a leader that
// hears of nothing, and that was one before, must find out by itself in which term it leads; and is not ready before.
func TestALeaderOpensItsTermThoughNobodyTellsItOfIt(t *testing.T) {
	for name, opened := range map[string]uint64{"its first": 0, "a later one": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				replica := newReplica(func(int64) {}, func(err error) { t.Error(err) })
				r := loneRaft(t, replica)
				l := &leader{raft: r, replica: replica, clock: &clock{}, term: opened,
					walls:  func() ([]int64, bool) { return []int64{time.Now().UnixMilli()}, true },
					halted: func() (answer, bool) { return answer{}, false },
					wake:   make(chan struct{}, 1), idle: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
				if _, ready := l.ready(); ready {
					t.Error("it is ready before its Opener")
				}
				go l.run()
				defer l.close(time.Second)
				time.Sleep(2 * tickEvery)
				if term, ready := l.ready(); !ready || term != r.CurrentTerm() {
					t.Errorf("after two ticks: ready %v in term %d of %d", ready, term, r.CurrentTerm())
				}
				answered := make(chan answer, 1)
				l.offer(offer{fsm.Number{Origin: "n1-1", Incarnation: 1, Sequence: 1},
					fsm.AppendBatch(nil, fsm.Number{Origin: "n1-1", Incarnation: 1, Sequence: 1}, 0), func(a answer) { answered <- a }})
				select {
				case a := <-answered:
					if a.kind != answerResults {
						t.Errorf("a Batch: %+v", a)
					}
				case <-time.After(time.Second):
					t.Error("a Batch is not answered")
				}
			})
		})
	}
}
