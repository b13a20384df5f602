package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Report is all that was measured.
type Report struct {
	Machine Machine  `json:"machine"`
	Procs   int      `json:"procs"` // see options
	Cases   []Case   `json:"cases"`
	Rounds  int      `json:"rounds"`
	Notes   []string `json:"notes"`
	Rows    []Row    `json:"rows"`
	Turns   []Turn   `json:"turns"`
}

// Row is an entrant, by its names.
type Row struct {
	Entrant   string `json:"entrant"`
	Generator string `json:"generator"`
}

func (r Row) String() string { return r.Entrant + "; " + r.Generator }

// versus says which rows are compared besides each with Redis.
type versus struct {
	title       string
	over, under string // entrants
}

func comparisons() []versus {
	return []versus{
		{"Truecount at the leader, against Redis with WAIT 1", leaderName, waitName},
		{"Truecount at all three, against Redis with WAIT 1", spreadName, waitName},
		{"Truecount at the leader, against the base", leaderName, baseLeader},
		{"Truecount at a follower, against the base", followName, baseFollow},
	}
}

// markdown is what docs/BENCHMARKS.md takes.
func (r Report) markdown() string {
	var b strings.Builder
	r.writeMachine(&b)
	for _, keys := range []int{hotKeys, uniformKeys} {
		cases := slices.DeleteFunc(slices.Clone(r.Cases), func(c Case) bool { return c.Keys != keys })
		if len(cases) == 0 {
			continue
		}
		title := "One hot key"
		if keys != hotKeys {
			title = fmt.Sprintf("Random keys of %d", keys)
		}
		fmt.Fprintf(&b, "\n%s. Median ratio to “%s” with the same generator in the same round (least–most) · increments/s · p50/p99 ms:\n\n",
			title, redisName)
		r.writeTable(&b, cases, Case.shape, r.Rows, r.cell)
	}
	r.writeComparisons(&b)
	r.writeFlushes(&b)
	r.writeTroubles(&b)
	return b.String()
}

func (r Report) writeMachine(b *strings.Builder) {
	m := r.Machine
	flush := func(f Flush) string {
		if f == (Flush{}) {
			return "?"
		}
		return fmt.Sprintf("%.2f/%.2f", f.P50, f.P99)
	}
	procs := "Go's default"
	if r.Procs > 0 {
		procs = strconv.Itoa(r.Procs)
	}
	fmt.Fprintf(b, "- %d cores, %s, %s, %s, %s; GOMAXPROCS of each Truecount node: %s\n", m.Cores, m.CPU, m.Kernel, m.FileSystem,
		m.Go, procs)
	fmt.Fprintf(b, "- %s\n", strings.Join(m.Versions, "; "))
	fmt.Fprintf(b, "- appending 4 KiB and flushing it: %s ms p50/p99 before, %s after; load average before %s, after %s\n",
		flush(m.FlushBefore), flush(m.FlushAfter), orUnknown(m.LoadBefore), orUnknown(m.LoadAfter))
	fmt.Fprintf(b, "- rounds: %d, turns of %v\n", r.Rounds, turnTime)
	for _, note := range r.Notes {
		fmt.Fprintf(b, "- %s\n", note)
	}
}

func (r Report) writeTable(b *strings.Builder, cases []Case, head func(Case) string, rows []Row, cell func(Row, Case) string) {
	b.WriteString("| clients×pipeline |")
	for _, c := range cases {
		fmt.Fprintf(b, " %s |", head(c))
	}
	b.WriteString("\n|" + strings.Repeat("---|", 1+len(cases)) + "\n")
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |", row)
		for _, c := range cases {
			fmt.Fprintf(b, " %s |", cell(row, c))
		}
		b.WriteString("\n")
	}
}

func (r Report) cell(row Row, c Case) string {
	turns := r.turns(row, c)
	if len(turns) == 0 {
		return "–"
	}
	var rates, p50s, p99s []float64
	for _, t := range turns {
		rates, p50s, p99s = append(rates, t.PerSecond), append(p50s, t.P50), append(p99s, t.P99)
	}
	text := fmt.Sprintf("%s · %.2f/%.1f", rateText(median(rates)), median(p50s), median(p99s))
	if ratios := r.ratios(row, Row{redisName, row.Generator}, c); len(ratios) > 0 {
		text = ratioText(ratios) + " · " + text
	}
	return text + disturbedText(turns)
}

