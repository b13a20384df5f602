package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// checkStale holds, for keys that only grow, if what a client gets of a key never goes back, whatever the level of its reads; if a stale
// read with a MaxAge shows what anybody had acknowledged longer ago than that; and if none shows more than had been asked for.
func (v *view) checkStale() Verdict {
	var found report
	for _, k := range v.keys {
		if len(k.stale) == 0 || !k.growing {
			continue
		}
		found.add(k.name, len(k.stale), k.staleForward())
		found.add(k.name, 0, k.staleAge())
		found.add(k.name, 0, k.staleBound())
	}
	return found.verdict("stale")
}

// staleForward looks at each client on its own. Its own acknowledged writes are among what it got.
func (k *keyView) staleForward() error {
	all := slices.Concat(k.ops, k.stale)
	slices.SortFunc(all, func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) })
	highest := make(map[int]*Op) // by client
	for _, op := range all {
		if op.Outcome != Done {
			continue
		}
		before := highest[op.Client]
		if before != nil && before.Return < op.Call && op.Reply.Int < before.Reply.Int {
			return fmt.Errorf("%w: its own client had seen more: %v, then %v", ErrContradiction, *before, *op)
		}
		if before == nil || op.Reply.Int > before.Reply.Int {
			highest[op.Client] = op
		}
	}
	return nil
}

// staleAge compares with all that was acknowledged. A clock may be off by 1 % and 10 ms.
func (k *keyView) staleAge() error {
	done := make([]*Op, 0, len(k.ops)) // in order of End
	for _, op := range k.ops {
		if op.Outcome == Done {
			done = append(done, op)
		}
	}
	slices.SortFunc(done, func(a, b *Op) int { return cmp.Compare(a.End, b.End) })
	highest := make([]*Op, len(done)) // of done so far
	for i, op := range done {
		if highest[i] = op; i > 0 && highest[i-1].Reply.Int > op.Reply.Int {
			highest[i] = highest[i-1]
		}
	}
	for _, read := range k.stale {
		if read.MaxAge == 0 {
			continue
		}
		moment := read.At - read.MaxAge - read.MaxAge/100 - 10*time.Millisecond
		n, _ := slices.BinarySearchFunc(done, moment, func(op *Op, t time.Duration) int { return cmp.Compare(op.End, t) })
		if n > 0 && read.Reply.Int < highest[n-1].Reply.Int {
			return fmt.Errorf("%w: older than %v: %v had been there for %v when %v was called", ErrContradiction, read.MaxAge,
				*highest[n-1], read.At-highest[n-1].End, *read)
		}
	}
	return nil
}

// staleBound adds up what had been asked for.
func (k *keyView) staleBound() error {
	sums := make([]int64, len(k.ops)+1) // of the first n Ops
	for i, op := range k.ops {
		if sums[i+1] = sums[i]; op.Kind == Incr {
			sums[i+1] += op.Arg
		}
	}
	for _, read := range k.stale {
		n, _ := slices.BinarySearchFunc(k.ops, read.Return, func(op *Op, stamp int64) int { return cmp.Compare(op.Call, stamp) })
		if read.Reply.Int < 0 || read.Reply.Int > sums[n] {
			return fmt.Errorf("%w: only %d had been asked for when it returned: %v", ErrContradiction, sums[n], *read)
		}
	}
	return nil
}
