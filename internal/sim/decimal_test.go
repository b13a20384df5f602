package sim

import (
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// decimal is a number that changes in steps of one size only, so that counting the steps tells whether any was lost, doubled
// or rounded.
type decimal struct {
	key, base, step string
	places          int // behind the point of base and step
}

var decimals = []decimal{
	{key: "tenths", base: "0", step: "0.1", places: 1},
	{key: "down", base: "1", step: "-0.003", places: 3},
	{key: "far", base: "99999999999999999999", step: "0.05", places: 2}, // carries through 20 digits
}

func TestSumsOfDecimalsAreExactUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		for _, d := range decimals {
			r.must(set(d.key, d.base, 0))
		}
		r.suffer(func(client int, rng *rand.Rand) {
			d := decimals[rng.IntN(len(decimals))]
			call, op := r.recorder.Incr(client, d.key, 1), add(d.key, d.step)
			if rng.IntN(4) == 0 {
				call, op = r.recorder.Get(client, d.key), gets(d.key)[0]
			}
			a, ok := r.group(rng, fsm.Strong, nil, op)
			if ok {
				steps, exact := d.steps(text(a.Results[0].Value))
				if !exact {
					r.fail("%v of %s answered %q, which is no sum of %s and %s", op.Kind, d.key, text(a.Results[0].Value), d.base, d.step)
				}
				a.Results[0].Value = fsm.IntValue(steps)
				if steps == 0 { // for the check, a key is missing at first
					a.Results[0].Value = fsm.Value{}
				}
			}
			r.record(call, a)
		})
		if err := r.recorder.Check(0); err != nil {
			t.Fatal(err)
		}
		for _, d := range decimals { // the end, too, must be explained
			call := r.recorder.Get(0, d.key)
			steps, _ := d.steps(text(r.values(d.key)[0]))
			call.Done(history.Int(steps))
		}
		if err := r.recorder.Check(0); err != nil {
			t.Fatal(err)
		}
	})
}

func add(key, amount string) fsm.Op {
	return fsm.Op{Kind: fsm.Add, Key: []byte(key), Value: fsm.Value{Kind: fsm.Text, Text: []byte(amount)}}
}

// steps is how many steps lead from the base to a number, which must be written as Redis would: without zeros at its end.
func (d decimal) steps(number string) (n int64, exact bool) {
	is, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, false
	}
	base, _ := new(big.Rat).SetString(d.base)
	step, _ := new(big.Rat).SetString(d.step)
	steps := base.Quo(base.Sub(is, base), step)
	canonical := strings.TrimSuffix(strings.TrimRight(is.FloatString(d.places), "0"), ".")
	if is.IsInt() {
		canonical = is.Num().String()
	}
	return steps.Num().Int64(), steps.IsInt() && number == canonical
}
