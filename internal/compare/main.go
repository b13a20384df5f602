package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without its process: arguments in, exit code out (0 or 1).
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := compare(ctx, args, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "compare: interrupted")
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "compare:", err)
		return 1
	}
	return 0
}

// compare measures and reports. What was measured before an error or an interruption is reported, too.
func compare(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	b, err := openBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	report, err := b.measure(ctx, o, stderr)
	if len(report.Turns) == 0 {
		return err
	}
	fmt.Fprint(stdout, report.markdown())
	if o.json == "" {
		return err
	}
	text, errJSON := json.MarshalIndent(report, "", "  ")
	if errJSON == nil {
		errJSON = os.WriteFile(o.json, append(text, '\n'), 0o644)
	}
	return errors.Join(err, errJSON)
}

func (b *bench) measure(ctx context.Context, o options, progress io.Writer) (report Report, err error) {
	report = Report{Machine: describeMachine(b.dir), Procs: o.procs, Cases: o.cases, Rounds: o.rounds, Notes: b.notes}
	for _, e := range b.entrants {
		report.Rows = append(report.Rows, Row{e.name, e.generator.Name()})
	}
	if report.Machine.Versions, err = b.versions(); err != nil {
		return report, err
	}
	if report.Machine.FlushBefore, err = measureFlush(b.dir); err != nil {
		return report, err
	}
	s := schedule{
		entrants: b.entrants, cases: o.cases, rounds: o.rounds, referee: &referee{dir: b.dir, settle: settle}, progress: progress,
	}
	if report.Turns, err = s.run(ctx); err != nil {
		return report, err
	}
	if report.Machine.FlushAfter, err = measureFlush(b.dir); err != nil {
		return report, err
	}
	report.Machine.LoadAfter = loadAverage()
	return report, b.check()
}
