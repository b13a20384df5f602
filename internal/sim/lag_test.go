package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

// A cluster whose time lags behind the walls, as their clocks were set since it began, makes up for it slowly. When all nodes are
// restarted, which makes them look at the walls, no deadline may come early by the lag.
func TestARestartOfAllDoesNotMakeUpForALagInOneStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ttl, lag = 4 * time.Second, 2 * time.Second
		c := New(t, 12)
		defer c.Stop()
		c.StartThree()
		restart := func(skew time.Duration) {
			for _, name := range hosts {
				c.Crash(name)
			}
			for _, name := range hosts {
				c.Skew(name, skew)
				c.Restart(name)
			}
			c.WaitFor("a leader", 10*time.Second, func() bool { _, err := c.Get("n2", "short"); return err == nil })
		}
		restart(-lag)
		time.Sleep(2 * lag) // time stands still, as it never falls, and then goes by those clocks
		from := time.Now()
		c.set("n1", "short", ttl)
		restart(0)
		for time.Since(from) < 2*ttl && c.exists("n2", "short") {
			time.Sleep(20 * time.Millisecond)
		}
		if took := time.Since(from); took < ttl || took > ttl+lag/2 {
			t.Errorf("a key with a TTL of %v ended after %v", ttl, took)
		}
	})
}
