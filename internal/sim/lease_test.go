package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

const (
	usualLease = fsm.DefaultLease * time.Millisecond
	shortLease = 3 * time.Second // the shortest that a door lets through
	stepBack   = 5 * time.Second // for which the lease clock stands still behind an outage
)

// trouble is something that happens to a cluster, between two moments at which it is well.
type trouble struct {
	name    string
	happens func(c *instances)
}

var troubles = []trouble{
	{"leaders change", func(c *instances) {
		for range 12 {
			leader := c.leading()
			c.Crash(leader)
			c.Pass(2 * time.Second)
			c.Restart(leader)
			c.recuperate()
			c.Pass(2 * time.Second)
		}
	}},
	{"leadership is handed over again and again", func(c *instances) {
		for range 20 {
			c.change(c.leading(), func(n *cluster.Node, ctx context.Context) error { return n.Transfer(ctx) })
			c.recuperate()
			c.Pass(1500 * time.Millisecond)
		}
	}},
	{"nobody hears anybody for longer than a lease", func(c *instances) {
		for _, name := range hosts {
			c.Net.Isolate(name)
		}
		c.Pass(40 * time.Second)
		c.heal()
	}},
	{"the network fails for a moment, again and again", func(c *instances) {
		for range 12 {
			for _, name := range hosts {
				c.Net.Isolate(name)
			}
			c.Pass(time.Duration(500+c.Rand.IntN(3000)) * time.Millisecond)
			c.heal()
			c.recuperate()
			c.Pass(time.Second)
		}
	}},
	{"one is cut off for a minute, and begins with an image", func(c *instances) {
		c.Net.Isolate(others(c.leading())[0])
		c.Pass(time.Minute)
		c.heal()
	}},
	{"the leader is cut off for a minute", func(c *instances) {
		c.Net.Isolate(c.leading())
		c.Pass(time.Minute)
		c.heal()
	}},
	{"all disks take 400 ms", func(c *instances) {
		for _, name := range hosts {
			c.Slow(name, 400*time.Millisecond)
		}
		c.Pass(time.Minute)
		c.heal()
	}},
	{"the leader's disk hangs", func(c *instances) {
		for range 4 {
			leader := c.leading()
			c.Freeze(leader)
			c.Pass(10 * time.Second)
			c.Thaw(leader)
			c.recuperate()
		}
	}},
	{"all disks are nearly full", func(c *instances) {
		for _, name := range hosts {
			c.SetFree(name, 700<<20) // low, not tight
		}
		c.Pass(time.Minute)
		for _, name := range hosts {
			c.SetFree(name, allFree)
		}
	}},
	{"all disks are nearly full, and reads ask for Entries", func(c *instances) {
		var ops []fsm.Op
		for i := range 60 {
			ops = append(ops, set(fmt.Sprint("ends-", i), "1", int64(1+i)*1000))
		}
		c.must(ops...)
		for _, name := range hosts {
			c.SetFree(name, 700<<20)
		}
		for range 300 { // a key whose moment has just come makes a strong read ask for an Entry
			for i := range ops {
				c.Do(hosts[i%len(hosts)], fsm.Strong, op(fsm.Get, string(ops[i].Key), 0))
			}
			c.Pass(200 * time.Millisecond)
		}
		for _, name := range hosts {
			c.SetFree(name, allFree)
		}
	}},
	{"a clock jumps and drifts, and all start anew", func(c *instances) {
		for _, by := range []time.Duration{time.Hour, -time.Hour, 0} {
			c.Skew("n1", by)
			for i := range 10 {
				c.Skew("n2", time.Duration(i)*100*time.Millisecond) // a tenth too fast
				c.Pass(time.Second)
			}
			c.RestartAll()
			c.recuperate()
		}
	}},
	{"all clocks jump an hour ahead, and all start anew", func(c *instances) {
		for _, name := range hosts {
			c.Skew(name, time.Hour)
		}
		c.RestartAll()
		c.recuperate()
	}},
	{"all start anew, from images", func(c *instances) {
		for range 5 {
			c.RestartAll()
			c.recuperate()
			c.Pass(5 * time.Second)
		}
	}},
}

