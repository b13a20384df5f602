package fsm

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"
)

const benchOps = 1000 // Ops in a Batch of the benchmarks

// BenchmarkApplyIncr applies Batches of 1,000 INCR, on one key and on random ones of a million; the figures are per Op.
func BenchmarkApplyIncr(b *testing.B) {
	for _, keys := range []uint64{1, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			m := filledMachine(b, keys)
			rnd := rand.New(rand.NewPCG(1, 1))
			var batches [64][]byte
			for i := range batches {
				batches[i] = incrBatch(rnd, keys)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m.benchApply(b, batches[i%len(batches)])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchOps), "ns/Op")
		})
	}
}

// BenchmarkApplyGroups applies Batches of groups of 20 Sets of keys that are there, a million in all: where all surely fit,
// and where the Machine is full, so that each group is tried first. The figures are per Op.
func BenchmarkApplyGroups(b *testing.B) {
	const keys = 1_000_000
	m := filledMachine(b, keys)
	for name, limits := range map[string]Limits{"roomy": {}, "full": {Keys: keys}} {
		b.Run(name, func(b *testing.B) {
			m.mustDo(b, LimitOp(limits))
			rnd := rand.New(rand.NewPCG(1, 1))
			var groups []byte
			for range benchOps / 20 {
				var group []Op
				for range 20 {
					group = append(group, Op{Kind: Set, Key: benchKey(rnd.Uint64N(keys)), Value: IntValue(1)})
				}
				groups = AppendGroup(groups, group)
			}
			b.ReportAllocs()
			for b.Loop() {
				m.benchApply(b, groups)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*benchOps), "ns/Op")
		})
	}
}

// BenchmarkBytesPerKey fills a Machine with a million counters of 20-byte keys and reports what each takes of the heap.
func BenchmarkBytesPerKey(b *testing.B) {
	const keys = 1_000_000
	for b.Loop() {
		before := heap()
		m := filledMachine(b, keys)
		b.ReportMetric(float64(heap()-before)/keys, "bytes/key")
		runtime.KeepAlive(m)
	}
}

// BenchmarkFreeze takes an image of a million keys, and, apart, clones every shard by touching each once.
func BenchmarkFreeze(b *testing.B) {
	const keys = 1_000_000
	m := filledMachine(b, keys)
	b.Run("freeze", func(b *testing.B) {
		for b.Loop() {
			m.Freeze()
		}
	})
	b.Run("freeze and clone all shards", func(b *testing.B) {
		for b.Loop() {
			m.Freeze()
			for i := range uint64(branchCount) {
				b := m.table.writable(i << (64 - branchBits))
				for j := range uint64(len(b.shards)) {
					b.writable(i<<(64-branchBits) | j<<(64-branchBits-b.depth))
				}
			}
		}
	})
	b.Run("write", func(b *testing.B) {
		im := m.Freeze()
		for b.Loop() {
			n, _ := im.WriteTo(io.Discard)
			b.SetBytes(n)
		}
	})
	b.Run("restore", func(b *testing.B) {
		image := imageOf(b, m)
		b.SetBytes(int64(len(image)))
		for b.Loop() {
			if _, err := Restore(bytes.NewReader(image)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("digest", func(b *testing.B) {
		for b.Loop() {
			m.Digest()
		}
	})
}

func filledMachine(b *testing.B, keys uint64) *Machine {
	m := New()
	m.mustApply(b, Entry{Kind: Opener, Stamp: 1, HashKey: [16]byte{1}})
	var ops []Op
	for i := range keys {
		ops = append(ops, Op{Kind: Incr, Key: benchKey(i), Amount: 1})
		if len(ops) == benchOps || i == keys-1 {
			m.mustDo(b, ops...)
			ops = ops[:0]
		}
	}
	return m
}

func benchKey(n uint64) []byte { return fmt.Appendf(nil, "key-%016x", n*0x9e3779b97f4a7c15) }

func incrBatch(rnd *rand.Rand, keys uint64) []byte {
	var ops []Op
	for range benchOps {
		ops = append(ops, Op{Kind: Incr, Key: benchKey(rnd.Uint64N(keys)), Amount: 1})
	}
	return AppendGroup(nil, ops)
}

// benchApply applies groups as the next Batch of an origin.
func (m *Machine) benchApply(b *testing.B, groups []byte) {
	data := make([]byte, 0, len(groups)+32)
	data = AppendBatch(data, Number{"bench", 1, m.index + 1}, benchOps, groups)
	if _, err := m.Apply(m.index+1, 1, Entry{Kind: Ordinary, Stamp: 1, Batches: [][]byte{data}}); err != nil {
		b.Fatal(err)
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
