package fsm

import "math"

// SCAN walks the table in the order of its keyed hash, and the instance counters in between, which stand in the same order. A cursor is the top 48 bits of a hash, so it needs no memory on any
// node, stays valid whatever is put, deleted or restored meanwhile, and fits into the integers of every client.
//
// The guarantee: a key that is there from the first page of a walk to the last is answered at least once, for its place in
// the order never changes, each page begins where the one before it ended, and keys whose hashes share their top 48 bits
// are never torn apart.

// Bounds of one Scan.
const (
	MaxScan   = 1000     // keys it looks at, but for those that share the last one's 48 bits
	scanBytes = 64 << 10 // bytes of reply after which it stops, too

	cursorBits = 48
)

// scan answers a page: List [the next cursor, or 0 at the end; then for each key its ValueKind, and the key]. Keys that are
// due as of now are looked at, and left out.
func (m *Machine) scan(op *Op, now int64) Result {
	if noCursor(op) {
		return Result{Value: ListValue(IntValue(0))}
	}
	p := newPage(op)
	counters := m.ledger.listFrom(p.from(), p.left)
	before := func(hash uint64) bool { // takes the counters that come before a hash
		for ; len(counters) > 0 && counters[0].hash <= hash; counters = counters[1:] {
			if !p.look(counters[0].hash) {
				return false
			}
			if row, _ := m.ledger.era(counters[0].number); row.slices > 0 {
				p.list(IntValue(int64(InstanceCounter)), Value{Kind: Text, Text: []byte(row.key)})
			}
		}
		return true
	}
	full := false
	m.table.ascend(p.from(), func(hash uint64, key []byte, it item) bool {
		full = !before(hash) || !p.look(hash)
		if !full && (it.deadline == 0 || it.deadline > now) {
			p.list(IntValue(int64(it.value.Kind)), Value{Kind: Text, Text: key})
		}
		return !full
	})
	if !full {
		before(math.MaxUint64)
	}
	return p.result()
}
