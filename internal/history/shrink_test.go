package history

import (
	"os"
	"strings"
	"testing"
	"time"
)

// long is a history of many good operations with one anomaly in it, at the given place.
func long(n, bad int64) (ops []Op) {
	for i := range n {
		ops = append(ops, incr(4*i+1, i+1, 4*i+2))
		read := get(4*i+3, Int(i+1), 4*i+4)
		if i == bad {
			read.Reply = Int(i - 3)
		}
		ops = append(ops, read)
	}
	return ops
}

func TestShrinkEndsWhereTheAnomalyIsAndDropsReads(t *testing.T) {
	ops := long(100, 20)
	ops = append(ops, on("other", incr(1000, 1, 1001)))
	short := Shrink(ops, Header{})
	reads := 0
	for _, op := range short {
		if op.Kind == Get {
			reads++
		}
	}
	if last := short[len(short)-1]; len(short) != 22 || reads != 1 || last.Reply.Int != 17 {
		t.Errorf("%d operations, %d of them reads:%s", len(short), reads, excerpt(short))
	}
	if !violates(short, Header{}) {
		t.Error("what is left has no anomaly")
	}
	if got := Shrink(long(100, 200), Header{}); got != nil {
		t.Errorf("a good history shrinks to %v", got)
	}
}

func TestShrinkKeepsSignsOfLifeElsewhere(t *testing.T) {
	ops := append([]Op{icget("", 0, 0, 0, 0)}, unexplained["a death in spite of heartbeats"]...)
	ops = append(ops, icget("", 20, 0, 0, 0), icget("", 22, 0, 0, 0))
	short := Shrink(ops, Header{Lease: 10 * time.Second})
	if len(short) != 4 || !violates(short, Header{Lease: 10 * time.Second}) {
		t.Errorf("shrunk to:%s", excerpt(short))
	}
}

func TestTheMessageOfASearchIsShort(t *testing.T) {
	ops := []Op{set(1, 1, 2)}
	for i := range int64(50) {
		ops = append(ops, get(2*i+3, Int(1), 2*i+4))
	}
	ops = append(ops, get(200, Int(2), 201), get(202, Int(1), 203))
	err := Check(ops, time.Minute)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Error(err)
	}
}

func TestPagesShowWhatIsLeftOfAnomalies(t *testing.T) {
	run := goodRun()
	run.find(7).Reply.Int = 1
	for _, op := range long(400, 390) {
		run.Ops = append(run.Ops, on("long/one", op))
	}
	dir := t.TempDir() + "/pages"
	names, err := WriteHTML(dir, run)
	if err != nil || len(names) != 2 || !strings.HasSuffix(names[1], "anomaly-2-long_one.html") {
		t.Fatalf("error %v, pages %q", err, names)
	}
	for i, says := range []string{"client 0: get k = 1 [7, 8]", "92 operations before this are not drawn"} {
		if text, err := os.ReadFile(names[i]); err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q: %v", names[i], says, err)
		}
	}
	if names, err := WriteHTML(dir, goodRun()); err != nil || len(names) > 0 {
		t.Errorf("a good run: error %v, pages %q", err, names)
	}
}
