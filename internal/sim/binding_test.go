package sim

import (
	"context"
	"testing"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// bind is an instance bound to connection 1 of a host, that it holds a share of "open" by.
func (c *instances) bind(host, instance string, lease time.Duration) {
	c.T.Helper()
	a := c.Do(host, fsm.Strong, heartbeat(instance, lease), instanceOp(fsm.Bind, "", instance, 1), instanceOp(fsm.ICAdd, "open", instance, 1))
	if a.Err != nil {
		c.T.Fatal(a.Err)
	}
	for _, result := range a.Results {
		if result.Code != fsm.OK {
			c.T.Fatal(a.Results)
		}
	}
}

// unbind says that connection 1 of a host was closed by its client, and returns whether the instance was still bound to it.
func (c *instances) unbind(host, instance string, grace time.Duration) (was bool) {
	c.T.Helper()
	o := instanceOp(fsm.Unbind, "", instance, 1)
	o.Value = fsm.IntValue(grace.Milliseconds())
	a := c.Do(host, fsm.Strong, o)
	if a.Err != nil {
		c.T.Fatal(a.Err)
	}
	return a.int(0) == 1
}

// speak has the hosts that have bindings say once a second that they are there, as the door does.
func (c *instances) speak(names ...string) {
	for _, name := range names {
		c.signs.Go(func() {
			tick := time.NewTicker(time.Second)
			defer tick.Stop()
			for {
				select {
				case <-c.over:
					return
				case <-tick.C:
					c.Speak(name)
				}
			}
		})
	}
}

// stays fails the test if an instance's share of "open" is not there all the time.
func (c *instances) stays(instance string, length time.Duration) {
	c.T.Helper()
	for end := time.Now().Add(length); time.Now().Before(end); c.Pass(50 * time.Millisecond) {
		if n := c.now("open"); n.shares[instance] != 1 {
			c.T.Fatalf("%v before the end of %v: %v", time.Until(end), length, n)
		}
	}
}

// follower is a host that does not lead.
func (c *instances) follower() string { return others(c.leading())[0] }

const boundLease = 10 * time.Second

func TestABoundInstanceLivesWithoutAnotherSignAsLongAsItsConnection(t *testing.T) {
	withInstances(t, func(t *testing.T, c *instances) {
		host := c.follower()
		c.speak(host)
		c.bind(host, "i", boundLease)
		c.stays("i", 3*boundLease)
		if !c.unbind(host, "i", time.Second) {
			t.Error("it was not bound any more")
		}
		from := time.Now()
		c.stays("i", 900*time.Millisecond)
		if took := c.goneWithin(1300*time.Millisecond, "open", "i", from); took < 900*time.Millisecond {
			t.Errorf("it ended after %v", took)
		}
		if n := c.now("open"); len(n.parked) != 0 {
			t.Errorf("shares of a closed connection are removed, not parked: %v", n)
		}
		c.settle()
	})
}

func TestWhoReconnectsWithinTheGraceKeepsItsShares(t *testing.T) {
	withInstances(t, func(t *testing.T, c *instances) {
		host, other := c.follower(), c.leading()
		c.speak(host, other)
		c.bind(host, "i", boundLease)
		c.Pass(2 * time.Second)
		c.unbind(host, "i", time.Second)
		c.Pass(800 * time.Millisecond)
		if a := c.Do(other, fsm.Strong, instanceOp(fsm.Bind, "", "i", 1)); a.Err != nil {
			t.Fatal(a.Err)
		}
		c.stays("i", 2*boundLease)
		if c.unbind(host, "i", 0) { // told again, and too late
			t.Error("the farewell of the old connection has ended the new one")
		}
		c.stays("i", 2*time.Second)
	})
}

func TestAnInstanceKeepsItsFullLeaseWhenTheNodeOfItsConnectionIsGone(t *testing.T) {
	const lapse = 5 * time.Second // of silence
	for _, row := range []struct {
		name     string
		happens  func(c *instances, host string)
		from, to time.Duration // when the share ends, after what happens began
	}{
		{"the node dies", func(c *instances, host string) { c.Crash(host) },
			boundLease, lapse + boundLease},
		{"the node starts anew", func(c *instances, host string) { c.Crash(host); c.Pass(500 * time.Millisecond); c.Restart(host) },
			boundLease, 2*time.Second + boundLease},
		{"the node is removed", func(c *instances, host string) {
			if err := c.remove(others(host)[0], host); err != nil {
				c.T.Fatal(err)
			}
		}, boundLease, 2*time.Second + boundLease},
		{"the node is cut off for six seconds", func(c *instances, host string) { c.Net.Isolate(host); c.Pass(6 * time.Second); c.Net.Heal() },
			boundLease, lapse + boundLease},
	} {
		t.Run(row.name, func(t *testing.T) {
			withInstances(t, func(t *testing.T, c *instances) {
				host := c.follower()
				stay := others(host)
				c.speak(hosts...)
				c.bind(host, "i", boundLease)
				c.bind(host, "again", boundLease)
				c.bind(stay[0], "other", boundLease)
				c.Pass(boundLease + 3*time.Second)
				from := time.Now()
				row.happens(c, host)
				c.Pass(8*time.Second - time.Since(from))
				c.must(heartbeat("again", 0)) // it has found another node
				took := c.goneAt(stay, row.to+2*time.Second, "i", from)
				t.Logf("it ended after %v", took)
				if took < row.from {
					t.Errorf("a lease of %v ended after %v", boundLease, took)
				}
				for _, name := range stay {
					if n, _ := c.at(name, "open"); n.shares["other"] != 1 || n.shares["again"] != 1 || n.parked["i"] != 1 {
						t.Errorf("%s: %v", name, n)
					}
				}
			})
		})
	}
}

func TestABindingOutlivesWhatItsNodeOutlives(t *testing.T) {
	for _, row := range []struct {
		name    string
		happens func(c *instances, host string)
	}{
		{"a cut of three seconds", func(c *instances, host string) { c.Net.Isolate(host); c.Pass(3 * time.Second); c.Net.Heal() }},
		{"the leader's death", func(c *instances, _ string) {
			leader := c.leading()
			c.Crash(leader)
			c.Pass(time.Second)
			c.Restart(leader)
		}},
		{"an outage of twenty seconds", func(c *instances, _ string) {
			for _, name := range hosts {
				c.Net.Isolate(name)
			}
			c.Pass(20 * time.Second)
			c.Net.Heal()
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			withInstances(t, func(t *testing.T, c *instances) {
				host := c.follower()
				c.speak(host)
				c.bind(host, "i", boundLease)
				row.happens(c, host)
				c.recuperate()
				c.stays("i", 2*boundLease+2*stepBack)
				if !c.unbind(host, "i", time.Second) {
					t.Error("it is not bound any more")
				}
				c.settle()
			})
		})
	}
}

// A node whose disk is low refuses its clients' writes, but it goes on to say who of them lives, and who does not.
func TestALowDiskEndsNobodysLease(t *testing.T) {
	withInstances(t, func(t *testing.T, c *instances) {
		host := c.follower()
		c.speak(host)
		c.bind(host, "i", boundLease)
		c.must(heartbeat("reader", boundLease), instanceOp(fsm.ICAdd, "open", "reader", 1))
		c.SetFree(host, low)
		refusedAt(t, c.Cluster, host)
		if a := c.ask(host, proposed(instanceOp(fsm.ICGet, "open", "reader", 0)), (*cluster.Node).Propose); a.Err != nil { // as the door does for the dead
			t.Error(a.Err)
		}
		for range 10 {
			if a := c.Do(host, fsm.Strong, heartbeat("reader", 0)); a.Err != nil { // as the door does behind a read
				t.Error(a.Err)
			}
			c.stays("i", boundLease/3)
			if n := c.now("open"); n.shares["reader"] != 1 {
				t.Fatalf("%v", n)
			}
		}
		if !c.unbind(host, "i", time.Second) {
			t.Error("it was not bound any more")
		}
		c.goneWithin(1300*time.Millisecond, "open", "i", time.Now())
		refusedAt(t, c.Cluster, host)
	})
}

func proposed(ops ...fsm.Op) *fsm.Request {
	r := &fsm.Request{}
	r.Add(ops...)
	return r
}

func TestABindingSurvivesImages(t *testing.T) {
	withInstances(t, func(t *testing.T, c *instances) {
		host := c.follower()
		away := others(host)[0]
		c.speak(host)
		c.bind(host, "i", boundLease)
		before := c.imagesReadAt(away)
		c.Net.Isolate(away)
		c.Pass(30 * time.Second)
		c.Net.Heal()
		c.WaitFor("an image", 10*time.Second, func() bool { return c.imagesReadAt(away) > before })
		c.recuperate()
		if err := c.change(c.leading(), func(n *cluster.Node, ctx context.Context) error { return n.TransferTo(ctx, away) }); err != nil {
			t.Log(err) // whoever leads, away must know as much
		}
		c.stays("i", 2*boundLease)
		c.settle()
	})
}

// goneAt is goneWithin for some hosts.
func (c *instances) goneAt(names []string, limit time.Duration, instance string, from time.Time) time.Duration {
	c.T.Helper()
	c.WaitFor("the end of "+instance, time.Until(from.Add(limit)), func() bool {
		for _, name := range names {
			if n, ok := c.at(name, "open"); !ok || n.shares[instance] != 0 {
				return false
			}
		}
		return true
	})
	return time.Since(from)
}