func TestALivingInstanceLosesNothingAndADeadOneGoesWhateverHappens(t *testing.T) {
	long(t)
	for _, trouble := range troubles {
		t.Run(trouble.name, func(t *testing.T) {
			withInstances(t, func(t *testing.T, c *instances) {
				for instance, lease := range map[string]time.Duration{"usual": usualLease, "short": shortLease} {
					c.live(instance, lease)
					c.must(instanceOp(fsm.ICAdd, "living", instance, 1))
				}
				c.must(instanceOp(fsm.ICAdd, "dead", "d", -7))
				from := time.Now()
				c.Pass(4 * time.Second)
				trouble.happens(c)
				over := time.Now()
				c.recuperate()
				took := c.goneWithin(time.Since(from)+usualLease+stepBack+2*time.Second, "dead", "d", from)
				t.Logf("trouble until %v, a dead share until %v", over.Sub(from), took)
				if took < usualLease {
					t.Errorf("a lease ended after %v", took)
				}
				if times := c.told("park", "living"); times != 0 {
					t.Errorf("shares of the living were parked %d times", times)
				}
				if n := c.now("living"); n.total != 2 {
					t.Errorf("living: %v", n)
				}
				if n := c.now("dead"); n.total != 0 || n.parked["d"] != -7 || c.told("park", "dead") == 0 {
					t.Errorf("dead: %v", n)
				}
				c.settle()
			})
		})
	}
}

func TestADeadShareLeavesAnUntouchedCounterOfAnIdleClusterInTime(t *testing.T) {
	for _, lease := range []time.Duration{shortLease, usualLease, 90 * time.Second} {
		t.Run(fmt.Sprint(lease), func(t *testing.T) {
			withInstances(t, func(t *testing.T, c *instances) {
				c.must(instanceOp(fsm.ICAdd, "open", "other", 1)) // of another, with another lease
				c.must(heartbeat("i", lease), instanceOp(fsm.ICAdd, "open", "i", 4))
				from := time.Now()
				if took := c.goneWithin(lease+2*time.Second, "open", "i", from); took < lease {
					t.Errorf("a lease of %v ended after %v", lease, took)
				}
			})
		})
	}
}

func TestADeadShareOutlivesItsLeaseByTheOutagesOnly(t *testing.T) {
	withInstances(t, func(t *testing.T, c *instances) {
		c.must(instanceOp(fsm.ICAdd, "open", "i", 4))
		from := time.Now()
		outages := time.Duration(0)
		for _, length := range []time.Duration{3 * time.Second, 20 * time.Second, 40 * time.Second} {
			c.Pass(6 * time.Second)
			for _, name := range hosts {
				c.Net.Isolate(name)
			}
			begin := time.Now()
			c.Pass(length)
			c.heal()
			c.recuperate()
			outages += time.Since(begin) + stepBack
		}
		took := c.goneWithin(usualLease+outages+2*time.Second, "open", "i", from)
		t.Logf("a lease of %v took %v, %v of them for outages", usualLease, took, outages)
		if took < 70*time.Second {
			t.Errorf("a lease of %v ended after %v, with outages of 63 s in it", usualLease, took)
		}
	})
}

// What an idle cluster costs: an Entry a second while leases run, and nothing before and after. Two stamps are never so far apart
// that the lease clock takes it for an outage, be an Entry itself slow.
func TestAnIdleClusterWritesOnceASecondWhileLeasesRunAndNeverElse(t *testing.T) {
	long(t)
	for _, latency := range []time.Duration{200 * time.Microsecond, 400 * time.Millisecond} {
		t.Run(fmt.Sprint(latency), func(t *testing.T) {
			withInstances(t, func(t *testing.T, c *instances) {
				entries := func(d time.Duration) int {
					before := c.Node("n2").Local().AppliedIndex
					c.Pass(d)
					return int(c.Node("n2").Local().AppliedIndex - before)
				}
				c.Pass(5 * time.Second) // the nodes have registered
				if n := entries(time.Minute); n != 0 {
					t.Errorf("%d Entries in a minute without leases", n)
				}
				for _, name := range hosts {
					c.Slow(name, latency)
				}
				c.must(heartbeat("i", 90*time.Second), instanceOp(fsm.ICAdd, "open", "i", 1))
				from := time.Now()
				c.Pass(2 * time.Second)
				if n := entries(time.Minute); n < 58 || n > 61 {
					t.Errorf("%d Entries in a minute with a lease", n)
				}
				took := c.goneWithin(92*time.Second+2*latency, "open", "i", from)
				t.Logf("a lease of 90 s took %v", took)
				c.Pass(2 * time.Second)
				if n := entries(time.Minute); n > 1 { // of what is parked the end is an hour away
					t.Errorf("%d Entries in a minute when nobody lives", n)
				}
			})
		})
	}
}

