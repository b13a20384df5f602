package cluster

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/hashicorp/raft"
)

// A failed write ends the node: the library would go on with a disk whose state nobody knows, and a sync that failed once
// may "succeed" the second time without having written anything.

// What a write is for, in the line by which a node ends.
const (
	appending  = "append to the log"
	truncating = "truncate the log"
)

func storing(key []byte) string { return "store " + string(key) }

type fatalLog struct {
	raft.LogStore
	fatal func(error)
	over  <-chan struct{} // closed when the node is being closed
}

func (l fatalLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l fatalLog) StoreLogs(logs []*raft.Log) error {
	err := l.LogStore.StoreLogs(logs)
	if errors.Is(err, errOnTheWay) {
		return err // nothing was written
	}
	return failing(l.fatal, appending, err)
}

// GetLog does not return from a read that failed: the library would panic over some before the process has ended in words.
func (l fatalLog) GetLog(index uint64, log *raft.Log) error {
	err := l.LogStore.GetLog(index, log)
	if errors.Is(err, errDamaged) {
		l.fatal(fmt.Errorf("disk: %w", err))
		park(l.over)
	}
	return err
}

func (l fatalLog) DeleteRange(from, to uint64) error {
	return failing(l.fatal, truncating, l.LogStore.DeleteRange(from, to))
}

// IsMonotonic passes on what raft asks of a log store that leaves no gaps (raft.MonotonicLogStore).
func (l fatalLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

func isMonotonic(log raft.LogStore) bool {
	m, ok := log.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// fatalStable does not return from a failed write: the library would panic over it before the process has ended in words.
type fatalStable struct {
	raft.StableStore
	fatal func(error)
	over  <-chan struct{} // closed when the node is being closed
}

func (s fatalStable) Set(key, value []byte) error {
	return s.parked(storing(key), s.StableStore.Set(key, value))
}

func (s fatalStable) SetUint64(key []byte, value uint64) error {
	return s.parked(storing(key), s.StableStore.SetUint64(key, value))
}

func (s fatalStable) parked(what string, err error) error {
	if failing(s.fatal, what, err) != nil {
		park(s.over)
	}
	return nil
}

// park doesn't return: the process ends meanwhile (Config.Fatal). Where it does not, its goroutine ends with the node.
func park(over <-chan struct{}) {
	<-over
	runtime.Goexit()
}

func failing(fatal func(error), what string, err error) error {
	if err != nil {
		fatal(fmt.Errorf("disk: cannot %s: %w", what, err))
	}
	return err
}

// closeGap finishes what a crash in the middle of raft's InstallSnapshot has left: the image is there, and the log in front
// of it has not been removed. The library starts on that without a word, and then appends what follows the image, which a
// log store without gaps refuses. All that such a log holds is in the image.
func closeGap(log raft.LogStore, snapshots raft.SnapshotStore) error {
	images, err := snapshots.List() // the newest first
	if err != nil || len(images) == 0 {
		return err
	}
	first, err := log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := log.LastIndex()
	if err != nil || last == 0 || last >= images[0].Index {
		return err
	}
	return log.DeleteRange(first, last)
}

// outrunLog ends the node when raft replaces a log by an image that does not reach as far as the log did. The library goes on
// as if the log still ended there: it refuses what follows the image, and is sent the same image again, without a pause and
// without end (hashicorp/raft issue 697). A start looks at the log again, and all is well. It takes a tail that was never
// confirmed and reaches beyond an image, and a leader whose log begins right behind that image.
type outrunLog struct {
	raft.LogStore
	images raft.SnapshotStore
	fatal  func(error)
}

func (l outrunLog) DeleteRange(from, to uint64) error {
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	if err := l.LogStore.DeleteRange(from, to); err != nil || from > first || to < last {
		return err
	}
	images, err := l.images.List() // the newest first
	if err == nil && len(images) > 0 && images[0].Index <= last {
		l.fatal(fmt.Errorf("an image of entry %d has replaced a log that ended with entry %d: start this node again", images[0].Index, last))
	}
	return err
}

// IsMonotonic passes on what raft asks of a log store that leaves no gaps (raft.MonotonicLogStore).
func (l outrunLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }
