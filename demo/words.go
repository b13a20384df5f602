package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxDip is how many steps of a dip fit into a line, with the rates before and after it.
const maxDip = 36

// Text is the outcome for people: lines of less than 80 columns as long as the names and numbers are usual. Program is how
// the demo is called on the reader's shell.
func (o Outcome) Text(program string) []string {
	var lines []string
	switch {
	case o.Act == ActKilled:
		lines = append(lines, o.death()...)
	case o.Waiting != nil:
		lines = append(lines, startedEvent{Node: o.Node, PID: o.PID}.text(program)...)
	}
	return append(lines, o.sequel(program)...)
}

// death is the first line of an outcome, which is known before the others.
func (o Outcome) death() []string {
	rank := "a follower"
	if o.WasLeader {
		rank = "the leader"
	}
	if strings.HasPrefix(o.How, "kill") {
		return []string{fmt.Sprintf("%s, %s, was killed (%s, pid %d)", o.Node, rank, o.How, o.PID)}
	}
	lines := []string{fmt.Sprintf("%s, %s, has ended (%s, pid %d)", o.Node, rank, o.How, o.PID)}
	if o.Said != "" {
		lines = append(lines, "its last words: "+o.Said)
	}
	return lines
}

// sequel is what came of it.
func (o Outcome) sequel(program string) []string {
	if o.Waiting != nil {
		return o.Waiting.text(program)
	}
	var lines []string
	if o.Act == ActStarted {
		lines = append(lines, fmt.Sprintf("%s is back: %s in %s", o.Node, o.caughtUp(), seconds(o.CaughtUpAfterMs, 1)))
	}
	if o.Act == ActKilled || o.HadWaited {
		lines = append(lines, o.election()+" · longest wait of a client "+seconds(o.LongestWaitMs, 2))
	}
	lines = append(lines, o.compare()+" · "+o.unanswered())
	if hint := remark(o.Figures); hint != "" {
		lines = append(lines, hint)
	}
	if o.Act == ActKilled || o.HadWaited {
		lines = append(lines, o.dip())
	}
	return lines
}

// compare is what was lost and doubled, if that is known.
func (o Outcome) compare() string {
	if !o.compared() {
		return grouped(o.Acknowledged) + " acknowledged · " + o.staleness()
	}
	return fmt.Sprintf("%s of %s acknowledged increments lost · %s doubled", grouped(o.Lost), grouped(o.Acknowledged), grouped(o.Doubled))
}

func (o Outcome) caughtUp() string {
	switch o.CaughtUpEntries {
	case 0:
		return "it had missed nothing, and was ready"
	case 1:
		return "caught up with 1 entry"
	}
	return fmt.Sprintf("caught up with %s entries", grouped(int64(o.CaughtUpEntries)))
}

func (o Outcome) election() string {
	if o.Elected {
		return fmt.Sprintf("%s leads after %s", o.Leader, seconds(o.LeaderAfterMs, 2))
	}
	return "nothing had to be elected, " + o.Leader + " leads on"
}

// unanswered counts the increments of this event that have no answer, and says where they were.
func (o Outcome) unanswered() string {
	if len(o.UnansweredAt) == 0 {
		return "0 unanswered"
	}
	return fmt.Sprintf("%d unanswered (at %s)", len(o.UnansweredAt), listed(distinct(o.UnansweredAt)))
}

func (o Outcome) dip() string {
	after := "no dip"
	if o.RecoveredAfterMs > 0 {
		after = fmt.Sprintf("%.0f/s again after %s", o.RateAfter, seconds(o.RecoveredAfterMs, 1))
	}
	steps := o.Steps[:min(len(o.Steps), maxDip)]
	full := o.RateBefore * dipStep.Seconds()
	return fmt.Sprintf("%.0f/s before · %s · %s", o.RateBefore, sparkline(steps, full), after)
}

func (w *Waiting) text(program string) []string {
	if w.Answer != "" {
		return []string{"writes wait: " + w.Answer}
	}
	lines := []string{fmt.Sprintf("writes wait: %d of %s needed, %s",
		w.Needed, counted(w.Voters, "voter is", "voters are"), w.reachable())}
	if len(w.Reachable) > 0 {
		lines = append(lines, fmt.Sprintf("reads, too, are refused; GET %s STATE at %s says INCONSISTENT", Key, listed(w.Reachable)))
	}
	if len(w.Dead) > 0 {
		lines = append(lines, fmt.Sprintf("Bring one back: %s demo start %s", program, w.Dead[0]))
	}
	return lines
}

func (w *Waiting) reachable() string {
	switch len(w.Reachable) {
	case 0:
		return "none is reachable"
	case 1:
		return "1 is reachable (" + w.Reachable[0] + ")"
	}
	return fmt.Sprintf("%d are reachable (%s)", len(w.Reachable), listed(w.Reachable))
}

// seconds is a time in seconds with some decimals.
func seconds(ms int64, decimals int) string {
	if ms < 10 {
		return "under 0.01 s"
	}
	return strconv.FormatFloat((time.Duration(ms)*time.Millisecond).Seconds(), 'f', decimals, 64) + " s"
}

// grouped is a number with a comma at each thousand.
func grouped[N int64 | Misses](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// listed is "n1", "n1 and n2", "n1, n2 and n3".
func listed(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func distinct(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			out = append(out, name)
		}
		seen[name] = true
	}
	return out
}
