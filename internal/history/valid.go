package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// checkValid says what a run lacks to prove anything. It is never an anomaly.
func (v *view) checkValid(run *Run) Verdict {
	var lacks []string
	done, unknown, attempts := 0, 0, 0
	for i := range run.Ops {
		switch run.Ops[i].Outcome {
		case Done:
			done++
		case Unknown:
			unknown++
		}
		if run.Ops[i].Outcome != NotApplied {
			attempts++
		}
	}
	if done == 0 {
		lacks = append(lacks, "nothing was acknowledged")
	}
	if unknown*10 > attempts {
		lacks = append(lacks, fmt.Sprintf("%d of %d operations are unknown, more than a tenth", unknown, attempts))
	}
	open := 0
	for i := range v.merged {
		if v.merged[i].Outcome == Unknown {
			open++
		}
	}
	if open > 0 {
		lacks = append(lacks, fmt.Sprintf("%d tokens were never resolved", open))
	}
	for _, f := range run.Faults {
		if f.Effect == "" {
			lacks = append(lacks, fmt.Sprintf("%s of %s at %v had no effect that anybody saw", f.Kind, f.Target, f.At))
		}
	}
	lacks = append(lacks, slow(run)...)
	verdict := Verdict{Checker: "valid", Checked: len(run.Ops) + len(run.Faults)}
	const most = 8
	if more := len(lacks) - most; more > 0 {
		lacks = append(lacks[:most], fmt.Sprintf("and %d things more", more))
	}
	if len(lacks) > 0 {
		verdict.Invalid, verdict.Error = true, strings.Join(lacks, "\n")
	}
	return verdict
}

// phase is a stretch of a run.
type phase struct {
	name     string
	from, to time.Duration
}

// phases are what is before, between and after the faults; and the whole, if there are none.
func phases(run *Run) (all []phase) {
	end := time.Duration(0)
	for i := range run.Ops {
		end = max(end, run.Ops[i].At, run.Ops[i].End)
	}
	if len(run.Faults) == 0 {
		return []phase{{"the run", 0, end}}
	}
	first, last := run.Faults[0].At, time.Duration(0)
	for _, f := range run.Faults {
		first, last = min(first, f.At), max(last, f.At, f.End)
	}
	return []phase{{"before the faults", 0, first}, {"during the faults", first, last}, {"after the faults", last, end}}
}

// healed are the times between faults.
func healed(faults []Fault) (all []phase) {
	sorted := slices.Clone(faults)
	slices.SortFunc(sorted, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	last := time.Duration(-1)
	for _, f := range sorted {
		if last >= 0 && f.At > last {
			all = append(all, phase{"healed at " + last.Round(time.Millisecond).String(), last, f.At})
		}
		last = max(last, f.At, f.End)
	}
	return all
}

// answers are the moments of acknowledgements, in order.
type answers struct{ reads, writes []time.Duration }

func newAnswers(ops []Op) (a answers) {
	for i := range ops {
		switch op := &ops[i]; {
		case op.Outcome != Done:
		case op.reads():
			a.reads = append(a.reads, op.End)
		default:
			a.writes = append(a.writes, op.End)
		}
	}
	slices.Sort(a.reads)
	slices.Sort(a.writes)
	return a
}

// in is how many were in a phase.
func (a answers) in(p phase) (reads, writes int) {
	count := func(moments []time.Duration) int {
		from, _ := slices.BinarySearch(moments, p.from)
		to, _ := slices.BinarySearch(moments, p.to+1)
		return to - from
	}
	return count(a.reads), count(a.writes)
}

// slow lists the phases with fewer acknowledgements than Header.Rate, or without a read or a write; and the times between faults without
// either. What is shorter than aftermath isn't judged.
func slow(run *Run) (lacks []string) {
	if run.Header.Rate <= 0 {
		return nil
	}
	had := newAnswers(run.Ops)
	for _, p := range phases(run) {
		length := (p.to - p.from).Seconds()
		reads, writes := had.in(p)
		if rate := float64(reads+writes) / length; p.to-p.from >= aftermath && (rate < run.Header.Rate || reads == 0 || writes == 0) {
			lacks = append(lacks, fmt.Sprintf("%s: %d reads and %d writes in %.0f s, %.1f a second; wanted are %.1f, and both kinds",
				p.name, reads, writes, length, rate, run.Header.Rate))
		}
	}
	for _, p := range healed(run.Faults) {
		if reads, writes := had.in(p); p.to-p.from >= aftermath && (reads == 0 || writes == 0) {
			lacks = append(lacks, fmt.Sprintf("%s: %d reads and %d writes until %v", p.name, reads, writes, p.to.Round(time.Millisecond)))
		}
	}
	return lacks
}
