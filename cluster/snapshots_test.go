package cluster

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

func TestAnImageIsDueByBytesOrByEntries(t *testing.T) {
	policy := SnapshotPolicy{Bytes: 1000, Entries: 100}
	for _, test := range []struct {
		what          string
		grown         applied
		lastImage     uint64
		rank, members int
		want          bool
	}{
		{"nothing applied", applied{}, 0, 0, 1, false},
		{"as many bytes as allowed", applied{1, 1000}, 0, 0, 1, false},
		{"a byte more", applied{1, 1001}, 0, 0, 1, true},
		{"as many entries as allowed", applied{100, 0}, 0, 0, 1, false},
		{"an entry more", applied{101, 0}, 0, 0, 1, true},
		{"less than the last image", applied{1, 5000}, 5000, 0, 1, false},
		{"more than the last image", applied{1, 5001}, 5000, 0, 1, true},
		{"a large image, many entries", applied{101, 0}, 5000, 0, 1, true},
		{"the first of three", applied{1, 1001}, 0, 0, 3, true},
		{"the second, where the first begins", applied{1, 1001}, 0, 1, 3, false},
		{"the second", applied{1, 1167}, 0, 1, 3, true},
		{"the third, where the second begins", applied{1, 1167}, 0, 2, 3, false},
		{"the third", applied{1, 1334}, 0, 2, 3, true},
		{"the third by entries", applied{134, 0}, 0, 2, 3, true},
		{"the third by too few entries", applied{133, 0}, 0, 2, 3, false},
	} {
		if got := policy.due(test.grown, test.lastImage, test.rank, test.members); got != test.want {
			t.Errorf("%s: due = %v", test.what, got)
		}
	}
	if (SnapshotPolicy{}).due(applied{128 << 10, 64 << 20}, 0, 0, 1) || !(SnapshotPolicy{}).due(applied{1, 64<<20 + 1}, 0, 0, 1) {
		t.Error("the zero policy is not 64 MiB and 128 Ki entries")
	}
}

// looking is a run of snapshots in a bubble, over images that are written as told.
type looking struct {
	snapshots

	mu     sync.Mutex // virtual time alone orders nothing, as the race detector sees it
	images []uint64   // bytes that had been applied when each was asked for
	result error      // of the next ones
}

func (l *looking) answer(result error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result = result
}

func (l *looking) start(t *testing.T, policy SnapshotPolicy) {
	l.snapshots = snapshots{policy: policy, growth: &growth{}, rank: func() (int, int) { return 0, 1 },
		forced: make(chan struct{}, 1), logger: hclog.NewNullLogger()}
	l.write = func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		at := l.growth.mark()
		l.images = append(l.images, at.bytes)
		if l.result == nil {
			l.growth.written(at, 10)
		}
		return l.result
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { l.run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

// apply applies so many bytes, and waits until that has been looked at.
func (l *looking) apply(size int) {
	l.growth.add([]*raft.Log{{Data: make([]byte, size)}})
	time.Sleep(l.policy.every() + time.Millisecond)
}

func (l *looking) want(t *testing.T, at ...uint64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.images, at) {
		t.Errorf("images at %v bytes, want %v", l.images, at)
	}
}

func TestImagesAreTakenWhenEnoughWasApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l looking
		l.start(t, SnapshotPolicy{Bytes: 100})
		l.apply(100)
		time.Sleep(time.Hour)
		l.want(t)
		l.apply(1)
		l.want(t, 101)
		time.Sleep(time.Hour)
		l.apply(100)
		l.want(t, 101)
		l.apply(50)
		l.want(t, 101, 251)
		l.snapshotNow()
		synctest.Wait()
		l.want(t, 101, 251, 251)
	})
}

func TestAfterAnImageThatCouldNotBeWrittenThereIsAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l looking
		l.start(t, SnapshotPolicy{Bytes: 100})
		l.answer(errDisk)
		l.apply(101)
		l.want(t, 101)
		time.Sleep(snapshotRetry - 2*time.Second)
		l.want(t, 101)
		l.answer(nil)
		time.Sleep(4 * time.Second)
		l.want(t, 101, 101)
		l.answer(errors.New("cannot take snapshot now, wait until the configuration entry at 7 has been applied (have applied 6)"))
		l.apply(101)
		l.apply(1) // no fault: the next look tries again
		l.want(t, 101, 101, 202, 203)
	})
}

func TestAnInstalledImageIsWhereTheCountBegins(t *testing.T) {
	first, second := quietReplica(t), quietReplica(t)
	first.ApplyBatch(logOf(1000, 2000))
	image, err := first.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	members := raft.EncodeConfiguration(raft.Configuration{})
	change := []*raft.Log{{Index: 9, Term: 1, Type: raft.LogConfiguration, Data: members}}
	first.ApplyBatch(change) // while the image is written
	sink := &memorySink{}
	if err := image.Persist(sink); err != nil {
		t.Fatal(err)
	}
	second.ApplyBatch(logOf()) // of another image: what it has applied counts no more
	if err := second.Restore(io.NopCloser(bytes.NewReader(sink.Bytes()))); err != nil {
		t.Fatal(err)
	}
	if grown, _ := second.growth.since(); grown != (applied{}) {
		t.Errorf("%+v since the image was installed, want nothing", grown)
	}
	second.ApplyBatch(change)
	for what, r := range map[string]*replica{"who wrote it": first, "who installed it": second} {
		if grown, size := r.growth.since(); grown != (applied{1, uint64(len(members))}) || size != uint64(sink.Len()) {
			t.Errorf("%s: %+v since an image of %d bytes, want an entry of %d since one of %d", what, grown, size, len(members), sink.Len())
		}
	}
}

func TestAnImageThatIsDroppedDoesNotCount(t *testing.T) {
	r := quietReplica(t)
	r.ApplyBatch(logOf(1000, 2000))
	image, err := r.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	image.Persist(&memorySink{full: true})
	image.Release()
	if grown, size := r.growth.since(); grown.entries != 3 || size != 0 {
		t.Errorf("%+v since an image of %d bytes, want 3 entries and none", grown, size)
	}
}

// A shorter log behind an image can brick members that are away (hashicorp/raft issue 697), and no setting reaches it.
func TestTheLogBehindAnImageIsLongEnough(t *testing.T) {
	c := Config{Logger: hclog.NewNullLogger()}
	if got := c.raftConfig("n1-1").TrailingLogs; got < 10240 {
		t.Errorf("%d entries are kept behind an image, want at least 10240", got)
	}
}
