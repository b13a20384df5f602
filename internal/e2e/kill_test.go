//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

const (
	leaderKills  = 10
	aroundAKill  = 500 // increments acknowledged before and after each kill
	medianTarget = 600 * time.Millisecond
	stopLimit    = 6 * time.Second // five for what is in flight, and the disk
)

func TestALeaderIsKilledTenTimesAndNobodyNotices(t *testing.T) {
	c := newCluster(t, 3)
	total := map[string]int64{}
	var silences []time.Duration
	for range leaderKills {
		leader := c.leader(t)
		l := startLoad(t, "hits", 4, c.without(leader)...)
		l.waitAcked(t, aroundAKill)
		leader.kill(t)
		l.waitAcked(t, aroundAKill)
		l.end()
		l.wantNoErrors(t)
		silences = append(silences, l.longestSilence())
		for key, n := range l.acknowledged(t) {
			total[key] += n
		}
		for key, want := range total {
			c.without(leader).wantCount(t, key, want)
		}
		if t.Failed() {
			t.Fatalf("after %d kills", len(silences))
		}
		leader.start(t)
		c.waitWhole(t)
	}
	for key, want := range total {
		c.wantCount(t, key, want)
	}
	slices.Sort(silences)
	median := (silences[leaderKills/2-1] + silences[leaderKills/2]) / 2
	t.Logf("times without acknowledgements: median %v, all %v", median.Round(time.Millisecond), rounded(silences))
	if median > medianTarget {
		t.Errorf("median time without acknowledgements %v, want at most %v", median, medianTarget)
	}
}

func TestALeaderThatIsAskedToStopHandsOver(t *testing.T) {
	c := newCluster(t, 3)
	leader := c.leader(t)
	l := startLoad(t, "hits", 4, c.without(leader)...)
	l.waitAcked(t, aroundAKill)
	start := time.Now()
	leader.terminate(t)
	took := time.Since(start)
	l.waitAcked(t, aroundAKill)
	l.end()
	l.wantNoErrors(t)
	for key, n := range l.acknowledged(t) {
		c.without(leader).wantCount(t, key, n)
	}
	t.Logf("stopped in %v; longest time without acknowledgements: %v", took.Round(time.Millisecond), l.longestSilence().Round(time.Millisecond))
	if took > stopLimit {
		t.Errorf("stopped in %v, want at most %v", took, stopLimit)
	}
}

func rounded(times []time.Duration) []string {
	var texts []string
	for _, d := range times {
		texts = append(texts, fmt.Sprint(d.Round(time.Millisecond)))
	}
	return texts
}

func TestAllThreeAreKilledWhileCountingAndNothingIsLost(t *testing.T) {
	c := newCluster(t, 3)
	l := startLoad(t, "hits", 4, c...)
	l.waitAcked(t, 2000)
	for _, p := range c {
		p.cmd.Process.Kill() // all at once: wait for none of them in between
	}
	for _, p := range c {
		p.kill(t)
	}
	l.wait()
	for _, p := range c {
		p.start(t)
	}
	c.waitWhole(t)

	acked, inFlight := l.acknowledged(t), l.inFlight()
	for _, key := range l.keys {
		value := strongCount(t, c[0], key)
		if value < acked[key] || value > acked[key]+inFlight[key] {
			t.Errorf("%s: %d after the restart, want %d acknowledged and up to %d that were in flight", key, value, acked[key], inFlight[key])
		}
		c.wantCount(t, key, value)
	}
	t.Logf("%d increments acknowledged, in flight: %v", l.acked.Load(), inFlight)
}
