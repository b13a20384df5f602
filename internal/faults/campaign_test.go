package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// planned is a campaign without a cluster: what it draws can be looked at.
func planned(seed uint64) (*campaign, []string) {
	rng := rand.New(rand.NewPCG(seed, 3))
	flags, lease := drawFlags(rng)
	return &campaign{rng: rng, usable: arsenal(), out: newOutcome(""), progress: io.Discard}, append(flags, lease.String())
}

// schedule is what it draws, the numbers within each fault included.
func (k *campaign) schedule(left time.Duration, rounds int) (kinds []string, numbers []uint64) {
	for range rounds {
		kinds = append(kinds, k.draw(left).name())
		numbers = append(numbers, k.rng.Uint64())
	}
	return kinds, numbers
}

func TestASeedRepeatsTheSchedule(t *testing.T) {
	a, flags := planned(7)
	kinds, numbers := a.schedule(time.Hour, 200)
	b, again := planned(7)
	if k, n := b.schedule(time.Hour, 200); !slices.Equal(again, flags) || !slices.Equal(k, kinds) || !slices.Equal(n, numbers) {
		t.Errorf("%v %v\nand then\n%v %v", flags, kinds, again, k)
	}
	c, _ := planned(8)
	if k, _ := c.schedule(time.Hour, 200); slices.Equal(k, kinds) {
		t.Error("another seed has the same schedule")
	}
}

func TestEachFaultComesBeforeAnyComesAgain(t *testing.T) {
	k, _ := planned(1)
	for range 3 {
		seen := map[string]int{}
		kinds, _ := k.schedule(time.Hour, len(arsenal()))
		for _, kind := range kinds {
			seen[kind]++
		}
		if len(seen) != len(arsenal()) {
			t.Errorf("%d kinds of %d: %v", len(seen), len(arsenal()), seen)
		}
	}
	kinds, _ := k.schedule(awayLimit, 3*len(arsenal()))
	if name := (away{}).name(); slices.Contains(kinds, name) {
		t.Errorf("%s is drawn when there is no time left for it", name)
	}
}

func TestEveryFaultHasANameAndALimitUnlessItIsUnbounded(t *testing.T) {
	limits, seen := allowed(), map[string]bool{}
	for _, n := range arsenal() {
		kind := n.name()
		if kind == "" || seen[kind] || (limits[kind] == 0) != unbounded(kind) {
			t.Errorf("%q: twice %t, limit %v, unbounded %t", kind, seen[kind], limits[kind], unbounded(kind))
		}
		seen[kind] = true
	}
	if len(limits) >= len(seen)+1 || limits[""] == 0 {
		t.Errorf("limits %v", limits)
	}
}

// stub is a nemesis that does nothing but what it is told to say.
type stub struct {
	err    error
	healed int
}

func (*stub) name() string              { return "stub" }
func (*stub) available(*cluster) string { return "" }

func (s *stub) inflict(context.Context, *cluster, *rand.Rand) (*injury, error) {
	if s.err != nil {
		return nil, s.err
	}
	return &injury{fault: history.Fault{Target: "n1"}, hold: time.Second, heal: func(ctx context.Context) (string, error) {
		s.healed++
		return "seen", ctx.Err()
	}}, nil
}

func TestAFaultIsHealedOnceThoughTheRunIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := planned(1)
		k.c = &cluster{began: time.Now()}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		s := new(stub)
		k.harm(ctx, s, k.rng)
		want := history.Fault{Kind: "stub", Target: "n1", End: 300 * time.Millisecond, Effect: "seen"}
		if s.healed != 1 || !slices.Equal(k.out.run.Faults, []history.Fault{want}) || k.failed() != nil {
			t.Errorf("healed %d times, %+v, %v", s.healed, k.out.run.Faults, k.failed())
		}
		k.harm(ctx, &stub{err: errBusy}, k.rng)
		k.harm(t.Context(), &stub{err: errors.New("no strace")}, k.rng)
		if k.out.skipped["stub"] != 2 || len(k.out.run.Faults) != 1 || k.failed() != nil || k.out.why["stub"] != "no strace" {
			t.Errorf("skipped %v for %v, %v", k.out.skipped, k.out.why, k.failed())
		}
	})
}
