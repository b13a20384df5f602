package sim

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/cluster"
)

// disk is a data directory in memory. A write takes its time, and is durable for sure only when that has passed: who crashes
// in between finds it there or missing, or, of a few log entries, the first ones. It implements raft's three stores.
type disk struct {
	mu        sync.Mutex
	rng       *rand.Rand
	latency   time.Duration    // of one write
	frozen    chan struct{}    // closed when the writes that hang go on; nil: none does
	failing   map[Access]error // of the next access
	failed    int              // accesses that have
	lost      uint64           // from this entry on, nothing is durable and a sync says so no more; 0: all is well
	written   func()           // called when a write has taken its time and is not durable yet
	log       map[uint64]*raft.Log
	first     uint64
	last      uint64
	writing   []*raft.Log // a StoreLogs that has not returned
	changing  []*change   // other writes that have not
	stable    map[string][]byte
	numbers   map[string]uint64
	snapshots []*image // newest last
	opened    int      // how often an image was read, to be restored or sent
}

func newDisk(rng *rand.Rand, latency time.Duration) *disk {
	return &disk{rng: rng, latency: latency, failing: map[Access]error{}, log: map[uint64]*raft.Log{}, stable: map[string][]byte{},
		numbers: map[string]uint64{}}
}

func (d *disk) stores() (cluster.Stores, error) {
	return cluster.Stores{Log: d, Stable: d, Snapshots: snapshotStore{d}, Wipe: d.wipe, Close: func() error { return nil }}, nil
}

// wipe forgets log, votes and images. What the node itself has stored stays: its keys have its name in front.
func (d *disk) wipe() error {
	d.work()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log, d.first, d.last, d.snapshots = map[uint64]*raft.Log{}, 0, 0, nil
	own := func(key string) bool { return strings.HasPrefix(key, "truecount/") }
	maps.DeleteFunc(d.stable, func(key string, _ []byte) bool { return !own(key) })
	maps.DeleteFunc(d.numbers, func(key string, _ uint64) bool { return !own(key) })
	return nil
}

// crash returns what a process finds that starts after one that died now.
func (d *disk) crash() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newDisk(d.rng, d.latency)
	c.log, c.stable, c.numbers = maps.Clone(d.log), maps.Clone(d.stable), maps.Clone(d.numbers)
	c.first, c.last = d.first, d.last
	c.snapshots, c.opened, c.failed = slices.Clone(d.snapshots), d.opened, d.failed
	d.thawLocked() // nobody hears of those writes any more
	for _, l := range d.writing[:d.rng.IntN(len(d.writing)+1)] {
		c.keep(l)
	}
	for _, w := range d.changing {
		if d.rng.IntN(2) == 0 {
			w.apply(c)
		}
	}
	if d.lost != 0 && d.lost <= c.last {
		c.forget(d.lost, c.last)
	}
	return c
}

// change is a write to something else than the end of the log. All of it is durable, or nothing.
type change struct{ apply func(*disk) }

func (d *disk) change(kind Access, apply func(*disk)) error {
	w := &change{apply}
	d.mu.Lock()
	if err := d.failLocked(kind); err != nil {
		d.mu.Unlock()
		return err
	}
	d.changing = append(d.changing, w)
	d.mu.Unlock()
	d.work()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changing = slices.DeleteFunc(d.changing, func(other *change) bool { return other == w })
	apply(d)
	return nil
}

// work takes as long as one write: while the disk is frozen, for ever.
func (d *disk) work() {
	d.mu.Lock()
	latency := d.latency
	d.mu.Unlock()
	time.Sleep(latency)
	for {
		d.mu.Lock()
		frozen, written := d.frozen, d.written
		d.mu.Unlock()
		if frozen == nil {
			if written != nil {
				written()
			}
			return
		}
		<-frozen
	}
}

func (d *disk) keep(l *raft.Log) {
	copied := *l
	copied.Data = bytes.Clone(l.Data)
	d.log[l.Index] = &copied
	if d.first == 0 {
		d.first = l.Index
	}
	d.last = l.Index
}

func (d *disk) FirstIndex() (uint64, error) { d.mu.Lock(); defer d.mu.Unlock(); return d.first, nil }
func (d *disk) LastIndex() (uint64, error)  { d.mu.Lock(); defer d.mu.Unlock(); return d.last, nil }

func (d *disk) GetLog(index uint64, log *raft.Log) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failLocked(ReadEntry); err != nil {
		return err
	}
	found := d.log[index]
	if found == nil {
		return raft.ErrLogNotFound
	}
	*log = *found
	return nil
}

