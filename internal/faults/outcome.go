package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/truecount/truecount/internal/history"
)

// outcome is what a campaign has come to.
type outcome struct {
	folder       string
	run          history.Run
	kinds        []string // that were to be done, in the order of the report
	notRun       []string // "kind: reason"
	skipped      map[string]int
	why          map[string]string // why it could not be done the last time, if not for want of a free node
	acknowledged int64
	unresolved   int // tokens without a definite answer
	verdicts     []history.Verdict
}

func newOutcome(folder string) *outcome {
	return &outcome{folder: folder, skipped: map[string]int{}, why: map[string]string{}}
}

// bad words in the output of a node are an anomaly, whatever the clients saw.
func badWords() []string { return []string{"panic:", "fatal error:", "DATA RACE"} }

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
	o.verdicts = append(o.verdicts, o.settled(), o.prompt())
}

// settled holds if something was broken, and at last every token has got a definite answer and the digests of all nodes were compared.
func (o *outcome) settled() history.Verdict {
	v := history.Verdict{Checker: "settled", Checked: len(o.run.Faults)}
	switch {
	case o.unresolved > 0:
		v.Error, v.Invalid = fmt.Sprintf("%d operations have no definite answer", o.unresolved), true
	case len(o.run.Faults) == 0:
		v.Error, v.Invalid = "no fault was done", true
	case o.alike() < o.run.Header.Nodes:
		v.Error, v.Invalid = fmt.Sprintf("digests of one index were had of %d of %d nodes only", o.alike(), o.run.Header.Nodes), true
	}
	return v
}

// alike is how many nodes at most have told their digests of one index. No other digests are compared.
func (o *outcome) alike() (most int) {
	nodes := map[uint64]int{} // by index; a node tells its digest once
	for i := range o.run.Looks {
		if l := &o.run.Looks[i]; l.Digest != 0 {
			nodes[l.Index]++
			most = max(most, nodes[l.Index])
		}
	}
	return most
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

// save writes the history, the verdicts and the picture; of what no order explains, a page for each key.
func (o *outcome) save() error {
	write := func(name string, what func(w io.Writer) error) error {
		f, err := os.Create(filepath.Join(o.folder, name))
		if err != nil {
			return err
		}
		return errors.Join(what(f), f.Close())
	}
	var errs []error
	if anomalies, _ := o.counted(); anomalies > 0 {
		_, err := history.WriteHTML(o.folder, &o.run)
		errs = append(errs, err)
	}
	return errors.Join(append(errs,
		write("history.jsonl", func(w io.Writer) error { return history.WriteRun(w, &o.run) }),
		write("verdicts.json", func(w io.Writer) error {
			lines := json.NewEncoder(w)
			lines.SetIndent("", "  ")
			return lines.Encode(o.verdicts)
		}),
		write("report.txt", func(w io.Writer) error { o.write(w); return nil }),
		write("picture.svg", func(w io.Writer) error { return drawPicture(w, &o.run) }),
	)...)
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

// commit is what is tested, or empty where there is no repository.
func commit() string {
	text, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
