package fsm

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// shard is one part of the table: slots in hash order, and an arena with the records they refer to. It holds no pointers
// but those two, so the garbage collector passes over millions of counters in no time.
//
// The slots are a linear-probing table whose entries stand in the order of their hashes:
//
//	home(hash) grows with hash, so "at or after home, and sorted" is one invariant:
//	every entry stands at or after its home, no empty slot lies between the two, and hashes never fall from left to right.
//
// Walking the slots from left to right is therefore walking in hash order.
type shard struct {
	generation uint64 // of the table when this copy was made; see table.writable
	slots      []slot // 1<<bits homes, and overflow behind them
	bits       int
	count      int
	arena      []byte
	waste      int // bytes of records that no slot refers to any more
}

type slot struct {
	hash uint64
	ref  uint32 // offset of the record in the arena, plus one; 0: empty
}

const (
	minShardBits  = 3
	shardOverflow = 8    // spare slots behind the last home; more are appended when a run needs them
	compactAbove  = 4096 // bytes of waste that are never worth a compaction
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

func newShard(generation uint64, bits, arena int) *shard {
	return &shard{
		generation: generation, bits: bits,
		slots: make([]slot, 1<<bits+shardOverflow),
		arena: make([]byte, 0, arena),
	}
}

func (s *shard) clone(generation uint64) *shard {
	c := *s
	c.generation = generation
	c.slots = append(make([]slot, 0, len(s.slots)), s.slots...)
	c.arena = append(make([]byte, 0, cap(s.arena)), s.arena...)
	return &c
}

// home is the first slot a hash may stand in. The bits that chose the shard say nothing here and are shifted out.
func (s *shard) home(hash uint64) int { return int(hash << shardBits >> (64 - s.bits)) }

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
	if it.value.Kind == Text {
		size += 2 + len(it.value.Text) - 8
	}
	if it.deadline != 0 {
		size += 8
	}
	return size
}

func (s *shard) recordSize(ref uint32) int {
	it := s.item(ref)
	return recordSize(s.key(ref), &it)
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
		old := s.recordSize(ref)
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
	if s.count > 1<<s.bits*7/8 {
		s.grow()
	}
}

func (s *shard) store(size int, key []byte, it item) (ref uint32) {
	at := len(s.arena)
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
		s.slots = append(s.slots, slot{})
	}
	copy(s.slots[at+1:end+1], s.slots[at:end])
	s.slots[at] = sl
}

// remove takes out the slot at and lets the run behind it close up, as far as each entry's home allows.
func (s *shard) remove(at int) {
	ref := s.slots[at].ref
	s.waste += s.recordSize(ref)
	s.count--
	end := at + 1
	for end < len(s.slots) && s.slots[end].ref != 0 && s.home(s.slots[end].hash) < end {
		end++
	}
	copy(s.slots[at:], s.slots[at+1:end])
	s.slots[end-1] = slot{}
	s.compact()
}

// grow doubles the homes. The entries are met in hash order, so each goes behind the one before it.
func (s *shard) grow() { s.rebuild(s.bits+1, s.arena) }

// compact rewrites the arena once more than half of it is waste, and shrinks the slots to fit.
func (s *shard) compact() {
	if s.waste < compactAbove || s.waste < len(s.arena)/2 {
		return
	}
	fresh := make([]byte, 0, (len(s.arena)-s.waste)*5/4)
	for i := range s.slots {
		if ref := s.slots[i].ref; ref != 0 {
			size := s.recordSize(ref)
			s.slots[i].ref = uint32(len(fresh)) + 1
			fresh = append(fresh, s.arena[ref-1:][:size]...)
		}
	}
	s.waste = 0
	s.rebuild(max(minShardBits, bits.Len(uint(s.count*4/3))), fresh)
}

func (s *shard) rebuild(bits int, arena []byte) {
	old := s.slots
	s.bits, s.arena = bits, arena
	s.slots = make([]slot, 1<<bits+shardOverflow)
	next := 0
	for _, sl := range old {
		if sl.ref == 0 {
			continue
		}
		next = max(next, s.home(sl.hash))
		for next >= len(s.slots) {
			s.slots = append(s.slots, slot{})
		}
		s.slots[next] = sl
		next++
	}
}
