package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// written is the file of a small run; change may spoil it.
func written(t *testing.T, change func(run *history.Run)) string {
	t.Helper()
	at := func(second int) time.Duration { return time.Duration(second) * time.Second }
	run := &history.Run{
		Header: history.Header{Program: "faults", Seed: 7, Nodes: 1, Repeat: "make faults SEED=7", Length: time.Minute},
		Faults: []history.Fault{{Kind: "kill", Target: "a", At: at(2), End: at(3), Effect: "term 1 to 2"}},
		Looks:  []history.Look{{Node: "a", Final: true, Index: 4, Digest: 9, Counters: map[string]int64{"k": 2}}},
	}
	for i := range 2 {
		run.Ops = append(run.Ops, history.Op{Kind: history.Incr, Key: "k", Arg: 1, Outcome: history.Done, Reply: history.Int(int64(i + 1)),
			Call: int64(2*i + 1), Return: int64(2*i + 2), At: at(2 * i), End: at(2*i + 1)})
	}
	change(run)
	file := new(bytes.Buffer)
	if err := history.WriteRun(file, run); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "history.jsonl")
	if err := os.WriteFile(name, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestVerifyPrintsAVerdictOfEachChecker(t *testing.T) {
	for _, c := range []struct {
		change func(run *history.Run)
		code   int
		says   []string
	}{
		{func(*history.Run) {}, 0, []string{"faults, 1 node, seed 7, 1m0s: 2 operations, 1 fault, 1 look", "again: make faults SEED=7",
			"exact", "PASSED", "kill"}},
		{func(run *history.Run) { run.Ops[1].Reply = history.Int(1) }, 1,
			[]string{"ANOMALY", "distinct: ", "same value", "FAILED", "page: ", ".html"}},
		{func(run *history.Run) { run.Faults[0].Effect = "" }, 1, []string{"INVALID", "kill of a at 2s had no effect", "does not prove"}},
	} {
		var out, errs bytes.Buffer
		code := run([]string{"verify", written(t, c.change), "--html", t.TempDir()}, &out, &errs)
		if code != c.code || errs.Len() > 0 {
			t.Errorf("exit code %d, want %d; stderr %q", code, c.code, &errs)
		}
		for _, text := range c.says {
			if !strings.Contains(out.String(), text) {
				t.Errorf("not said: %q in\n%s", text, &out)
			}
		}
	}
}

func TestVerifyNamesTheLineThatIsNoHistory(t *testing.T) {
	name := written(t, func(*history.Run) {})
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		content []byte
		code    int
		says    string
	}{
		{bytes.Replace(text, []byte(`"kind"`), []byte(`"mind"`), 1), 1, "line 2"},
		{text[bytes.IndexByte(text, '\n')+1:], 1, "no line has a run"},
		{append(text, `{"op":`...), 0, "line 6, and left out"},
	} {
		if err := os.WriteFile(name, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := run([]string{"verify", name}, &out, &errs)
		if code != c.code || !strings.Contains(errs.String(), c.says) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("exit code %d, want %d; stderr %q, want it to say %q", code, c.code, &errs, c.says)
		}
	}
	for _, args := range [][]string{{"verify"}, {"verify", name, name}, {"verify", name + ".missing"}, {"verify", name, "--limit", "0"}} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 1 || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%q: exit code %d, stderr %q", args, code, &errs)
		}
	}
}
