package fsm

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// shard is one part of the table, empty if zero: slots in hash order, and an arena with the records they refer to. It holds no pointers
// but those two, so the garbage collector passes over millions of counters in no time.
//
// The slots are a linear-probing table whose entries stand in the order of their hashes:
//
//	home(hash) grows with hash, so "at or after home, and sorted" is one invariant:
//	every entry stands at or after its home, no empty slot lies between the two, and hashes never fall from left to right.
//
// Walking the slots from left to right is therefore walking in hash order.
type shard struct {
	generation uint64 // of the table when this copy was made; see branch.writable
	slots      []slot // the homes, and overflow behind them
	homes      uint32
	shift      uint32 // leading bits of a hash that all hashes of the shard share
	count      int
	arena      []byte
	waste      int // bytes of records that no slot refers to any more
}

type slot struct {
	hash uint64
	ref  uint32 // offset of the record in the arena, plus one; 0: empty
}

const (
	minHomes      = 4
	shardOverflow = 4                  // spare slots behind the last home; as many again are added when a run needs them
	maxArena      = math.MaxUint32 - 1 // bytes: a slot's ref must reach them
	compactAbove  = 256                // bytes of waste that are never worth a compaction
)

// A record is
//
//	uint16 key length, one byte: value kind | hasDeadline
//	key
//	int64 deadline              if hasDeadline
//	Int: int64. Text: uint16 length, bytes
const (
	recordHead  = 3
	hasDeadline = 0x80
)

// item is a record's content: what a key holds and when it ends.
type item struct {
	value    Value
	deadline int64 // in machine time; 0: never
}

func newShard(generation uint64, shift, homes, arena int) shard {
	return shard{
		generation: generation, shift: uint32(shift), homes: uint32(homes),
		slots: make([]slot, homes+shardOverflow),
		arena: make([]byte, 0, arena),
	}
}

func (s *shard) clone(generation uint64) shard {
	c := *s
	c.generation = generation
	c.slots = slices.Clone(s.slots)
	c.arena = slices.Clone(s.arena)
	return c
}

// homesFor is how many homes a shard of count records is made with: room for half as many more.
func homesFor(count int) int { return max(minHomes, count*12/7+2) }

// fullSlots is how many records a shard holds before its runs get too long.
func fullSlots(homes int) int { return homes * 7 / 8 }

// live is the bytes of all records.
func (s *shard) live() int { return len(s.arena) - s.waste }

// home is the first slot a hash may stand in: as far into the homes as the hash is into the range of the shard.
func (s *shard) home(hash uint64) int {
	home, _ := bits.Mul64(hash<<s.shift, uint64(s.homes))
	return int(home)
}

// ascend is table.ascend from a hash of this shard, or from 0; it reports whether visit wants more.
func (s *shard) ascend(from uint64, visit func(hash uint64, key []byte, it item) bool) bool {
	for _, sl := range s.slots[s.home(from):] {
		if sl.ref != 0 && sl.hash >= from && !visit(sl.hash, s.key(sl.ref), s.item(sl.ref)) {
			return false
		}
	}
	return true
}

// find returns the slot of key, or where it would have to be inserted.
func (s *shard) find(hash uint64, key []byte) (at int, found bool) {
	for at = s.home(hash); at < len(s.slots); at++ {
		sl := &s.slots[at]
		if sl.ref == 0 || sl.hash > hash {
			return at, false
		}
		if sl.hash == hash && bytes.Equal(s.key(sl.ref), key) {
			return at, true
		}
	}
	return at, false
}

func (s *shard) key(ref uint32) []byte {
	rec := s.arena[ref-1:]
	n := int(binary.LittleEndian.Uint16(rec))
	return rec[recordHead : recordHead+n : recordHead+n]
}

// record returns a record's bytes.
func (s *shard) record(ref uint32) []byte {
	rec := s.arena[ref-1:]
	size, tag := recordHead+int(binary.LittleEndian.Uint16(rec)), rec[2]
	if tag&hasDeadline != 0 {
		size += 8
	}
	if ValueKind(tag&^hasDeadline) == Int {
		return rec[:size+8]
	}
	return rec[:size+2+int(binary.LittleEndian.Uint16(rec[size:]))]
}

// item reads a record. The Text of its Value points into the arena.
func (s *shard) item(ref uint32) item {
	rec := s.arena[ref-1:]
	n, tag := int(binary.LittleEndian.Uint16(rec)), rec[2]
	rec = rec[recordHead+n:]
	var it item
	if tag&hasDeadline != 0 {
		it.deadline = int64(binary.LittleEndian.Uint64(rec))
		rec = rec[8:]
	}
	it.value.Kind = ValueKind(tag &^ hasDeadline)
	if it.value.Kind == Int {
		it.value.Int = int64(binary.LittleEndian.Uint64(rec))
		return it
	}
	size := int(binary.LittleEndian.Uint16(rec))
	it.value.Text = rec[2 : 2+size : 2+size]
	return it
}