// turns are those with figures, by round.
func (r Report) turns(row Row, c Case) (found []Turn) {
	for _, t := range r.Turns {
		if (Row{t.Entrant, t.Generator}) == row && t.Case == c && t.Failed == "" {
			found = append(found, t)
		}
	}
	return found
}

// ratios has one ratio of rates for each round in which both rows have figures.
func (r Report) ratios(over, under Row, c Case) (found []float64) {
	for _, t := range r.turns(over, c) {
		for _, u := range r.turns(under, c) {
			if t.Round == u.Round {
				found = append(found, t.PerSecond/u.PerSecond)
			}
		}
	}
	return found
}

func ratioText(ratios []float64) string {
	least, most := slices.Min(ratios), slices.Max(ratios)
	if least == most {
		return fmt.Sprintf("**%.2f×**", median(ratios))
	}
	return fmt.Sprintf("**%.2f×** (%.2f–%.2f)", median(ratios), least, most)
}

func rateText(perSecond float64) string {
	switch {
	case perSecond >= 1e6:
		return fmt.Sprintf("%.2fM", perSecond/1e6)
	case perSecond >= 1e5:
		return fmt.Sprintf("%.0fk", perSecond/1e3)
	case perSecond >= 1e4:
		return fmt.Sprintf("%.1fk", perSecond/1e3)
	default:
		return fmt.Sprintf("%.0f", perSecond)
	}
}

// disturbedText has a star, and how many of the turns were disturbed.
func disturbedText(turns []Turn) string {
	n := 0
	for _, t := range turns {
		if t.Disturbed {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(` \*%d`, n)
}

func (r Report) writeComparisons(b *strings.Builder) {
	for _, v := range comparisons() {
		for _, over := range r.Rows {
			under := Row{v.under, over.Generator}
			measured := func(c Case) bool { return len(r.ratios(over, under, c)) > 0 }
			if over.Entrant != v.over || !slices.ContainsFunc(r.Cases, measured) {
				continue
			}
			fmt.Fprintf(b, "\n%s; %s. Median ratio in the same round (least–most):\n\n", v.title, over.Generator)
			r.writeTable(b, r.Cases, Case.String, []Row{over}, func(_ Row, c Case) string {
				ratios := r.ratios(over, under, c)
				if len(ratios) == 0 {
					return "–"
				}
				return ratioText(ratios) + disturbedText(append(r.turns(over, c), r.turns(under, c)...))
			})
		}
	}
}

// writeFlushes shows that nobody saves the disk's time: with one client there is a flush for each increment on each disk that
// counts. Other programs' are in it, too.
func (r Report) writeFlushes(b *strings.Builder) {
	alone := Case{1, 1, hotKeys}
	var parts []string
	for _, row := range r.Rows {
		var flushes []float64
		for _, t := range r.turns(row, alone) {
			flushes = append(flushes, t.Flushes)
		}
		if m := median(flushes); m > 0 {
			parts = append(parts, fmt.Sprintf("%s: %.1f", row, m))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "\nDisk flushes per increment with one client, those of other programs included: %s.\n", strings.Join(parts, ", "))
	}
}

func (r Report) writeTroubles(b *strings.Builder) {
	disturbed := 0
	var failed []string
	for _, t := range r.Turns {
		if t.Disturbed {
			disturbed++
		}
		if t.Failed != "" {
			failed = append(failed, fmt.Sprintf("- round %d, %s, %s: no figures: %s", t.Round, Row{t.Entrant, t.Generator}, t.Case, t.Failed))
		}
	}
	if disturbed > 0 {
		fmt.Fprintf(b, "\n\\*n: n of the turns, %d of all %d, were disturbed: others used more than %g cores, or leadership changed.\n",
			disturbed, len(r.Turns), disturbedCores)
	}
	if len(failed) > 0 {
		fmt.Fprintf(b, "\n%s\n", strings.Join(failed, "\n"))
	}
}
