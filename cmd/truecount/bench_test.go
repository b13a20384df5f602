package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/truecount/truecount/demo"
	"github.com/truecount/truecount/load"
)

func TestBenchMeasuresANodeAndVerifiesIt(t *testing.T) {
	n := startNode(t, Config{ID: "n1", Dir: t.TempDir()})
	args := []string{"bench", "--node", n.config.RESP, "--clients", "5", "--pipeline", "10", "--warmup", "10ms", "--requests", "2000",
		"--keys", "100", "--distribution", "zipf:1.5", "--op", "mix:20", "--level", "stale", "--verify"}
	code, out, errs := cli(args...)
	for _, want := range []string{"1 node, 5 clients, pipeline 10: mix:20 on 100 keys (zipf:1.5), reads stale", "p99.9", "2,000", "errors           none", "verified: ", " 0 lost, 0 doubled over 100 keys"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code != 0 || errs != "" {
		t.Errorf("exit code %d, %q on stderr", code, errs)
	}
	code, out, errs = cli(append(args, "--json")...)
	var report load.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 0 || errs != "" {
		t.Fatalf("exit code %d, %v, %q on stderr", code, err, errs)
	}
	if report.Total.Ops != 2000 || report.Verify == nil || !report.Verify.OK() || report.Settings.Level != "stale" {
		t.Errorf("%s", out)
	}
	n.wantDo(t, "0", "DBSIZE") // its keys are gone
}

func TestBenchThatIsAcknowledgedNothingEndsWithOne(t *testing.T) {
	n := startNode(t, Config{ID: "n1", Dir: t.TempDir()})
	n.wantDo(t, "OK", "SET", "bench:0", "text")
	code, out, errs := cli("bench", "--node", n.config.RESP, "--requests", "10", "--clients", "1", "--warmup", "0s")
	if code != 1 || errs != "" || !strings.Contains(out, "nothing was acknowledged") || !strings.Contains(out, "10 × ERR value is not an integer") {
		t.Errorf("exit code %d, %q on stderr\n%s", code, errs, out)
	}
}

func TestBenchNamesTheFlagThatCannotBe(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir()) // where no demo runs
	for _, test := range []struct {
		args string
		want string // how the error begins
	}{
		{"--clients 0", "--clients 0: "},
		{"--pipeline 100001", "--pipeline 100001: "},
		{"--rate -5", "--rate -5: "},
		{"--op del", `--op "del": `},
		{"--distribution normal", `--distribution "normal": `},
		{"--keys 10 --distribution hot", "--distribution hot: "},
		{"--duration 1s --requests 5", "--requests: "},
		{"--level stale", "--level: "},
		{"--node nowhere", `--node "nowhere" is not an address`},
		{"--threads 0", "--threads 0: "},
		{"--kill-leader-every 5s", "--kill-leader-every needs a demo: no demo is running: start one with truecount demo"},
		{"--duration soon", "invalid argument"},
		{"fast", "bench takes flags only"},
	} {
		code, out, errs := cli(append([]string{"bench"}, strings.Fields(test.args)...)...)
		if code != 1 || out != "" || !strings.HasPrefix(errs, "truecount: "+test.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, want one line that begins with %q", test.args, code, errs, test.want)
		}
	}
}

// oneDemo is a demo as one Control sees it: closed for good when a call runs out of time.
type oneDemo struct {
	hangs  bool
	start  error
	closed bool
}

func (d *oneDemo) Kill(ctx context.Context, node string) (demo.Outcome, error) {
	if d.closed {
		return demo.Outcome{}, net.ErrClosed
	}
	if d.hangs {
		<-ctx.Done()
		d.closed = true
		return demo.Outcome{}, ctx.Err()
	}
	return demo.Outcome{Node: "n1"}, nil
}

func (d *oneDemo) Start(context.Context, string) (demo.Outcome, error) {
	return demo.Outcome{}, d.start
}

func (d *oneDemo) Close() error {
	d.closed = true
	return nil
}

func TestAKillThatTookTooLongDoesNotSpoilTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("no room on the disk")
		controls := []*oneDemo{{hangs: true}, {}, {start: full}, {start: context.DeadlineExceeded}}
		dials := 0
		dial := func(context.Context) (demoControl, error) {
			dials++
			return controls[dials-1], nil
		}
		for _, want := range []struct{ what, err string }{
			{"", "no answer from the demo within 30s; what has become of it: truecount demo status"},
			{"n1, the leader, was killed and started again", ""},
			{"n1, the leader, was killed", "starting it again failed: no room on the disk"},
			{"n1, the leader, was killed", "starting it again failed: no answer from the demo within 30s; what has become of it: truecount demo status"},
		} {
			what, err := killLeaderOf(t.Context(), dial)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if what != want.what || said != want.err {
				t.Errorf("%q, %q, want %q, %q", what, said, want.what, want.err)
			}
		}
		for i, c := range controls {
			if !c.closed {
				t.Errorf("conversation %d was left open", i)
			}
		}
	})
}
