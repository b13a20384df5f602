package cluster

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// gaplessLog is a log store in memory that leaves no gaps.
type gaplessLog struct{ *raft.InmemStore }

func (gaplessLog) IsMonotonic() bool { return true }

// follower is a raft that was a leader once: its entries from the second on were confirmed by nobody.
func follower(t *testing.T, last uint64, fatal func(error)) (r *raft.Raft, leader *raft.InmemTransport) {
	t.Helper()
	config := &Config{Logger: hclog.NewNullLogger(), Timing: Timing{Heartbeat: time.Hour, Election: time.Hour, Lease: time.Hour}}
	store, images := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
	_, trans := raft.NewInmemTransport("f:1")
	_, leader = raft.NewInmemTransport("l:1")
	leader.Connect("f:1", trans)
	servers := raft.Configuration{Servers: []raft.Server{{ID: "f-1", Address: "f:1"}, {ID: "l-1", Address: "l:1"}}}
	rc := config.raftConfig("f-1")
	if err := raft.BootstrapCluster(rc, store, store, images, trans, servers); err != nil {
		t.Fatal(err)
	}
	for index := uint64(2); index <= last; index++ {
		if err := store.StoreLog(&raft.Log{Index: index, Term: 1, Type: raft.LogNoop}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := raft.NewRaft(rc, newReplica(func(int64) {}, fatal), outrunLog{gaplessLog{store}, images, fatal}, store, images, trans)
	if err != nil {
		t.Fatal(err)
	}
	return r, leader
}

func TestALogThatReachedBeyondItsImageEndsTheNode(t *testing.T) {
	for last, outrun := range map[uint64]bool{4: false, 5: true, 7: true} {
		synctest.Test(t, func(t *testing.T) {
			var ended error
			r, leader := follower(t, last, func(err error) { ended = err })
			source := newReplica(func(int64) {}, nil)
			source.pass(5)
			var image bytes.Buffer
			if _, err := source.machine.Freeze().WriteTo(&image); err != nil {
				t.Fatal(err)
			}
			header := raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte("l-1"), Addr: []byte("l:1")}
			servers := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "f-1", Address: "f:1"}, {ID: "l-1", Address: "l:1"}}})
			var installed raft.InstallSnapshotResponse
			err := leader.InstallSnapshot("f-1", "f:1", &raft.InstallSnapshotRequest{RPCHeader: header, SnapshotVersion: 1, Term: 3, LastLogIndex: 5,
				LastLogTerm: 2, Configuration: servers, ConfigurationIndex: 1, Size: int64(image.Len())}, &installed, &image)
			if err != nil || !installed.Success {
				t.Fatalf("%+v, %v", installed, err)
			}
			var appended raft.AppendEntriesResponse
			err = leader.AppendEntries("f-1", "f:1", &raft.AppendEntriesRequest{RPCHeader: header, Term: 3, PrevLogEntry: 5, PrevLogTerm: 2,
				Entries: []*raft.Log{{Index: 6, Term: 3, Type: raft.LogNoop}}}, &appended)
			if err != nil || appended.Success == outrun {
				t.Errorf("last %d: what follows the image: %+v, %v", last, appended, err)
			}
			if outrun != (ended != nil) || outrun && !strings.Contains(ended.Error(), "start this node again") {
				t.Errorf("last %d: ended with %v", last, ended)
			}
			if err := r.Shutdown().Error(); err != nil {
				t.Error(err)
			}
		})
	}
}
