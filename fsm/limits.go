package fsm

import (
	"cmp"
	"encoding/binary"
	"math"
)

// Limits bound what the keys of a Machine may take. 0: no limit, but where it says otherwise. They are replicated like everything else, so every
// replica refuses the same writes.
//
// Beyond a limit a write is refused if it makes the Machine grow. All else goes on: an Incr of an integer that is there, a
// Set of no larger a value, Delete, Flush, Persist. Expire goes on, too, though a first deadline costs something: it is a
// way out of a full Machine, and there can't be more deadlines than keys; so does GetExpire. Of a group either every write is
// refused for want of room or none (trial.go). A limit below what is used already is no error: it only stops the growth.
type Limits struct {
	Bytes uint64 // of UsedBytes
	Keys  uint64 // of Keys, so those that are due but not removed yet count, too

	Instances uint64 // of names of instances that are known, be they gone; 0: DefaultInstances
	Sessions  uint64 // of sessions; 0: DefaultSessions
	Lease     uint64 // no limit, but kept with them: the lease of an instance without one of its own, in milliseconds; 0: DefaultLease
}

// What counts where the Limits have 0. So these things are bounded in a Machine that nobody limited, too.
const (
	DefaultInstances = 1_000_000
	DefaultSessions  = 10_000
	DefaultLease     = 30_000 // milliseconds
)

func (l *Limits) instances() uint64 { return cmp.Or(l.Instances, DefaultInstances) }
func (l *Limits) sessions() uint64  { return cmp.Or(l.Sessions, DefaultSessions) }

// LimitOp is the Op that sets the Machine's Limits. It stands alone in its group, and counts from the next one on. Limits that a
// build from before instance counters does not know have a Kind of their own, for it would refuse them and go on with others.
func LimitOp(l Limits) Op {
	op := Op{Kind: Limit, Value: Value{Kind: Text, Text: l.append(nil)}}
	if l.later() {
		op.Kind = LimitAll
	}
	return op
}

// Limits are the limits in force. set is false as long as nobody ever set any.
func (m *Machine) Limits() (l Limits, set bool) { return m.limits, m.limited }

// UsedBytes is about what the keys take of a node's memory: the sum of each key's cost. It depends on the keys alone, not on
// how they came to be there, so it is the same on every replica.
func (m *Machine) UsedBytes() uint64 { return m.usage().bytes }

func (m *Machine) limit(op *Op) Result {
	d := decoder{rest: op.Value.Text}
	l := d.limits()
	if d.failed || len(d.rest) > 0 || l.later() != (op.Kind == LimitAll) {
		return Result{Code: WrongType}
	}
	m.setLimits(l)
	return Result{}
}

func (m *Machine) setLimits(l Limits) {
	m.limits, m.limited = l, true
	m.ledger.lease = DefaultLease
	if l.Lease != 0 {
		m.ledger.lease = int64(min(max(l.Lease, MinLease), MaxLease))
	}
}

// later reports whether there are any of those that came later than the first two.
func (l Limits) later() bool { return l.Instances|l.Sessions|l.Lease != 0 }

// append encodes the first two, and the others if there are any.
func (l Limits) append(dst []byte) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, l.Bytes), l.Keys)
	if !l.later() {
		return dst
	}
	return binary.AppendUvarint(binary.AppendUvarint(binary.AppendUvarint(dst, l.Instances), l.Sessions), l.Lease)
}

func (d *decoder) limits() Limits {
	l := Limits{Bytes: d.uvarint(), Keys: d.uvarint()}
	if len(d.rest) > 0 {
		l.Instances, l.Sessions, l.Lease = d.uvarint(), d.uvarint(), d.uvarint()
	}
	return l
}

// What a key takes beside its record. The table's memory depends on its history and the cost must not, so these are what was
// measured, rounded up (docs/decisions/0011-bounded-machine.md).
//
// The cost decides which writes are refused, so it is a format like that of the log: a build that counted otherwise, be it
// because its records are laid out otherwise, would come apart from the others.
const (
	costOfKey      = 52 // the slot, at a load between 7/16 and 7/8
	costOfDeadline = 24 // the place in the deadline queue
	arenaSlack     = 8  // one part in so many of the record: the arena grows before it is full
)

