package sim

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// Three counters that are only ever counted together, in one group, by an Incr, a Copy and an IncrIf.
func TestCountersThatAreCountedTogetherNeverDifferUnderChaos(t *testing.T) {
	counters := []string{"first", "second", "third"}
	together := []fsm.Op{
		op(fsm.Incr, counters[0], 1),
		move(fsm.Copy, counters[0], counters[1], fsm.XX),
		op(fsm.Get, counters[1], 0), // reads see the Ops before them, not those behind
		{Kind: fsm.IncrIf, Key: []byte(counters[2]), Amount: 1, Compare: fsm.ANY, Than: fsm.IntValue(0)},
		op(fsm.Get, counters[2], 0),
		{Kind: fsm.Append, Key: []byte("beside"), Value: fsm.Value{Kind: fsm.Text}},
	}
	eachTrouble(t, func(r *troubled) {
		r.suffer(func(client int, rng *rand.Rand) {
			switch rng.IntN(4) {
			case 0:
				call := r.recorder.Get(client, "counters")
				a, ok := r.group(rng, fsm.Strong, nil, gets(counters...)...)
				r.record(call, a)
				if ok {
					r.alike("a strong read", a.int(0), a.int(1), a.int(2))
				}
			case 1:
				if a, ok := r.group(rng, fsm.Stale, nil, gets(counters...)...); ok {
					r.alike("a stale read", a.int(0), a.int(1), a.int(2))
				}
			default:
				call := r.recorder.Incr(client, "counters", 1)
				a, ok := r.group(rng, fsm.Strong, nil, together...)
				r.record(call, a)
				if ok {
					r.alike("the group itself", a.int(0), a.int(2), a.int(4))
				}
			}
		})
		if err := r.recorder.Check(0); err != nil {
			t.Fatal(err)
		}
	})
}

func (r *troubled) alike(who string, counts ...int64) {
	if slices.Min(counts) != slices.Max(counts) {
		r.fail("%s finds the counters at %d", who, counts)
	}
}
