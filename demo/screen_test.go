package demo

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "record what the screen shows now in testdata/screen.txt")

const recorded = "testdata/screen.txt"

// scene is events under a heading.
type scene struct {
	title  string
	events []event
}

func scenes() []scene {
	nodes := []Node{
		{"n1", "127.0.0.1:7379", "leader", 4711},
		{"n2", "127.0.0.1:7380", "follower", 4712},
		{"n3", "127.0.0.1:7381", "follower", 4713},
	}
	fine := Figures{Acknowledged: 12345, Value: 12346, Unanswered: 1}
	killed := Outcome{
		Act: ActKilled, Node: "n1", PID: 4711, How: "kill -9", WasLeader: true, Leader: "n3", Elected: true,
		LeaderAfterMs: 338, LongestWaitMs: 381, RecoveredAfterMs: 379, RateBefore: 100, RateAfter: 101,
		Steps: []int{10, 9, 10, 0, 0, 0, 2, 10, 10, 10}, UnansweredAt: []string{"n1"}, Figures: fine,
	}
	follower := killed
	follower.Node, follower.WasLeader, follower.Leader, follower.Elected, follower.RecoveredAfterMs = "n2", false, "n1", false, 0
	follower.LongestWaitMs, follower.UnansweredAt = 3, nil
	wrong := killed
	wrong.Lost, wrong.Doubled = 2, 1
	stuck := Outcome{Act: ActKilled, Node: "n2", PID: 4712, How: "kill -9", Figures: fine,
		Waiting: &Waiting{Needed: 2, Voters: 3, Reachable: []string{"n3"}, Dead: []string{"n1", "n2"}}}
	none := stuck
	none.Node, none.Waiting = "n3", &Waiting{Needed: 2, Voters: 3, Dead: []string{"n1", "n2", "n3"}}
	back := Outcome{Act: ActStarted, Node: "n1", PID: 4720, Leader: "n3", CaughtUpEntries: 1240, CaughtUpAfterMs: 210, Figures: fine}
	rescued := killed
	rescued.Act, rescued.HadWaited, rescued.CaughtUpEntries, rescued.CaughtUpAfterMs, rescued.LongestWaitMs = ActStarted, true, 1, 510, 32130
	alone := stuck
	alone.Act, alone.Node, alone.PID = ActStarted, "n1", 4730
	alone.Waiting = &Waiting{Needed: 2, Voters: 3, Reachable: []string{"n1"}, Dead: []string{"n2", "n3"}}
	kill := func(o Outcome) killedEvent {
		return killedEvent{stamp{Type: typeKilled}, o.Node, o.PID, o.WasLeader, o.How, o.Said}
	}
	old := fine
	old.Lost, old.Doubled, old.NotCompared = Unknown, Unknown, "GET demo:visits at 127.0.0.1:7380: no answer"
	old.ComparedAt = time.Date(2026, 1, 2, 15, 4, 5, 0, time.Local)
	unsure := killed
	unsure.Figures = old
	stale := old // at the end, what was known is told
	stale.Lost, stale.Doubled = 0, 2
	never := old
	never.ComparedAt, never.NotCompared = time.Time{}, "no majority is alive"
	told := func(kind string, o Outcome) outcomeEvent { return outcomeEvent{stamp{Type: kind}, o} }
	after := int64(338)
	return []scene{
		{"the beginning", []event{readyEvent{Nodes: nodes, redis: "redis-cli"}}},
		{"other ports, no redis-cli, one node", []event{readyEvent{Nodes: nodes[:1], Notice: notice("port 7379 is taken", 7380, 1)}}},
		{"the leader is killed", []event{kill(killed), leaderEvent{Node: "n3", AfterMs: &after}, told(typeRecovered, killed)}},
		{"a follower is killed", []event{kill(follower), told(typeRecovered, follower)}},
		{"figures that no demo should show", []event{told(typeRecovered, wrong)}},
		{"figures that change", []event{mismatchEvent{Figures: wrong.Figures}, mismatchEvent{Figures: fine}}},
		{"figures that can't be had", []event{told(typeRecovered, unsure), countEvent{Now: 77, Rate: 99.7, Figures: old}, countEvent{Figures: never}}},
		{"two of three are dead", []event{kill(stuck), told(typeWaiting, stuck)}},
		{"all are dead", []event{kill(none), told(typeWaiting, none)}},
		{"one comes back to none", []event{startedEvent{Node: "n1", PID: 4730}, told(typeWaiting, alone)}},
		{"one comes back, and counting goes on", []event{told(typeRecovered, rescued), told(typeCaughtUp, rescued)}},
		{"one comes back", []event{startedEvent{Node: "n1", PID: 4720}, told(typeCaughtUp, back)}},
		{"one ends by itself", []event{killedEvent{Node: "n2", PID: 4712, How: "exit code 1", Said: "truecount: the disk failed"}}},
		{"leadership is handed over", []event{leaderEvent{Node: "n2"}}},
		{"nothing is acknowledged", []event{quietEvent{Waiting: &Waiting{Answer: "MISCONF this node is low on disk space"}}}},
		{"counted", []event{countEvent{Now: 1234567, Rate: 99.7}, countEvent{Now: 77, Waiting: true, Figures: wrong.Figures}}},
		{"the end", []event{stoppedEvent{Figures: fine, Compared: true}, stoppedEvent{Figures: stale}, stoppedEvent{Figures: never}}},
	}
}

