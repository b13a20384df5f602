package sim

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// The tests of this file let a host crash at its first durable write after some moment, at its second, and so on, until
// a run has fewer: what is half done then must end as it should. A write that is cut short is not there, or, of a few log
// entries, the first ones are.

// crashAt crashes a host in the middle of its k-th write from now on, each of which takes latency. It returns whether it has.
func (c *Cluster) crashAt(host string, k int, latency time.Duration) (crashed func() bool) {
	return c.atWrite(host, k, latency, func() { c.Crash(host) })
}

// atWrite does something in the middle of a host's k-th write from now on. It returns whether it has.
func (c *Cluster) atWrite(host string, k int, latency time.Duration, do func()) (done func() bool) {
	c.mu.Lock()
	d := c.hosts[host].disk
	c.mu.Unlock()
	var writes atomic.Int64
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latency = latency
	d.written = func() {
		if writes.Add(1) == int64(k) {
			do()
		}
	}
	return func() bool { return writes.Load() >= int64(k) }
}

// calm ends what crashAt has begun.
func (c *Cluster) calm(host string) {
	c.mu.Lock()
	d := c.hosts[host].disk
	c.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.latency, d.written = c.Latency, nil
}

// Fast disks lose what nobody else has seen; slow ones give the others time to act on what went before.
var latencies = []time.Duration{200 * time.Microsecond, 60 * time.Millisecond}

// atEveryWrite runs a story with a crash at its first write, its second, until it reports that it came to its end before.
func atEveryWrite(t *testing.T, story func(t *testing.T, k int, latency time.Duration) (crashed bool)) {
	const most = 40
	for _, latency := range latencies {
		for k, crashed := 1, true; crashed; k++ {
			t.Run(fmt.Sprintf("write %d of %v", k, latency), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { crashed = story(t, k, latency) })
			})
			if k == most {
				t.Fatalf("more than %d writes", most)
			}
		}
	}
}

func TestALeaderThatCrashesWhileItRemovesAMemberLeavesNobodyStuck(t *testing.T) {
	for _, members := range []int{2, 3, 4} {
		t.Run(fmt.Sprintf("%d voters", members), func(t *testing.T) {
			atEveryWrite(t, func(t *testing.T, k int, latency time.Duration) bool {
				c := New(t, uint64(80+k))
				defer c.Stop()
				c.startAlone("n1")
				for i := 2; i <= members; i++ {
					name := fmt.Sprintf("n%d", i)
					c.Start(name, false)
					c.Join(name, "n1")
					c.WaitFor(name+" to vote", 5*time.Second, func() bool { return len(c.voters("n1")) == 3*i-1 })
				}
				if members == 4 {
					c.Crash("n4") // so that every vote of the old configuration counts
					time.Sleep(time.Second)
				}
				target := c.Node("n2").Local().ServerID
				crashed := c.crashAt("n1", k, latency)
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				err := c.Node("n1").Remove(ctx, target)
				cancel()
				c.calm("n1")
				if c.Node("n1") == nil {
					time.Sleep(time.Second)
					c.Restart("n1")
				}
				c.WaitFor("n1 to count", 5*time.Second, func() bool { _, err := c.Incr("n1", "hits", 1); return err == nil })
				if err != nil || crashed() {
					if err := c.remove("n1", target); err != nil {
						t.Fatalf("repeated: %v", err)
					}
				}
				c.WaitFor("n2 to know", 5*time.Second, func() bool { return c.Node("n2").Removal() != nil })
				c.WaitFor("n2 to be gone", 5*time.Second, func() bool { return len(c.Node("n1").Local().Members) == members-1 })
				return crashed()
			})
		})
	}
}

func TestAPristineNodeThatCrashesWhileItJoinsEndsWhereItShould(t *testing.T) {
	atEveryWrite(t, func(t *testing.T, k int, latency time.Duration) bool {
		c := New(t, uint64(90+k))
		defer c.Stop()
		c.StartThree()
		c.startAlone("n4")
		if _, err := c.Incr("n1", "hits", 1); err != nil {
			t.Fatal(err)
		}
		crashed := c.crashAt("n4", k, latency)
		err := c.change("n4", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
		if errors.Is(err, cluster.ErrReopen) {
			c.Reopen("n4")
		}
		time.Sleep(time.Second)
		c.calm("n4")
		if c.Node("n4") == nil {
			c.Restart("n4")
		}
		c.WaitFor("n4 to answer", 5*time.Second, func() bool { return c.Do("n4", fsm.Strong, op(fsm.Get, "hits", 0)).Err == nil })
		if c.voters("n4") == "n4" { // what it was before
			c.Join("n4", "n1")
		}
		c.waitVoters("n4", "n1 n2 n3 n4")
		if got, err := c.Incr("n4", "hits", 1); err != nil || got != 2 {
			t.Errorf("hits = %d, %v; want 2", got, err)
		}
		return crashed()
	})
}

func TestAMovedNodeThatCrashesIsFoundInTheEnd(t *testing.T) {
	skipUnderRaceDetector(t)
	atEveryWrite(t, func(t *testing.T, k int, latency time.Duration) bool {
		c := New(t, uint64(95+k))
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		c.Move("n3", ":20003")
		crashed := c.crashAt("n3", k, latency)
		c.Restart("n3")
		time.Sleep(time.Second)
		c.calm("n3")
		if c.Node("n3") == nil {
			c.Move("n3", ":20004")
			c.Restart("n3")
		}
		c.WaitFor("n3 to count", 5*time.Second, func() bool { _, err := c.Incr("n3", "hits", 1); return err == nil })
		return crashed() && k < 12 // later ones are like these
	})
}
