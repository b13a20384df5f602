package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// A bad run leaves what one looks at: the history as a file that can be verified again, and a page of what no order explains.
func TestABadRunIsSavedWithAPageOfItsAnomaly(t *testing.T) {
	o := newOutcome(t.TempDir())
	o.run.Header.Program = "faults"
	for client := range 2 { // both were told that they made it 1
		o.run.Ops = append(o.run.Ops, history.Op{Client: client, Kind: history.Incr, Key: "hits", Arg: 1, Outcome: history.Done,
			Reply: history.Int(1), Call: int64(2*client + 1), Return: int64(2*client + 2)})
	}
	o.verdicts = history.Verify(&o.run, time.Second)
	if anomalies, _ := o.counted(); anomalies == 0 {
		t.Fatal("no anomaly")
	}
	if err := o.save(); err != nil {
		t.Fatal(err)
	}
	pages, _ := filepath.Glob(filepath.Join(o.folder, "anomaly-*hits*.html"))
	if len(pages) != 1 {
		t.Errorf("pages %q", pages)
	}
	f, err := os.Open(filepath.Join(o.folder, "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if run, err := history.ReadRun(f); err != nil || len(run.Ops) != 2 {
		t.Errorf("the history as it was saved: %v", err)
	}
}

func TestARunWhoseDigestsWereNotComparedProvesNothing(t *testing.T) {
	o := newOutcome("")
	o.run.Header.Nodes, o.run.Faults = 3, []history.Fault{{Kind: "kill"}}
	for _, node := range []string{"n1", "n2", "n3"} {
		o.run.Looks = append(o.run.Looks, history.Look{Node: node, Index: 7, Digest: 1})
	}
	if v := o.settled(); v.Error != "" {
		t.Errorf("of all three: %+v", v)
	}
	o.run.Looks[1].Index = 8
	if v := o.settled(); !v.Invalid {
		t.Errorf("of two, and one of another index: %+v", v)
	}
}
