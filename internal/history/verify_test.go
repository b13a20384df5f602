package history

import (
	"strings"
	"testing"
	"time"
)

// goodRun is a run that every checker passes, with something to look at for each. A stamp is a second.
func goodRun() *Run {
	at := func(op Op) Op {
		op.At, op.End = time.Duration(op.Call)*time.Second, time.Duration(op.Call)*time.Second+500*time.Millisecond
		return op
	}
	stale := func(op Op) Op {
		op.Level, op.MaxAge = Stale, 2*time.Second
		return op
	}
	look := func(node string) Look {
		return Look{Node: node, At: 60 * time.Second, Final: true, Index: 30, Digest: 7, Term: 3, Leader: "b",
			Counters: map[string]int64{"k": 3, "once": 5, "mixed": 1, "ic": 2, "exp": 0},
			Slices:   map[string]map[string]int64{"ic": {"i": 2}}}
	}
	run := &Run{
		Header: Header{Program: "sim", Nodes: 3, Lease: 10 * time.Second, Rate: 0.01, Pauses: map[string]time.Duration{"": 5 * time.Second, "kill": 8 * time.Second}},
		Ops: []Op{
			at(incr(1, 1, 2)), at(incr(3, 2, 4)), at(stale(get(5, Int(2), 6))), at(get(7, Int(2), 8)), at(incr(9, 3, 10)),
			at(on("once", token("s/1", unknown(add(5, 11, 0, 0))))), at(on("once", token("s/1", add(5, 13, 5, 14)))), at(on("once", token("s/1", add(5, 15, 5, 16)))),
			at(on("mixed", unknown(add(-2, 17, 0, 0)))), at(on("mixed", add(3, 18, 3, 19))),
			on("exp", setFor(5, 4, 20)), on("exp", getAt(23, Int(4))), on("exp", getAt(26, Nil())), at(get(29, Int(3), 30)),
		},
		Faults: []Fault{{Kind: "kill", Target: "a", At: 27 * time.Second, End: 33 * time.Second, Effect: "term 2 to 3"}},
		Looks:  []Look{{Node: "a", At: 20 * time.Second, Index: 10, Digest: 6, Term: 2, Leader: "a"}, look("a"), look("b"), look("c")},
	}
	for i := range 6 {
		run.Ops = append(run.Ops, on("ic", ic(ICIncr, "i", 0, int64(31+4*i), 0, 0, 0)))
	}
	run.Ops = append(run.Ops, on("ic", ic(ICIncr, "i", 2, 55, 2, 2, 0)), on("ic", icget("i", 57, 2, 2, 0)))
	return run
}

func TestAGoodRunPassesEveryChecker(t *testing.T) {
	verdicts := Verify(goodRun(), time.Minute)
	if len(verdicts) != 17 {
		t.Errorf("%d verdicts", len(verdicts))
	}
	for _, v := range verdicts {
		if !v.Passed() || v.Checked == 0 && v.Checker != "refused" {
			t.Errorf("%+v", v)
		}
	}
}

// find is an Op of the run by its call.
func (run *Run) find(call int64) *Op {
	for i := range run.Ops {
		if run.Ops[i].Call == call {
			return &run.Ops[i]
		}
	}
	panic("no such call")
}

