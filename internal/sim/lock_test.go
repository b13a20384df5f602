package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// locks are taken two at a time, if both are free, until a deadline or until they are given back.
type locks struct {
	*troubled
	keys    []string
	holding sync.Mutex // guards holds
	holds   []hold
}

// hold is the time, in machine time, for which a client surely had two locks.
type hold struct {
	keys       []string
	fence      int64 // grows with each hold
	start, end int64
}

const fence = "fence"

func TestHoldersOfALockNeverOverlapUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		l := &locks{troubled: r, keys: []string{"lock-a", "lock-b", "lock-c"}}
		own := make([]int, troubledClients)
		r.suffer(func(client int, rng *rand.Rand) {
			if rng.IntN(3) == 0 {
				own[client]++
				l.takeOwn(fmt.Sprintf("own-%d-%d", client, own[client]), rng)
				return
			}
			l.take(fmt.Sprintf("token-%d-%d", client, rng.Uint64()), rng)
		})
		l.check()
	})
}

// take takes two locks at once, as SET NX of several keys would, and perhaps gives them back before their time.
func (l *locks) take(token string, rng *rand.Rand) {
	first, millis := rng.IntN(len(l.keys)), 5+rng.Int64N(60)
	keys := []string{l.keys[first], l.keys[(first+1+rng.IntN(len(l.keys)-1))%len(l.keys)]}
	a, ok := l.group(rng, fsm.Strong, missing(keys...),
		set(keys[0], token, millis), set(keys[1], token, millis), op(fsm.Deadline, keys[0], 0), op(fsm.Incr, fence, 1))
	if !ok {
		return
	}
	h := hold{keys: keys, fence: a.int(3), start: a.int(2) - millis, end: a.int(2)}
	if rng.IntN(2) == 0 {
		l.Pass(time.Duration(rng.IntN(30)) * time.Millisecond)
		h.end = l.giveBack(token, h, rng)
	}
	l.holding.Lock()
	l.holds = append(l.holds, h)
	l.holding.Unlock()
}

// giveBack ends a hold, if it is still one, and returns when it has ended at the earliest.
func (l *locks) giveBack(token string, h hold, rng *rand.Rand) (end int64) {
	var ops []fsm.Op
	for _, key := range h.keys {
		ops = append(ops, fsm.Op{Kind: fsm.DeleteIf, Key: []byte(key), Compare: fsm.Same, Than: fsm.Value{Kind: fsm.Text, Text: []byte(token)}})
	}
	ops = append([]fsm.Op{op(fsm.TTL, h.keys[0], 0)}, ops...)
	a, ok := l.group(rng, fsm.Strong, nil, ops...)
	switch {
	case !ok:
		return h.start // perhaps given back, perhaps not: nobody knows when
	case a.int(1) != a.int(2):
		l.fail("of %q, which were taken together, one is held", h.keys)
	case a.int(1) == 1:
		return h.end - a.int(0)
	}
	return h.end
}

// takeOwn takes a lock that nobody else wants, sees it end, and must get it again then.
func (l *locks) takeOwn(key string, rng *rand.Rand) {
	if _, ok := l.group(rng, fsm.Strong, missing(key), set(key, "1", 1+rng.Int64N(25))); !ok {
		return
	}
	for range 20 {
		if a, ok := l.group(rng, fsm.Strong, nil, op(fsm.Exists, key, 0)); ok && a.int(0) == 0 {
			if a, _ := l.group(rng, fsm.Strong, missing(key), op(fsm.Incr, key, 1)); a.aborted() {
				l.fail("%s has ended, as a read said, and can't be taken", key)
			}
			return
		}
		l.Pass(time.Duration(1+rng.IntN(10)) * time.Millisecond)
	}
}

// check compares the holds of each lock, in the order in which they were taken.
func (l *locks) check() {
	slices.SortFunc(l.holds, func(a, b hold) int { return cmp.Compare(a.fence, b.fence) })
	last := map[string]hold{}
	for _, h := range l.holds {
		for _, key := range h.keys {
			if before := last[key]; before.fence == h.fence || before.end > h.start {
				l.T.Fatalf("%s: hold %d from %d to %d, and %d from %d to %d", key, before.fence, before.start, before.end, h.fence, h.start, h.end)
			}
			last[key] = h
		}
	}
	l.T.Logf("%d holds", len(l.holds))
	if len(l.holds) < 5 {
		l.T.Error("such a run proves nothing")
	}
}
