package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

func TestAnImageIsWrittenAtItsPaceAndSyncedOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		unsynced, syncs := 0, 0
		p := pacedWriter{w: &out, sync: func() error {
			syncs++
			if out.Len()-unsynced > paceBlock*syncBlocks {
				t.Errorf("%d bytes were not synced", out.Len()-unsynced)
			}
			unsynced = out.Len()
			return nil
		}}
		start := time.Now()
		for range 64 {
			if n, err := p.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
				t.Fatalf("%d, %v", n, err)
			}
		}
		if took := time.Since(start); took < 1990*time.Millisecond || took > 2010*time.Millisecond {
			t.Errorf("64 MiB in %v, want 2 s", took)
		}
		if out.Len() != 64<<20 || syncs != 64 {
			t.Errorf("%d bytes, %d syncs", out.Len(), syncs)
		}
	})
}

func TestWhatASlowDiskHasDelayedIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := pacedWriter{w: &out, sync: func() error { time.Sleep(time.Second); return nil }}
		p.Write(make([]byte, paceBlock*syncBlocks)) // ends with a sync
		start := time.Now()
		p.Write(make([]byte, paceBlock*(syncBlocks-1)))
		want := time.Duration(syncBlocks-2) * time.Second * paceBlock / imagePace
		if took := time.Since(start); took < want {
			t.Errorf("after a slow sync, a burst: %v, want %v", took, want)
		}
	})
}

func TestAnImageThatIsBeingWrittenIsGivenUpAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := quietReplica(t)
		r.machine = machineOf(t, 4000)
		stop := make(chan struct{})
		r.images = imageWriter{stop: stop, logger: hclog.NewNullLogger()}
		image, err := r.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(100*time.Millisecond, func() { close(stop) })
		start, sink := time.Now(), &memorySink{}
		if err := image.Persist(sink); !errors.Is(err, errImageStopped) || !sink.cancelled || sink.closed {
			t.Errorf("persist: %v, cancelled %v, closed %v", err, sink.cancelled, sink.closed)
		}
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("given up after %v, want 100 ms", took)
		}
	})
}

// machineOf holds count texts of 4 KiB.
func machineOf(t *testing.T, count int) *fsm.Machine {
	t.Helper()
	m := fsm.New()
	for i := range count {
		r := fsm.Request{}
		r.Add(fsm.Op{Kind: fsm.Set, Key: fmt.Append(nil, i), Value: fsm.Value{Kind: fsm.Text, Text: make([]byte, fsm.MaxText)}})
		batch := fsm.AppendBatch(nil, fsm.Number{Origin: "o", Incarnation: 1, Sequence: uint64(i + 1)}, 1, r.Groups)
		if _, err := m.Apply(uint64(i+1), 1, fsm.Entry{Kind: fsm.Ordinary, Batches: [][]byte{batch}}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// The library hides the file of its sink: this is where it has to be.
func TestTheFileOfTheLibrarysSinkIsFoundAndSynced(t *testing.T) {
	dir := t.TempDir()
	store, err := raft.NewFileSnapshotStoreWithLogger(dir, keptSnapshots, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	sink, err := store.Create(1, 10, 1, raft.Configuration{}, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sinkFile(dir, sink.ID())); err != nil {
		t.Error(err)
	}
	var said bytes.Buffer
	w := imageWriter{dir: dir, logger: hclog.New(&hclog.LoggerOptions{Output: &said})}
	size, err := w.write(sink, machineOf(t, 300).Freeze()) // a block of syncs, and some
	if err != nil || said.Len() > 0 {
		t.Errorf("%v, said %q", err, said.String())
	}
	images, err := store.List()
	if err != nil || len(images) != 1 || images[0].Size != size {
		t.Errorf("%d bytes written, listed: %+v, %v", size, images, err)
	}
}
