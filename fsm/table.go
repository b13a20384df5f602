package fsm

import "github.com/dchest/siphash"

const (
	branchBits  = 12
	branchCount = 1 << branchBits
)

// table maps keys to items in the order of a keyed hash: Get, Put, Delete, and Ascend from any hash. It is a tree of two
// levels: the top bits of the hash choose a branch, the next ones a shard of it. A snapshot is a copy of the pointers to the
// branches; a branch or shard that a snapshot can see is cloned before it is touched again. Branches split as they fill, so
// that shards, and with them the price of the first touch after a snapshot, stay small whatever the table holds.
type table struct {
	hashKey    [2]uint64
	branches   branches
	count      int
	generation uint64
}

type branches [branchCount]*branch // nil: empty

func newTable(hashKey [2]uint64) *table { return &table{hashKey: hashKey} }

// hash is the place of key in the table's order. It is keyed, so that nobody outside can make keys collide.
func (t *table) hash(key []byte) uint64 { return siphash.Hash(t.hashKey[0], t.hashKey[1], key) }

// get returns what key holds, expired or not. The Text of its Value is valid until the next put or delete.
func (t *table) get(hash uint64, key []byte) (it item, found bool) {
	b := t.branches[branchOf(hash)]
	if b == nil {
		return item{}, false
	}
	s := &b.shards[b.shardOf(hash)]
	at, found := s.find(hash, key)
	if !found {
		return item{}, false
	}
	return s.item(s.slots[at].ref), true
}

// put stores it under key, copying both.
func (t *table) put(hash uint64, key []byte, it item) {
	b := t.writable(hash)
	if b.put(hash, key, it) {
		t.count++
	}
}

// delete removes key if it is there.
func (t *table) delete(hash uint64, key []byte) {
	if t.branches[branchOf(hash)] == nil {
		return
	}
	b := t.writable(hash)
	if b.delete(hash, key) {
		t.count--
	}
	if b.bytes == 0 {
		t.branches[branchOf(hash)] = nil
	}
}

// ascend visits the items whose hash is at least from, in hash order, until visit says false. The key and the item's Text
// are valid during the visit, which must not change the table.
func (t *table) ascend(from uint64, visit func(hash uint64, key []byte, it item) bool) {
	t.branches.ascend(from, visit)
}

func (bs *branches) ascend(from uint64, visit func(hash uint64, key []byte, it item) bool) {
	for _, b := range bs[branchOf(from):] {
		if b != nil && !b.ascend(from, visit) {
			return
		}
		from = 0 // of the next one, all
	}
}

// freeze returns the branches as they are now. They and their shards never change again.
func (t *table) freeze() *branches {
	t.generation++
	frozen := t.branches
	return &frozen
}

// copy returns a table that goes its own way.
func (t *table) copy() *table {
	t.generation++ // as a freeze: both clone what they share before they touch it
	c := *t
	return &c
}

// writable is the branch of hash in a copy that no snapshot sees.
func (t *table) writable(hash uint64) *branch {
	p := &t.branches[branchOf(hash)]
	switch b := *p; {
	case b == nil:
		*p = newBranch(t.generation)
	case b.generation != t.generation:
		*p = b.clone(t.generation)
	}
	return *p
}

func branchOf(hash uint64) uint64 { return hash >> (64 - branchBits) }
