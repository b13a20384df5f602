package fsm

import "github.com/tidwall/btree"

// A ledger is all there is to know of instance counters: who contributed what, and until when each is alive. It stands beside
// the table of plain keys; a key is in one of the two at most.
//
//	instances     who: name, lease, binding (instance.go, binding.go)
//	counters      what: key, epoch, total (era.go)
//	slices        who contributed how much to what; parked: what the dead have contributed (slice.go)
//	steps         at the start of each Entry, in bounded steps: deaths, returns, what is left of old eras (death.go)
//	apply         one Op (account.go)
//
// Every instance and every era of a key has a number of its own, from one series that never falls. A slice names both, so when
// a key begins a new era, or a name a new life, all slices of the old one have lost their meaning at once: nothing reads them,
// and they are swept away in bounded steps.
//
// A ledger holds plain values alone, so a copy of it, which costs next to nothing, stays as it is while the ledger goes on. An
// image is one; a trial works on one.
type ledger struct {
	now    int64  // the lease clock
	lease  int64  // of an instance without one of its own, in milliseconds
	serial uint64 // the number that was given last

	floor   uint64 // the epoch of a key without a row
	highest uint64 // the largest epoch that was ever given

	names     *table // of instances; the Int is the number
	instances *btree.BTreeG[instanceRow]
	keys      *table // of counters; the Int is the number of the era
	counters  *btree.BTreeG[counterRow]
	slices    *btree.BTreeG[slice]
	parked    *btree.BTreeG[slice]
	presences []presence // of nodes, by id

	// All that follows comes from the above.
	owners     *btree.BTreeG[owner]  // of slices and parked, by era
	queue      deadlines             // of instances: when they die, or are forgotten
	tombstones deadlines             // of counters without slices: when their epoch is forgotten
	returning  *btree.BTreeG[uint64] // instances that live and have parked slices
	ended      *btree.BTreeG[uint64] // eras without a row that have owners
	existing   int                   // counters with slices
	living     int                   // instances that are not Gone
	known      uint64                // bytes that the instances cost (limits.go)
	counted    uint64                // bytes that counters and slices cost

	announced [4]uint64 // while an image is read: how many there will be

	flushes  uint64                                      // since New or Restore: what rows counted before the last one is void
	sweeping int                                         // of maxSweep, what is left in this Entry
	looking  int                                         // of maxLook, likewise
	changed  func(event string, hash uint64, key []byte) // told of every change of a counter; nil: nobody is
}

// MaxSteps bounds how many slices one Entry moves or ends in the background, and how many a ClearInstance ends at once.
const MaxSteps = 1000

// maxSweep bounds how many slices all the ClearInstance and Fresh Bind Ops of one Entry end at once.
const maxSweep = 16 * MaxSteps

// maxLook bounds how many counters all the ICClear Ops of one Entry that have a glob look at, but for one each.
const maxLook = 16 * MaxSteps

func newLedger(hashKey [2]uint64) *ledger {
	l := &ledger{
		lease: DefaultLease, names: newTable(hashKey),
		instances: newTree(func(a, b instanceRow) bool { return a.number < b.number }),
		queue:     newDeadlines(), returning: newTree(lower),
	}
	l.reset()
	return l
}

// reset forgets all that is about counters.
func (l *ledger) reset() {
	l.keys = newTable(l.names.hashKey)
	l.counters = newTree(func(a, b counterRow) bool { return a.number < b.number })
	l.slices, l.parked = newTree(slice.before), newTree(slice.before)
	l.owners, l.tombstones = newTree(owner.before), newDeadlines()
	l.returning, l.ended = newTree(lower), newTree(lower)
	l.existing, l.counted = 0, 0
}

func newTree[T any](less func(a, b T) bool) *btree.BTreeG[T] {
	return btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
}

func lower(a, b uint64) bool { return a < b }

// copy returns a ledger that goes its own way, of which nobody is told.
func (l *ledger) copy() *ledger {
	c := *l
	c.changed = nil
	c.names, c.keys = l.names.copy(), l.keys.copy()
	c.instances, c.counters = l.instances.IsoCopy(), l.counters.IsoCopy()
	c.slices, c.parked, c.owners = l.slices.IsoCopy(), l.parked.IsoCopy(), l.owners.IsoCopy()
	c.queue, c.tombstones = deadlines{l.queue.queue.IsoCopy()}, deadlines{l.tombstones.queue.IsoCopy()}
	c.returning, c.ended = l.returning.IsoCopy(), l.ended.IsoCopy()
	c.presences = append([]presence(nil), l.presences...)
	return &c
}

// setHashKey decides where names and keys stand, as long as there are none.
func (l *ledger) setHashKey(hashKey [2]uint64) { l.names.hashKey, l.keys.hashKey = hashKey, hashKey }

// empty reports whether there never was anything.
func (l *ledger) empty() bool { return l.serial == 0 }

// next gives a number.
func (l *ledger) next() uint64 {
	l.serial++
	return l.serial
}

// flush ends all counters, in O(1). The instances stay; what they have counted is void.
func (l *ledger) flush() {
	if l.counters.Len() == 0 && l.owners.Len() == 0 {
		return
	}
	if l.counters.Len() > 0 {
		l.raiseFloor(l.highest + 1)
	}
	l.flushes++
	l.reset()
}

// usage is what all this takes of the limits.
func (l *ledger) usage() usage {
	return usage{bytes: l.known + l.counted, keys: uint64(l.existing), instances: uint64(l.names.count)}
}

// tell says that a counter has changed.
func (l *ledger) tell(event string, key []byte) {
	if l.changed != nil {
		l.changed(event, l.keys.hash(key), key)
	}
}
