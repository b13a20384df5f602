package workload

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// plainStaff is the staff but for those who need leases and bindings, which the fake has not.
func plainStaff() []trade {
	quick := 5 * time.Millisecond
	return []trade{{4, quick, countHot}, {3, quick, countMany}, {2, quick, readStale}, {1, 100 * time.Millisecond, pipeline},
		{4, quick, onceUser(newLineage("oncemulti", 40))}, {8, quick, expire}, {3, quick, mixed(newLineage("mix", 60))},
		{2, quick, group(newLineage("multi", 40))}, {2, quick, trader(newLineage("stock", 60))}}
}

// trial lets a crowd work for some seconds of virtual time, and returns what was recorded.
func trial(t *testing.T, mistake string, staff []trade) (run *history.Run, f *fake) {
	synctest.Test(t, func(t *testing.T) {
		f = newFake(t, mistake)
		defer f.close()
		recorder := new(history.Recorder)
		options := f.options(recorder)
		recorder.Now = options.Clock
		crowd := start(t.Context(), options, staff)
		time.Sleep(10 * time.Second)
		f.mu.Lock()
		f.faulty = false
		f.mu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if n := crowd.Stop(ctx); n > 0 {
			t.Errorf("%d tokens have no answer", n)
		}
		run = &history.Run{Header: history.Header{Program: "faults", Nodes: fakeNodes, Length: options.Clock()}, Ops: recorder.Ops()}
		run.Looks = append(crowd.Finals(ctx), crowd.Wrong()...)
		if err := recorder.Err(); err != nil {
			t.Error(err)
		}
	})
	return run, f
}

// anomalies are what the checkers find. A run against the fake has no faults to speak of, so whether it is valid is not asked.
func anomalies(run *history.Run) (found []string) {
	for _, v := range history.Verify(run, time.Minute) {
		if v.Error != "" && !v.Invalid {
			found = append(found, v.Checker+": "+v.Error)
		}
	}
	for _, look := range run.Looks {
		if look.Wrong != "" {
			found = append(found, "wrong: "+look.Wrong)
		}
	}
	return found
}

func TestACrowdFindsNothingWrongWithAGoodService(t *testing.T) {
	run, _ := trial(t, "", plainStaff())
	for _, text := range anomalies(run) {
		t.Error(text)
	}
	kinds, outcomes := map[history.Kind]int{}, map[history.Outcome]int{}
	for _, op := range run.Ops {
		outcomes[op.Outcome]++
		if op.Outcome == history.Done {
			kinds[op.Kind]++
		}
	}
	for kind := history.Incr; kind <= history.Cas; kind++ {
		if kinds[kind] < 20 {
			t.Errorf("%d answers to kind %v", kinds[kind], kind)
		}
	}
	if outcomes[history.NotApplied] < 20 || outcomes[history.Unknown] < 20 {
		t.Errorf("the fake lost and refused too little: %v", outcomes)
	}
	finals, digests := 0, 0
	for _, look := range run.Looks {
		if look.Final && look.Counters["hot:0"] > 0 && look.Counters["once:0"] > 0 && look.Term == 1 && look.Leader == "n1" {
			finals++
		}
		if look.Digest == 255 && look.Index == 1 && look.Node != "" {
			digests++
		}
	}
	if finals != fakeNodes || digests != fakeNodes {
		t.Errorf("%d final looks and %d digests of %d nodes", finals, digests, fakeNodes)
	}
}

func TestACrowdFindsEachMistakeOfAService(t *testing.T) {
	for _, mistake := range []string{"applied twice", "acknowledged, not done", "refused, but done", "stale read",
		"token forgotten", "token answers anew", "condition ignored", "expired early"} {
		t.Run(mistake, func(t *testing.T) {
			run, f := trial(t, mistake, plainStaff())
			found := anomalies(run)
			if f.mistakes == 0 || len(found) == 0 {
				t.Fatalf("%d mistakes were made, and %d found among %d operations", f.mistakes, len(found), len(run.Ops))
			}
			for _, text := range found {
				first, _, _ := strings.Cut(text, "\n")
				t.Logf("%d mistakes: %.160s", f.mistakes, first)
			}
		})
	}
}

// What nobody has is told as 0. A key that is left out was not asked for, to the checkers, so that nobody would miss it.
func TestAKeyThatIsMissingInTheEndIsToldAsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, "")
		defer f.close()
		f.faulty = false
		crowd := start(t.Context(), f.options(new(history.Recorder)), nil)
		crowd.Stop(t.Context())
		finals := 0
		for _, look := range crowd.Finals(t.Context()) {
			if n, asked := look.Counters["hot:0"]; look.Final && asked && n == 0 {
				finals++
			}
		}
		if finals != fakeNodes {
			t.Errorf("%d of %d nodes say that nothing is there", finals, fakeNodes)
		}
	})
}

// Each kind of work by itself finds an increment that happens twice, if it increments.
func TestEachTradeFindsWhatHappensTwice(t *testing.T) {
	staff := plainStaff()
	for i, trade := range staff {
		if slices.Contains([]int{2, 5}, i) { // readers and setters, mostly
			continue
		}
		run, f := trial(t, "applied twice", staff[i:i+1])
		if found := anomalies(run); f.mistakes == 0 || len(found) == 0 {
			t.Errorf("trade %d: %d mistakes, and nothing found by %d clients", i, f.mistakes, trade.clients)
		}
	}
}

func TestWhatALongRunPilesUpHasBounds(t *testing.T) {
	c := &Crowd{texts: map[string]int{}, options: Options{Clock: func() time.Duration { return 0 }}}
	for i := range max(mostOpen, mostWrong) + 1 {
		c.adopt(promise{})
		c.complain("n1", "number %d", i)
	}
	c.complain("n1", "number 0")
	if len(c.open) != mostOpen || c.adopt(promise{}) {
		t.Errorf("%d promises are left for the end", len(c.open))
	}
	if wrong := c.Wrong(); len(wrong) != mostWrong || len(c.texts) != mostWrong || wrong[0].Wrong != "number 0 (2 times)" {
		t.Errorf("%d complaints, %d texts, the first %q", len(wrong), len(c.texts), wrong[0].Wrong)
	}
}
