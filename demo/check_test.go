package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// refusedAt is a node that answers the first reads of the value, refuses some, and answers on.
func refusedAt(t *testing.T, answered, refused int64) *fake {
	var reads atomic.Int64
	return newFake(t, "n1", func(string) string {
		if n := reads.Add(1); n > answered && n <= answered+refused {
			return "-CLUSTERDOWN not applied: no leader"
		}
		return "$1\r\n0"
	})
}

// played runs a stage with one node and no writers for some time, and returns what its counts said of lost increments, without
// repetitions.
func played(t *testing.T, f *fake, span time.Duration) []string {
	t.Helper()
	var out bytes.Buffer
	n := &node{id: f.id, addr: f.addr, alive: true}
	n.open.Store(true)
	s := &stage{nodes: []*node{n}, ledger: newLedger(), watch: newWatch([]door{f.door}), screen: &screen{out: &out, mode: JSON},
		verdicts: make(chan verdict, 1), leader: -1}
	ctx, cancel := context.WithTimeout(t.Context(), span)
	defer cancel()
	s.run(ctx)
	var words []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, `{"type":"`+typeCount) {
			continue
		}
		var e countEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		word := "known"
		if !e.compared() {
			clock := e.ComparedAt.Local().Format(time.TimeOnly)
			word = strings.Replace(e.staleness(), clock, "then", 1) + ": " + e.NotCompared
		}
		words = append(words, word)
	}
	return slices.Compact(words)
}

func TestNothingIsShownAsLostOrNotWithoutAFreshComparison(t *testing.T) {
	const why = "CLUSTERDOWN not applied: no leader"
	for _, test := range []struct {
		name              string
		answered, refused int64
		want              []string
	}{
		{"all goes well", 100, 0, []string{"known"}},
		{"never", 0, 100, []string{"not compared yet: " + why}},
		{"one fails", 3, 1, []string{"known"}},
		{"many fail", 3, 8, []string{"known", "not compared since then: " + why, "known"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := refusedAt(t, test.answered, test.refused) // outside of virtual time: its sockets hold that up
			synctest.Test(t, func(t *testing.T) {
				got := played(t, f, 20*time.Second)
				for i, word := range got {
					got[i] = strings.Replace(word, "GET "+Key+" at "+f.addr+": ", "", 1)
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestFiguresStayWhileNoMajorityLivesAndHaveTimeAfterwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{ledger: newLedger()}
		s.check.made, s.check.able = time.Now(), time.Now()
		for _, step := range []struct {
			pause time.Duration
			alive bool
			want  bool
		}{
			{freshFor, true, true},
			{time.Second, true, false},
			{time.Second, false, true},
			{time.Hour, false, true},
			{0, true, true},
			{freshFor + time.Second, true, false},
		} {
			time.Sleep(step.pause)
			s.nodes = []*node{{alive: step.alive}}
			s.check.running = true // it hangs
			s.checkIfDue()
			if got := s.figures(time.Now()).compared(); got != step.want {
				t.Errorf("%+v: known: %v", step, got)
			}
		}
	})
}

func TestTheEndTellsTheLastFiguresAndWhyTheyAreOld(t *testing.T) {
	f := refusedAt(t, 0, 100)
	s := &stage{nodes: []*node{{addr: f.addr, alive: true}}, ledger: newLedger()}
	s.check.last, s.check.made = Figures{Lost: 1, Doubled: 2}, time.Now()
	s.lastCheck()
	if end := *s.check.end; end.Lost != 1 || end.Doubled != 2 || !strings.Contains(end.NotCompared, "CLUSTERDOWN") || end.fault() == nil {
		t.Errorf("after a refusal: %+v", end)
	}
	s.nodes[0].alive = false
	s.check.made = time.Time{}
	s.lastCheck()
	if end := *s.check.end; end.compared() || end.NotCompared != "no majority is alive" || end.fault() != nil {
		t.Errorf("without a majority, never compared: %+v", end)
	}
}

func TestADemoThatEndsWithIncrementsLostOrDoubledFails(t *testing.T) {
	for _, test := range []struct {
		figures Figures
		want    string
	}{
		{Figures{Acknowledged: 7}, ""},
		{Figures{Lost: Unknown, Doubled: Unknown}, ""},
		{Figures{Acknowledged: 7, Lost: 2}, "2 of 7 acknowledged increments lost, 0 doubled: a bug, unless "},
		{Figures{Acknowledged: 7, Doubled: 1}, "0 of 7 acknowledged increments lost, 1 doubled: a bug, unless "},
	} {
		err := test.figures.fault()
		if (err != nil) != (test.want != "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%+v: got %v, want %q", test.figures, err, test.want)
		}
	}
}

func TestUnknownIsNullInJSONAndBack(t *testing.T) {
	want := Figures{Lost: Unknown, Doubled: 3}
	text, err := json.Marshal(want)
	if err != nil || !strings.Contains(string(text), `"lost":null,"doubled":3`) || strings.Contains(string(text), "compared") {
		t.Fatalf("got %s, %v", text, err)
	}
	var got Figures
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}
