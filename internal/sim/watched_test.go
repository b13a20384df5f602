package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// watched is keys that are changed in every way there is, by clients and by their deadlines, while others watch them.
type watched struct {
	*troubled
	keys           []string
	unique         atomic.Int64
	held, happened atomic.Int64 // groups whose conditions did not hold, and did
}

func TestWhatIsWatchedIsUnchangedWhereItsGroupIsAppliedUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		w := &watched{troubled: r}
		for i := range 12 {
			w.keys = append(w.keys, fmt.Sprintf("watched-%d", i))
		}
		r.suffer(func(client int, rng *rand.Rand) {
			if client%3 == 0 {
				w.change(rng)
				return
			}
			w.watch(rng)
		})
		w.undisturbed()
		t.Logf("%d aborted, %d not", w.held.Load(), w.happened.Load())
		if w.held.Load() < 5 || w.happened.Load() < 5 {
			t.Error("such a run proves nothing")
		}
	})
}

// change writes to some key. Nothing is ever stored twice, but by those that count how often they do.
func (w *watched) change(rng *rand.Rand) {
	key, other := w.keys[rng.IntN(len(w.keys))], w.keys[rng.IntN(len(w.keys))]
	value := fmt.Sprintf("value %d", w.unique.Add(1))
	soon := fsm.Expiry{Mode: fsm.After, Millis: rng.Int64N(80)}
	ops := []fsm.Op{set(key, value, 0)}
	switch rng.IntN(14) {
	case 0, 1, 2:
		ops = []fsm.Op{set(key, value, 1+rng.Int64N(80))}
	case 3:
		ops = []fsm.Op{op(fsm.Delete, key, 0)}
	case 4:
		ops = []fsm.Op{{Kind: fsm.Expire, Key: []byte(key), Expiry: soon}}
	case 5:
		ops = []fsm.Op{{Kind: fsm.GetExpire, Key: []byte(key), Expiry: fsm.Expiry{Mode: fsm.Forever}}}
	case 6:
		ops = []fsm.Op{move(fsm.Rename, key, other, 0)}
	case 7:
		ops = []fsm.Op{move(fsm.Copy, key, other, fsm.XX)}
	case 8:
		ops = []fsm.Op{{Kind: fsm.Append, Key: []byte(key), Value: fsm.Value{Kind: fsm.Text, Text: []byte("+")}}}
	case 9, 10: // only the count tells that it was stored anew
		ops = []fsm.Op{set(key, "the same", 0), op(fsm.Incr, "count of "+key, 1)}
	case 11:
		if rng.IntN(3) == 0 {
			ops = []fsm.Op{{Kind: fsm.Flush}}
		}
	}
	w.group(rng, fsm.Strong, nil, ops...)
}

// watch reads two keys, and a moment later has a group depend on them that reads them again.
func (w *watched) watch(rng *rand.Rand) {
	first := rng.IntN(len(w.keys))
	keys := []string{w.keys[first], w.keys[(first+1+rng.IntN(len(w.keys)-1))%len(w.keys)]}
	look := gets(keys...)
	for _, key := range keys {
		look = append(look, op(fsm.Deadline, key, 0), op(fsm.Get, "count of "+key, 0))
	}
	before, ok := w.group(rng, fsm.Strong, nil, append([]fsm.Op{{Kind: fsm.Version}}, look...)...)
	if !ok {
		return
	}
	time.Sleep(time.Duration(rng.IntN(50)) * time.Millisecond)
	ops := look
	if rng.IntN(4) > 0 { // a Batch; else a read
		ops = append(slices.Clone(look), op(fsm.Incr, "groups", 1))
	}
	after, ok := w.group(rng, fsm.Strong, unchanged(before.int(0), keys...), ops...)
	if after.aborted() {
		w.held.Add(1)
	}
	if !ok {
		return
	}
	w.happened.Add(1)
	for i := range look {
		if was, is := before.Results[1+i].Value, after.Results[i].Value; was.Kind != is.Kind || text(was) != text(is) {
			w.fail("a group that depends on %q was applied: %v of %s was %q and is %q", keys, look[i].Kind, look[i].Key, text(was), text(is))
		}
	}
}

// undisturbed asserts that a change before the watch aborts nothing: on a quiet cluster the Version of a watch may be the
// very index of the change.
func (w *watched) undisturbed() {
	w.T.Helper()
	for i := range 30 {
		key, host := "quiet", hosts[i%3]
		if a := w.Do(host, fsm.Strong, op(fsm.Incr, key, 1)); a.Err != nil {
			w.T.Fatal(a.Err)
		}
		read := w.Do(host, fsm.Strong, fsm.Op{Kind: fsm.Version}, op(fsm.Get, key, 0))
		if read.Err != nil {
			w.T.Fatal(read.Err)
		}
		a := w.DoIf(host, fsm.Strong, unchanged(read.int(0), key), op(fsm.Incr, key, 1))
		if a.Err != nil || a.aborted() {
			w.T.Fatalf("nobody has changed the key since it was watched, and its group is %v, %v", a.Results, a.Err)
		}
	}
}

// A key's end is a change, whoever sees to it, and nobody needs to: 1,000 keys an Entry, the others are only due.
func TestAKeyThatIsDueCountsAsMissingAndAsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 31)
		defer c.Stop()
		c.StartThree()
		now := c.Do("n1", fsm.Strong, set("now", "1", 1000), fsm.Op{Kind: fsm.Deadline, Key: []byte("now")}).int(1) - 1000
		at := func(key string, millis int64) fsm.Op {
			return fsm.Op{Kind: fsm.Set, Key: []byte(key), Value: fsm.IntValue(1), Expiry: fsm.Expiry{Mode: fsm.At, Millis: millis}}
		}
		for i := range 10 { // they take more Entries than come in time
			var herd []fsm.Op
			for j := range 4000 {
				herd = append(herd, at(fmt.Sprintf("herd-%d-%d", i, j), now+2000))
			}
			if a := c.Do("n1", fsm.Strong, herd...); a.Err != nil {
				t.Fatal(a.Err)
			}
		}
		lock := at("lock", now+2001) // behind them all
		if a := c.DoIf("n2", fsm.Strong, missing("lock"), lock); a.Err != nil || a.aborted() {
			t.Fatalf("a free lock: %v, %v", a.Results, a.Err)
		}
		read := c.Do("n3", fsm.Strong, fsm.Op{Kind: fsm.Version})
		if a := c.DoIf("n3", fsm.Strong, missing("lock"), lock); !a.aborted() {
			t.Fatalf("a lock that is held: %v, %v", a.Results, a.Err)
		}
		c.WaitFor("the end of the lock", 3*time.Second, func() bool { return !c.exists("n1", "lock") })
		if a := c.DoIf("n3", fsm.Strong, unchanged(read.int(0), "lock"), op(fsm.Incr, "dependent", 1)); !a.aborted() {
			t.Errorf("what depends on a key that has ended: %v, %v", a.Results, a.Err)
		}
		if a := c.DoIf("n1", fsm.Strong, missing("lock"), op(fsm.Incr, "lock", 5)); a.Err != nil || a.aborted() || a.int(0) != 5 {
			t.Errorf("a lock whose time has come: %v, %v", a.Results, a.Err)
		}
		if keys := c.Node("n1").Local().Keys; keys < 1000 {
			t.Errorf("%d keys are left: nothing was due and still there", keys)
		}
	})
}
