package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// slowLog takes its time for every append.
type slowLog struct{ *raft.InmemStore }

func (l slowLog) StoreLogs(logs []*raft.Log) error {
	time.Sleep(time.Minute)
	return l.InmemStore.StoreLogs(logs)
}

func TestWhoeverShutsRaftDownCanWaitForItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := &Config{Logger: hclog.NewNullLogger()}
		rc := config.raftConfig("a-1")
		store, images := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		addr, trans := raft.NewInmemTransport("a:1")
		if err := raft.BootstrapCluster(rc, store, store, images, trans, raft.Configuration{Servers: []raft.Server{
			{ID: "a-1", Address: addr}}}); err != nil {
			t.Fatal(err)
		}
		r, err := raft.NewRaft(rc, newReplica(func(int64) {}, func(err error) { t.Error(err) }), slowLog{store}, store, images, trans)
		if err != nil {
			t.Fatal(err)
		}
		l := newEndable(r)
		time.Sleep(time.Second) // it leads, and appends its first entry
		from := time.Now()
		first, second := l.Shutdown(), l.Shutdown()
		if err := second.Error(); err != nil || time.Since(from) < 30*time.Second {
			t.Errorf("%v: it is said to have ended after %v, in the middle of a write", err, time.Since(from))
		}
		if err := first.Error(); err != nil {
			t.Error(err)
		}
	})
}
