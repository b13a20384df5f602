package load

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write the recorded texts anew")

// busy is a report with something of everything.
func busy() *Report {
	speed := Speed{Ops: 198_765, OpsPerS: 19_876.5, LatencyMs: Latency{Mean: 2.1, P50: 1.234, P90: 2.5, P99: 12.34, P999: 345.67, Max: 1234.5}}
	half := speed
	half.Ops = 99_000
	return &Report{
		Settings: Settings{Nodes: []string{"127.0.0.1:7379", "127.0.0.1:7380"}, Clients: 50, Pipeline: 1, DurationS: 10, WarmupS: 1, Loop: "open",
			RateOpsPerS: 20_000, Op: "mix:50", Keys: 1000, Distribution: "zipf:0.99", KeyPrefix: "bench:0a1b2c3d:", Level: "stale", Seed: 1, Threads: 1},
		Ended: "interrupted", ElapsedS: 10.01, LatencyOf: "since due",
		Total: Figures{Speed: speed, Refused: 12, Unknown: 3, Reconnects: 25},
		ByOp:  []Op{{"incr", half}, {"get", half}},
		ByNode: []Node{{"127.0.0.1:7379", Figures{Speed: half, Unknown: 3}},
			{"127.0.0.1:7380", Figures{Speed: half, Refused: 12, Reconnects: 25}}},
		Errors: []Error{{"CLUSTERDOWN", "refused", 12, "CLUSTERDOWN not applied: " + strings.Repeat("because ", 20)},
			{"(broken connection)", "unknown", 3, "127.0.0.1:7379: it closed the connection"}},
		Missing: 17, Unsent: 1235, WakeLateMs: &Latency{P50: 1, P99: 7.5, Max: 20},
		LongestSilence: Silence{Ms: 412.3, AtS: 5.01},
		Disturbances: []Event{{AtS: 5, What: "n1, the leader, was killed", SilenceMs: 412.3},
			{AtS: 10, What: "no node leads", Failed: true, SilenceMs: 2}},
		Timeline: []Second{{AtS: 1, OpsPerS: 20_000, P99Ms: 3.5}},
		Verify: &Verdict{Keys: 1000, Acknowledged: 99_500, Unanswered: 3, Value: 99_499, Lost: 1, Wrong: []string{
			"bench:0a1b2c3d:017: 120 acknowledged, 0 unanswered, value 119: 1 lost, 0 doubled"}},
	}
}

func quiet() *Report {
	speed := Speed{Ops: 982_340, OpsPerS: 98_234, LatencyMs: Latency{Mean: 0.5, P50: 0.512, P90: 0.611, P99: 0.803, P999: 1.203, Max: 5.234}}
	return &Report{
		Settings: Settings{Nodes: []string{"127.0.0.1:7379"}, Clients: 50, Pipeline: 1, DurationS: 10, WarmupS: 1, Loop: "closed", Op: "incr",
			Keys: 1, Distribution: "hot", KeyPrefix: "bench:", Seed: 1, Threads: 1},
		Ended: "as planned", ElapsedS: 10, LatencyOf: "service time", Total: Figures{Speed: speed}, ByOp: []Op{{"incr", speed}},
		ByNode: []Node{{"127.0.0.1:7379", Figures{Speed: speed}}}, Errors: []Error{}, LongestSilence: Silence{Ms: 5.23, AtS: 3.21},
		Disturbances: []Event{}, Timeline: []Second{},
		Verify: &Verdict{Keys: 1, Acknowledged: 1_080_000, Value: 1_080_000, Wrong: []string{}},
	}
}

func TestReportsReadAsRecorded(t *testing.T) {
	for name, r := range map[string]*Report{"busy": busy(), "quiet": quiet()} {
		var text strings.Builder
		if err := r.WriteText(&text); err != nil {
			t.Fatal(err)
		}
		compare(t, "testdata/"+name+".txt", text.String())
		form, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		compare(t, "testdata/"+name+".json", string(form)+"\n")
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	if *rewrite {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil || got != string(want) {
		t.Errorf("%s (%v): got\n%s\nwant\n%s\n(go test -rewrite writes it anew)", name, err, got, want)
	}
}

func TestAVerdictThatCouldNotBeReachedSaysWhy(t *testing.T) {
	v := &Verdict{Failure: "the keys can't be read: no answer from n1:1"}
	if v.OK() || v.String() != "not verified: the keys can't be read: no answer from n1:1" {
		t.Errorf("%v: %s", v.OK(), v)
	}
}

func TestAProgressLineFitsIntoATerminal(t *testing.T) {
	for _, p := range []Progress{{}, {Elapsed: 24 * time.Hour, Part: 1, OpsPerS: 12_345_678, P99Ms: 99_999, Errors: 1_234_567},
		{Elapsed: 5 * time.Second, Part: 0.5, OpsPerS: 98_234.4, P99Ms: 1.234, Errors: 1}} {
		if line := p.String(); len(line) >= 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	p := Progress{Elapsed: 5 * time.Second, Part: 0.5, OpsPerS: 98_234.4, P99Ms: 1.234, Errors: 1}
	if got, want := p.String(), "   5 s [========        ]      98,234 ops/s  p99 1.234 ms  1 error"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNumbersAreSetInThrees(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1_234_567: "1,234,567",
		math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := digits(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
