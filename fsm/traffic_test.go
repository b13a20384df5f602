package fsm

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

const trafficKeys = 60 // so few that no two share a version

// modelBatch is a Batch before it is encoded, for the model, and after, for the Machine and for resends.
type modelBatch struct {
	number     Number
	groups     [][]Op
	conditions [][]Condition // of each group
	encoded    []byte
}

// traffic makes up Entries as a cluster would see them: several origins that send, resend, restart and repeat what is old;
// stamps that go on, stand still and fall back.
type traffic struct {
	rnd     *rand.Rand
	stamp   int64
	index   uint64
	numbers map[string]Number
	sent    []modelBatch // lately
}

func (tr *traffic) entry() (Entry, []modelBatch) {
	tr.index++
	switch tr.rnd.IntN(8) {
	case 0:
		tr.stamp -= tr.rnd.Int64N(50)
	case 1, 2:
	default:
		tr.stamp += tr.rnd.Int64N(40)
	}
	e := Entry{Kind: Ordinary, Stamp: tr.stamp}
	if tr.rnd.IntN(30) == 0 {
		e.Kind, e.HashKey = Opener, [16]byte{byte(tr.rnd.Uint32())}
	}
	var batches []modelBatch
	for _, origin := range []string{"n1", "n2", "n3-lax"} {
		if tr.rnd.IntN(3) == 0 {
			continue
		}
		b := tr.batch(origin)
		batches = append(batches, b)
		e.Batches = append(e.Batches, b.encoded)
	}
	return e, batches
}

// batch is a new Batch of origin, or one that was sent before: by now equal to the largest number, or smaller.
func (tr *traffic) batch(origin string) modelBatch {
	if tr.rnd.IntN(4) == 0 {
		for _, b := range slices.Backward(tr.sent) {
			if b.number.Origin == origin && tr.rnd.IntN(2) == 0 {
				return b
			}
		}
	}
	n := tr.numbers[origin]
	n.Origin = origin
	n.Sequence += 1 + tr.rnd.Uint64N(2)*tr.rnd.Uint64N(3)
	if n.Incarnation == 0 || tr.rnd.IntN(50) == 0 {
		n.Incarnation, n.Sequence = n.Incarnation+1, 1
	}
	tr.numbers[origin] = n
	b := modelBatch{number: n}
	var groups [][]byte
	ops := 0
	for range 1 + tr.rnd.IntN(3) {
		var group []Op
		for range 1 + tr.rnd.IntN(5) {
			group = append(group, tr.op())
		}
		if tr.rnd.IntN(60) == 0 {
			group = []Op{LimitOp(tr.limits())}
		}
		conditions := tr.conditions()
		b.groups, b.conditions = append(b.groups, group), append(b.conditions, conditions)
		groups, ops = append(groups, AppendGroupIf(nil, Terms{Conditions: conditions}, group)), ops+len(group)
	}
	b.encoded = AppendBatch(nil, n, ops, groups...)
	tr.sent = append(tr.sent, b)
	tr.sent = tr.sent[max(0, len(tr.sent)-10):]
	return b
}

func (tr *traffic) op() Op {
	kinds := []Kind{Get, Incr, Incr, Incr, Set, Set, Set, Delete, Exists, Expire, Expire, Persist, TTL, Size,
		Add, Add, IncrEx, IncrEx, IncrEx, IncrIf, SetIf, SetIf, DeleteIf, GetDelete, GetExpire, Append, Append, SetRange,
		Rename, Rename, Copy, Copy, Deadline, Inspect, Version}
	kind := kinds[tr.rnd.IntN(len(kinds))]
	if tr.rnd.IntN(400) == 0 {
		return Op{Kind: Flush}
	}
	return tr.opOf(kind)
}

