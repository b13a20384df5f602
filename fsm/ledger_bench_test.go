package fsm

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// fillLedger lets each of some instances count in a number of counters, which they share in groups of ten.
func fillLedger(t testing.TB, instances, counters int) (m *Machine, index uint64) {
	t.Helper()
	m = New()
	apply := func(ops []Op) {
		index++
		e := Entry{Kind: Ordinary, Stamp: 1000}
		if index == 1 {
			e.Kind, e.HashKey = Opener, [16]byte{1}
		}
		if len(ops) > 0 {
			e.Batches = [][]byte{AppendBatch(nil, Number{"a", 1, index}, len(ops), AppendGroup(nil, ops))}
		}
		if _, err := m.Apply(index, 1, e); err != nil {
			t.Fatal(err)
		}
	}
	apply(nil)
	var ops []Op
	for i := range instances {
		for c := range counters {
			ops = append(ops, Op{Kind: ICAdd, Key: fmt.Appendf(nil, "connections:%06d:%02d", i/10, c),
				Instance: fmt.Appendf(nil, "6ba7b810-9dad-11d1-80b4-%012d", i), Amount: 1})
		}
		if len(ops) >= 1000 || i == instances-1 {
			apply(ops)
			ops = ops[:0]
		}
	}
	return m, index
}

// What the limits count for instance counters is at least what they take.
func TestALedgerTakesNoMoreThanTheLimitsCount(t *testing.T) {
	for _, shape := range []struct{ instances, counters int }{{20_000, 1}, {10_000, 10}, {500, 200}} {
		before := heap()
		m, _ := fillLedger(t, shape.instances, shape.counters)
		took := heap() - before
		l := m.ledger
		t.Logf("%d instances, %d counters, %d slices: %d bytes, %d a slice; counted %d", l.instances.Len(), l.counters.Len(), l.slices.Len(), took,
			took/uint64(l.slices.Len()), m.UsedBytes())
		if took > m.UsedBytes()+1<<20 {
			t.Errorf("%d bytes taken, %d counted", took, m.UsedBytes())
		}
		runtime.KeepAlive(m)
	}
}

// An add to a slice that is there: what a busy client does all day.
func BenchmarkICAdd(b *testing.B) {
	m, index := fillLedger(b, 10_000, 10)
	ops := make([]Op, 1000)
	for i := range ops {
		n := i * 7919 % 10_000
		ops[i] = Op{Kind: ICAdd, Key: fmt.Appendf(nil, "connections:%06d:%02d", n/10, i%10),
			Instance: fmt.Appendf(nil, "6ba7b810-9dad-11d1-80b4-%012d", n), Amount: 1}
	}
	group := AppendGroup(nil, ops)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += len(ops) {
		index++
		e := Entry{Kind: Ordinary, Stamp: 1000, Batches: [][]byte{AppendBatch(nil, Number{"a", 1, index}, len(ops), group)}}
		if _, err := m.Apply(index, 1, e); err != nil {
			b.Fatal(err)
		}
	}
}

// 1,000 of 100,000 instances die at once, with 10 slices each: ten Entries, of which the longest is told.
func BenchmarkDeath(b *testing.B) {
	m, index := fillLedger(b, 100_000, 10)
	b.ResetTimer()
	for range b.N {
		b.StopTimer()
		stamp := m.now
		tick := func(ops []Op) time.Duration {
			index++
			e := Entry{Kind: Ordinary, Stamp: stamp}
			if len(ops) > 0 {
				e.Batches = [][]byte{AppendBatch(nil, Number{"a", 1, index}, len(ops), AppendGroup(nil, ops))}
			}
			start := time.Now()
			if _, err := m.Apply(index, 1, e); err != nil {
				b.Fatal(err)
			}
			return time.Since(start)
		}
		for range 20 {
			stamp += 1000
			tick(nil)
		}
		var ops []Op
		for i := range 99_000 { // all but a thousand say that they live
			ops = append(ops, Op{Kind: Heartbeat, Instance: fmt.Appendf(nil, "6ba7b810-9dad-11d1-80b4-%012d", 1000+i)})
			if len(ops) == 4000 || i == 98_999 {
				tick(ops)
				ops = ops[:0]
			}
		}
		for m.ledger.living == 100_000 && m.ledger.parked.Len() == 0 {
			b.StartTimer()
			stamp += 1000
			longest, entries := tick(nil), 1
			for m.ledger.backlog() {
				longest, entries = max(longest, tick(nil)), entries+1
			}
			b.StopTimer()
			b.ReportMetric(float64(longest.Microseconds()), "longest-µs")
			b.ReportMetric(float64(entries), "entries")
		}
		ops = nil
		for i := range 1000 { // they return, for the next round
			ops = append(ops, Op{Kind: Heartbeat, Instance: fmt.Appendf(nil, "6ba7b810-9dad-11d1-80b4-%012d", i)})
		}
		tick(ops)
		for m.ledger.backlog() {
			tick(nil)
		}
	}
}
