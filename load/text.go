package load

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

const maxErrorText = 100 // bytes of an error that are shown

// WriteText writes the Report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.headline())
	b.WriteString(r.table())
	b.WriteByte('\n')
	b.WriteString(r.errorLines())
	fmt.Fprintf(&b, "longest silence  %s ms, from second %.1f on: nobody got an acknowledgement\n", short(r.LongestSilence.Ms), r.LongestSilence.AtS)
	for _, e := range r.Disturbances {
		if e.Failed {
			fmt.Fprintf(&b, "at second %-6.1f not disturbed: %s\n", e.AtS, e.What)
			continue
		}
		fmt.Fprintf(&b, "at second %-6.1f %s: then %s ms of silence\n", e.AtS, e.What, short(e.SilenceMs))
	}
	for _, note := range r.notes() {
		fmt.Fprintf(&b, "%s\n", note)
	}
	if r.Verify != nil {
		fmt.Fprintf(&b, "\n%s\n", r.Verify)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// headline says what was measured.
func (r *Report) headline() string {
	s := r.Settings
	keys := "1 key (hot)"
	if s.Keys > 1 {
		keys = fmt.Sprintf("%s keys (%s)", digits(int64(s.Keys)), s.Distribution)
	}
	loop := "closed loop"
	if s.Loop == "open" {
		loop = fmt.Sprintf("open loop at %s ops/s", digits(int64(math.Round(s.RateOpsPerS))))
	}
	text := fmt.Sprintf("%s, %s, pipeline %d: %s on %s", counted(int64(len(s.Nodes)), "node"), counted(int64(s.Clients), "client"),
		s.Pipeline, s.Op, keys)
	if s.Level != "" {
		text += ", reads " + s.Level
	}
	if s.Wait > 0 {
		text += fmt.Sprintf(", WAIT %d", s.Wait)
	}
	return fmt.Sprintf("%s\n%s, %.1f s after %.1f s of warm-up", text, loop, r.ElapsedS, s.WarmupS)
}

// table has a row for all, and one for each operation and node if there are several.
func (r *Report) table() string {
	rows := [][]string{{"", "ops/s", "ops", "p50 ms", "p90", "p99", "p99.9", "max"}, row("total", r.Total.Speed)}
	if len(r.ByOp) > 1 {
		for _, op := range r.ByOp {
			rows = append(rows, row(op.Op, op.Speed))
		}
	}
	if len(r.ByNode) > 1 {
		for _, n := range r.ByNode {
			rows = append(rows, row(n.Node, n.Speed))
		}
	}
	return aligned(rows)
}

func row(name string, s Speed) []string {
	l := s.LatencyMs
	return []string{name, digits(int64(math.Round(s.OpsPerS))), digits(s.Ops), short(l.P50), short(l.P90), short(l.P99), short(l.P999), short(l.Max)}
}

// aligned sets the first column to the left and the others to the right.
func aligned(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// errorLines are the families, then each kind of error, and where it came from if there are several nodes.
func (r *Report) errorLines() string {
	if len(r.Errors) == 0 {
		return "errors           none\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "errors           %s refused, %s unknown (may count or not), %s other\n", digits(r.Total.Refused), digits(r.Total.Unknown),
		digits(r.Total.Other))
	if len(r.ByNode) > 1 {
		for _, n := range r.ByNode {
			if n.Refused+n.Unknown+n.Other > 0 {
				fmt.Fprintf(&b, "  at %s: %s refused, %s unknown, %s other\n", n.Node, digits(n.Refused), digits(n.Unknown), digits(n.Other))
			}
		}
	}
	for _, e := range r.Errors {
		text := e.First
		if len(text) > maxErrorText {
			text = text[:maxErrorText] + "…"
		}
		fmt.Fprintf(&b, "  %s × %s\n", digits(e.Count), strings.ToValidUTF8(text, "?"))
	}
	if r.Total.Reconnects > 0 {
		fmt.Fprintf(&b, "reconnected      %s\n", counted(r.Total.Reconnects, "time"))
	}
	return b.String()
}

// notes say how to read the figures.
func (r *Report) notes() []string {
	notes := []string{}
	if r.Ended != "as planned" {
		notes = append(notes, "ended early: "+r.Ended)
	}
	if r.Total.Ops == 0 {
		notes = append(notes, "nothing was acknowledged")
	}
	if r.Missing > 0 && r.Verify == nil {
		notes = append(notes, fmt.Sprintf("%s of the reads found no key: --op incr with the same keys makes them", digits(r.Missing)))
	}
	if r.Settings.Loop == "closed" {
		return append(notes, "percentiles are of service time; a closed loop counts a stall once, see --rate")
	}
	notes = append(notes, "percentiles count from when a command was due")
	if r.Unsent > 0 {
		notes = append(notes, fmt.Sprintf("rate not reached: %s commands were due and never sent (their wait is in the latency)", digits(r.Unsent)))
	}
	if l := r.WakeLateMs; l != nil && l.P99 > busyMs {
		notes = append(notes, fmt.Sprintf("this machine is busy: bench itself woke %s ms late (p99; what is above %v is in the latency)", short(l.P99), maxTimerLate))
	}
	return notes
}

// busyMs is a lateness that is not the timer's: on an idle machine it is up to a millisecond.
const busyMs = 3

// String is the verdict in a sentence, and a line for each of the keys that are wrong.
func (v *Verdict) String() string {
	if v.Failure != "" {
		return "not verified: " + v.Failure
	}
	word, relation := "verified", "= value"
	if v.Value != v.Acknowledged {
		relation = "→ value " + digits(v.Value)
	}
	if !v.OK() {
		word = "WRONG"
	}
	text := fmt.Sprintf("%s: %s acknowledged %s, %s lost, %s doubled", word, digits(v.Acknowledged), relation, digits(v.Lost), digits(v.Doubled))
	if v.Unanswered > 0 {
		text += fmt.Sprintf(", %s unanswered", digits(v.Unanswered))
		if v.OK() {
			text += fmt.Sprintf(" (%s counted)", digits(v.Value-v.Acknowledged))
		}
	}
	text += " over " + counted(int64(v.Keys), "key")
	if v.RepeatedValues > 0 {
		text += fmt.Sprintf("\n  values handed out more than once: %s", digits(v.RepeatedValues))
	}
	for _, line := range v.Wrong {
		text += "\n  " + line
	}
	if v.OK() && v.Left {
		text += "; they could not be removed"
	}
	return text
}

// short is a number of three digits or so.
func short(n float64) string {
	switch {
	case n < 10:
		return strconv.FormatFloat(n, 'f', 3, 64)
	case n < 100:
		return strconv.FormatFloat(n, 'f', 2, 64)
	case n < 1000:
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return digits(int64(math.Round(n)))
}

// digits is a number with a comma before each three digits.
func digits(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// counted is a number of things.
func counted(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return digits(n) + " " + thing + "s"
}
