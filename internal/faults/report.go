package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// write is the report of one cluster.
func (o *outcome) write(w io.Writer) {
	h := &o.run.Header
	fmt.Fprintf(w, "%d nodes, seed %d, %v, %s\n\n", h.Nodes, h.Seed, h.Length.Round(time.Second), h.Config)
	o.writeFaults(w)
	for _, line := range o.notRun {
		fmt.Fprintln(w, "NOT RUN", line)
	}
	if f := failovers(&o.run); len(f) > 0 {
		fmt.Fprintf(w, "\nkill -9 of the leader to the first acknowledgement, %d times: median %s, p99 %s, max %s\n", len(f),
			ms(quantile(f, 0.5)), ms(quantile(f, 0.99)), ms(f[len(f)-1]))
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "checker\tchecked\tverdict")
	for _, v := range o.verdicts {
		verdict := "ok"
		switch {
		case v.Error != "" && v.Invalid:
			verdict = "INVALID, proves nothing"
		case v.Error != "":
			verdict = "ANOMALY"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\n", v.Checker, v.Checked, verdict)
	}
	table.Flush()
	for _, v := range o.verdicts {
		if v.Error != "" {
			fmt.Fprintf(w, "\n%s: %s\n", v.Checker, v.Error)
		}
	}
	if anomalies, invalid := o.counted(); anomalies+invalid > 0 {
		fmt.Fprintf(w, "\nhistory and data: %s\nagain: %s\n", o.folder, h.Repeat)
	}
	fmt.Fprintln(w)
}

// writeFaults is the table of the faults by kind. Of each kind, the last effect stands for all; without any, why it could not be done.
func (o *outcome) writeFaults(w io.Writer) {
	ends := acks(&o.run)
	var undrawn []string
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "fault\tdone\tskipped\tpause median\tmax\tmax with another\teffect, of the last")
	for _, kind := range o.kinds {
		var own, shared []time.Duration
		effect := cmp.Or(o.why[kind], "-")
		for i, f := range o.run.Faults {
			if f.Kind != kind {
				continue
			}
			effect = f.Effect
			if alone(o.run.Faults, i) {
				own = append(own, longestPause(ends, f))
			} else {
				shared = append(shared, longestPause(ends, f))
			}
		}
		if len(own)+len(shared)+o.skipped[kind] == 0 {
			undrawn = append(undrawn, kind)
			continue
		}
		slices.Sort(own)
		slices.Sort(shared)
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\t%s\t%s\n", kind, len(own)+len(shared), o.skipped[kind], at(own, 0.5), at(own, 1),
			at(shared, 1), short(effect))
	}
	table.Flush()
	if len(undrawn) > 0 {
		fmt.Fprintln(w, "NOT RUN for want of time:", strings.Join(undrawn, ", "))
	}
}

// at is a quantile as text; of nothing, nothing.
func at(sorted []time.Duration, q float64) string {
	if len(sorted) == 0 {
		return "-"
	}
	return ms(quantile(sorted, q))
}

const effectWidth = 60

func short(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if r := []rune(text); len(r) > effectWidth {
		return string(r[:effectWidth]) + "…"
	}
	return text
}

func ms(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// lastLine sums up all clusters, and reports whether all is well.
func lastLine(w io.Writer, all []*outcome) bool {
	var length time.Duration
	var acknowledged int64
	faults, anomalies, invalid := 0, 0, 0
	for _, o := range all {
		length += o.run.Header.Length
		acknowledged += o.acknowledged
		faults += len(o.run.Faults)
		a, i := o.counted()
		anomalies += a
		invalid += i
	}
	if invalid > 0 {
		fmt.Fprintf(w, "INVALID: %d of the verdicts say that the run proves nothing\n", invalid)
	}
	fmt.Fprintf(w, "faults: %d seconds, %d faults, %d acknowledged, %d anomalies\n", int(length.Seconds()), faults, acknowledged, anomalies)
	return anomalies+invalid == 0
}
