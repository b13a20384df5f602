//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	deathRounds   = 3
	dyingLease    = 5 * time.Second // so long is the time before the death, with warm-up
	deathWarmUp   = 1500 * time.Millisecond
	deathMargin   = 3 * time.Millisecond // before the time in which the slices were seen to go: what was asked then waits for the first of them
	plainCounters = 100_000
	dyingKey      = "dying" // a counter to which every dying instance adds 1
)

// crowd is clients that increment plain counters, and one that adds to an instance counter, meanwhile.
type crowd struct {
	name    string
	clients int           // 0: the one neither
	pace    time.Duration // between two increments of a client; 0: it is as fast as it is answered
}

// deaths is what was seen of one round.
type deaths struct {
	from, to time.Duration // since the start: nothing was gone yet; all was gone
	entries  uint64
	worked   time.Duration // of all nodes' cores in that time
}

// sort appends those samples that began while the instances went, and those before.
func (d deaths) sort(samples []sample, before, during *[]sample) {
	for _, s := range samples {
		switch {
		case s.at >= d.from-deathMargin && s.at <= d.to:
			*during = append(*during, s)
		case s.at > deathWarmUp && s.at < d.from:
			*before = append(*before, s)
		}
	}
}

func (c cluster) measureDeaths(t *testing.T, s standing, dying int, meanwhile crowd) {
	names := make([]string, dying)
	for i := range names {
		names[i] = fmt.Sprintf("dying-%d-%d", dying, i)
	}
	c.load(t, dying, loadedEach, func(i int) []any { return append(s.adding(names[i], i)[:2*slicesEach], dyingKey, 1) }, func(int) {})
	var before, during, single, singleDuring []sample
	disturbed := 0
	for range deathRounds {
		c.waitQuiet(t)
		b, term := c.bystanders(t), c.term(t)
		samples, d := c.measureDeath(t, names, meanwhile)
		busy := b.cores(t)
		t.Logf("%d slices went within %v, in about %d Entries; the nodes worked for %v", dying*slicesEach,
			(d.to - d.from).Round(time.Millisecond/10), d.entries, d.worked)
		if elected := c.term(t) - term; elected > 0 || busy > busyBystanders {
			t.Logf("not alone: others used %.1f cores, there were %d elections", busy, elected)
			disturbed++
		}
		d.sort(slices.Concat(samples[1:]...), &before, &during)
		d.sort(samples[0], &single, &singleDuring)
	}
	if disturbed > 0 {
		t.Logf("%d of %d rounds were disturbed: the figures are worth little", disturbed, deathRounds)
	}
	compare := func(who string, before, during []sample) {
		times := func(q float64) float64 { return float64(quantile(during, q)) / float64(quantile(before, q)) }
		t.Logf("%s: before %v (%d); while they go %v (%d): p50 x %.2f, p99 x %.2f", who, quantiles(before), len(before),
			quantiles(during), len(during), times(0.5), times(0.99))
	}
	if meanwhile.clients > 0 {
		compare("INCR", before, during)
		compare("IC.INCRBY", single, singleDuring)
	}
	c.load(t, dying, loadedEach, func(i int) []any { return []any{"IC.CLEARINSTANCE", names[i]} }, func(int) {})
}

// measureDeath lets all of them live once more, for dyingLease, and loads the cluster until all are dead. The first client is the one
// that adds to an instance counter.
func (c cluster) measureDeath(t *testing.T, names []string, meanwhile crowd) (samples [][]sample, d deaths) {
	heartbeat := func(i int) []any { return []any{"IC.HEARTBEAT", names[i], "TTL", dyingLease.Milliseconds()} }
	client := c[0].client(t)
	eventually(t, "all of them live", func() error {
		total, err := redis.Int64s(client.Do("IC.GET", dyingKey))
		if err == nil && total[0] != int64(len(names)) {
			err = fmt.Errorf("%d of %d", total[0], len(names))
			c.load(t, len(names), atOnce, heartbeat, func(int) {})
		}
		return err
	})
	c.load(t, len(names), atOnce, heartbeat, func(int) {})
	start, stop := time.Now(), make(chan struct{})
	samples = make([][]sample, meanwhile.clients+1)
	var running sync.WaitGroup
	for i := range samples {
		conn, rnd := c[i%len(c)].client(t), rand.New(rand.NewPCG(uint64(i), 1))
		count := func() error {
			_, err := conn.Do("INCR", counterName(nil, rnd.Uint64N(plainCounters)))
			return err
		}
		if i == 0 {
			count = func() error {
				_, err := conn.Do("IC.INCRBY", "alive", instanceName(0), 1)
				return err
			}
		}
		running.Go(func() {
			var err error
			if samples[i], err = meanwhile.count(start, stop, rnd, count); err != nil {
				t.Error(err)
			}
		})
	}
	d = c.seeThemGo(t, start, int64(len(names)))
	close(stop)
	running.Wait()
	return samples, d
}

// count is one client. With a pace an increment's time counts from when it was due.
func (w crowd) count(start time.Time, stop chan struct{}, rnd *rand.Rand, count func() error) (samples []sample, err error) {
	for due := time.Duration(rnd.Int64N(int64(max(1, w.pace)))); ; due += w.pace {
		select {
		case <-stop:
			return samples, nil
		case <-time.After(due - time.Since(start)):
		}
		if w.pace == 0 {
			due = time.Since(start)
		}
		if err := count(); err != nil {
			return samples, err
		}
		samples = append(samples, sample{due, time.Since(start) - due})
	}
}

// seeThemGo watches dyingKey at a node, by reads that cost next to nothing.
func (c cluster) seeThemGo(t *testing.T, start time.Time, all int64) (d deaths) {
	conn := c.without(c.leader(t))[0].client(t)
	if _, err := conn.Do("CONSISTENCY", "STALE"); err != nil {
		t.Fatal(err)
	}
	applied := func() uint64 {
		info, err := redis.String(conn.Do("INFO", "raft"))
		if err != nil {
			t.Fatal(err)
		}
		var index uint64
		_, text, _ := strings.Cut(info, "applied_index:")
		if _, err := fmt.Sscan(text, &index); err != nil {
			t.Fatal(err)
		}
		return index
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	worked := func() (sum time.Duration) {
		for _, p := range c {
			sum += cpuTime(t, p)
		}
		return sum
	}
	var index uint64
	var idle time.Duration
	for range tick.C {
		at := time.Since(start)
		total, err := redis.Int64s(conn.Do("IC.GET", dyingKey))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case at > 2*dyingLease+patience:
			t.Fatal(errors.New("they don't die"))
		case total[0] == all:
			d.from, idle = at, worked()
			continue
		case index == 0:
			index = applied()
		}
		if total[0] == 0 {
			d.to, d.entries, d.worked = time.Since(start), applied()-index+1, worked()-idle
			return d
		}
	}
	return d
}
