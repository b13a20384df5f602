package fsm

import (
	"encoding/binary"

	"github.com/tidwall/btree"
)

// In an image, a ledger is the blocks
//
//	ledger     serial, floor, highest, numbers of instances, counters, slices, parked slices; then per node that was heard of:
//	           origin, incarnation, began, heard, lapsed, removed (0 or 1), ended
//	instances  many of: number, name, lease, deadline, state | bare << 7; origin of the binding and, unless that is empty,
//	           incarnation, token, since                                     in order of numbers
//	counters   many of: number, key, epoch, ends                             in order of numbers
//	slices     many of: instance, era, amount                                in order of instances, then eras
//	parked     likewise
//
// The sums, the queues and who owns what come from the slices. A digest takes the same bodies, one by one.

const bareBit = 0x80

func (l *ledger) appendHead(dst []byte) []byte {
	for _, n := range []uint64{l.serial, l.floor, l.highest, uint64(l.instances.Len()), uint64(l.counters.Len()),
		uint64(l.slices.Len()), uint64(l.parked.Len())} {
		dst = binary.AppendUvarint(dst, n)
	}
	for i := range l.presences {
		p := &l.presences[i]
		dst = appendString(dst, p.origin)
		dst = binary.AppendUvarint(dst, p.incarnation)
		for _, n := range []int64{p.began, p.heard, p.lapsed, truth(p.removed).Int, p.ended} {
			dst = binary.AppendUvarint(dst, uint64(n))
		}
	}
	return dst
}

func (row *instanceRow) append(dst []byte) []byte {
	dst = appendString(binary.AppendUvarint(dst, row.number), row.name)
	dst = binary.AppendVarint(binary.AppendUvarint(dst, uint64(row.lease)), row.deadline)
	state := byte(row.state)
	if row.bare {
		state |= bareBit
	}
	dst = appendString(append(dst, state), row.binding.origin)
	if !row.binding.given() {
		return dst
	}
	dst = binary.AppendVarint(binary.AppendUvarint(dst, row.binding.incarnation), row.binding.token)
	return binary.AppendUvarint(dst, uint64(row.binding.since))
}

func (row *counterRow) append(dst []byte) []byte {
	dst = appendString(binary.AppendUvarint(dst, row.number), row.key)
	return binary.AppendUvarint(binary.AppendUvarint(dst, row.epoch), uint64(row.ends))
}

func (s slice) append(dst []byte) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, s.instance), s.era)
	return binary.AppendVarint(dst, s.amount)
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// each calls visit for every item, with the kind of its block and its encoding, until it returns false.
func (l *ledger) each(visit func(block byte, body []byte) bool) {
	var buf []byte
	more := true
	l.instances.Scan(func(row instanceRow) bool {
		buf = row.append(buf[:0])
		more = visit(blockInstances, buf)
		return more
	})
	if !more {
		return
	}
	l.counters.Scan(func(row counterRow) bool {
		buf = row.append(buf[:0])
		more = visit(blockCounters, buf)
		return more
	})
	scan := func(block byte, from *btree.BTreeG[slice]) {
		if more {
			from.Scan(func(s slice) bool {
				buf = s.append(buf[:0])
				more = visit(block, buf)
				return more
			})
		}
	}
	scan(blockSlices, l.slices)
	scan(blockParked, l.parked)
}

func (l *ledger) digest(add func(block byte, body []byte)) {
	if l.empty() {
		return
	}
	add(blockLedger, l.appendHead(nil))
	l.each(func(block byte, body []byte) bool {
		add(block, body)
		return true
	})
}

// write writes the ledger's blocks, if there ever was anything.
func (l *ledger) write(bw *blockWriter) {
	if l.empty() {
		return
	}
	bw.block(blockLedger, l.appendHead(nil))
	var body []byte
	kind := byte(0)
	flush := func() {
		if len(body) > 0 {
			bw.block(kind, body)
		}
		body = body[:0]
	}
	l.each(func(block byte, item []byte) bool {
		if block != kind || len(body) >= imageBlock {
			flush()
		}
		kind, body = block, append(body, item...)
		return bw.err == nil
	})
	flush()
}
