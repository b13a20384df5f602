package fsm

import (
	"bytes"
	"fmt"
	"slices"
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
