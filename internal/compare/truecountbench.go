package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/truecount/truecount/load"
)

// truecountBench is truecount bench, as a process of its own, with as many threads as it takes by itself. What redis-benchmark
// can't, it can: WAIT, and more than one address.
type truecountBench struct{ path string }

func (truecountBench) Name() string { return "truecount bench" }

func (b truecountBench) Run(ctx context.Context, l Load) (Outcome, error) {
	addresses := l.Addresses[:min(len(l.Addresses), l.Clients)] // it wants a client for each
	out, cpu, err := runGenerator(ctx, b.path, "bench", "--json", "--node", strings.Join(addresses, ","),
		"--clients", strconv.Itoa(l.Clients), "--pipeline", strconv.Itoa(l.Pipeline), "--requests", strconv.Itoa(l.Requests),
		"--warmup", "0s", "--keys", strconv.Itoa(l.Keys), "--key-prefix", benchPrefix(l.Keys), "--wait", strconv.Itoa(l.Wait))
	if err != nil && out == "" { // if nothing was acknowledged it fails, and its report says why
		return Outcome{}, fmt.Errorf("truecount bench: %w", err)
	}
	outcome, err := parseReport(out, l.Requests)
	outcome.cpu = cpu
	return outcome, err
}

// benchPrefix is what stands in front of the digits that bench numbers its keys with, which are as many as it needs.
func benchPrefix(keys int) string {
	digits := len(strconv.Itoa(keys - 1))
	return keyName(0)[:len(keyName(0))-digits]
}

// parseReport reads what truecount bench --json prints. Unlike redis-benchmark it goes on after an error, and counts it.
func parseReport(text string, requests int) (Outcome, error) {
	var report load.Report
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return Outcome{}, fmt.Errorf("truecount bench --json: %w: %s", err, firstLine(text))
	}
	total := report.Total
	if total.Ops != int64(requests) {
		why := "ended " + report.Ended
		if len(report.Errors) > 0 {
			why = firstLine(report.Errors[0].First)
		}
		return Outcome{}, fmt.Errorf("truecount bench: %d of %d increments were acknowledged: %s", total.Ops, requests, why)
	}
	return Outcome{PerSecond: total.OpsPerS, P50: total.LatencyMs.P50, P99: total.LatencyMs.P99}, nil
}
