package fsm

// SCAN walks the table in the order of its keyed hash. A cursor is the top 48 bits of a hash, so it needs no memory on any
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
	if op.Amount < 0 || op.Amount>>cursorBits != 0 {
		return Result{Value: ListValue(IntValue(0))} // no such cursor was ever answered
	}
	left := min(max(op.Value.Int, 1), MaxScan)
	var next uint64
	var page []byte
	last := uint64(op.Amount)
	m.table.ascend(last<<(64-cursorBits), func(hash uint64, key []byte, it item) bool {
		cursor := hash >> (64 - cursorBits)
		if cursor != last && (left <= 0 || len(page) >= scanBytes) {
			next = cursor
			return false
		}
		last = cursor
		left--
		if it.deadline == 0 || it.deadline > now {
			page = appendValue(page, IntValue(int64(it.value.Kind)))
			page = appendValue(page, Value{Kind: Text, Text: key})
		}
		return true
	})
	return Result{Value: Value{Kind: List, Text: append(appendValue(nil, IntValue(int64(next))), page...)}}
}
