package history

import (
	"fmt"
	"slices"
)

// checkOnce holds if all definite answers with one token are the same. What was refused says nothing was done, and may be followed by
// an answer.
func checkOnce(run *Run) Verdict {
	var found report
	for _, attempts := range byToken(run.Ops) {
		var first *Op
		for _, op := range attempts {
			if op.Outcome != Done || op.Reply.Code != "" {
				continue
			}
			if first == nil {
				first = op
			} else if first.Reply != op.Reply {
				found.add(op.Key, 0, fmt.Errorf("%w: two answers to one token: %v and %v", ErrContradiction, *first, *op))
			}
		}
		found.checked += len(attempts)
	}
	return found.verdict("once")
}

// checkSum holds if the final looks at a key that nothing but additions have changed show the sum of what was acknowledged and of some of
// what is unknown: of no unknowns, that sum exactly.
func (v *view) checkSum(run *Run) Verdict {
	var found report
	all, covered := 0, 0 // acknowledged additions
	for _, k := range v.keys {
		if !k.plus || k.writes == 0 {
			continue
		}
		looked := 0
		for i := range run.Looks {
			if total, there := run.Looks[i].Counters[k.name]; there && run.Looks[i].Final {
				found.add(k.name, 1, k.sumIs(total, run.Looks[i].Node))
				looked++
			}
		}
		done := k.acknowledged()
		if all += done; looked > 0 {
			covered += done
		}
	}
	verdict := found.verdict("sum")
	if verdict.Error == "" && covered*10 < all*9 {
		verdict.Invalid = true
		verdict.Error = fmt.Sprintf("of %d acknowledged additions, only %d are on keys that were looked at in the end", all, covered)
	}
	return verdict
}

// acknowledged is how many additions were answered.
func (k *keyView) acknowledged() (count int) {
	for _, op := range k.ops {
		if op.Kind == Incr && op.Outcome == Done {
			count++
		}
	}
	return count
}

// sumIs is nil if the total can be.
func (k *keyView) sumIs(total int64, node string) error {
	acknowledged, open := int64(0), 0
	low, high := int64(0), int64(0) // of what is unknown
	possible := []span{{0, 0}}
	for _, op := range k.ops {
		switch {
		case op.Kind != Incr:
		case op.Outcome == Done:
			acknowledged += op.Arg
		default:
			open++
			low, high = low+min(op.Arg, 0), high+max(op.Arg, 0)
			possible = plusOptional(possible, op.Arg)
		}
	}
	extra := total - acknowledged
	within := slices.ContainsFunc(possible, func(s span) bool { return s.low <= extra && extra <= s.high })
	switch {
	case within:
		return nil
	case open == 0:
		return fmt.Errorf("%w: %s has %d, but exactly %d were acknowledged and nothing is unknown", ErrContradiction, node, total, acknowledged)
	}
	return fmt.Errorf("%w: %s has %d; acknowledged are %d, and %d unknown ones can add between %d and %d", ErrContradiction,
		node, total, acknowledged, open, low, high)
}

// span is the integers from low to high, both included.
type span struct{ low, high int64 }

// plusOptional is the sums after an addition that may have happened: Maelstrom's rule. Spans that touch become one; beyond maxSpans all do,
// which allows more than is right but never less.
func plusOptional(sums []span, delta int64) []span {
	const maxSpans = 4096
	all := slices.Clone(sums)
	for _, s := range sums {
		all = append(all, span{s.low + delta, s.high + delta})
	}
	slices.SortFunc(all, func(a, b span) int {
		if a.low < b.low {
			return -1
		} else if a.low > b.low {
			return 1
		}
		return 0
	})
	merged := all[:1]
	for _, s := range all[1:] {
		if last := &merged[len(merged)-1]; s.low <= last.high+1 || len(merged) == maxSpans {
			last.high = max(last.high, s.high)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}
