package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/history"
)

func verifyCommand() *cobra.Command {
	var pages string
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "verify HISTORY [--html DIR] [--limit TIME]",
		Short: "Check the history of a run with faults again",
		Long: `Read the history that make sim, make faults or make soak has written, let every checker look at it, and print a verdict each.

The exit code is 1 if a checker finds an anomaly, and if the run is invalid: if it proves nothing, because it was too short, a fault
had no effect, or a search was not decided in time. A last line that is cut off is left out, with a note.`,
		Example: `  truecount verify /tmp/faults/history.jsonl --html /tmp/faults`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("verify takes the file of one history, not %d arguments; see truecount verify --help", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return verify(cmd, args[0], pages, limit) },
	}
	cmd.Flags().StringVar(&pages, "html", "", "directory for a page of each anomaly in the order of operations")
	cmd.Flags().DurationVar(&limit, "limit", time.Minute, "time for the searches together")
	return cmd
}

func verify(cmd *cobra.Command, name, pages string, limit time.Duration) error {
	if limit <= 0 {
		return fmt.Errorf("--limit %v is no time to search in", limit)
	}
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("the history: %w", err)
	}
	defer file.Close()
	run, err := history.ReadRun(file)
	switch {
	case errors.Is(err, history.ErrHistory) || err != nil && !errors.Is(err, history.ErrTruncated):
		return fmt.Errorf("%s: %w", name, err)
	case err != nil:
		fmt.Fprintf(cmd.ErrOrStderr(), "truecount: %s: %v, and left out\n", name, err)
	}
	out := cmd.OutOrStdout()
	anomalies, invalid := writeVerdicts(out, run, history.Verify(run, limit))
	if anomalies > 0 && pages != "" {
		names, err := history.WriteHTML(pages, run)
		if err != nil {
			return fmt.Errorf("--html %s: %w", pages, err)
		}
		for _, name := range names {
			fmt.Fprintf(out, "page: %s\n", name)
		}
	}
	if anomalies+invalid > 0 {
		return errQuiet
	}
	return nil
}

// writeVerdicts prints what ran, a table of verdicts and one of pauses, then what is wrong in full.
func writeVerdicts(w io.Writer, run *history.Run, verdicts []history.Verdict) (anomalies, invalid int) {
	h := run.Header
	fmt.Fprintf(w, "%s, %s, seed %d, %v: %s, %s, %s\n", h.Program, counted(h.Nodes, "node"), h.Seed, h.Length.Round(time.Second),
		counted(len(run.Ops), "operation"), counted(len(run.Faults), "fault"), counted(len(run.Looks), "look"))
	fmt.Fprintf(w, "again: %s\n\n", known(h.Repeat))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CHECKER\tCHECKED\tVERDICT")
	for _, v := range verdicts {
		says := "ok"
		switch {
		case v.Anomaly():
			says = "ANOMALY"
			anomalies++
		case v.Invalid:
			says = "INVALID"
			invalid++
		case v.Checked == 0:
			says = "nothing to check"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\n", v.Checker, v.Checked, says)
	}
	table.Flush()
	fmt.Fprintln(w)
	writePauses(w, history.Pauses(run))
	for _, v := range verdicts {
		if v.Error != "" {
			fmt.Fprintf(w, "\n%s: %s\n", v.Checker, v.Error)
		}
	}
	switch {
	case anomalies > 0:
		fmt.Fprintf(w, "\nFAILED: %d of %d checkers found an anomaly\n", anomalies, len(verdicts))
	case invalid > 0:
		fmt.Fprintf(w, "\nINVALID: no anomaly was found, but the run does not prove that there is none\n")
	default:
		fmt.Fprintf(w, "\nPASSED\n")
	}
	return anomalies, invalid
}

func writePauses(w io.Writer, pauses []history.Pause) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FAULT\tTIMES\tLONGEST WITHOUT ACKNOWLEDGEMENT\tALLOWED")
	for _, p := range pauses {
		kind, times, longest, allowed := p.Kind, fmt.Sprint(p.Faults), "below 100ms", "-"
		if kind == "" {
			kind, times = "none near", "-"
		}
		if p.Longest > 0 {
			longest = fmt.Sprintf("%v at %v", p.Longest.Round(time.Millisecond), p.At.Round(time.Millisecond))
		}
		if p.Allowed > 0 {
			allowed = fmt.Sprint(p.Allowed)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", kind, times, longest, allowed)
	}
	table.Flush()
}
