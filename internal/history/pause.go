package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Pause is the longest time without an acknowledged write near one kind of fault.
type Pause struct {
	Kind    string        `json:"kind"` // Fault.Kind; "": near no fault
	Faults  int           `json:"faults"`
	Longest time.Duration `json:"longest"`           // in ns
	At      time.Duration `json:"at"`                // when it began
	Allowed time.Duration `json:"allowed,omitempty"` // Header.Pauses; 0: it isn't judged
}

const (
	aftermath  = 2 * time.Second        // a pause that begins so long after the end of a fault is still of it
	shortPause = 100 * time.Millisecond // pauses below this are not told from the time between two writes
)

// Pauses tells, for each kind of fault and for none, the longest time in which somebody wrote and nobody was acknowledged. A pause
// near faults of several kinds counts for each.
func Pauses(run *Run) []Pause {
	all, _ := pauses(run)
	return all
}

// checkAvailable holds if no pause is longer than Header.Pauses allows. One near several kinds may be as long as theirs together; near
// faults that overlap each other it isn't judged, for together they may leave no majority.
func checkAvailable(run *Run) Verdict {
	all, err := pauses(run)
	v := Verdict{Checker: "available"}
	for _, p := range all {
		if p.Allowed > 0 {
			v.Checked += max(1, p.Faults)
		}
	}
	if err != nil {
		v.Error = err.Error()
	}
	return v
}

func pauses(run *Run) ([]Pause, error) {
	byKind := map[string]*Pause{"": {Allowed: run.Header.Pauses[""]}}
	for _, f := range run.Faults {
		if byKind[f.Kind] == nil {
			byKind[f.Kind] = &Pause{Kind: f.Kind, Allowed: run.Header.Pauses[f.Kind]}
		}
		byKind[f.Kind].Faults++
	}
	var tooLong []string
	for _, q := range quiet(run.Ops) {
		kinds := q.near(run.Faults)
		allowed, judged := time.Duration(0), !q.amidst(run.Faults)
		for _, kind := range kinds {
			p := byKind[kind]
			if length := q.end - q.begin; length > p.Longest {
				p.Longest, p.At = length, q.begin
			}
			allowed, judged = allowed+p.Allowed, judged && p.Allowed > 0
		}
		if judged && q.end-q.begin > allowed {
			near := cmp.Or(strings.Join(kinds, ", "), "no fault")
			tooLong = append(tooLong, fmt.Sprintf("nothing was acknowledged for %v from %v on, near %s: %v is allowed",
				q.end-q.begin, q.begin, near, allowed))
		}
	}
	list := make([]Pause, 0, len(byKind))
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		list = append(list, *byKind[kind])
	}
	if len(tooLong) == 0 {
		return list, nil
	}
	const most = 8
	if more := len(tooLong) - most; more > 0 {
		tooLong = append(tooLong[:most], fmt.Sprintf("and %d more", more))
	}
	return list, fmt.Errorf("%w: %s", ErrContradiction, strings.Join(tooLong, "\n"))
}

// silence is a time without acknowledgement, in which somebody waited for one.
type silence struct{ begin, end time.Duration }

// quiet finds the silences above shortPause between the first and the last acknowledgement of a write.
func quiet(ops []Op) (found []silence) {
	var acks, calls []time.Duration
	var writes []*Op
	for i := range ops {
		if op := &ops[i]; !op.reads() {
			writes = append(writes, op)
			if op.Outcome == Done {
				acks = append(acks, op.End)
			}
		}
	}
	slices.Sort(acks)
	slices.SortFunc(writes, func(a, b *Op) int { return cmp.Compare(a.At, b.At) })
	ends := make([]time.Duration, len(writes)) // the latest end of those called so far
	latest := time.Duration(0)
	for i, op := range writes {
		if latest = max(latest, op.End); op.End == 0 {
			latest = 1 << 62
		}
		ends[i] = latest
		calls = append(calls, op.At)
	}
	for i := 1; i < len(acks); i++ {
		q := silence{acks[i-1], acks[i]}
		if q.end-q.begin < shortPause {
			continue
		}
		next, _ := slices.BinarySearch(calls, q.begin+1) // the first call behind the beginning
		if waiting := next > 0 && ends[next-1] > q.begin; !waiting && next < len(calls) {
			q.begin = max(q.begin, calls[next])
		}
		if q.end-q.begin >= shortPause {
			found = append(found, q)
		}
	}
	return found
}

// near lists the kinds of the faults that the silence may come from; none is "".
func (q silence) near(faults []Fault) (kinds []string) {
	for _, f := range faults {
		if q.touches(f) {
			kinds = append(kinds, f.Kind)
		}
	}
	if len(kinds) == 0 {
		return []string{""}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func (q silence) touches(f Fault) bool { return f.At <= q.end && max(f.At, f.End)+aftermath >= q.begin }

// amidst reports whether two of the faults that the silence may come from were there at the same time.
func (q silence) amidst(faults []Fault) bool {
	var near []Fault
	for _, f := range faults {
		if q.touches(f) {
			near = append(near, f)
		}
	}
	slices.SortFunc(near, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	last := time.Duration(-1)
	for _, f := range near {
		if f.At <= last {
			return true
		}
		last = max(last, f.At, f.End)
	}
	return false
}
