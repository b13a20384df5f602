package history

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func fullRun() *Run {
	return &Run{
		Header: Header{Program: "sim", Seed: 7, Nodes: 3, Repeat: "make sim SEED=7", Length: time.Minute, Pauses: map[string]time.Duration{"kill": time.Second}},
		Ops: []Op{{Client: 1, Node: "a", Kind: ICIncr, Key: "k", Arg: 2, Instance: "i", Token: "s/1", Outcome: Done,
			Reply: Reply{Int: 2, Mine: 2, Epoch: 1, Present: true}, Call: 1, Return: 2, At: 3, End: 4}, unknown(set(5, 3, 0))},
		Faults: []Fault{{Kind: "kill", Target: "a", Leader: true, At: 5, End: 6, Effect: "term 1 to 2"}},
		Looks:  []Look{{Node: "a", Final: true, Index: 9, Digest: 8, Counters: map[string]int64{"k": 2}, Slices: map[string]map[string]int64{"k": {"i": 2}}}},
	}
}

func TestARunReadsBackAsItWasWritten(t *testing.T) {
	want, file := fullRun(), new(bytes.Buffer)
	if err := WriteRun(file, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadRun(file); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v, read\n%+v, want\n%+v", err, got, want)
	}
}

func TestARunOfAWriterThatDiedIsReadAsFarAsItGoes(t *testing.T) {
	file := new(bytes.Buffer)
	if err := WriteRun(file, fullRun()); err != nil {
		t.Fatal(err)
	}
	file.Truncate(file.Len() - 9)
	got, err := ReadRun(file)
	if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), "line 5") || len(got.Ops) != 2 || len(got.Looks) != 0 {
		t.Errorf("error %v, run %+v", err, got)
	}
}

func TestWhatIsNoHistoryIsRefusedByItsLine(t *testing.T) {
	head := `{"run":{"program":"sim","seed":1,"nodes":3,"repeat":"","length":1}}` + "\n"
	for text, says := range map[string]string{
		"":                                      "no line has a run",
		head + "{}\n":                           "line 2: neither",
		head + "\n[1]\n":                        "line 3",
		head + `{"op":{"kind":"dance"}}` + "\n": `"dance"`,
		head + `{"what":1}` + "\n":              "what",
	} {
		run, err := ReadRun(strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: run %v, error %v; want one that says %q", text, run, err, says)
		}
	}
}

func TestARecorderLogsWhatEndsAndWhatDoesNot(t *testing.T) {
	file := new(bytes.Buffer)
	now := time.Duration(0)
	rec := &Recorder{Log: NewLog(file), Now: func() time.Duration { now += time.Second; return now }}
	rec.Log.Run(Header{Program: "sim"})
	open, done := rec.Begin(Op{Kind: Incr, Key: "k", Arg: 1}), rec.Begin(Op{Kind: Get, Key: "k"})
	done.Done(Int(1))
	rec.Flush()
	if err := rec.Log.Close(); err != nil || open == nil {
		t.Fatal(err)
	}
	run, err := ReadRun(file)
	if err != nil || len(run.Ops) != 2 {
		t.Fatalf("error %v, run %+v", err, run)
	}
	if get := run.Ops[0]; get.Kind != Get || get.At != 2*time.Second || get.End != 3*time.Second || get.Call != 2 || get.Return != 3 {
		t.Errorf("the read: %+v", get)
	}
	if incr := run.Ops[1]; incr.Outcome != Unknown || incr.End != 0 || incr.At != time.Second {
		t.Errorf("the open call: %+v", incr)
	}
}
