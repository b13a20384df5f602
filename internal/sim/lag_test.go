package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

// Each change of leader costs the cluster's time the moment that the last stamp was on its way, and this lag adds up. When all nodes are
// restarted, which makes them look at the wall clocks, no deadline may come early by it.
func TestARestartOfAllDoesNotMakeUpForTheLagOfTheClusterInOneStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 12)
		defer c.Stop()
		c.StartThree()
		if err := c.Net.Delay(20*time.Millisecond, 25*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		answers := func() {
			t.Helper()
			c.WaitFor("reads everywhere", 10*time.Second, func() bool {
				for _, name := range hosts {
					if _, err := c.Get(name, "short"); err != nil {
						return false
					}
				}
				return true
			})
		}
		for range 20 {
			leader := c.Leader()
			c.Crash(leader)
			time.Sleep(time.Second)
			c.Restart(leader)
			answers()
			c.set(hosts[0], "short", time.Minute) // an Entry, whose stamp the followers see late
		}
		const ttl = 4 * time.Second
		from := time.Now()
		c.set("n1", "short", ttl)
		for _, name := range hosts {
			c.Crash(name)
		}
		for _, name := range hosts {
			c.Restart(name)
		}
		answers()
		for time.Since(from) < ttl+2*time.Second {
			if there := c.exists("n2", "short"); !there {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		took := time.Since(from)
		t.Logf("a key with a TTL of %v ended after %v", ttl, took)
		if took < ttl {
			t.Errorf("a key with a TTL of %v ended after %v", ttl, took)
		}
		if took > ttl+time.Second {
			t.Errorf("a key with a TTL of %v was there for %v", ttl, took)
		}
	})
}
