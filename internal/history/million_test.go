package history

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
)

// crowd is a history of n operations on some keys, 5 clients a key: nine additions, one in a hundred without an answer, and a read.
func crowd(n, keys int64) []Op {
	ops := make([]Op, 0, n)
	values := make([]int64, keys)
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprint("hot:", i)
	}
	for i := range n {
		k := i % keys
		nth := i / keys
		op := Op{Client: int(nth % 5), Kind: Incr, Key: names[k], Arg: 1, Outcome: Done, Call: 2*i + 1, Return: 2*i + 2 + 8*keys, At: time.Duration(i), End: time.Duration(i + 4*keys)}
		if nth%10 == 9 {
			op.Kind, op.Arg = Get, 0
		} else {
			values[k]++
		}
		if op.Reply = Int(values[k]); nth%100 == 50 {
			op.Outcome, op.Reply, op.Return = Unknown, Reply{}, 0
		}
		ops = append(ops, op)
	}
	return ops
}

func TestAMillionOperationsAreDecidedWithoutASearch(t *testing.T) {
	const n = 1_000_000
	for _, keys := range []int64{1, 1000} {
		ops := crowd(n, keys)
		began := time.Now()
		if err := Check(ops, time.Nanosecond); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d operations on %d keys: %v", n, keys, time.Since(began).Round(time.Millisecond))
		ops[n/2].Reply = Int(ops[n/2].Reply.Int + 1)
		if err := Check(ops, time.Nanosecond); !errors.Is(err, ErrViolation) {
			t.Errorf("one wrong value among %d: %v", n, err)
		}
	}
}

// The operations themselves take 2.5 GB for ten million; B/op is what the checkers add.
func BenchmarkCheckers(b *testing.B) {
	for _, n := range []int64{1_000_000, 10_000_000} {
		for _, keys := range []int64{1, 1000} {
			b.Run(fmt.Sprintf("%d-on-%d-keys", n, keys), func(b *testing.B) {
				ops := crowd(n, keys)
				runtime.GC()
				b.ReportAllocs()
				for b.Loop() {
					if err := Check(ops, time.Nanosecond); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}