func TestWhoComesBackFindsItsSharesInTheSameEpochOnly(t *testing.T) {
	withInstances(t, func(t *testing.T, c *instances) {
		c.live("other", usualLease)
		c.must(heartbeat("i", shortLease),
			instanceOp(fsm.ICAdd, "up", "i", 5), instanceOp(fsm.ICAdd, "down", "i", -3), instanceOp(fsm.ICAdd, "set", "i", 8), instanceOp(fsm.ICAdd, "deleted", "i", 9),
			instanceOp(fsm.ICAdd, "up", "other", 10), instanceOp(fsm.ICAdd, "down", "other", 10))
		c.goneWithin(shortLease+2*time.Second, "up", "i", time.Now())
		c.must(instanceOp(fsm.ICSet, "set", "other", 100), instanceOp(fsm.ICDelete, "deleted", "other", 0))
		c.RestartAll() // what is parked is in images
		c.recuperate()
		for key, total := range map[string]int64{"up": 10, "down": 10, "set": 100, "deleted": 0} {
			if n := c.now(key); n.total != total {
				t.Errorf("without i, %s is %v", key, n)
			}
		}
		a := c.must(instanceOp(fsm.ICAdd, "down", "i", -1))
		if got := ints(a.Results[0].Value); got[0] != 6 || got[1] != -4 {
			t.Errorf("the key that it names first: [total, mine, epoch] = %v", got)
		}
		c.WaitFor("the rest", 2*time.Second, func() bool { return c.now("up").total == 15 })
		c.Pass(2 * time.Second)
		for key, total := range map[string]int64{"up": 15, "down": 6, "set": 100, "deleted": 0} {
			if n := c.now(key); n.total != total || len(n.parked) != 0 {
				t.Errorf("with i again, %s is %v", key, n)
			}
		}
		c.settle()
	})
}

// A thousand instances die at once: their shares leave in steps, one behind the other, and those who count wait for one step at
// most.
func TestAThousandInstancesThatDieTogetherHoldNobodyUp(t *testing.T) {
	for _, busy := range []bool{true, false} {
		t.Run(fmt.Sprint("busy ", busy), func(t *testing.T) {
			withInstances(t, func(t *testing.T, c *instances) {
				const dying, each, step = 1000, 10, 1000
				parked := c.parkedAt("n2")
				c.crowd(dying, each)
				if n := ints(c.must(fsm.Op{Kind: fsm.ICGet, Key: []byte("open-3")}).Results[0].Value); n[0] != dying {
					t.Fatalf("the shares count for %d", n[0])
				}
				slowest, counted := time.Duration(0), 0
				for from := time.Now(); time.Since(from) < shortLease+2*time.Second; c.Pass(time.Millisecond) {
					if !busy {
						continue
					}
					begin := time.Now()
					if _, err := c.Incr("n3", "hits", 1); err != nil {
						t.Fatal(err)
					}
					slowest, counted = max(slowest, time.Since(begin)), counted+1
				}
				all, most := 0, 0
				moments := parked()
				for _, n := range moments {
					all, most = all+n, max(most, n)
				}
				took := slices.MaxFunc(slices.Collect(maps.Keys(moments)), time.Time.Compare).Sub(slices.MinFunc(slices.Collect(maps.Keys(moments)), time.Time.Compare))
				t.Logf("%d shares in %d Entries within %v, %d at most; %d increments meanwhile, %v the slowest", all, len(moments), took, most, counted, slowest)
				if all != dying*each || most > step {
					t.Errorf("%d shares were parked, %d in one Entry", all, most)
				}
				if took > 500*time.Millisecond || slowest > 20*time.Millisecond {
					t.Errorf("it took %v, and the slowest increment %v", took, slowest)
				}
			})
		})
	}
}

// crowd is so many instances with the short lease, each with a share of so many counters.
func (c *instances) crowd(many, each int) {
	c.T.Helper()
	var ops []fsm.Op
	for i := range many {
		instance := fmt.Sprint("i", i)
		ops = append(ops, heartbeat(instance, shortLease))
		for k := range each {
			ops = append(ops, instanceOp(fsm.ICAdd, fmt.Sprint("open-", k), instance, 1))
		}
		if len(ops) > 2000 || i == many-1 {
			c.must(ops...)
			ops = nil
		}
	}
}

// parkedAt counts the shares that a host parks from now on, by the moment: an Entry takes none to be applied.
func (c *instances) parkedAt(host string) (moments func() map[time.Time]int) {
	var mu sync.Mutex
	parked := map[time.Time]int{}
	c.Node(host).Observe(func(e fsm.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Name == "park" {
			parked[time.Now()]++
		}
	})
	return func() map[time.Time]int {
		mu.Lock()
		defer mu.Unlock()
		return maps.Clone(parked)
	}
}
