package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// fakeSystem is one server whose leader may change.
type fakeSystem struct {
	*process
	terms []uint64 // one for each time it is asked; the last one stays
}

func (s *fakeSystem) servers() []*process       { return nil }
func (s *fakeSystem) check() error              { return nil }
func (s *fakeSystem) version() (string, error)  { return "", nil }
func (s *fakeSystem) witness([]string) *process { return s.process }
func (s *fakeSystem) reign() (uint64, error) {
	term := s.terms[0]
	s.terms = s.terms[min(1, len(s.terms)-1):]
	return term, nil
}

// plainGenerator makes one increment after the other, of each key in turn.
type plainGenerator struct{}

func (plainGenerator) Name() string { return "plain" }

func (plainGenerator) Run(_ context.Context, load Load) (Outcome, error) {
	conn, err := redis.Dial("tcp", load.Addresses[0])
	if err != nil {
		return Outcome{}, err
	}
	defer conn.Close()
	for i := range load.Requests {
		if _, err := conn.Do("INCR", keyName(i%load.Keys)); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{PerSecond: 1, cpu: time.Hour}, nil // which leaves nothing for others to disturb with
}

// countedGenerator counts how often it is used, and fails at first so many times.
type countedGenerator struct {
	plainGenerator
	failures, runs int
}

func (g *countedGenerator) Run(ctx context.Context, load Load) (Outcome, error) {
	g.runs++
	if g.runs <= g.failures {
		return Outcome{}, errors.New("no luck")
	}
	return g.plainGenerator.Run(ctx, load)
}

func (s *fakeSystem) entrant(g Generator) entrant {
	return entrant{name: "fake", system: s, generator: g, addresses: func() ([]string, error) { return []string{s.address}, nil }}
}

func TestATurnIsVoidWhenAnIncrementIsMissing(t *testing.T) {
	for _, keys := range []int{hotKeys, uniformKeys} {
		s := &fakeSystem{(&counterServer{lose: 299}).start(t), []uint64{1}}
		var found miscount
		_, err := (&referee{dir: t.TempDir(), spent: quietBudget}).turn(t.Context(), s.entrant(plainGenerator{}), Case{2, 3, keys}, 300)
		if !errors.As(err, &found) || found.got != 299 || found.want != 300 {
			t.Errorf("%d keys: %v, want that 299 of 300 were counted", keys, err)
		}
	}
}

func TestATurnIsMadeOnceMoreWhenItFailedOrLeadershipChanged(t *testing.T) {
	for _, row := range []struct {
		what     string
		terms    []uint64
		failures int
		budget   bool
		runs     int
		failed   bool
	}{
		{"nothing wrong", []uint64{1}, 0, true, 1, false},
		{"two failures", []uint64{1}, 2, true, 2, true},
		{"one failure", []uint64{1}, 1, true, 2, false},
		{"one failure, no time left", []uint64{1}, 1, false, 1, true},
		{"an election", []uint64{1, 2}, 0, true, 2, false},
	} {
		s := &fakeSystem{(&counterServer{}).start(t), row.terms}
		g := &countedGenerator{failures: row.failures}
		r := &referee{dir: t.TempDir(), settle: func(context.Context) time.Duration { return 0 }}
		if !row.budget {
			r.spent = quietBudget
		}
		turn, err := r.turn(t.Context(), s.entrant(g), Case{2, 1, hotKeys}, 100)
		if err != nil || g.runs != row.runs || (turn.Failed != "") != row.failed {
			t.Errorf("%s: %d runs, %+v, %v; want %d runs", row.what, g.runs, turn, err, row.runs)
		}
	}
}

func TestAnElectionDisturbsATurn(t *testing.T) {
	s := &fakeSystem{(&counterServer{}).start(t), []uint64{1, 2, 2, 3}}
	turn, err := (&referee{dir: t.TempDir(), spent: quietBudget}).turn(t.Context(), s.entrant(plainGenerator{}), Case{2, 1, hotKeys}, 100)
	if err != nil || !turn.Disturbed {
		t.Errorf("%+v, %v; want it disturbed", turn, err)
	}
}
