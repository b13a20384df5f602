package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// walks are SCANs of all keys, page by page at one node after the other, while keys come and go. The steadies are there all the
// time, and change what they hold.
type walks struct {
	*troubled
	steadies []string
	whole    atomic.Int64 // walks that came to their end
}

func TestWalksMeetEveryKeyThatIsThereAllTheTimeUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		w := &walks{troubled: r}
		var sets []fsm.Op
		for i := range 300 {
			w.steadies = append(w.steadies, fmt.Sprintf("steady-%d", i))
			sets = append(sets, set(w.steadies[i], "0", 0))
		}
		r.must(sets...)
		n := make([]int, troubledClients)
		r.suffer(func(client int, rng *rand.Rand) {
			if n[client]++; client%2 == 0 {
				w.churn(rng)
				return
			}
			w.walk(fmt.Sprintf("gone-%d-%d", client, n[client]), rng)
		})
		t.Logf("%d walks", w.whole.Load())
		if w.whole.Load() < 2 {
			t.Error("such a run proves nothing")
		}
	})
}

// churn changes keys of all kinds.
func (w *walks) churn(rng *rand.Rand) {
	passing := func() string { return fmt.Sprintf("passing-%d", rng.IntN(400)) }
	var ops []fsm.Op
	for range 20 {
		switch steady := w.steadies[rng.IntN(len(w.steadies))]; rng.IntN(6) {
		case 0:
			ops = append(ops, set(passing(), "x", 1+rng.Int64N(200)))
		case 1:
			ops = append(ops, set(passing(), "a text that takes some more room than a number does", 0))
		case 2:
			ops = append(ops, op(fsm.Delete, passing(), 0))
		case 3:
			ops = append(ops, move(fsm.Copy, steady, passing(), fsm.XX))
		case 4:
			ops = append(ops, set(steady, fmt.Sprint("text ", rng.Uint64()), 0))
		default:
			ops = append(ops, set(steady, fmt.Sprint(rng.IntN(100)), 3_600_000_000))
		}
	}
	w.group(rng, fsm.Strong, nil, ops...)
}

// walk sees a key of its own end, then walks from the first page to the last.
func (w *walks) walk(gone string, rng *rand.Rand) {
	if _, ok := w.group(rng, fsm.Strong, nil, set(gone, "1", 1+rng.Int64N(15))); !ok {
		return
	}
	w.Pass(10 * time.Millisecond)
	if a, ok := w.group(rng, fsm.Strong, nil, op(fsm.Exists, gone, 0)); !ok || a.int(0) == 1 {
		return
	}
	met := map[string]bool{}
	for cursor, failures := int64(0), 0; ; {
		page, ok := w.group(rng, fsm.Strong, nil, fsm.Op{Kind: fsm.Scan, Amount: cursor, Value: fsm.IntValue(1 + rng.Int64N(80))})
		if !ok {
			if failures++; failures == 20 {
				return
			}
			w.Pass(50 * time.Millisecond)
			continue
		}
		all := page.Results[0].Value.List()
		next, _ := all.Next()
		for {
			_, more := all.Next()
			key, ok := all.Next()
			if !more || !ok {
				break
			}
			met[text(key)] = true
		}
		if cursor = next.Int; cursor == 0 {
			break
		}
		w.Pass(time.Duration(rng.IntN(10)) * time.Millisecond)
	}
	w.whole.Add(1)
	if met[gone] {
		w.fail("the walk met %s, which had ended before", gone)
	}
	if missed := slices.IndexFunc(w.steadies, func(key string) bool { return !met[key] }); missed >= 0 {
		w.fail("the walk has not met %s, which was there all the time", w.steadies[missed])
	}
}