// maxGrowth is what an Op can cost beside the bytes of its key and its text, and their slack; the text of a sum, or what
// becomes of an integer that is appended to, is at most maxNumber bytes. But a Copy, and a SetRange by its offset, can make
// texts that are not in the Op: maxTextGrowth.
const (
	maxGrowth     = costOfKey + costOfDeadline + (recordHead+8+8+maxNumber)*(arenaSlack+1)/arenaSlack + 1
	maxTextGrowth = MaxText*(arenaSlack+1)/arenaSlack + 1
)

// What instance counters take, beside a byte for each of what they are called by: names and keys stand in a table and in a row.
// Measured like the above (docs/decisions/0027-instance-counters.md), and as binding.
const (
	costOfInstance = 320 // its row, its place in the queue and, while it is bound, its binding
	costOfRow      = 240 // a counter's row, and a tombstone's place in its queue
	costOfSlice    = 96  // with its place among the owners
)

func costOfName(name string) uint64   { return costOfKey + 3*uint64(len(name)) }
func costOfCounter(key []byte) uint64 { return costOfRow + 3*uint64(len(key)) }

// cost is what key counts for in the used bytes while it holds it. An item without a value is no item, and costs nothing.
func cost(key []byte, it *item) uint64 {
	if it.value.Kind == Nil {
		return 0
	}
	record := recordSize(key, it)
	bytes := costOfKey + record + record/arenaSlack
	if it.deadline != 0 {
		bytes += costOfDeadline
	}
	return uint64(bytes)
}

// usage is what Limits limit.
type usage struct{ bytes, keys, instances uint64 }

func (m *Machine) usage() usage { return m.plainUsage().with(m.ledger.usage()) }

func (m *Machine) plainUsage() usage { return usage{bytes: m.used, keys: uint64(m.table.count)} }

func (u usage) with(v usage) usage {
	return usage{u.bytes + v.bytes, u.keys + v.keys, u.instances + v.instances}
}

// replace is the usage after key holds next instead of old. Either may be missing: the zero item.
func (u usage) replace(key []byte, old, next *item) usage {
	u.bytes += cost(key, next) - cost(key, old)
	if old.value.Kind == Nil {
		u.keys++
	}
	if next.value.Kind == Nil {
		u.keys--
	}
	return u
}

// refuse says which limit forbids op to put next in the place of old, or OK.
func (l *Limits) refuse(op *Op, now usage, old, next *item) Code {
	if *l == (Limits{}) || op.Kind == Expire || op.Kind == GetExpire {
		return OK
	}
	return l.exceeded(now, now.replace(op.Key, old, next))
}

// exceeded says which limit forbids to go from one usage to another, or OK.
func (l *Limits) exceeded(now, then usage) Code {
	switch {
	case then.instances > l.instances() && then.instances > now.instances:
		return FullInstances
	case l.Keys != 0 && then.keys > l.Keys && then.keys > now.keys:
		return FullKeys
	case l.Bytes != 0 && then.bytes > l.Bytes && then.bytes > now.bytes:
		return FullBytes
	}
	return OK
}

// refusal is the Result of a write that code forbids.
func (l Limits) refusal(code Code) Result {
	limit := l.Bytes
	switch code {
	case FullKeys:
		limit = l.Keys
	case FullInstances:
		limit = l.instances()
	case FullSessions:
		limit = l.sessions()
	}
	return Result{Code: code, Value: IntValue(int64(min(limit, math.MaxInt64)))}
}

// hold reports whether ops Ops in size encoded bytes, which have their keys and texts in them, surely fit beside what is
// used now. Of the Ops, texts may make others (maxTextGrowth).
func (l Limits) hold(now usage, ops, texts, size int) bool {
	bytes := uint64(size) + uint64(size)/arenaSlack + uint64(ops)*maxGrowth + uint64(texts)*maxTextGrowth
	return (l.Bytes == 0 || now.bytes <= l.Bytes && bytes <= l.Bytes-now.bytes) &&
		(l.Keys == 0 || now.keys <= l.Keys && uint64(ops) <= l.Keys-now.keys) &&
		now.instances <= l.instances() && uint64(ops) <= l.instances()-now.instances
}
