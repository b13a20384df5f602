package fsm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// What must hold in a ledger holds after every Entry of random histories, and in what an image makes of it.
func TestALedgerIsSoundAfterEveryEntry(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 6))
		m, twin := New(), New()
		stamp, sequences := int64(1000), map[string]uint64{}
		open := Entry{Kind: Opener, Stamp: stamp, HashKey: [16]byte{byte(seed), 1}}
		for _, m := range []*Machine{m, twin} {
			if _, err := m.Apply(1, 1, open); err != nil {
				t.Fatal(err)
			}
		}
		for index := uint64(2); index < 400; index++ {
			stamp += randomGap(rng)
			e := Entry{Kind: Ordinary, Stamp: stamp}
			for _, origin := range []string{"a", "b"} {
				if rng.IntN(3) > 0 {
					sequences[origin]++
					e.Batches = append(e.Batches, randomLedgerBatch(rng, Number{origin, 1 + index/150, sequences[origin]}))
				}
			}
			for _, m := range []*Machine{m, twin} {
				if _, err := m.Apply(index, 1, e); err != nil {
					t.Fatal(err)
				}
			}
			if err := machineError(m); err != nil {
				t.Fatalf("seed %d, index %d: %v", seed, index, err)
			}
			if rng.IntN(20) == 0 {
				twin = throughImage(t, twin.Freeze())
			}
			if m.Digest() != twin.Digest() {
				t.Fatalf("seed %d, index %d: digests differ", seed, index)
			}
		}
	}
}

func randomGap(rng *rand.Rand) int64 {
	return []int64{0, 10, 100, 500, 1000, 1400, 1500, 1500, 1500, 20_000, 4_000_000}[rng.IntN(11)]
}

func randomLedgerBatch(rng *rand.Rand, n Number) []byte {
	ops := make([]Op, 1+rng.IntN(5))
	var terms Terms
	for i := range ops {
		ops[i] = randomLedgerOp(rng)
	}
	switch rng.IntN(8) {
	case 0:
		terms.Conditions = append(terms.Conditions, Condition{Whole: true})
	case 1:
		terms.Conditions = append(terms.Conditions, Condition{Key: ops[0].Key, Missing: true})
	case 2:
		ops = []Op{LimitOp(Limits{Bytes: uint64(rng.IntN(2) * 20_000), Keys: uint64(rng.IntN(10)), Instances: uint64(rng.IntN(30)), Lease: 10_000})}
	case 3:
		ops = []Op{LimitOp(Limits{})}
	}
	if rng.IntN(200) == 0 {
		ops = []Op{RemoveOp("b")}
	}
	return AppendBatch(nil, n, len(ops), AppendGroupIf(nil, terms, ops))
}

func randomLedgerOp(rng *rand.Rand) Op {
	amounts := []int64{0, 1, -1, 2, 5, -7, math.MaxInt64, math.MinInt64, math.MaxInt64 - 3}
	op := Op{
		Kind: ICGet + Kind(rng.IntN(int(Unbind-ICGet)+1)), Key: []byte{'a' + byte(rng.IntN(4))},
		Instance: fmt.Append(nil, "i", rng.IntN(24)), Amount: amounts[rng.IntN(len(amounts))],
		Compare: 1 + Comparator(rng.IntN(7)), Than: IntValue(int64(rng.IntN(5))), Value: IntValue(int64(rng.IntN(2000))),
	}
	switch op.Kind {
	case ICSlices, ICInstances:
		op.Amount = 0
	case Bind, Unbind:
		op.Amount = int64(rng.IntN(2))
		op.Flags = Flags(rng.IntN(2)) * Fresh
		if rng.IntN(4) == 0 {
			op.Value = IntValue(WholeLease)
		}
	case Heartbeat:
		op.Amount = int64(rng.IntN(3) * 20_000)
	case ICClear:
		op.Amount, op.Value = 0, Value{Kind: Text, Text: []byte([]string{"a", "b", "[cd]", "", "x", "y"}[rng.IntN(6)])}
	case ICSet, ICDelete, ClearInstance:
		if rng.IntN(3) > 0 {
			op.Kind = ICAdd
		}
	}
	if rng.IntN(8) == 0 {
		op.Kind = []Kind{Set, Delete, Delete, Incr, Rename, Copy, Get, Flush, Expire}[rng.IntN(9)]
		op.Value, op.Expiry = Value{Kind: Text, Text: []byte{'a' + byte(rng.IntN(4))}}, Expiry{Mode: After, Millis: 700}
	}
	return op
}
