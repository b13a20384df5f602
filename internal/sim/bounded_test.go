package sim

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// bounded is two numbers that INCREX moves about between bounds. Each move leaves a trail: what the number was before and
// after, so that what came of a move nobody heard of is known, too.
type bounded struct {
	*troubled
	added [2]atomic.Int64 // halves that were surely added to each number
	moves atomic.Int64
}

// All is counted in halves: the second number is a decimal.
const (
	lowest, highest = -41, 101
	largestMove     = 60
)

func numberKey(of int) string { return fmt.Sprintf("bounded-%d", of) }

func TestBoundedNumbersStayWithinAndAddUpUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		b := &bounded{troubled: r}
		n := make([]int, troubledClients)
		last := make([][]string, troubledClients) // the trail of the last move, if its answer has come
		trails := make([][]trail, troubledClients)
		r.suffer(func(client int, rng *rand.Rand) {
			n[client]++
			t := trail{of: rng.IntN(2), before: fmt.Sprintf("before-%d-%d", client, n[client]), after: fmt.Sprintf("after-%d-%d", client, n[client])}
			if b.move(t, last[client], rng) {
				last[client] = []string{t.before, t.after}
				return
			}
			trails[client], last[client] = append(trails[client], t), nil
		})
		for _, all := range trails {
			for _, t := range all {
				values := r.values(t.before, t.after)
				b.added[t.of].Add(halves(values[1]) - halves(values[0]))
			}
		}
		for of := range 2 {
			if got, want := halves(r.values(numberKey(of))[0]), b.added[of].Load(); got != want {
				t.Errorf("number %d is at %d halves, %d were added", of, got, want)
			}
		}
		if b.moves.Load() < 10 {
			t.Errorf("%d moves: such a run proves nothing", b.moves.Load())
		}
	})
}

type trail struct {
	of            int // the number
	before, after string
}

// move moves a number and wipes an old trail. known is false if the answer has not come.
func (b *bounded) move(t trail, old []string, rng *rand.Rand) (known bool) {
	key, by := numberKey(t.of), rng.Int64N(2*largestMove+1)-largestMove
	if t.of == 0 {
		by = by / 2 * 2
	}
	o := fsm.Op{Kind: fsm.IncrEx, Key: []byte(key), Value: ofHalves(by), Low: ofHalves(lowest - int64(t.of) + 1), High: ofHalves(highest - int64(t.of) + 1)}
	low, high := halves(o.Low), halves(o.High)
	if t.of == 1 {
		o.Flags |= fsm.Decimals
	}
	saturates := rng.IntN(2) == 0
	if saturates {
		o.Flags |= fsm.Saturate
	}
	ops := []fsm.Op{move(fsm.Copy, key, t.before, fsm.XX), o, move(fsm.Copy, key, t.after, fsm.XX), op(fsm.Get, t.before, 0)}
	for _, key := range old {
		ops = append(ops, op(fsm.Delete, key, 0))
	}
	a, ok := b.group(rng, fsm.Strong, nil, ops...)
	if !ok {
		return false
	}
	b.moves.Add(1)
	pair := a.Results[1].Value.List()
	first, _ := pair.Next()
	second, _ := pair.Next()
	is, added, was := halves(first), halves(second), halves(a.Results[3].Value)
	b.added[t.of].Add(added)
	want := was + by
	switch {
	case low <= want && want <= high:
	case !saturates:
		want = was
	default:
		want = min(max(want, low), high)
	}
	if is != want || is-was != added {
		b.fail("INCREX of %d by %d within %d and %d, saturating %v: is %d after %d", was, by, low, high, saturates, is, added)
	}
	return true
}

// ofHalves is the number of so many halves.
func ofHalves(n int64) fsm.Value {
	if n%2 == 0 {
		return fsm.IntValue(n / 2)
	}
	return fsm.Value{Kind: fsm.Text, Text: []byte(big.NewRat(n, 2).FloatString(1))}
}

// halves is ofHalves, back. Nothing is 0.
func halves(v fsm.Value) int64 {
	if v.Kind == fsm.Nil {
		return 0
	}
	r, ok := new(big.Rat).SetString(text(v))
	if r.Mul(r, big.NewRat(2, 1)); !ok || !r.IsInt() {
		panic("no half: " + text(v))
	}
	return r.Num().Int64()
}