func (d *disk) StoreLog(log *raft.Log) error { return d.StoreLogs([]*raft.Log{log}) }

func (d *disk) StoreLogs(logs []*raft.Log) error {
	d.mu.Lock()
	if d.last != 0 && logs[0].Index != d.last+1 {
		d.mu.Unlock()
		return errors.New("sim: gap in the log")
	}
	if err := d.failLocked(Append); err != nil {
		d.mu.Unlock()
		return err
	}
	if err := d.failLocked(Sync); err != nil {
		d.lost = d.last + 1
		d.mu.Unlock()
		return err
	}
	d.writing = logs
	d.mu.Unlock()
	d.work()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writing = nil
	for _, l := range logs {
		d.keep(l)
	}
	return nil
}

func (d *disk) DeleteRange(from, to uint64) error {
	return d.change(Truncate, func(d *disk) { d.forget(from, to) })
}

func (d *disk) forget(from, to uint64) {
	for i := from; i <= to; i++ {
		delete(d.log, i)
	}
	switch {
	case len(d.log) == 0:
		d.first, d.last = 0, 0
	case from <= d.first:
		d.first = to + 1
	default:
		d.last = from - 1
	}
}

// IsMonotonic: as raft-wal, it has no gaps.
func (d *disk) IsMonotonic() bool { return true }

var errNotFound = errors.New("not found") // the text that raft expects

func (d *disk) Set(key, value []byte) error {
	kept := bytes.Clone(value)
	return d.change(StoreValue, func(d *disk) { d.stable[string(key)] = kept })
}

func (d *disk) Get(key []byte) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failLocked(ReadValue); err != nil {
		return nil, err
	}
	value, ok := d.stable[string(key)]
	if !ok {
		return nil, errNotFound
	}
	return bytes.Clone(value), nil
}

func (d *disk) SetUint64(key []byte, value uint64) error {
	return d.change(StoreValue, func(d *disk) { d.numbers[string(key)] = value })
}

func (d *disk) GetUint64(key []byte) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failLocked(ReadValue); err != nil {
		return 0, err
	}
	value, ok := d.numbers[string(key)]
	if !ok {
		return 0, errNotFound
	}
	return value, nil
}

// snapshotStore keeps the newest images whole; one whose sink was not closed never existed.
type snapshotStore struct{ disk *disk }

type image struct {
	meta raft.SnapshotMeta
	data []byte
}

const keptImages = 2

func (s snapshotStore) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{disk: s.disk, image: image{meta: raft.SnapshotMeta{Version: version, Index: index, Term: term,
		ID: time.Now().Format("snapshot-15-04-05.000000000"), Configuration: configuration, ConfigurationIndex: configurationIndex}}}, nil
}

func (s snapshotStore) List() ([]*raft.SnapshotMeta, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	var metas []*raft.SnapshotMeta
	for _, im := range slices.Backward(s.disk.snapshots) {
		meta := im.meta
		metas = append(metas, &meta)
	}
	return metas, nil
}

func (s snapshotStore) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if err := s.disk.failLocked(ReadImage); err != nil {
		return nil, nil, err
	}
	for _, im := range s.disk.snapshots {
		if im.meta.ID == id {
			meta := im.meta
			s.disk.opened++
			return &meta, io.NopCloser(bytes.NewReader(im.data)), nil
		}
	}
	return nil, nil, errNotFound
}

type sink struct {
	disk *disk
	image
	over bool
}

func (s *sink) ID() string    { return s.meta.ID }
func (s *sink) Cancel() error { s.over = true; return nil }

func (s *sink) Write(p []byte) (int, error) {
	s.data = append(s.data, p...)
	return len(p), nil
}

func (s *sink) Close() error {
	if s.over {
		return nil
	}
	s.over = true
	s.meta.Size = int64(len(s.data))
	return s.disk.change(StoreImage, func(d *disk) { d.addImage(&s.image) })
}

func (d *disk) addImage(im *image) {
	d.snapshots = append(d.snapshots, im)
	slices.SortStableFunc(d.snapshots, func(a, b *image) int { // one that was begun before another may be closed after it
		return cmp.Or(cmp.Compare(a.meta.Term, b.meta.Term), cmp.Compare(a.meta.Index, b.meta.Index))
	})
	if extra := len(d.snapshots) - keptImages; extra > 0 {
		d.snapshots = d.snapshots[extra:]
	}
}
