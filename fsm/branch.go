package fsm

import "slices"

const (
	fullShard = 4096 // bytes of records a shard, on average over its branch, at which the branch splits
	maxDepth  = 20   // bits
)

// branch is the shards of one range of hashes, which the depth bits behind the first branchBits tell apart. When its shards
// hold more than fullShard on average, each becomes two: a shard of counters holds about a hundred, and its clone takes
// about a microsecond. Shards are never joined again, but one that is empty is dropped.
type branch struct {
	generation uint64 // of the table when this copy was made; see table.writable
	depth      int
	bytes      int     // of records in all shards; 0: empty
	shards     []shard // 1<<depth, here and not behind pointers: each Op would wait for the memory once more
}

func newBranch(generation uint64) *branch {
	return &branch{generation: generation, shards: make([]shard, 1)}
}

// clone copies the shards' heads, which keep their generation, and not what they hold.
func (b *branch) clone(generation uint64) *branch {
	c := *b
	c.generation, c.shards = generation, slices.Clone(b.shards)
	return &c
}

func (b *branch) shardOf(hash uint64) uint64 { return hash << branchBits >> (64 - b.depth) }

// put reports whether key is new. The branch must be writable.
func (b *branch) put(hash uint64, key []byte, it item) (added bool) {
	s := b.writable(hash)
	before := s.live()
	at, found := s.find(hash, key)
	s.put(at, found, hash, key, it)
	b.bytes += s.live() - before
	if b.bytes > fullShard<<b.depth && b.depth < maxDepth {
		b.split()
	}
	return !found
}

// delete reports whether key was there. The branch must be writable.
func (b *branch) delete(hash uint64, key []byte) (removed bool) {
	if b.shards[b.shardOf(hash)].count == 0 {
		return false
	}
	s := b.writable(hash)
	at, found := s.find(hash, key)
	if !found {
		return false
	}
	before := s.live()
	s.remove(at)
	b.bytes += s.live() - before
	if s.count == 0 {
		*s = shard{}
	}
	return true
}

// writable is the shard of hash in a copy that no snapshot sees.
func (b *branch) writable(hash uint64) *shard {
	s := &b.shards[b.shardOf(hash)]
	switch {
	case s.homes == 0:
		*s = newShard(b.generation, branchBits+b.depth, minHomes, 0)
	case s.generation != b.generation:
		*s = s.clone(b.generation)
	}
	return s
}

// split doubles the shards, each into the two halves of its range.
func (b *branch) split() {
	shards := make([]shard, 2*len(b.shards))
	for i := range b.shards {
		shards[2*i], shards[2*i+1] = b.shards[i].split(b.generation)
	}
	b.depth, b.shards = b.depth+1, shards
}

// ascend is table.ascend from a hash of this branch, or from 0; it reports whether visit wants more.
func (b *branch) ascend(from uint64, visit func(hash uint64, key []byte, it item) bool) bool {
	for i := b.shardOf(from); i < uint64(len(b.shards)); i++ {
		if !b.shards[i].ascend(from, visit) {
			return false
		}
		from = 0
	}
	return true
}
