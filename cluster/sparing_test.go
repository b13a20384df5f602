package cluster

import (
	"errors"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// newSparing is a log of five entries, of which none has Batches, on a disk that is as tight as *tight says.
func newSparing(t *testing.T, tight *bool) (*sparingLog, *raft.InmemStore) {
	store := raft.NewInmemStore()
	for i := range uint64(5) {
		if err := store.StoreLog(&raft.Log{Index: i + 1, Type: raft.LogNoop}); err != nil {
			t.Fatal(err)
		}
	}
	return &sparingLog{LogStore: store, tight: func() bool { return *tight }}, store
}

func entryLog(index uint64, batches ...[]byte) *raft.Log {
	entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1, Batches: batches}
	return &raft.Log{Index: index, Type: raft.LogCommand, Data: entry.Append(nil)}
}

func TestATightLogTakesNoBatchesAndAllElse(t *testing.T) {
	tight := true
	l, store := newSparing(t, &tight)
	batch := entryLog(6, []byte("batch"))
	opener := fsm.Entry{Kind: fsm.Opener, Stamp: 1}
	if err := l.StoreLog(batch); !errors.Is(err, errTight) {
		t.Errorf("a batch: %v", err)
	}
	if err := l.StoreLogs([]*raft.Log{{Index: 6, Type: raft.LogNoop}, entryLog(7, []byte("batch"))}); !errors.Is(err, errTight) {
		t.Errorf("a batch behind another: %v", err)
	}
	if last, _ := store.LastIndex(); last != 5 {
		t.Errorf("the log ends with %d", last)
	}
	if err := l.StoreLogs([]*raft.Log{{Index: 6, Type: raft.LogNoop}, {Index: 7, Type: raft.LogConfiguration}, entryLog(8),
		{Index: 9, Type: raft.LogCommand, Data: opener.Append(nil)}, {Index: 10, Type: raft.LogCommand, Data: []byte("?")}}); err != nil {
		t.Errorf("what is small: %v", err)
	}
	tight = false
	if err := l.StoreLog(entryLog(11, []byte("batch"))); err != nil {
		t.Errorf("a batch, with space again: %v", err)
	}
}

// Half of it would leave raft with a wrong idea of its log.
func TestATightLogIsNotCutToAppendWhatItWouldNotTake(t *testing.T) {
	tight := true
	l, store := newSparing(t, &tight)
	if err := l.DeleteRange(4, 5); !errors.Is(err, errTight) {
		t.Errorf("a cut: %v", err)
	}
	if last, _ := store.LastIndex(); last != 5 {
		t.Errorf("the log ends with %d", last)
	}
	tight = false
	if err := l.DeleteRange(4, 5); err != nil {
		t.Fatal(err)
	}
	tight = true // in between
	if err := l.StoreLog(entryLog(4, []byte("batch"))); err != nil {
		t.Errorf("the append behind a cut: %v", err)
	}
	if err := l.StoreLog(entryLog(5, []byte("batch"))); !errors.Is(err, errTight) {
		t.Errorf("the next one: %v", err)
	}
}

func TestATightLogLetsGoWhatAnImageHasReplaced(t *testing.T) {
	tight := true
	l, store := newSparing(t, &tight)
	if err := l.DeleteRange(1, 3); err != nil {
		t.Errorf("its beginning: %v", err)
	}
	if err := l.StoreLog(entryLog(6, []byte("batch"))); !errors.Is(err, errTight) {
		t.Errorf("a batch afterwards: %v", err)
	}
	if err := l.DeleteRange(4, 5); err != nil {
		t.Errorf("all of it: %v", err)
	}
	if last, _ := store.LastIndex(); last != 0 {
		t.Errorf("the log ends with %d", last)
	}
	if !(&sparingLog{LogStore: badDisk{}}).IsMonotonic() || l.IsMonotonic() {
		t.Error("the wrapper does not pass on whether the log has gaps")
	}
}
