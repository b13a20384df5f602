package fsm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	instanceKeys  = 6
	instanceNames = 9
)

// instanceTraffic makes up Entries about few instance counters of few instances, with plain Ops on the same keys, bindings and
// limits; origins that fall silent, start again and are removed. It looks at the model only to name epochs that are.
type instanceTraffic struct {
	rnd     *rand.Rand
	napkin  *instanceModel
	stamp   int64
	index   uint64
	origins []string
	origin  string // whose Batch is being made up
	numbers map[string]Number
	sent    []modelBatch
	values  *traffic // what plain Ops carry
}

func newInstanceTraffic(rnd *rand.Rand, napkin *instanceModel) *instanceTraffic {
	return &instanceTraffic{rnd: rnd, napkin: napkin, stamp: 1000, origins: []string{"n1", "n2", "n3"},
		numbers: map[string]Number{}, values: &traffic{rnd: rnd, stamp: 1000}}
}

// entry is one that somebody may have proposed a moment later, or after an outage.
func (tr *instanceTraffic) entry() (e Entry, batches []modelBatch) {
	switch n := tr.rnd.IntN(40); {
	case n < 4:
		tr.stamp -= tr.rnd.Int64N(50)
	case n < 10:
	case n < 25:
		tr.stamp += tr.rnd.Int64N(40)
	case n < 38:
		tr.stamp += tr.rnd.Int64N(1600)
	default: // an outage
		tr.stamp += []int64{2000, 10_000, 100_000, 4_000_000}[tr.rnd.IntN(4)] + tr.rnd.Int64N(1000)
	}
	for _, origin := range tr.origins {
		if tr.rnd.IntN(3) == 0 {
			batches = append(batches, tr.batch(origin))
		}
	}
	e = tr.pack(batches)
	if tr.rnd.IntN(30) == 0 {
		e.Kind, e.HashKey = Opener, [16]byte{byte(tr.rnd.Uint32())}
	}
	return e, batches
}

func (tr *instanceTraffic) pack(batches []modelBatch) Entry {
	tr.index++
	e := Entry{Kind: Ordinary, Stamp: tr.stamp}
	for _, b := range batches {
		e.Batches = append(e.Batches, b.encoded)
	}
	return e
}

// calm is a second or so in which some origins and some instances say that they are there.
func (tr *instanceTraffic) calm(origins, names int) (Entry, []modelBatch) {
	tr.stamp += 500 + tr.rnd.Int64N(1000)
	var batches []modelBatch
	for i, origin := range tr.origins[:origins] {
		var group []Op
		for n := i; n < names; n += max(origins, 1) {
			group = append(group, Op{Kind: Heartbeat, Instance: tr.nth(n)})
		}
		batches = append(batches, tr.seal(origin, [][]Op{group}, make([][]Condition, 1)))
	}
	return tr.pack(batches), batches
}

// tick is an Entry that brings nothing but time.
func (tr *instanceTraffic) tick(millis int64) Entry {
	tr.stamp += millis
	return tr.pack(nil)
}

// batch is a new Batch of origin, or one that was sent before.
func (tr *instanceTraffic) batch(origin string) modelBatch {
	if tr.rnd.IntN(6) == 0 {
		for _, b := range slices.Backward(tr.sent) {
			if b.number.Origin == origin && tr.rnd.IntN(2) == 0 {
				return b
			}
		}
	}
	tr.origin = origin
	var groups [][]Op
	var conditions [][]Condition
	for range tr.rnd.IntN(4) {
		var group []Op
		for range 1 + tr.rnd.IntN(3)*tr.rnd.IntN(3) {
			op := tr.op()
			speaks := op.Kind == Unbind && tr.rnd.IntN(3) == 0
			if speaks {
				op.Value = IntValue(0)
			}
			group = append(group, op)
			if speaks { // at once, and too late
				group = append(group, Op{Kind: SliceSet, Key: tr.key(), Instance: op.Instance, Amount: tr.amount()})
			}
		}
		var cs []Condition
		switch n := tr.rnd.IntN(400); {
		case n < 10:
			group = []Op{LimitOp(tr.limits())}
		case n == 10:
			group = []Op{tr.remove()}
		default:
			cs = tr.conditions()
		}
		groups, conditions = append(groups, group), append(conditions, cs)
	}
	return tr.seal(origin, groups, conditions)
}

func (tr *instanceTraffic) seal(origin string, groups [][]Op, conditions [][]Condition) modelBatch {
	n := tr.numbers[origin]
	n.Origin = origin
	n.Sequence++
	if n.Incarnation == 0 || tr.rnd.IntN(60) == 0 {
		n.Incarnation, n.Sequence = n.Incarnation+1, 1
	}
	tr.numbers[origin] = n
	b := modelBatch{number: n, groups: groups, conditions: conditions}
	var encoded [][]byte
	ops := 0
	for i, group := range groups {
		encoded, ops = append(encoded, AppendGroupIf(nil, Terms{Conditions: conditions[i]}, group)), ops+len(group)
	}
	b.encoded = AppendBatch(nil, n, ops, encoded...)
	tr.sent = append(tr.sent, b)
	tr.sent = tr.sent[max(0, len(tr.sent)-10):]
	return b
}

// remove removes an origin, now and then; another takes its place.
func (tr *instanceTraffic) remove() Op {
	at := tr.rnd.IntN(len(tr.origins))
	gone := tr.origins[at]
	tr.origins[at] = fmt.Sprintf("n%d", 10+len(tr.numbers)+tr.rnd.IntN(1000))
	return RemoveOp(gone)
}