// opOf is an Op of a kind, with whatever it needs.
func (tr *traffic) opOf(kind Kind) Op {
	op := Op{Kind: kind}
	facts := kindFacts[op.Kind]
	if facts.key {
		op.Key = tr.key()
	}
	if facts.amount {
		op.Amount = tr.amount()
	}
	if facts.value {
		op.Value = tr.value()
	}
	if op.Kind == Set || op.Kind == SetIf {
		op.Flags = tr.some(NX, XX, SetGet, KeepTTL)
	}
	if op.Kind == SetIf {
		op.Flags |= tr.some(Tell, Tell, Tell)
	}
	if op.Kind == SetRange {
		op.Amount = tr.rnd.Int64N(20) - 1
	}
	if facts.target {
		op.Value = Value{Kind: Text, Text: tr.key()}
		op.Flags = tr.some(NX, XX, XX)
	}
	if facts.compare {
		op.Compare, op.Than = 1+Comparator(tr.rnd.IntN(comparators-1)), tr.value()
	}
	if op.Kind == IncrEx {
		op.Flags = tr.some(NX, Saturate, Saturate, Decimals)
		op.Low, op.High = tr.bound(), tr.bound()
	}
	if op.Kind == Expire && tr.rnd.IntN(2) == 0 {
		op.Flags = []Flags{NX, XX, GT, LT, XX | GT, XX | LT}[tr.rnd.IntN(6)]
	}
	if facts.ex && tr.rnd.IntN(3) != 0 {
		op.Expiry = tr.expiry()
		if tr.rnd.IntN(4) == 0 {
			op.Expiry = Expiry{Mode: Forever}
		}
	}
	return op
}

// read is an Op whose answer depends on a deadline, if its key has one.
func (tr *traffic) read() Op {
	kinds := []Kind{Get, Exists, TTL, Deadline, Inspect}
	return Op{Kind: kinds[tr.rnd.IntN(len(kinds))], Key: tr.key()}
}

func (tr *traffic) key() []byte {
	return strconv.AppendInt([]byte("key-"), tr.rnd.Int64N(trafficKeys), 10)
}

// some is each of flags now and then.
func (tr *traffic) some(flags ...Flags) (some Flags) {
	for _, f := range flags {
		if tr.rnd.IntN(5) == 0 {
			some |= f
		}
	}
	return some
}

func (tr *traffic) value() Value {
	switch tr.rnd.IntN(6) {
	case 0:
		return ParseValue(bytes.Repeat([]byte{byte('a' + tr.rnd.IntN(3))}, tr.rnd.IntN(9)*tr.rnd.IntN(9)))
	case 1:
		texts := []string{"1.5", "-0.25", "3.0", "1e3", "+7", ".5", "-0", "12345678901234567890", "99999999999999999999999999999999999",
			"0.000000000000000001", "1e36", "1e-19", "1e", "0.1"}
		return ParseValue([]byte(texts[tr.rnd.IntN(len(texts))]))
	}
	return IntValue(tr.amount())
}

func (tr *traffic) bound() Value {
	switch tr.rnd.IntN(8) {
	case 0:
		return tr.value()
	case 1, 2:
		return IntValue(tr.amount())
	}
	return Value{}
}

// conditions are those of a group: mostly none.
func (tr *traffic) conditions() (cs []Condition) {
	if tr.rnd.IntN(5) != 0 {
		return nil
	}
	if tr.rnd.IntN(3) == 0 {
		cs = append(cs, Condition{Whole: true})
	}
	for range tr.rnd.IntN(3) {
		cs = append(cs, Condition{Key: tr.key(), Missing: true})
		if tr.rnd.IntN(2) == 0 {
			cs[len(cs)-1] = Condition{Key: tr.key(), Index: tr.index - min(tr.index, tr.rnd.Uint64N(30))}
		}
	}
	return cs
}

// limits are such that 60 keys meet them now and then, and never none for long.
func (tr *traffic) limits() (l Limits) {
	if tr.rnd.IntN(3) != 0 {
		l.Bytes = 500 + tr.rnd.Uint64N(3500)
	}
	if tr.rnd.IntN(3) != 0 {
		l.Keys = 5 + tr.rnd.Uint64N(40)
	}
	return l
}

func (tr *traffic) amount() int64 {
	switch tr.rnd.IntN(20) {
	case 0:
		return math.MaxInt64 - tr.rnd.Int64N(3)
	case 1:
		return math.MinInt64 + tr.rnd.Int64N(3)
	}
	return tr.rnd.Int64N(21) - 10
}

func (tr *traffic) expiry() Expiry {
	switch tr.rnd.IntN(12) {
	case 0:
		return Expiry{After, math.MaxInt64}
	case 1:
		return Expiry{At, math.MinInt64}
	case 2:
		return Expiry{At, tr.stamp + tr.rnd.Int64N(400) - 100}
	}
	return Expiry{After, tr.rnd.Int64N(300) - 20}
}
