package fsm

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/*.txt; record the golden files that are missing")

// A script in testdata tells a story: commands, their recorded answers in lines that begin with "= ", comments between.
//
//	open 1                          an Opener of term 1 (a script begins with one)
//	@ 5000, @ +10, @ -10            the stamp of the Entries that follow
//	tick                            an Entry without Batches
//	wait 30000                      as much time passes, with such an Entry each second
//	incr hits 5                     an Op by itself: one Entry, one Batch, one group
//	apply                           one Entry, one Batch; the indented Ops below are its groups, "--" between two
//	batch origin=a inc=1 seq=3      the same with a number of its own; answers the Verdict, too
//	query now=6000                  the indented Ops below as reads, between Entries
//	snapshot                        freeze, write, restore, go on with the restored Machine
//	freeze, thaw                    the two halves of it: thaw goes back to the moment of the freeze
//	digest                          compares with a second Machine that never went through an image
//	state, nodes, room, sessions    what the Machine says of itself
//	removed n1                      whether that Node was removed
//	observe                         from now on the Events of each Entry are told behind its answers
//
// An Op is a kind, its key, and what the kind needs: "incr k 5", "set k hello nx xx get keepttl px=100 at=9000",
// "expire k px=100 gt", "register n1 resp=127.0.0.1:7379", "limit bytes=1000 keys=5", "increx k 5 low=0 high=9 saturate forever",
// "setif k v ge=5 tell", "setrange k 3 text", "scan 0 10" (the cursor, how many). "ab*512" is ab 512 times, "" nothing; "1000x set k% v" is
// a thousand Ops, with % their number. Those about instance counters name the instance behind the key, if any: "icadd k anna 5
// epoch=3", "bind anna 7 fresh" (the connection), "unbind anna 7 1000", "heartbeat anna 60000". A group may begin with conditions: "if k missing", "if whole", "if k since 7", "if k since -1"
// (-1: before the last Entry); "once ann 1 77": it is command 1 of the session ann, and its hash is 77.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) { playFile(t, path) })
	}
}

func playFile(t *testing.T, path string) {
	recorded, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	played := play(t, string(recorded), false)
	if *update {
		if err := os.WriteFile(path, []byte(played), 0o666); err != nil {
			t.Fatal(err)
		}
		recorded = []byte(played)
	}
	diffLines(t, path, string(recorded), played)
	diffLines(t, path+" with a snapshot after each Entry", string(recorded), play(t, string(recorded), true))
}

func diffLines(t *testing.T, what, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			t.Fatalf("%s, line %d:\n  recorded %s\n  played   %s", what, i+1, w[i], g[i])
		}
	}
	t.Fatalf("%s: %d lines recorded, %d played", what, len(w), len(g))
}

// play runs the commands of a script and returns it with the answers of this run.
func play(t *testing.T, text string, snapshots bool) string {
	s := &script{t: t, m: New(), twin: New(), snapshots: snapshots}
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if strings.HasPrefix(line, "=") {
			continue
		}
		fmt.Fprintln(&out, line)
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		var block []string
		for ; i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  "); i++ {
			fmt.Fprintln(&out, lines[i+1])
			block = append(block, lines[i+1])
		}
		s.line = i + 1
		for _, answer := range s.command(words, block) {
			fmt.Fprintln(&out, "=", answer)
		}
		checkMachine(t, s.m)
	}
	return out.String()
}

// script is a Machine being played to, and a twin that gets the same Entries and is never restored.
type script struct {
	t         *testing.T
	m, twin   *Machine
	line      int
	term      uint64
	stamp     int64
	index     uint64
	sequence  uint64
	frozen    *Image
	snapshots bool
	observing bool
	events    []string // of the Entry before
}

func (s *script) command(words, block []string) (answers []string) {
	switch words[0] {
	case "open":
		s.term = uint64(s.int(words[1]))
		s.apply(Entry{Kind: Opener, Stamp: s.stamp, HashKey: [16]byte{1, 2, 3}})
	case "@":
		s.stamp = s.moment(words[1])
	case "tick":
		s.apply(Entry{Kind: Ordinary, Stamp: s.stamp})
		return s.events
	case "wait":
		return s.wait(s.int(words[1]))
	case "apply":
		return s.batch(s.own(), block)[1:]
	case "batch":
		n := Number{Origin: s.option(words, "origin"), Incarnation: uint64(s.int(s.option(words, "inc"))),
			Sequence: uint64(s.int(s.option(words, "seq")))}
		return s.batch(n, block)
	case "query":
		return s.query(s.int(s.option(words, "now")), block)
	case "snapshot":
		s.restore(s.m.Freeze())
	case "freeze":
		s.frozen = s.m.Freeze()
	case "thaw":
		s.restore(s.frozen)
		s.index = s.m.Index()
		return []string{fmt.Sprintf("back at index %d", s.index)}
	case "observe":
		s.observing = true
	case "digest":
		if s.m.Digest() != s.twin.Digest() {
			return []string{"differs"}
		}
		return []string{"equal"}
	case "state":
		return []string{s.state()}
	case "room":
		return []string{s.room()}
	case "sessions":
		open, _, _ := s.m.SessionStats()
		return []string{fmt.Sprintf("%d open", open)}
	case "removed":
		return []string{strconv.FormatBool(s.m.RemovedNode(words[1]))}
	case "nodes":
		for _, n := range s.m.Nodes() {
			answers = append(answers, fmt.Sprintf("%+v", n))
		}
	default:
		return s.batch(s.own(), []string{strings.Join(words, " ")})[1:]
	}
	return answers
}

// wait lets millis pass. A snapshot after each of its many Entries would take too long: there is one behind each hundred.
func (s *script) wait(millis int64) (events []string) {
	snapshots := s.snapshots
	for end, n := s.stamp+millis, 1; s.stamp < end; n++ {
		s.stamp = min(end, s.stamp+1000)
		s.snapshots = snapshots && n%100 == 0
		s.apply(Entry{Kind: Ordinary, Stamp: s.stamp})
		events = append(events, s.events...)
	}
	s.snapshots = snapshots
	return fold(events)
}

// own is the next number of the script's own origin.
func (s *script) own() Number {
	s.sequence++
	return Number{Origin: "script", Incarnation: 1, Sequence: s.sequence}
}

// batch applies one Batch and answers its Verdict and its Results.
func (s *script) batch(n Number, block []string) []string {
	groups, ops := s.groups(block)
	outcomes := s.apply(Entry{Kind: Ordinary, Stamp: s.stamp,
		Batches: [][]byte{AppendBatch(nil, n, len(ops), groups)}})
	verdict := [...]string{Applied: "applied", Repeated: "repeated", Superseded: "superseded"}[outcomes[0].Verdict]
	return append(append([]string{verdict}, s.answers(outcomes[0].Results, ops)...), s.events...)
}

func (s *script) query(now int64, block []string) []string {
	groups, ops := s.groups(block)
	before := s.m.Digest()
	results, settled := s.m.Query(nil, groups, now)
	if s.m.Digest() != before {
		s.t.Fatalf("line %d: a query left a trace", s.line)
	}
	answers := s.answers(results, ops)
	if !settled {
		answers = append(answers, "not settled")
	}
	return answers
}

// apply gives e to the Machine and to its twin, as bytes like in the log.
func (s *script) apply(e Entry) []Outcome {
	s.index++
	e, err := DecodeEntry(e.Append(nil))
	if err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	if _, err := s.twin.Apply(s.twin.Index()+1, s.term, e); err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	if s.observing {
		s.events = nil
		s.m.Observe(func(e Event) { s.events = append(s.events, strings.TrimSpace("event "+e.Name+" "+string(e.Key))) })
	}
	outcomes, err := s.m.Apply(s.index, s.term, e)
	if err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	if s.snapshots {
		s.restore(s.m.Freeze())
	}
	return outcomes
}

func (s *script) restore(im *Image) {
	var image bytes.Buffer
	n, err := im.WriteTo(&image)
	if err != nil || n != int64(image.Len()) {
		s.t.Fatalf("line %d: WriteTo says %d bytes, %v, and wrote %d", s.line, n, err, image.Len())
	}
	if s.m, err = Restore(&image); err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
}

func (s *script) state() string {
	next := "never"
	if at, ok := s.m.NextDeadline(); ok {
		next = strconv.FormatInt(at, 10)
	}
	return fmt.Sprintf("index=%d opened=%d now=%d keys=%d next=%s pristine=%v",
		s.m.Index(), s.m.Opened(), s.m.Now(), s.m.Keys(), next, s.m.Pristine())
}

func (s *script) room() string {
	limits, set := s.m.Limits()
	text := fmt.Sprintf("bytes=%d of %d, keys=%d of %d", s.m.UsedBytes(), limits.Bytes, s.m.Keys(), limits.Keys)
	if s.m.Instances() > 0 {
		text += fmt.Sprintf(", instances=%d of %d", s.m.Instances(), limits.Instances)
	}
	if !set {
		text += ", never limited"
	}
	return text
}
