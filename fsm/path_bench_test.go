package fsm

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// What a write costs on its way through this package, from Ops to Results, one stage each. Sizes are Ops in a Batch: one
// client, a pipeline, a full Batch. B/op and allocs/op are per Batch, ns/Op per Op.

func pathSizes() []int { return []int{1, 64, MaxBatchOps} }

const pathKeys = 100_000

func perOp(b *testing.B, ops int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*ops), "ns/Op")
}

func pathOps(n, keys int) (ops []Op) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range n {
		ops = append(ops, Op{Kind: Incr, Key: benchKey(rnd.Uint64N(uint64(keys))), Amount: 1})
	}
	return ops
}

// BenchmarkRequestAdd encodes INCRs, a group each, into a Request that is used again.
func BenchmarkRequestAdd(b *testing.B) {
	for _, n := range pathSizes() {
		b.Run(fmt.Sprintf("ops=%d", n), func(b *testing.B) {
			ops := pathOps(n, pathKeys)
			var r Request
			b.ReportAllocs()
			for b.Loop() {
				r.Reset()
				for i := range ops {
					r.Add(ops[i : i+1]...)
				}
			}
			perOp(b, n)
		})
	}
}

// BenchmarkEntryPath decodes and applies Entries of one Batch of INCRs, a group each, as each replica does.
func BenchmarkEntryPath(b *testing.B) {
	for _, keys := range []int{1, pathKeys} {
		m := filledMachine(b, uint64(keys))
		for _, n := range pathSizes() {
			b.Run(fmt.Sprintf("keys=%d/ops=%d", keys, n), func(b *testing.B) {
				var groups [16][]byte
				for i := range groups {
					for _, op := range pathOps(n, keys) {
						groups[i] = AppendGroup(groups[i], []Op{op})
					}
				}
				var batch, entry []byte // the Machine keeps neither
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					batch = AppendBatch(batch[:0], Number{"bench", 1, m.index + 1}, n, groups[i%len(groups)])
					e := Entry{Kind: Ordinary, Stamp: 1, Batches: [][]byte{batch}}
					entry = e.Append(entry[:0])
					m.applyEncoded(b, entry)
				}
				perOp(b, n)
			})
		}
	}
}

func (m *Machine) applyEncoded(b *testing.B, entry []byte) {
	e, err := DecodeEntry(entry)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := m.Apply(m.index+1, 1, e); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkResults encodes and walks Results of integers of six digits.
func BenchmarkResults(b *testing.B) {
	for _, n := range pathSizes() {
		var results Results
		for i := range n {
			results = appendResult(results, Result{Code: OK, Value: IntValue(int64(100_000 + i))})
		}
		b.Run(fmt.Sprintf("encode/ops=%d", n), func(b *testing.B) {
			dst := make(Results, 0, len(results))
			b.ReportAllocs()
			for b.Loop() {
				dst = dst[:0]
				for i := range n {
					dst = appendResult(dst, Result{Code: OK, Value: IntValue(int64(100_000 + i))})
				}
			}
			perOp(b, n)
		})
		b.Run(fmt.Sprintf("decode/ops=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rest := results
				if _, ok := rest.Take(n); !ok || len(rest) > 0 {
					b.Fatal("cut off")
				}
			}
			perOp(b, n)
		})
	}
}
