package cluster

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// watch knows which writes to this node's disk are under way, since when, and how long the last ones took. A write that
// hangs is no error to anybody: it just does not return. What follows from that is decided in silence.go.
type watch struct {
	mu     sync.Mutex
	writes writes
}

// begin notes a write; the function it returns notes that it has returned, well or not.
func (w *watch) begin(what string, awaited bool) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.writes.begin(write{what, awaited, time.Now()})
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.writes.end(id, time.Now())
	}
}

// oldest is the write that has been under way for longest; its zero value: none is. awaited: of the awaited ones.
func (w *watch) oldest(awaited bool) write {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes.oldest(awaited)
}

// report is what this node says of its disk to others.
func (w *watch) report() (pending, slow time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.writes.oldest(true).age(time.Now()), w.writes.slow()
}

// write is one that has begun.
type write struct {
	what    string // "append to the log"
	awaited bool   // nothing is counted until it has returned. (Removing old entries goes on beside all else.)
	since   time.Time
}

// age is how long the write has been under way; 0 if there is none.
func (w write) age(now time.Time) time.Duration {
	if w.since.IsZero() {
		return 0
	}
	return now.Sub(w.since)
}

// writes is the watch without lock and clock. Of the awaited ones that have returned it remembers how long the last few took:
// a disk that had nothing to do for an hour is known by what it did before.
type writes struct {
	open     map[uint64]write
	last     uint64
	returned int // awaited ones
	took     [remembered]time.Duration
}

const remembered = 16

func (w *writes) begin(one write) (id uint64) {
	if w.open == nil {
		w.open = map[uint64]write{}
	}
	w.last++
	w.open[w.last] = one
	return w.last
}

func (w *writes) end(id uint64, now time.Time) {
	one := w.open[id]
	delete(w.open, id)
	if !one.awaited {
		return
	}
	w.took[w.returned%remembered] = one.age(now)
	w.returned++
}

func (w *writes) oldest(awaited bool) (oldest write) {
	for _, one := range w.open {
		if (one.awaited || !awaited) && (oldest.since.IsZero() || one.since.Before(oldest.since)) {
			oldest = one
		}
	}
	return oldest
}

// slow is what more than one in four of the last writes took at least. A hang that is over is one write and says nothing of the next
// ones; a disk that is slow, if only now and then, shows in more of them.
func (w *writes) slow() time.Duration {
	took := w.took // a copy
	slices.Sort(took[:])
	return took[remembered-1-min(w.returned, remembered)/4]
}

// watched are stores whose writes the watch sees.
func (w *watch) watched(stores Stores) Stores {
	stores.Log, stores.Stable = watchedLog{stores.Log, w}, watchedStable{stores.Stable, w}
	return stores
}

type watchedLog struct {
	raft.LogStore
	watch *watch
}

func (l watchedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l watchedLog) StoreLogs(logs []*raft.Log) error {
	defer l.watch.begin(appending, true)()
	return l.LogStore.StoreLogs(logs)
}

func (l watchedLog) DeleteRange(from, to uint64) error {
	defer l.watch.begin(truncating, false)()
	return l.LogStore.DeleteRange(from, to)
}

// IsMonotonic passes on what raft asks of a log store that leaves no gaps (raft.MonotonicLogStore).
func (l watchedLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

type watchedStable struct {
	raft.StableStore
	watch *watch
}

func (s watchedStable) Set(key, value []byte) error {
	defer s.watch.begin(storing(key), true)()
	return s.StableStore.Set(key, value)
}

func (s watchedStable) SetUint64(key []byte, value uint64) error {
	defer s.watch.begin(storing(key), true)()
	return s.StableStore.SetUint64(key, value)
}

const fatalHang = 30 * time.Second // a write that takes longer ends the node

// hangs is the node's last word about a disk that does not answer.
func hangs(w write, now time.Time) error {
	return fmt.Errorf("disk: %s: no answer for %v: the disk hangs; the kernel's log may say why; mend it, then start the node again",
		w.what, w.age(now).Truncate(time.Second))
}