func recordSize(key []byte, it *item) int {
	size := recordHead + len(key) + 8
	if it.value.Kind != Int {
		size += 2 + len(it.value.Text) - 8
	}
	if it.deadline != 0 {
		size += 8
	}
	return size
}

// writeRecord fills rec, which has exactly recordSize bytes.
func writeRecord(rec, key []byte, it item) {
	binary.LittleEndian.PutUint16(rec, uint16(len(key)))
	rec[2] = byte(it.value.Kind)
	if it.deadline != 0 {
		rec[2] |= hasDeadline
	}
	rec = rec[recordHead+copy(rec[recordHead:], key):]
	if it.deadline != 0 {
		binary.LittleEndian.PutUint64(rec, uint64(it.deadline))
		rec = rec[8:]
	}
	if it.value.Kind == Int {
		binary.LittleEndian.PutUint64(rec, uint64(it.value.Int))
		return
	}
	binary.LittleEndian.PutUint16(rec, uint16(len(it.value.Text)))
	copy(rec[2:], it.value.Text)
}

// put stores it under key, whose slot find has returned. The Text of it may point into this very arena.
func (s *shard) put(at int, found bool, hash uint64, key []byte, it item) {
	size := recordSize(key, &it)
	if found {
		ref := s.slots[at].ref
		old := len(s.record(ref))
		if old == size {
			writeRecord(s.arena[ref-1:][:size], key, it)
			return
		}
		s.waste += old
		s.slots[at].ref = s.store(size, key, it)
		s.compact()
		return
	}
	s.insert(at, slot{hash: hash, ref: s.store(size, key, it)})
	s.count++
	if s.count > fullSlots(int(s.homes)) {
		*s = s.part(s.generation, int(s.shift), s.slots)
	}
}

func (s *shard) store(size int, key []byte, it item) (ref uint32) {
	at := len(s.arena)
	if at+size > maxArena { // a branch would have split long before, but for a million keys of one hash
		panic("BUG: the arena of one shard is full")
	}
	s.arena = append(s.arena, make([]byte, size)...)
	writeRecord(s.arena[at:], key, it)
	return uint32(at) + 1
}

// insert puts sl at its place and moves the run behind it one to the right.
func (s *shard) insert(at int, sl slot) {
	end := at
	for end < len(s.slots) && s.slots[end].ref != 0 {
		end++
	}
	if end == len(s.slots) {
		s.overflow()
	}
	copy(s.slots[at+1:end+1], s.slots[at:end])
	s.slots[at] = sl
}

// remove takes out the slot at and lets the run behind it close up, as far as each entry's home allows.
func (s *shard) remove(at int) {
	ref := s.slots[at].ref
	s.waste += len(s.record(ref))
	s.count--
	end := at + 1
	for end < len(s.slots) && s.slots[end].ref != 0 && s.home(s.slots[end].hash) < end {
		end++
	}
	copy(s.slots[at:], s.slots[at+1:end])
	s.slots[end-1] = slot{}
	s.compact()
}

// overflow adds slots behind the last one, in a copy: append would double them all.
func (s *shard) overflow() {
	slots := make([]slot, len(s.slots)+shardOverflow)
	copy(slots, s.slots)
	s.slots = slots
}

// compact rewrites the shard once more than half of its arena is waste.
func (s *shard) compact() {
	if s.waste < compactAbove || s.waste < len(s.arena)/2 {
		return
	}
	*s = s.part(s.generation, int(s.shift), s.slots)
}

// split returns the two halves of the shard's range. The shard stays as it is.
func (s *shard) split(generation uint64) (low, high shard) {
	middle := 0
	for i, sl := range s.slots {
		if sl.ref != 0 && sl.hash<<s.shift>>63 == 0 {
			middle = i + 1
		}
	}
	shift := int(s.shift) + 1
	return s.part(generation, shift, s.slots[:middle]), s.part(generation, shift, s.slots[middle:])
}

// part returns a new shard with the records of some slots of this one, without waste and with room to grow by half; of none,
// the zero shard. The slots are met in hash order, so each goes behind the one before it.
func (s *shard) part(generation uint64, shift int, slots []slot) shard {
	count, size := 0, 0
	for _, sl := range slots {
		if sl.ref != 0 {
			count++
			size += len(s.record(sl.ref))
		}
	}
	if count == 0 {
		return shard{}
	}
	p := newShard(generation, shift, homesFor(count), size*3/2)
	p.count = count
	next := 0
	for _, sl := range slots {
		if sl.ref == 0 {
			continue
		}
		next = max(next, p.home(sl.hash))
		if next == len(p.slots) {
			p.overflow()
		}
		p.slots[next] = slot{sl.hash, uint32(len(p.arena)) + 1}
		p.arena = append(p.arena, s.record(sl.ref)...)
		next++
	}
	return p
}
