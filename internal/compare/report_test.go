package main

import (
	"strings"
	"testing"
)

func TestRatiosAreTakenWithinARoundAndGenerator(t *testing.T) {
	c := Case{50, 1, hotKeys}
	turn := func(round int, entrant, generator string, rate float64) Turn {
		return Turn{Round: round, Entrant: entrant, Generator: generator, Case: c, Outcome: Outcome{PerSecond: rate, P50: 1, P99: 2}}
	}
	disturbed, failed := turn(3, leaderName, "bench", 30_000), turn(2, waitName, "bench", 0)
	disturbed.Disturbed, failed.Failed = true, "no luck"
	r := Report{
		Procs: 2, Cases: []Case{c}, Rounds: 3,
		Rows: []Row{{redisName, "bench"}, {redisName, "other"}, {waitName, "bench"}, {leaderName, "bench"}},
		Turns: []Turn{
			turn(1, redisName, "bench", 10_000), turn(2, redisName, "bench", 20_000), turn(3, redisName, "bench", 40_000),
			turn(1, redisName, "other", 1_000_000),
			turn(1, waitName, "bench", 5_000), failed,
			turn(1, leaderName, "bench", 20_000), turn(2, leaderName, "bench", 30_000), disturbed,
		},
	}
	text := r.markdown()
	for _, want := range []string{
		"GOMAXPROCS of each Truecount node: 2\n",
		"| Redis, fsync always; other | **1.00×** · 1.00M · 1.00/2.0 |\n",
		"| Redis, fsync always, 2 replicas, WAIT 1; bench | **0.50×** · 5000 · 1.00/2.0 |\n",
		"| Truecount, at the leader; bench | **1.50×** (0.75–2.00) · 30.0k · 1.00/2.0 \\*1 |\n",
		"| Truecount, at the leader; bench | **4.00×** \\*1 |\n", // against WAIT, in round 1 only
		"1 of all 9, were disturbed",
		"- round 2, Redis, fsync always, 2 replicas, WAIT 1; bench, 50×1 hot: no figures: no luck\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, row := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(row.values); got != row.want {
			t.Errorf("median of %v is %v, want %v", row.values, got, row.want)
		}
	}
}