func TestTheScreenIsAsRecorded(t *testing.T) {
	var b bytes.Buffer
	for _, scene := range scenes() {
		b.WriteString("── " + scene.title + "\n")
		s := screen{out: &b, program: "bin/truecount"}
		for _, e := range scene.events {
			s.tell(e)
		}
	}
	if *update {
		if err := os.WriteFile(recorded, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the screen shows\n%s\nrecorded is\n%s\n(-update records it)", got, want)
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > columns {
			t.Errorf("%d columns, at most %d: %s", n, columns, line)
		}
	}
}

func TestATerminalHasOneLineThatIsWrittenOver(t *testing.T) {
	var b bytes.Buffer
	s := screen{out: &b, mode: Terminal}
	now := time.Unix(1e9, 0)
	cells := make([]int, 2*columns)
	s.count(countEvent{Now: 1, Rate: 100}, now, cells, 20)
	if strings.Contains(b.String(), "\n") || utf8.RuneCountInString(stripped(b.String())) != columns {
		t.Errorf("the counter line is %q, want %d columns and no newline", stripped(b.String()), columns)
	}
	line := b.String()
	b.Reset()
	s.tell(leaderEvent{Node: "n2"})
	if want := clearLine + "n2 leads now\n\n" + strings.TrimPrefix(line, clearLine); b.String() != want {
		t.Errorf("an event wrote %q, want %q", b.String(), want)
	}
	b.Reset()
	s.end()
	if b.String() != clearLine {
		t.Errorf("the end wrote %q, want a cleared line", b.String())
	}
}

func stripped(text string) string {
	return strings.NewReplacer(clearLine, "", wrapOff, "", wrapOn, "").Replace(text)
}

func TestAFileHasALineEachTenSeconds(t *testing.T) {
	var b bytes.Buffer
	s := screen{out: &b, mode: Plain}
	for second := range 31 {
		s.count(countEvent{Now: int64(second)}, time.Unix(int64(second), 0), nil, 20)
	}
	if got := strings.Count(b.String(), "\n"); got != 3 {
		t.Errorf("%d lines in thirty seconds, want 3:\n%s", got, &b)
	}
}

func TestEveryEventIsALineOfJSONWithItsType(t *testing.T) {
	var b bytes.Buffer
	s := screen{out: &b, mode: JSON}
	events := 0
	for _, scene := range scenes() {
		for _, e := range scene.events {
			s.tell(e)
			events++
		}
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != events {
		t.Fatalf("%d lines for %d events", len(lines), events)
	}
	for _, line := range lines {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil || fields["type"] == nil || fields["time"] == nil {
			t.Errorf("%v: no type or no time in %s", err, line)
		}
	}
}
