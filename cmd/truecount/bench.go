package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/demo"
	"github.com/truecount/truecount/load"
)

// benchFlags are the flags of bench that are not load.Options as they are.
type benchFlags struct {
	operation, distribution string
	killLeaderEvery         time.Duration
	threads                 int
	nodes                   *caller
	asJSON                  bool
}

func benchCommand() *cobra.Command {
	o := load.Defaults()
	f := benchFlags{operation: o.Operation.String(), threads: benchThreads(), nodes: &caller{}}
	cmd := &cobra.Command{
		Use:   "bench [--node ADDR,...] [flags]",
		Short: "Measure how fast nodes count, and check that they count right",
		Long: `Send commands to nodes from many clients, and print how many were acknowledged a second and how long that took.

Closed loop: each client sends a pipeline, waits for its replies, and sends the next. With --rate, an open loop: commands are
due by a fixed schedule, and latency counts from when each was due, so that a stall counts for all that it holds up.

--verify counts with fresh keys, compares their values with what was acknowledged, and removes them. The exit code is 1 if
an increment was lost or doubled, and if nothing was acknowledged. Increments without an answer can hide as many faults: one
that never happened excuses one doubled; one that happened excuses one lost, unless a reply told a larger value than is left.
Ctrl-C ends early, with the figures so far.

Any server that speaks the Redis protocol will do: nothing of Truecount's own is sent, unless --level asks for it. Errors come
in three families: refused (surely not applied), unknown (maybe applied; nothing is sent again), other (a definite no).`,
		Example: `  truecount bench --clients 50 --pipeline 64
  truecount bench --node 127.0.0.1:7379,127.0.0.1:7380,127.0.0.1:7381 --keys 100000 --distribution zipf --verify
  truecount bench --rate 20000 --op mix:90 --level stale --duration 30s --json
  truecount bench --node 127.0.0.1:6379 --wait 1     # Redis and its replicas`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return bench(cmd, o, f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringSliceVar(&o.Nodes, "node", []string{defaultNode}, "RESP addresses; the clients are spread evenly over them")
	f.nodes.passwordFlag(cmd)
	flags.IntVar(&o.Clients, "clients", o.Clients, "connections")
	flags.IntVar(&o.Pipeline, "pipeline", o.Pipeline, "commands that a client sends together")
	flags.DurationVar(&o.Duration, "duration", o.Duration, "how long to measure")
	flags.Int64Var(&o.Requests, "requests", 0, "how many commands to send, instead of --duration")
	flags.DurationVar(&o.Warmup, "warmup", o.Warmup, "of the same load, before it is measured")
	flags.Float64Var(&o.Rate, "rate", 0, "commands a second that are due: an open loop")
	flags.StringVar(&f.operation, "op", f.operation, "incr, get, set, or mix:PERCENT (of get; the rest is incr)")
	flags.IntVar(&o.Keys, "keys", o.Keys, "different keys")
	flags.StringVar(&f.distribution, "distribution", "", "of the commands over the keys: hot (one key), uniform (default with --keys) or zipf[:S]")
	flags.StringVar(&o.KeyPrefix, "key-prefix", o.KeyPrefix, "what keys begin with")
	flags.StringVar(&o.Level, "level", "", "of reads: strong, stale or stale:MAXAGE; sends CONSISTENCY, which Redis does not know")
	flags.IntVar(&o.Wait, "wait", 0, "replicas: sends WAIT behind each pipeline, whose increments count only if it answers so many")
	flags.Uint64Var(&o.Seed, "seed", o.Seed, "of what is drawn: operations and keys")
	flags.BoolVar(&o.Verify, "verify", false, "compare what was acknowledged with the values, key by key")
	flags.DurationVar(&f.killLeaderEvery, "kill-leader-every", 0, "kill the leader of the running demo again and again")
	flags.IntVar(&f.threads, "threads", f.threads, "CPUs to use at most; the nodes may need the others")
	flags.BoolVar(&f.asJSON, "json", false, "print all figures, in JSON")
	return cmd
}

// benchThreads leaves most of a machine to the nodes that may run there, too. One thread saturates a Redis.
func benchThreads() int { return max(1, runtime.NumCPU()/4) }

func bench(cmd *cobra.Command, o load.Options, f benchFlags) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once

	if err := f.fill(ctx, cmd, &o); err != nil {
		return err
	}
	runtime.GOMAXPROCS(f.threads)
	progress := cmd.ErrOrStderr()
	if isTerminal(progress) {
		o.Progress = func(p load.Progress) { fmt.Fprintf(progress, "\r%s\x1b[K", p) }
	}
	report, err := load.Run(ctx, o)
	if o.Progress != nil {
		fmt.Fprint(progress, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	if err := writeReport(cmd.OutOrStdout(), report, f.asJSON); err != nil {
		return err
	}
	if !report.OK() {
		return errQuiet
	}
	return nil
}

// fill completes the options with what the flags say in words.
func (f *benchFlags) fill(ctx context.Context, cmd *cobra.Command, o *load.Options) error {
	err := f.nodes.load()
	if err != nil {
		return err
	}
	o.Dial = f.nodes.dial
	if f.killLeaderEvery != 0 {
		var nodes []string
		if nodes, o.Disturb, err = runningDemo(ctx); err != nil {
			return err
		}
		o.DisturbEvery = f.killLeaderEvery
		if !cmd.Flags().Changed("node") {
			o.Nodes = nodes
		}
	}
	for _, addr := range o.Nodes {
		if err := checkTarget("node", addr); err != nil {
			return err
		}
	}
	if o.Operation, err = load.ParseOperation(f.operation); err != nil {
		return fmt.Errorf("--%w", err)
	}
	if f.distribution != "" {
		if o.Distribution, err = load.ParseDistribution(f.distribution); err != nil {
			return fmt.Errorf("--%w", err)
		}
	}
	if cmd.Flags().Changed("requests") && !cmd.Flags().Changed("duration") {
		o.Duration = 0
	}
	if f.threads < 1 || f.threads > maxThreads {
		return fmt.Errorf("--threads %d: give 1 to %d", f.threads, maxThreads)
	}
	if err := o.Check(); err != nil {
		return fmt.Errorf("--%w", err)
	}
	return nil
}

const (
	maxThreads  = 1024
	disturbTime = 30 * time.Second // for a node of the demo to be killed and started again
)

// demoControl is what bench asks of a demo.
type demoControl interface {
	Kill(ctx context.Context, node string) (demo.Outcome, error)
	Start(ctx context.Context, id string) (demo.Outcome, error)
	Close() error
}

// runningDemo finds the demo that runs on this machine: its nodes, and what kills its leader, starts it again and says so.
func runningDemo(ctx context.Context) (nodes []string, killLeader func(context.Context) (string, error), err error) {
	control, err := demo.Dial(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("--kill-leader-every needs a demo: %w", err)
	}
	defer control.Close()
	found, err := control.Nodes(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("--kill-leader-every needs a demo: %w", err)
	}
	for _, node := range found {
		nodes = append(nodes, node.RESP)
	}
	dial := func(ctx context.Context) (demoControl, error) { return demo.Dial(ctx) }
	return nodes, func(ctx context.Context) (string, error) { return killLeaderOf(ctx, dial) }, nil
}

// killLeaderOf kills the leader and starts it again. It dials for itself: a Control that has run out of time is closed, and
// whatever follows on it would fail.
func killLeaderOf(ctx context.Context, dial func(context.Context) (demoControl, error)) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), disturbTime) // whoever is killed is started again
	defer cancel()
	control, err := dial(ctx)
	if err != nil {
		return "", err
	}
	defer control.Close()
	killed, err := control.Kill(ctx, demo.TheLeader)
	if err != nil {
		return "", demoWords(err)
	}
	what := fmt.Sprintf("%s, the leader, was killed", killed.Node)
	if _, err = control.Start(ctx, killed.Node); err != nil {
		return what, fmt.Errorf("starting it again failed: %w", demoWords(err))
	}
	return what + " and started again", nil
}

// demoWords says of a call that ran out of time what is known: the demo may still do it.
func demoWords(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer from the demo within %v; what has become of it: truecount demo status", disturbTime)
	}
	return err
}

func writeReport(w io.Writer, r *load.Report, asJSON bool) error {
	if !asJSON {
		return r.WriteText(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}
