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

// Generator makes load, with the keys of keyName. An answer that is no integer, or a WAIT that too few replicas answered, is an
// error.
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
	out, cpu, err := runGenerator(ctx, b.path, "-h", host, "-p", port, "-c", strconv.Itoa(load.Clients),
		"-P", strconv.Itoa(load.Pipeline), "-n", strconv.Itoa(load.Requests), "--csv", "-t", "incr", "-r", strconv.Itoa(load.Keys))
	if err != nil {
		return Outcome{}, fmt.Errorf("redis-benchmark: %w", err)
	}
	outcome, err := parseBenchmark(out)
	outcome.cpu = cpu
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

// runGenerator runs a program that makes a load, for turnLimit at most. It returns what the program printed, also when its exit
// code was not 0, and the processor time that it took.
func runGenerator(ctx context.Context, path string, args ...string) (out string, cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, turnLimit, fmt.Errorf("not done within %v", turnLimit))
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = &said
	printed, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return "", 0, fmt.Errorf("%w (%v)", context.Cause(ctx), err)
	case cmd.ProcessState == nil: // it was never started
		return "", 0, err
	case err != nil:
		err = fmt.Errorf("%w: %s", err, firstLine(said.String()+string(printed)))
	}
	return string(printed), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), err
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
