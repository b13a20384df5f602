package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// turnLimit ends a load that does not end by itself: redis-benchmark tries for ever to reach a server that is gone.
const turnLimit = 30 * time.Second

// Load is what a Generator is to do: INCR, Requests times, which is a multiple of Case.trip.
type Load struct {
	Case
	Addresses []string // the connections are spread over them
	Requests  int
	Wait      int // replicas that must have each pipeline before the next one is sent (WAIT); 0: none
}

// Outcome is what a load came to. A pipeline's latency is that of each increment in it.
type Outcome struct {
	PerSecond float64 `json:"per_second"` // increments
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`

	cpu time.Duration // that the generator took
}

// Generator makes load. An answer that is no integer, or a WAIT that too few replicas answered, is an error.
type Generator interface {
	Name() string
	Run(context.Context, Load) (Outcome, error)
}

// redisBenchmark is the program of that name; it loads one address and can't WAIT.
type redisBenchmark struct{ path string }

func (redisBenchmark) Name() string { return "redis-benchmark" }

func (b redisBenchmark) Run(ctx context.Context, load Load) (Outcome, error) {
	if len(load.Addresses) != 1 || load.Wait > 0 {
		return Outcome{}, errors.New("BUG: redis-benchmark loads one address, and does not WAIT")
	}
	host, port, err := net.SplitHostPort(load.Addresses[0])
	if err != nil {
		return Outcome{}, err
	}
	args := []string{"-h", host, "-p", port, "-c", strconv.Itoa(load.Clients), "-P", strconv.Itoa(load.Pipeline),
		"-n", strconv.Itoa(load.Requests), "--csv", "-t", "incr"}
	if load.Keys > hotKeys {
		args = append(args, "-r", strconv.Itoa(load.Keys))
	}
	ctx, cancel := context.WithTimeout(ctx, turnLimit)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, b.path, args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return Outcome{}, fmt.Errorf("redis-benchmark: %w: %s", context.Cause(ctx), firstLine(said.String()))
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("redis-benchmark: %w: %s", err, firstLine(said.String()+string(out)))
	}
	outcome, err := parseBenchmark(string(out))
	outcome.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return outcome, err
}

// parseBenchmark reads what redis-benchmark --csv prints for one test: a line of names, a line of figures.
func parseBenchmark(text string) (Outcome, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 2 {
		return Outcome{}, fmt.Errorf("redis-benchmark --csv: not two lines of figures (version 7 is needed): %s", firstLine(text))
	}
	var outcome Outcome
	for name, figure := range map[string]*float64{
		"rps": &outcome.PerSecond, "p50_latency_ms": &outcome.P50, "p99_latency_ms": &outcome.P99,
	} {
		found := false
		for i, column := range rows[0] {
			if column != name {
				continue
			}
			if *figure, err = strconv.ParseFloat(rows[1][i], 64); err != nil {
				return Outcome{}, fmt.Errorf("redis-benchmark --csv: %s: %w", name, err)
			}
			found = true
		}
		if !found {
			return Outcome{}, fmt.Errorf("redis-benchmark --csv: no column %s (version 7 is needed)", name)
		}
	}
	if !(outcome.PerSecond > 0) { // NaN, too
		return Outcome{}, fmt.Errorf("redis-benchmark --csv: %g increments a second", outcome.PerSecond)
	}
	return outcome, nil
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