func TestEachCheckerSeesWhatIsPlantedForIt(t *testing.T) {
	type plant struct {
		checker string
		says    string
		spoil   func(run *Run)
	}
	for name, p := range map[string]plant{
		"a total out of order":         {"linearizable", "no order", func(run *Run) { run.find(57).Reply.Int = 3 }},
		"a value from nowhere":         {"exact", "nowhere", func(run *Run) { run.find(9).Reply.Int = 9 }},
		"two equal answers":            {"distinct", "same value", func(run *Run) { run.find(3).Reply.Int = 1 }},
		"a read that goes back":        {"forward", "went back", func(run *Run) { run.find(7).Reply.Int = 1 }},
		"a stale read that goes back":  {"stale", "had seen more", func(run *Run) { run.find(5).Reply.Int = 1 }},
		"a read older than MAXAGE":     {"stale", "older than 2s", func(run *Run) { op := run.find(5); op.Reply.Int, op.Client, op.At = 1, 9, 8*time.Second }},
		"a stale read of the future":   {"stale", "only 2", func(run *Run) { run.find(5).Reply.Int = 3 }},
		"two answers to a token":       {"once", "two answers", func(run *Run) { run.find(15).Reply.Int = 10 }},
		"a token counted twice":        {"sum", "exactly 5", func(run *Run) { run.Looks[2].Counters["once"] = 10 }},
		"an acknowledged one lost":     {"sum", "exactly 3", func(run *Run) { run.Looks[1].Counters["k"] = 2 }},
		"more than was asked":          {"sum", "can add between -2 and 0", func(run *Run) { run.Looks[1].Counters["mixed"] = 2 }},
		"a half of an unknown":         {"sum", "can add", func(run *Run) { run.Looks[1].Counters["mixed"] = 2 }},
		"slices that don't add up":     {"slices", "which is 3", func(run *Run) { run.Looks[1].Slices["ic"] = map[string]int64{"i": 3} }},
		"a slice that moves alone":     {"slices", "on its own", func(run *Run) { run.find(57).Reply.Mine = 1 }},
		"a set slice that isn't":       {"slices", "set to", func(run *Run) { run.find(55).Kind, run.find(55).Arg = ICSetSlice, 1 }},
		"a set total that isn't":       {"slices", "instance's own", func(run *Run) { run.find(55).Kind, run.find(55).Arg = ICSet, 1 }},
		"total and slice apart":        {"slices", "differently", func(run *Run) { run.find(55).Kind, run.find(55).Reply.OldMine = ICIncrIf, 1 }},
		"a key that ends early":        {"expiry", "missing 3s after", func(run *Run) { run.find(23).Reply = Nil() }},
		"a key that never ends":        {"expiry", "still there", func(run *Run) { op := run.find(26); op.Reply, op.At, op.End = Int(4), 50*time.Second, 51*time.Second }},
		"a value that nobody set":      {"expiry", "nobody stored", func(run *Run) { run.find(23).Reply = Int(5) }},
		"a slice gone too soon":        {"lease", "misses the slice", func(run *Run) { run.Looks[3].Slices["ic"] = map[string]int64{}; run.Looks[3].Counters["ic"] = 0 }},
		"a slice that stays":           {"lease", "should have left", func(run *Run) { run.Looks[3].At = 90 * time.Second }},
		"replicas that differ":         {"digest", "c has 8", func(run *Run) { run.Looks[3].Digest = 8 }},
		"two leaders in a term":        {"term", "two leaders", func(run *Run) { run.Looks[2].Leader = "c" }},
		"final totals that differ":     {"final", "c has 4", func(run *Run) { run.Looks[3].Counters["ic"] = 4 }},
		"final slices that differ":     {"final", "c has map[i:1 j:1]", func(run *Run) { run.Looks[3].Slices["ic"] = map[string]int64{"i": 1, "j": 1} }},
		"a panic":                      {"wrong", "panic", func(run *Run) { run.Looks[0].Wrong = "panic: BUG" }},
		"a wrong type":                 {"refused", "no ground", func(run *Run) { run.find(3).Reply = Reply{Code: "WRONGTYPE"} }},
		"an overflow of small sums":    {"refused", "no ground", func(run *Run) { run.find(3).Reply = Reply{Code: "ERR"} }},
		"a long pause after a kill":    {"available", "for 7.001s from 24s on, near kill: 1s", func(run *Run) { run.Header.Pauses["kill"], run.find(31).At = time.Second, 24*time.Second }},
		"a pause near nothing":         {"available", "near no fault: 1s", func(run *Run) { run.Header.Pauses[""] = time.Second }},
		"an Op without sense":          {"history", "no kind", func(run *Run) { run.find(1).Kind = 0 }},
		"a return before its call":     {"history", "before its call", func(run *Run) { run.find(3).Return = 2 }},
		"a write that claims to stale": {"history", "stale write", func(run *Run) { run.find(3).Level = Stale }},
	} {
		run := goodRun()
		p.spoil(run)
		caught := false
		for _, v := range Verify(run, time.Minute) {
			caught = caught || v.Checker == p.checker && v.Anomaly() && strings.Contains(v.Error, p.says)
		}
		if !caught {
			t.Errorf("%s: %s does not say %q: %+v", name, p.checker, p.says, Verify(run, time.Minute))
		}
	}
}

