package demo

import (
	"cmp"
	"slices"
)

// Bounds of a tally. The first is reached only if somebody else counts on the demo's key for ten minutes or so.
const (
	maxRuns    = 1 << 16 // runs of values that were told
	maxExcuses = 1 << 12 // groups of increments without an answer
)

// tally is what some clients know of the increments that they sent to one counter, each of them by one. Because the
// counter is linearizable, every increment that it holds has one value of its own, larger than all that were told before it
// was sent. So the values tell more than their number does: a value told twice is an increment lost, and one told to nobody
// needs an increment without an answer to explain it. A loss and a doubling do not cancel out.
//
//	values told    1 2 3 . 5 6 6 . 9        the value now: 9
//	                     │     │ └─┴─ 7, 8 told to nobody
//	                     │     └ told twice: one of the two is lost
//	                     └ told to nobody: an increment that was sent when 3 was the largest told and got no answer
//	                       explains it; one that was sent when 4 or more had been told does not: doubled
type tally struct {
	acked      int64    // acknowledged increments, values told twice included
	unanswered int64    // increments that may or may not have happened
	refused    int64    // surely did not happen
	top        int64    // the largest value told
	told       []run    // ascending, apart from each other
	inFlight   []excuse // sent, neither told nor given up
	excuses    []excuse // the unanswered, ascending
	untold     int64    // values of told[0] that were told to nobody: folded to keep told short
	doubled    int64    // of those, the ones without an excuse
}

// run is all values from first to last.
type run struct{ first, last int64 }

// excuse is increments that were sent when after was the largest value told: each explains one larger value.
type excuse struct{ after, number int64 }

// send notes an increment that is about to be sent. What it returns identifies it to ack, fail and refuse.
func (t *tally) send() (after int64) {
	t.inFlight = append(t.inFlight, excuse{t.top, 1})
	return t.top
}

// ack notes the answer to an increment.
func (t *tally) ack(after, value int64) {
	t.land(after)
	t.acked++
	t.top = max(t.top, value)
	t.tell(value)
}

// fail notes that an increment has no answer and will get none.
func (t *tally) fail(after int64) {
	t.land(after)
	t.unanswered++
	i, found := slices.BinarySearchFunc(t.excuses, after, func(e excuse, after int64) int { return cmp.Compare(e.after, after) })
	switch {
	case found:
		t.excuses[i].number++
	case len(t.excuses) < maxExcuses:
		t.excuses = slices.Insert(t.excuses, i, excuse{after, 1})
	default: // lenient: it will excuse smaller values than it should
		t.excuses[max(i-1, 0)].number++
	}
}

// drop takes back an increment that was not sent after all.
func (t *tally) drop(after int64) { t.land(after) }

// refuse notes that an increment surely did not happen.
func (t *tally) refuse(after int64) {
	t.land(after)
	t.refused++
}

func (t *tally) land(after int64) {
	i := slices.Index(t.inFlight, excuse{after, 1})
	t.inFlight = slices.Delete(t.inFlight, i, i+1)
}

// tell adds a value to the runs; one that is there already leaves them as they are.
func (t *tally) tell(value int64) {
	i, found := slices.BinarySearchFunc(t.told, value, func(r run, value int64) int {
		switch {
		case r.last < value:
			return -1
		case r.first > value:
			return 1
		}
		return 0
	})
	if found {
		return
	}
	left := i > 0 && t.told[i-1].last == value-1
	right := i < len(t.told) && t.told[i].first == value+1
	switch {
	case left && right:
		t.told[i-1].last = t.told[i].last
		t.told = slices.Delete(t.told, i, i+1)
	case left:
		t.told[i-1].last = value
	case right:
		t.told[i].first = value
	default:
		t.told = slices.Insert(t.told, i, run{value, value})
	}
	if len(t.told) > maxRuns {
		t.fold()
	}
}

// fold joins the two lowest runs. Whether what lies between them is explained can't change any more: nothing is on its way
// for as long as it takes to tell so many values.
func (t *tally) fold() {
	first := t.told[0].last + 1
	gap := t.told[1].first - first
	t.untold += gap
	t.doubled += gap - explainGap(t.excuses, first, gap)
	t.excuses = slices.DeleteFunc(t.excuses, func(e excuse) bool { return e.number == 0 })
	t.told[1].first = t.told[0].first
	t.told = slices.Delete(t.told, 0, 1)
}

// explain takes number increments from the excuses that are good for the value, or as many as there are, and returns how
// many it took.
func explain(excuses []excuse, value, number int64) int64 {
	var taken int64
	for i := range excuses {
		if excuses[i].after >= value || taken == number {
			break
		}
		n := min(excuses[i].number, number-taken)
		excuses[i].number -= n
		taken += n
	}
	return taken
}

// held is how many different values up to limit were told.
func (t *tally) held(limit int64) int64 {
	var n int64
	for i, r := range t.told {
		if r.first > limit {
			break
		}
		n += min(r.last, limit) - r.first + 1
		if i == 0 && r.last <= limit {
			n -= t.untold
		}
	}
	return n
}

// unexplained is how many values up to limit were told to nobody and have no excuse.
func (t *tally) unexplained(limit int64) int64 {
	excuses := append(slices.Clone(t.excuses), t.inFlight...)
	slices.SortFunc(excuses, func(a, b excuse) int { return cmp.Compare(a.after, b.after) })
	doubled, next := t.doubled, int64(1)
	for _, r := range append(slices.Clone(t.told), run{limit + 1, limit + 1}) {
		first := min(r.first, limit+1)
		if gap := first - next; gap > 0 {
			doubled += gap - explainGap(excuses, next, gap)
		}
		next = max(next, r.last+1)
	}
	return doubled
}

// explainGap is explain for the values from first on. An excuse is good for those above its after.
func explainGap(excuses []excuse, first, gap int64) int64 {
	var explained int64
	for value := first; value < first+gap; {
		taken := explain(excuses, value, first+gap-value)
		explained += taken
		value += taken
		if taken > 0 {
			continue
		}
		// Nothing is good for this value. The next one that something is good for may be far.
		next := first + gap
		for _, e := range excuses {
			if e.number > 0 && e.after+1 > value {
				next = min(next, e.after+1)
			}
		}
		value = max(next, value+1)
	}
	return explained
}

func (t *tally) clone() *tally {
	c := *t
	c.told, c.inFlight, c.excuses = slices.Clone(t.told), slices.Clone(t.inFlight), slices.Clone(t.excuses)
	return &c
}

// judge compares a value with the tallies of just before and just after it was read. What was acknowledged before must be
// in it, and what is in it must have been sent before the second.
func judge(before, after *tally, value int64) Figures {
	return Figures{
		Acknowledged: before.acked,
		Value:        value,
		Lost:         Misses(before.acked - before.held(value)),
		Doubled:      Misses(after.unexplained(value)),
		Unanswered:   after.unanswered,
		Refused:      after.refused,
	}
}
