package history

import (
	"fmt"
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

// phases are what is before, between and after the faults.
func phases(run *Run) []phase {
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

// slow lists the phases with fewer acknowledgements than Header.Rate, or without a read or a write. One of less than a
// second isn't judged.
func slow(run *Run) (lacks []string) {
	if run.Header.Rate <= 0 {
		return nil
	}
	for _, p := range phases(run) {
		length := (p.to - p.from).Seconds()
		if length < 1 {
			continue
		}
		reads, writes := 0, 0
		for i := range run.Ops {
			if op := &run.Ops[i]; op.Outcome != Done || op.End < p.from || op.End > p.to {
				continue
			} else if op.reads() {
				reads++
			} else {
				writes++
			}
		}
		if rate := float64(reads+writes) / length; rate < run.Header.Rate || reads == 0 || writes == 0 {
			lacks = append(lacks, fmt.Sprintf("%s: %d reads and %d writes in %.0f s, %.1f a second; wanted are %.1f, and both kinds",
				p.name, reads, writes, length, rate, run.Header.Rate))
		}
	}
	return lacks
}