func TestARunThatProvesNothingIsInvalid(t *testing.T) {
	for name, p := range map[string]struct {
		checker, says string
		spoil         func(run *Run)
	}{
		"nothing acknowledged":   {"valid", "nothing was", func(run *Run) { run.Ops = nil }},
		"a fault without effect": {"valid", "kill of a at 27s had no effect", func(run *Run) { run.Faults[0].Effect = "" }},
		"an open token":          {"valid", "1 tokens", func(run *Run) { *run.find(13), *run.find(15) = unknown(*run.find(13)), unknown(*run.find(15)) }},
		"too many unknown":       {"valid", "more than a tenth", func(run *Run) { *run.find(18), *run.find(20) = unknown(*run.find(18)), unknown(*run.find(20)) }},
		"too few":                {"valid", "before the faults", func(run *Run) { run.Header.Rate = 10 }},
		"no writes in a phase":   {"valid", "during the faults", func(run *Run) { run.Faults[0].At, run.Faults[0].End = 5*time.Second, 8*time.Second }},
		"no answer once healed": {"valid", "healed at 33s: 0 reads and 0 writes until 48s", func(run *Run) {
			run.Faults = append(run.Faults, Fault{Kind: "cut", At: 48 * time.Second, Effect: "dropped"})
			for i := range run.Ops {
				if at := run.Ops[i].End; at > 33*time.Second && at < 48*time.Second {
					run.Ops[i].End += 20 * time.Second
				}
			}
		}},
		"no final look":           {"final", "0 of 3", func(run *Run) { run.Looks = nil }},
		"a node that isn't there": {"final", "2 of 3", func(run *Run) { run.Looks = run.Looks[:3] }},
		"no sums":                 {"sum", "of 5 acknowledged additions, only 0", func(run *Run) { run.Looks = nil }},
		"a search without time":   {"linearizable", "undecided", func(run *Run) { run.Ops = hopeless() }},
	} {
		run := goodRun()
		p.spoil(run)
		limit := time.Minute
		if p.says == "undecided" {
			limit = time.Nanosecond
		}
		caught := false
		for _, v := range Verify(run, limit) {
			caught = caught || v.Checker == p.checker && v.Invalid && !v.Passed() && !v.Anomaly() && strings.Contains(v.Error, p.says)
		}
		if !caught {
			t.Errorf("%s: %s does not say %q: %+v", name, p.checker, p.says, Verify(run, limit))
		}
	}
}

func TestPausesAreCountedForTheFaultsNearThem(t *testing.T) {
	run := &Run{Header: Header{Pauses: map[string]time.Duration{"": time.Second}}, Faults: []Fault{
		{Kind: "kill", At: 10 * time.Second, End: 12 * time.Second}, {Kind: "cut", At: 40 * time.Second, End: 41 * time.Second}}}
	for second := range time.Duration(60) {
		ack := Op{Kind: Incr, Key: "k", Arg: 1, Outcome: Done, At: second*time.Second - time.Millisecond, End: second * time.Second}
		switch {
		case second == 11 || second == 12: // asked and not answered
			ack.Outcome, ack.End = Unknown, (second+2)*time.Second
		case second > 19 && second < 30: // nobody asked
			continue
		}
		for range 10 { // ten a second
			ack.At, ack.End = ack.At+100*time.Millisecond, ack.End+100*time.Millisecond
			run.Ops = append(run.Ops, ack)
		}
	}
	want := map[string]Pause{
		"":     {Longest: 100 * time.Millisecond, At: 14100 * time.Millisecond}, // lost calls were still open
		"cut":  {Kind: "cut", Faults: 1},
		"kill": {Kind: "kill", Faults: 1, Longest: 2001 * time.Millisecond, At: 11099 * time.Millisecond},
	}
	for _, p := range Pauses(run) {
		if w := want[p.Kind]; p.Faults != w.Faults || p.Longest != w.Longest || p.At != w.At {
			t.Errorf("%+v, want %+v", p, w)
		}
	}
}

func TestAPauseNearFaultsThatOverlapIsNotJudged(t *testing.T) {
	const s = time.Second
	limits := map[string]time.Duration{"": s, "kill": s, "cut": s}
	for _, c := range []struct {
		name   string
		faults []Fault
		wrong  bool
	}{
		{"no fault", nil, true},
		{"one", []Fault{{Kind: "kill", At: 10 * s, End: 14 * s}}, true},
		{"one behind the other", []Fault{{Kind: "kill", At: 10 * s, End: 11 * s}, {Kind: "cut", At: 12 * s, End: 14 * s}}, true},
		{"one within the other", []Fault{{Kind: "kill", At: 10 * s, End: 14 * s}, {Kind: "cut", At: 11 * s, End: 12 * s}}, false},
		{"two elsewhere", []Fault{{Kind: "kill", At: 30 * s, End: 34 * s}, {Kind: "cut", At: 31 * s, End: 32 * s}}, true},
		{"one that has no limit", []Fault{{Kind: "flood", At: 10 * s, End: 14 * s}}, false},
	} {
		run := &Run{Header: Header{Pauses: limits}, Faults: c.faults, Ops: []Op{
			{Kind: Incr, Outcome: Done, At: 9 * s, End: 10 * s}, {Kind: Incr, Outcome: Done, At: 10 * s, End: 14 * s}}}
		if v := checkAvailable(run); v.Anomaly() != c.wrong {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}
