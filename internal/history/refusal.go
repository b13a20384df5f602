package history

import (
	"fmt"
	"math"
)

// groundless finds the answers that no state of a counter explains: a key of the wrong type, for a key is a plain counter or an instance
// counter and never both; and an overflow of sums that can't be so large.
func groundless(ops []Op) map[*Op]bool {
	found := make(map[*Op]bool)
	large := make(map[string]float64) // by key, what its amounts can come to at most; of those keys where it matters
	for i := range ops {
		op := &ops[i]
		switch {
		case op.Outcome != Done:
		case op.Reply.Code == "WRONGTYPE":
			found[op] = true
		case op.Reply.Code == "ERR" && judged(op):
			found[op] = true
			large[op.Key] = 0
		}
	}
	if len(large) == 0 {
		return found
	}
	for i := range ops {
		if sum, matters := large[ops[i].Key]; matters && !ops[i].reads() {
			large[ops[i].Key] = sum + math.Abs(float64(ops[i].Arg))
		}
	}
	for op := range found {
		if large[op.Key] >= math.MaxInt64/2 { // the search decides
			delete(found, op)
		}
	}
	return found
}

// checkRefused holds if nobody was refused what no state of a counter refuses.
func (v *view) checkRefused(run *Run) Verdict {
	var found report
	for i := range run.Ops {
		op := &run.Ops[i]
		if op.Outcome == Done && op.Reply.Code != "" {
			found.checked++
			if v.groundless[op] {
				found.add(op.Key, 0, fmt.Errorf("%w: there is no ground for this refusal: %v", ErrContradiction, *op))
			}
		}
	}
	return found.verdict("refused")
}
