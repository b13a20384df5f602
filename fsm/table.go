package fsm

import "github.com/dchest/siphash"

const (
	shardBits  = 10
	shardCount = 1 << shardBits
)

// table maps keys to items in the order of a keyed hash: Get, Put, Delete, and Ascend from any hash. The top bits of the
// hash choose a shard; a snapshot is a copy of the pointers to the shards, and a shard that a snapshot can see is cloned
// before it is touched again.
type table struct {
	hashKey    [2]uint64
	shards     [shardCount]*shard // nil: empty
	count      int
	generation uint64
}

func newTable(hashKey [2]uint64) *table { return &table{hashKey: hashKey} }

// hash is the place of key in the table's order. It is keyed, so that nobody outside can make keys collide.
func (t *table) hash(key []byte) uint64 { return siphash.Hash(t.hashKey[0], t.hashKey[1], key) }

// get returns what key holds, expired or not. The Text of its Value is valid until the next put or delete.
func (t *table) get(hash uint64, key []byte) (it item, found bool) {
	s := t.shards[hash>>(64-shardBits)]
	if s == nil {
		return item{}, false
	}
	at, found := s.find(hash, key)
	if !found {
		return item{}, false
	}
	return s.item(s.slots[at].ref), true
}

// put stores it under key, copying both.
func (t *table) put(hash uint64, key []byte, it item) {
	s := t.writable(hash)
	at, found := s.find(hash, key)
	if !found {
		t.count++
	}
	s.put(at, found, hash, key, it)
}

// delete removes key if it is there.
func (t *table) delete(hash uint64, key []byte) {
	if t.shards[hash>>(64-shardBits)] == nil {
		return
	}
	s := t.writable(hash)
	if at, found := s.find(hash, key); found {
		s.remove(at)
		t.count--
	}
}

// ascend visits the items whose hash is at least from, in hash order, until visit says false. The key and the item's Text
// are valid during the visit, which must not change the table.
func (t *table) ascend(from uint64, visit func(hash uint64, key []byte, it item) bool) {
	ascend(&t.shards, from, visit)
}

func ascend(shards *[shardCount]*shard, from uint64, visit func(hash uint64, key []byte, it item) bool) {
	for i := from >> (64 - shardBits); i < shardCount; i++ {
		s := shards[i]
		if s == nil {
			continue
		}
		at := 0
		if i == from>>(64-shardBits) {
			at = s.home(from)
		}
		for ; at < len(s.slots); at++ {
			sl := s.slots[at]
			if sl.ref == 0 || sl.hash < from {
				continue
			}
			if !visit(sl.hash, s.key(sl.ref), s.item(sl.ref)) {
				return
			}
		}
	}
}

// freeze returns the shards as they are now. They never change again.
func (t *table) freeze() [shardCount]*shard {
	t.generation++
	return t.shards
}

// writable is the shard of hash in a copy that no snapshot sees.
func (t *table) writable(hash uint64) *shard {
	p := &t.shards[hash>>(64-shardBits)]
	switch s := *p; {
	case s == nil:
		*p = newShard(t.generation, minShardBits, 0)
	case s.generation != t.generation:
		*p = s.clone(t.generation)
	}
	return *p
}
