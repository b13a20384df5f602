package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// outcome is what a campaign has come to.
type outcome struct {
	folder       string
	run          history.Run
	kinds        []string // that were to be done, in the order of the report
	bag          []int
	notRun       []string // "kind: reason"
	skipped      map[string]int
	acknowledged int64
	unresolved   int // tokens without a definite answer
	verdicts     []history.Verdict
}

func newOutcome(folder string) *outcome {
	return &outcome{folder: folder, skipped: map[string]int{}}
}

// bad words in the output of a node are an anomaly, whatever the clients saw.
func badWords() []string { return []string{"panic:", "fatal error:", "DATA RACE", "come apart"} }

// judge lets the checkers look at the run, and adds what only the harness can know.
func (o *outcome) judge(c *cluster) {
	for _, n := range c.nodes {
		for _, words := range badWords() {
			if times := n.said(words); times > 0 {
				o.run.Looks = append(o.run.Looks, history.Look{Node: n.name, At: o.run.Header.Length,
					Wrong: fmt.Sprintf("%d times %q in its log", times, words)})
			}
		}
	}
	o.verdicts = history.Verify(&o.run, checkTime)
	o.verdicts = append(o.verdicts, o.settled(), o.proven())
}

// settled holds if every token has got a definite answer at last.
func (o *outcome) settled() history.Verdict {
	v := history.Verdict{Checker: "settled", Checked: int(o.acknowledged)}
	if o.unresolved > 0 {
		v.Error, v.Invalid = fmt.Sprintf("%d operations have no definite answer", o.unresolved), true
	}
	return v
}

// proven holds if every fault has had an effect that was seen, and there was one at least.
func (o *outcome) proven() history.Verdict {
	v := history.Verdict{Checker: "proven", Checked: len(o.run.Faults)}
	var without []string
	for _, f := range o.run.Faults {
		if f.Effect == "" {
			without = append(without, fmt.Sprintf("%s of %s at %v", f.Kind, f.Target, f.At.Round(time.Millisecond)))
		}
	}
	if len(without) > 0 {
		v.Error, v.Invalid = "no effect was seen of "+strings.Join(without, "; "), true
	} else if len(o.run.Faults) == 0 {
		v.Error, v.Invalid = "no fault was done", true
	}
	return v
}

// counted sorts the verdicts.
func (o *outcome) counted() (anomalies, invalid int) {
	for _, v := range o.verdicts {
		switch {
		case v.Error == "":
		case v.Invalid:
			invalid++
		default:
			anomalies++
		}
	}
	return anomalies, invalid
}

// save writes the history, the verdicts and the picture.
func (o *outcome) save() error {
	write := func(name string, what func(w io.Writer) error) error {
		f, err := os.Create(filepath.Join(o.folder, name))
		if err != nil {
			return err
		}
		return errors.Join(what(f), f.Close())
	}
	return errors.Join(
		write("history.jsonl", func(w io.Writer) error { return history.WriteRun(w, &o.run) }),
		write("verdicts.json", func(w io.Writer) error {
			lines := json.NewEncoder(w)
			lines.SetIndent("", "  ")
			return lines.Encode(o.verdicts)
		}),
		write("report.txt", func(w io.Writer) error { o.write(w); return nil }),
		write("picture.svg", func(w io.Writer) error { return drawPicture(w, &o.run) }),
	)
}

// tidy removes the data directories of a good run.
func (o *outcome) tidy(c *cluster, keep bool) error {
	anomalies, invalid := o.counted()
	if keep || anomalies+invalid > 0 {
		return c.keepDisks()
	}
	var errs []error
	for _, n := range c.nodes {
		errs = append(errs, os.RemoveAll(n.dir))
	}
	return errors.Join(errs...)
}

// acks are the times at which writes were acknowledged, in order.
func acks(run *history.Run) []time.Duration {
	var ends []time.Duration
	for i := range run.Ops {
		if op := &run.Ops[i]; isWrite(op) && op.Outcome == history.Done && op.Reply.Code == "" {
			ends = append(ends, op.End)
		}
	}
	slices.Sort(ends)
	return ends
}

func isWrite(op *history.Op) bool { return op.Kind != history.Get && op.Kind != history.ICGet }

// longestPause is the longest time without an acknowledgement that touches a fault, and begins with it at the earliest.
func longestPause(ends []time.Duration, f history.Fault) time.Duration {
	from := f.At
	longest := time.Duration(0)
	start, _ := slices.BinarySearch(ends, f.At)
	for _, end := range ends[start:] {
		longest = max(longest, end-from)
		if from = end; end >= f.End {
			return longest
		}
	}
	return max(longest, f.End-from)
}

// failovers are the times from each kill -9 of a leader to the first acknowledgement of a write that was called after it.
func failovers(run *history.Run) []time.Duration {
	var all []time.Duration
	for _, f := range run.Faults {
		if f.Kind != "kill-leader" || !f.Leader {
			continue
		}
		first := time.Duration(-1)
		for i := range run.Ops {
			op := &run.Ops[i]
			if isWrite(op) && op.Outcome == history.Done && op.Reply.Code == "" && op.At >= f.At && (first < 0 || op.End < first) {
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

// commit is what is tested, or empty where there is no repository.
func commit() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