func (tr *instanceTraffic) op() Op {
	if tr.rnd.IntN(8) == 0 {
		return tr.plainOp()
	}
	if tr.rnd.IntN(250) == 0 {
		return []Op{{Kind: Flush}, {Kind: ICClear, Value: Value{Kind: Text}},
			{Kind: ICClear, Value: Value{Kind: Text, Text: []byte("k[1-3]")}}}[tr.rnd.IntN(3)]
	}
	kinds := []Kind{ICGet, ICGet, ICAdd, ICAdd, ICAdd, ICAdd, ICSet, ICDelete, ICAddIf, ICSetIf, SliceSet, SliceSet, SliceSet, SliceDelete,
		SliceDelete, SliceSetIf, SliceSetIf, Heartbeat, ClearInstance, Bind, Bind, Unbind, ICSlices}
	op := Op{Kind: kinds[tr.rnd.IntN(len(kinds))], Instance: tr.name()}
	if op.Kind == ICSlices {
		return Op{Kind: ICSlices, Key: tr.key(), Value: IntValue(MaxScan)}
	}
	if (op.Kind == ICGet || op.Kind == ICDelete) && tr.rnd.IntN(3) == 0 {
		op.Instance = nil
	}
	switch op.Kind {
	case Heartbeat:
		op.Amount = []int64{0, 0, 0, -1, 1, 3000, 5000, 60_000, 7_200_000, 1 << 60}[tr.rnd.IntN(10)]
		return op
	case ClearInstance:
		return op
	case Bind:
		op.Amount = tr.rnd.Int64N(3)
		if tr.rnd.IntN(4) == 0 {
			op.Flags = Fresh
		}
		return op
	case Unbind:
		op.Amount, op.Value = tr.rnd.Int64N(3), IntValue([]int64{0, 1000, 30_000, WholeLease}[tr.rnd.IntN(4)])
		for _, name := range tr.napkin.names() { // mostly a binding that is there
			if b := tr.napkin.instances[name].bound; b != nil && b.from.Origin == tr.origin && tr.rnd.IntN(2) == 0 {
				op.Instance, op.Amount = []byte(name), b.token
			}
		}
		return op
	}
	op.Key, op.Amount = tr.key(), tr.amount()
	if op.Kind == ICAdd && tr.rnd.IntN(4) == 0 {
		op.Epoch = Epoch{uint64(max(0, tr.napkin.epoch(string(op.Key))+tr.rnd.Int64N(3)-1)), true}
	}
	if kindFacts[op.Kind].compare {
		op.Compare, op.Than = 1+Comparator(tr.rnd.IntN(int(ANY))), IntValue(tr.rnd.Int64N(7)-3)
	}
	return op
}

// plainOp is one of Redis's on a key that may be an instance counter.
func (tr *instanceTraffic) plainOp() Op {
	kinds := []Kind{Get, Incr, Set, Delete, Delete, Exists, Expire, Persist, TTL, Deadline, Size, Add, IncrEx, IncrIf, SetIf, DeleteIf, DeleteIf,
		GetDelete, GetExpire, Append, SetRange, Rename, Copy, Inspect, Version}
	tr.values.stamp = tr.stamp
	op := tr.values.opOf(kinds[tr.rnd.IntN(len(kinds))])
	if op.Key != nil {
		op.Key = tr.key()
	}
	if kindFacts[op.Kind].target {
		op.Value.Text = tr.key()
	}
	return op
}

func (tr *instanceTraffic) key() []byte { return fmt.Appendf(nil, "k%d", tr.rnd.IntN(instanceKeys)) }

func (tr *instanceTraffic) name() []byte { return tr.nth(tr.rnd.IntN(instanceNames)) }

func (tr *instanceTraffic) nth(n int) []byte { return fmt.Appendf(nil, "i%d", n) }

func (tr *instanceTraffic) amount() int64 {
	switch tr.rnd.IntN(40) {
	case 0:
		return math.MaxInt64 - tr.rnd.Int64N(3)
	case 1:
		return math.MinInt64 + tr.rnd.Int64N(3)
	case 2:
		return math.MaxInt64/2 + tr.rnd.Int64N(3)
	}
	return tr.rnd.Int64N(7) - 3
}

// limits are met now and then.
func (tr *instanceTraffic) limits() (l Limits) {
	switch tr.rnd.IntN(6) {
	case 0:
		l.Bytes = 300 + tr.rnd.Uint64N(3000)
	case 1:
		l.Keys = 2 + tr.rnd.Uint64N(instanceKeys-2)
	case 2:
		l.Instances = 2 + tr.rnd.Uint64N(instanceNames-2)
	}
	if tr.rnd.IntN(2) == 0 {
		l.Lease = 3000 + tr.rnd.Uint64N(20_000)
	}
	return l
}

func (tr *instanceTraffic) conditions() (cs []Condition) {
	if tr.rnd.IntN(5) != 0 {
		return nil
	}
	if tr.rnd.IntN(3) == 0 {
		cs = append(cs, Condition{Whole: true})
	}
	for range tr.rnd.IntN(3) {
		c := Condition{Key: tr.key(), Missing: tr.rnd.IntN(3) == 0}
		if !c.Missing {
			c.Index = tr.index - min(tr.index, tr.rnd.Uint64N(6))
		}
		cs = append(cs, c)
	}
	return cs
}
