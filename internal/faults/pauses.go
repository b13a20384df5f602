package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// How long nothing may be acknowledged. Promised is less (OPERATIONS.md: 0.2 to 2 s); a machine with two cores for five nodes
// and their clients stalls now and then.
const (
	prompt = 4 * time.Second // while a new leader is found, and clients find him
	steady = 3 * time.Second // while there is one all the time, or one who has handed over
	// apart is how far two faults must lie apart not to touch each other: behind each, the cluster was seen to be whole.
	apart = 200 * time.Millisecond
)

// allowed are the longest pauses for Header.Pauses, by kind; what isn't there may take as long as it likes.
func allowed() map[string]time.Duration {
	limits := map[string]time.Duration{"": steady}
	for _, n := range arsenal() {
		switch kind := n.name(); {
		case unbounded(kind):
		case slices.Contains([]string{"kill-follower", "pause-follower", "rolling-restart", "rolling-upgrade", "transfers", "clients-cut-off",
			"replies-lost", "doubled", "clock-jump", "clock-jump-all", "clock-strobe", "clock-drift"}, kind):
			limits[kind] = steady
		default:
			limits[kind] = prompt
		}
	}
	return limits
}

// unbounded are the kinds that may leave no majority at all, or links too bad to lead by, for as long as they last.
func unbounded(kind string) bool {
	return slices.Contains([]string{"kill-all", "flapping", "lossy", "slow-link", "narrow-link", "power-majority", "power-all"}, kind)
}

// alone reports whether no other fault touches the one of that number.
func alone(faults []history.Fault, number int) bool {
	f := &faults[number]
	for i := range faults {
		if o := &faults[i]; i != number && o.At <= f.End+apart && f.At <= o.End+apart {
			return false
		}
	}
	return true
}

// prompt holds if after no fault that was alone the pause was longer than it may be.
func (o *outcome) prompt() history.Verdict {
	v := history.Verdict{Checker: "prompt"}
	ends := acks(&o.run)
	var late []string
	for i, f := range o.run.Faults {
		limit := o.run.Header.Pauses[f.Kind]
		if limit == 0 || !alone(o.run.Faults, i) {
			continue
		}
		v.Checked++
		if pause := longestPause(ends, f); pause > limit {
			late = append(late, fmt.Sprintf("nothing was acknowledged for %v during %s of %s, from %v to %v; at most %v are allowed",
				pause.Round(time.Millisecond), f.Kind, f.Target, f.At.Round(time.Millisecond), f.End.Round(time.Millisecond), limit))
		}
	}
	v.Error = strings.Join(late, "\n")
	return v
}

// acks are the times at which writes were acknowledged, in order.
func acks(run *history.Run) []time.Duration {
	var ends []time.Duration
	for i := range run.Ops {
		if op := &run.Ops[i]; isAcknowledged(op) {
			ends = append(ends, op.End)
		}
	}
	slices.Sort(ends)
	return ends
}

// isAcknowledged reports whether an operation is a write that was done.
func isAcknowledged(op *history.Op) bool {
	return op.Kind != history.Get && op.Kind != history.ICGet && op.Outcome == history.Done && op.Reply.Code == ""
}

// longestPause is the longest time without an acknowledgement that touches a fault, and begins with it at the earliest.
func longestPause(ends []time.Duration, f history.Fault) time.Duration {
	from, longest := f.At, time.Duration(0)
	start, _ := slices.BinarySearch(ends, f.At)
	for _, end := range ends[start:] {
		longest = max(longest, end-from)
		if from = end; end >= f.End {
			return longest
		}
	}
	return max(longest, f.End-from)
}

// failovers are the times from each kill -9 of a leader to the first acknowledgement of a write that was called after it, in
// order. Kills that touch another fault don't count: what lasts then may be that.
func failovers(run *history.Run) []time.Duration {
	var all []time.Duration
	for i, f := range run.Faults {
		if f.Kind != "kill-leader" || !f.Leader || !alone(run.Faults, i) {
			continue
		}
		first := time.Duration(-1)
		for i := range run.Ops {
			op := &run.Ops[i]
			if isAcknowledged(op) && op.At >= f.At && (first < 0 || op.End < first) {
				first = op.End
			}
		}
		if first >= 0 {
			all = append(all, first-f.At)
		}
	}
	slices.Sort(all)
	return all
}

// quantile is of sorted values; 0 of none.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
