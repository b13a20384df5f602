package sim

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDisksThatAreAllSlowKeepTheirLeader(t *testing.T) {
	for _, idle := range []time.Duration{0, 90 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c := New(t, 1)
			defer c.Stop()
			c.StartThree()
			leader := c.Leader()
			term := c.Node(leader).Local().Term
			for _, name := range hosts {
				c.Slow(name, 500*time.Millisecond) // nobody knows yet
			}
			counted := 0
			if _, err := c.Incr("n1", "hits", 1); err != nil {
				t.Error(err)
			}
			time.Sleep(idle)
			for from := time.Now(); time.Since(from) < time.Minute; {
				if _, err := c.Incr(hosts[counted%3], "hits", 1); err == nil {
					counted++
				}
			}
			if counted < 40 {
				t.Errorf("%d increments in a minute, at 1 s each", counted)
			}
			if now := c.Leader(); now != leader || c.Node(now).Local().Term != term {
				t.Errorf("%q leads, in term %d; it was %s in term %d", now, c.Node(leader).Local().Term, leader, term)
			}
		})
	}
}

// erratic makes every other write of a host's disk, by chance, take this much longer.
func (c *Cluster) erratic(name string, more time.Duration, rng *rand.Rand) {
	var turn sync.Mutex
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written = func() {
		turn.Lock()
		slow := rng.IntN(2) == 0
		turn.Unlock()
		if slow {
			time.Sleep(more)
		}
	}
}

func (c *Cluster) steady(name string) {
	d := c.disk(name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.written = nil
}

// Some trials are quick on such disks. An election is not: it needs several quick writes in a row.
func TestDisksOfWhichEveryOtherWriteIsSlowKeepTheirLeader(t *testing.T) {
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		before := c.Node("n1").Local().Term
		for i, name := range hosts {
			c.erratic(name, 700*time.Millisecond, rand.New(rand.NewPCG(firstSeed(), uint64(i))))
		}
		longest, last := time.Duration(0), time.Now()
		for from := last; time.Since(from) < time.Minute; time.Sleep(10 * time.Millisecond) {
			now := time.Now()
			if l.countedSince("n1", last) || l.countedSince("n2", last) || l.countedSince("n3", last) {
				last = now
			}
			longest = max(longest, now.Sub(last))
		}
		if terms := c.Node("n1").Local().Term - before; terms > 5 || longest > 10*time.Second {
			t.Errorf("%d elections in a minute, nothing counted for %v", terms, longest)
		}
		for _, name := range hosts {
			c.steady(name)
		}
	})
}

func TestDisksThatAreSlowInTurnsKeepCounting(t *testing.T) {
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		before := c.Node("n1").Local().Term
		for range 60 {
			slow := c.Leader()
			if slow == "" {
				slow = "n1"
			}
			c.Slow(slow, 700*time.Millisecond)
			from := time.Now()
			c.WaitFor("increment", 4*time.Second, func() bool {
				return l.countedSince("n1", from) || l.countedSince("n2", from) || l.countedSince("n3", from)
			})
			time.Sleep(time.Second)
			c.Slow(slow, c.Latency)
		}
		if terms := c.Node("n1").Local().Term - before; terms > 20 {
			t.Errorf("%d elections in little more than a minute", terms)
		}
	})
}
