package demo

import (
	"bytes"
	"fmt"
	"text/tabwriter"
	"time"
)

// event is something that the demo tells: a line of JSON, or lines of text. Text that ends a matter ends in an empty line.
type event interface {
	text(program string) []string
}

// stamp begins every event's JSON.
type stamp struct {
	Type string    `json:"type"`
	Time time.Time `json:"time"`
}

func stamped(kind string) stamp { return stamp{kind, time.Now().UTC().Truncate(time.Millisecond)} }

// readyEvent is the first.
type readyEvent struct {
	stamp
	PID     int    `json:"pid"` // of the demo
	DataDir string `json:"data_dir"`
	Key     string `json:"key"`
	Rate    int    `json:"rate_per_second"` // that the writers aim at
	Nodes   []Node `json:"nodes"`
	Notice  string `json:"notice,omitempty"`
	redis   string // "redis-cli", or empty if there is none
}

func (e readyEvent) text(program string) []string {
	lines := []string{intro(len(e.Nodes)), ""}
	if e.Notice != "" {
		lines = append(lines, e.Notice, "")
	}
	lines = append(lines, table(e.Nodes)...)
	other := e.Nodes[len(e.Nodes)-1]
	lines = append(lines, "", "Try in another terminal:", "    "+e.count(program, e.Nodes[0]))
	if other != e.Nodes[0] {
		lines = append(lines, "    "+e.count(program, other))
	}
	return append(lines, "    "+program+" demo kill leader", "", "Ctrl-C stops everything and removes its data. A client at each node counts:", "")
}

// count is a line to try.
func (e readyEvent) count(program string, n Node) string {
	if e.redis == "" {
		return fmt.Sprintf("%s do --node %s INCR hits", program, n.RESP)
	}
	return fmt.Sprintf("%s -p %s INCR hits", e.redis, n.RESP[len(host)+1:])
}

func intro(nodes int) string {
	switch nodes {
	case 1:
		return "This is Truecount: one node on this machine holds your counters."
	case 3:
		return "This is Truecount: three nodes on this machine hold the same counters."
	}
	return "This is Truecount: five nodes on this machine hold the same counters."
}

// table is the nodes, with a heading.
func table(nodes []Node) []string {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "ID\tADDRESS\tROLE\tPID")
	for _, n := range nodes {
		role := string(n.Role)
		if role == "" {
			role = "no answer"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\n", n.ID, n.RESP, role, n.PID)
	}
	t.Flush()
	return split(b.String())
}

func split(text string) []string {
	var lines []string
	for line := range bytes.Lines([]byte(text)) {
		lines = append(lines, string(bytes.TrimRight(line, " \n")))
	}
	return lines
}

// Text is the status for people.
func (s Status) Text() []string {
	misses := s.staleness()
	if s.compared() {
		misses = fmt.Sprintf("%s lost · %s doubled", grouped(s.Lost), grouped(s.Doubled))
	}
	lines := append(table(s.Nodes), "", fmt.Sprintf("%s: %s acknowledged at %.0f/s · %s · %s unanswered",
		s.Key, grouped(s.Acknowledged), s.RatePerSecond, misses, grouped(s.Unanswered)))
	if hint := remark(s.Figures); hint != "" {
		lines = append(lines, hint)
	}
	return append(lines, "data and logs: "+s.DataDir)
}

// countEvent comes once a second; in plain text every ten seconds.
type countEvent struct {
	stamp
	Figures         // of the last comparison
	Now     int64   `json:"acknowledged_now"`
	Rate    float64 `json:"rate_per_second"`
	Waiting bool    `json:"waiting"` // there is no majority
}

func (e countEvent) text(string) []string { return []string{e.line()} }

func (e countEvent) line() string {
	rate := fmt.Sprintf("%.0f/s", e.Rate)
	if e.Waiting {
		rate = "writes wait"
	}
	misses := e.staleness()
	if e.compared() {
		misses = fmt.Sprintf("lost %s · doubled %s", grouped(e.Lost), grouped(e.Doubled))
	}
	return fmt.Sprintf("visits %s · %s · %s", grouped(e.Now), rate, misses)
}

// killedEvent says that a process has ended. What came of it follows as recovered or waiting.
type killedEvent struct {
	stamp
	Node      string `json:"node"`
	PID       int    `json:"pid"`
	WasLeader bool   `json:"was_leader"`
	How       string `json:"how"`
	Said      string `json:"said,omitempty"`
}

func (e killedEvent) text(string) []string {
	return Outcome{Node: e.Node, PID: e.PID, WasLeader: e.WasLeader, How: e.How, Said: e.Said}.death()
}

// leaderEvent says who leads now.
type leaderEvent struct {
	stamp
	Node    string `json:"node"`
	AfterMs *int64 `json:"after_ms"` // since the node before was killed; null: none was
}

func (e leaderEvent) text(string) []string {
	if e.AfterMs != nil {
		return nil // the outcome has it
	}
	return []string{e.Node + " leads now", ""}
}

// startedEvent says that a process was started; caught_up or waiting follows.
type startedEvent struct {
	stamp
	Node string `json:"node"`
	PID  int    `json:"pid"`
}

func (e startedEvent) text(string) []string {
	return []string{fmt.Sprintf("%s was started again (pid %d)", e.Node, e.PID)}
}

// outcomeEvent is of type recovered, waiting or caught_up.
type outcomeEvent struct {
	stamp
	Outcome
}

func (e outcomeEvent) text(program string) []string {
	if e.Type == typeRecovered && e.Act == ActStarted {
		return nil // caught_up says the same
	}
	return append(e.sequel(program), "") // the death or the start was told
}

// quietEvent says that nothing is acknowledged although enough nodes live.
type quietEvent struct {
	stamp
	Waiting *Waiting `json:"waiting"`
}

func (e quietEvent) text(program string) []string { return append(e.Waiting.text(program), "") }

// mismatchEvent says that increments are lost or doubled, or are no more.
type mismatchEvent struct {
	stamp
	Figures
}

func (e mismatchEvent) text(string) []string {
	lines := []string{fmt.Sprintf("compared: %s of %s acknowledged increments lost · %s doubled", grouped(e.Lost), grouped(e.Acknowledged), grouped(e.Doubled))}
	if hint := remark(e.Figures); hint != "" {
		lines = append(lines, hint)
	}
	return append(lines, "")
}

const (
	typeReady     = "ready"
	typeCount     = "count"
	typeKilled    = "killed"
	typeLeader    = "leader"
	typeRecovered = "recovered"
	typeWaiting   = "waiting"
	typeStarted   = "started"
	typeCaughtUp  = "caught_up"
	typeMismatch  = "mismatch"
	typeStopped   = "stopped"
)

// stoppedEvent is the last.
type stoppedEvent struct {
	stamp
	Figures
	Compared bool `json:"compared"` // false: the value could not be read at the end, lost and doubled are older
}

func (e stoppedEvent) text(string) []string {
	if !e.Compared {
		since := "never compared"
		if e.compared() {
			since = e.staleness() + fmt.Sprintf(": %s lost, %s doubled then", grouped(e.Lost), grouped(e.Doubled))
		}
		return []string{fmt.Sprintf("stopped, data removed: %s increments acknowledged", grouped(e.Acknowledged)),
			since, "comparing failed: " + e.NotCompared}
	}
	return []string{fmt.Sprintf("stopped, data removed: %s of %s acknowledged increments lost, %s doubled",
		grouped(e.Lost), grouped(e.Acknowledged), grouped(e.Doubled))}
}
