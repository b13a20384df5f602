package fsm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// crowdedLedger has counters with a slice each, of one instance.
func crowdedLedger(t testing.TB, counters int) *Machine {
	t.Helper()
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	var ops []Op
	for i := range counters {
		ops = append(ops, Op{Kind: ICAdd, Key: fmt.Append(nil, i), Instance: []byte("anna"), Amount: 1})
	}
	for batch := range slices.Chunk(ops, MaxBatchOps) {
		m.mustDo(t, batch...)
	}
	return m
}

func globOp(glob string, cursor int64) Op {
	return Op{Kind: ICClear, Amount: cursor, Value: Value{Kind: Text, Text: []byte(glob)}}
}

// nextStep takes the next answer of a step of a walk: its cursor, and how many it ended.
func (rs *Results) nextStep(t testing.TB) (cursor, ended int64) {
	t.Helper()
	r, ok := rs.Next()
	list := r.Value.List()
	first, _ := list.Next()
	second, _ := list.Next()
	if !ok || r.Code != OK || first.Kind != Int || second.Kind != Int {
		t.Fatalf("answered %+v, %v", r, ok)
	}
	return first.Int, second.Int
}

// However many clear by a glob at once, an Entry takes a bounded time, and each walk comes to its end.
func TestOneEntryLooksAtABoundedNumberOfCountersWhoeverClearsThem(t *testing.T) {
	m := crowdedLedger(t, 2*MaxSteps)
	var places []int64 // of the counters, as cursors
	m.ledger.keys.ascend(0, func(hash uint64, _ []byte, _ item) bool {
		places = append(places, int64(hash>>(64-cursorBits)))
		return true
	})
	const walks = MaxBatchOps
	answers := m.mustDo(t, slices.Repeat([]Op{globOp("none*", 0)}, walks)...)
	looks := 0
	for range walks {
		next, ended := answers.nextStep(t)
		at, _ := slices.BinarySearch(places, next)
		if looks += at; at == 0 || ended > 0 {
			t.Fatalf("a step looked at %d counters and ended %d", at, ended)
		}
	}
	if looks < maxLook || looks > maxLook+walks {
		t.Errorf("one Entry looked at %d counters", looks)
	}
	for cursor, steps := int64(0), 0; m.Keys() > 0; steps++ {
		answers := m.mustDo(t, globOp("*", cursor))
		if cursor, _ = answers.nextStep(t); cursor == 0 && m.Keys() > 0 || steps > 10 {
			t.Fatalf("after %d steps the walk is at %d, and %d counters are left", steps, cursor, m.Keys())
		}
	}
	checkMachine(t, m)
}

// However many are cleared at once, an Entry ends a bounded number of slices, and what is left ends in the next ones.
func TestOneEntryEndsABoundedNumberOfSlicesWhoeverClearsThem(t *testing.T) {
	const names, each = 18, MaxSteps
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	var clears []Op
	for i := range names {
		name := fmt.Append(nil, "i", i)
		var ops []Op
		for key := range each {
			ops = append(ops, Op{Kind: ICAdd, Key: fmt.Append(nil, key), Instance: name, Amount: 1})
		}
		m.mustDo(t, ops...)
		clears = append(clears, Op{Kind: ClearInstance, Instance: name})
	}
	last := clears[names-1].Instance
	m.mustDo(t, Op{Kind: Heartbeat, Instance: last, Amount: 5000}, Op{Kind: Bind, Instance: last, Amount: 7})
	answers := m.mustDo(t, clears...)
	for range names {
		if r, ok := answers.Next(); !ok || r.Value.Int != each {
			t.Errorf("a clear answered %+v", r)
		}
	}
	number, _ := m.ledger.numberOf(last)
	if row := m.ledger.instance(number); row.lease != 5000 || !row.binding.given() || row.slices > 0 {
		t.Errorf("the name goes on with %+v", row)
	}
	for left := names*each - maxSweep; left >= 0; left -= MaxSteps {
		if got := m.ledger.slices.Len(); got != left {
			t.Errorf("%d slices are left, want %d", got, left)
		}
		checkMachine(t, m)
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now})
	}
}

// Whatever room there is for what a group makes, it has all of it or nothing.
func TestAGroupThatMakesInstancesAndCountersFitsAsAWhole(t *testing.T) {
	ops := []Op{sliceOp(ICAdd, "a", "anna", 1), sliceOp(Heartbeat, "", "bert", 0), sliceOp(ICSet, "b", "carl", 1), sliceOp(SliceSet, "a", "carl", 1)}
	whole, none := 0, 0
	for room := uint64(1); room < 6000; room += 50 {
		m := New()
		m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
		m.mustDo(t, LimitOp(Limits{Bytes: room}))
		refused := strings.Count(answersOf(t, m.mustDo(t, ops...)), "full-bytes")
		switch {
		case refused == 0 && m.UsedBytes() <= room:
			whole++
		case refused == len(ops) && m.UsedBytes() == 0:
			none++
		default:
			t.Errorf("with room for %d bytes %d of %d are refused, and %d are used", room, refused, len(ops), m.UsedBytes())
		}
	}
	if whole == 0 || none == 0 {
		t.Errorf("%d times all, %d times nothing", whole, none)
	}
}

// Ops, deaths and returns go on while an image is written from another goroutine; run with -race.
func TestAnImageOfALedgerIsWrittenWhileItGoesOn(t *testing.T) {
	m := crowdedLedger(t, 3000)
	busy := func(round int) {
		for i := range 150 {
			name := fmt.Append(nil, "i", (round+i)%7)
			m.mustDo(t, Op{Kind: Bind, Instance: name, Amount: int64(i)}, Op{Kind: ICAdd, Key: fmt.Append(nil, i*round), Instance: name, Amount: 1},
				Op{Kind: Heartbeat, Instance: []byte("anna"), Amount: MinLease}, Op{Kind: ICSet, Key: fmt.Append(nil, i), Instance: name, Amount: 2},
				Op{Kind: ICDelete, Key: fmt.Append(nil, i+1000)}, Op{Kind: Unbind, Instance: name, Amount: int64(i), Value: IntValue(300)})
		}
		for range 5 {
			m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 1200})
		}
	}
	for round := range 10 {
		want := imageOf(t, m)
		image := m.Freeze()
		written := make(chan []byte)
		go func() {
			var out bytes.Buffer
			if _, err := image.WriteTo(&out); err != nil {
				t.Error(err)
			}
			written <- out.Bytes()
		}()
		busy(round)
		if !bytes.Equal(<-written, want) {
			t.Fatalf("round %d: the image is not of the moment of the freeze", round)
		}
		checkMachine(t, m)
	}
}
