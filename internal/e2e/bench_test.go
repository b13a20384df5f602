//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// benchReport is what the test reads of what "truecount bench --json" prints.
type benchReport struct {
	Ended string `json:"ended"`
	Total struct {
		Ops     int64 `json:"ops"`
		Refused int64 `json:"refused"`
		Unknown int64 `json:"unknown"`
	} `json:"total"`
	LongestSilence struct {
		Ms float64 `json:"ms"`
	} `json:"longest_silence"`
	Verify struct {
		Acknowledged int64 `json:"acknowledged"`
		Unanswered   int64 `json:"unanswered"`
		Value        int64 `json:"value"`
		Lost         int64 `json:"lost"`
		Doubled      int64 `json:"doubled"`
		Keys         int   `json:"keys"`
	} `json:"verify"`
}

func TestBenchVerifiesEveryIncrementWhileTheLeaderIsKilled(t *testing.T) {
	const requests, clients, pipeline = 100_000, 30, 4
	c := newCluster(t, 3)
	leader := c.leader(t)
	cmd := exec.Command(binary, "bench", "--node", strings.Join([]string{c[0].resp, c[1].resp, c[2].resp}, ","), "--keys", "1000",
		"--distribution", "zipf", "--requests", "100000", "--clients", "30", "--pipeline", "4", "--warmup", "0s", "--verify", "--json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer cmd.Process.Kill()

	before := appliedIndex(t, leader)
	eventually(t, "counting is under way", func() error { return appliedBeyond(leader, before+50) })
	leader.kill(t)
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("%v\n%s%s", err, &out, &errs)
		}
	case <-time.After(patience):
		t.Fatalf("bench has not ended within %v", patience)
	}
	var r benchReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, &out)
	}
	v := r.Verify
	t.Logf("%d acknowledged, %d refused, %d unknown, silence %.0f ms; value %d", r.Total.Ops, r.Total.Refused, r.Total.Unknown, r.LongestSilence.Ms, v.Value)
	if v.Keys != 1000 || v.Lost != 0 || v.Doubled != 0 || v.Acknowledged != r.Total.Ops || v.Value < v.Acknowledged || v.Value > v.Acknowledged+v.Unanswered {
		t.Errorf("verdict %+v of %d acknowledged", v, r.Total.Ops)
	}
	if r.Ended != "as planned" || r.Total.Ops+r.Total.Refused+r.Total.Unknown != requests {
		t.Errorf("ended %s with %d + %d + %d of %d", r.Ended, r.Total.Ops, r.Total.Refused, r.Total.Unknown, requests)
	}
	// Only what the killed node's clients had on their way may be unknown; a kill that nobody noticed proves nothing.
	if r.Total.Unknown == 0 || r.Total.Unknown > clients/3*pipeline {
		t.Errorf("%d unknown, want 1 to %d", r.Total.Unknown, clients/3*pipeline)
	}
}

func appliedIndex(t *testing.T, p *process) uint64 {
	t.Helper()
	status, err := p.status()
	if err != nil {
		t.Fatal(err)
	}
	return status.AppliedIndex
}

func appliedBeyond(p *process, index uint64) error {
	status, err := p.status()
	if err == nil && status.AppliedIndex < index {
		err = fmt.Errorf("applied %d, want %d", status.AppliedIndex, index)
	}
	return err
}
