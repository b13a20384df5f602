package cluster_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/sim"
)

// A node's own writes, too: whoever registers a node waits for the answer, and Close for him.
func TestRequestsAfterCloseAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		node := c.Start("n1", true)
		c.WaitFor("counting", 10*time.Second, func() bool { _, err := c.Incr("n1", "hits", 1); return err == nil })
		c.Stop()
		for name, hand := range map[string]func(*fsm.Request){
			"write":  node.Propose,
			"strong": node.Read,
			"stale":  func(r *fsm.Request) { r.Level, r.MinIndex = fsm.Stale, 1<<40; node.Read(r) },
		} {
			done := make(chan struct{})
			r := &fsm.Request{Done: func(*fsm.Request) { close(done) }}
			r.Add(fsm.Op{Kind: fsm.Get, Key: []byte("hits")})
			hand(r)
			select {
			case <-done:
				if !errors.Is(r.Err, fsm.ErrNotApplied) || errors.Is(r.Err, fsm.ErrUnknown) {
					t.Errorf("%s after Close: %v", name, r.Err)
				}
			case <-time.After(time.Minute):
				t.Errorf("%s after Close is never answered", name)
			}
		}
	})
}

// While a member is away another one joins and becomes the leader. When the first comes back it must listen to a leader
// that is no member as far as it knows.
func TestAMemberThatWasAwayFollowsALeaderItHasNeverHeardOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		c.Start("n4", false)
		c.Join("n4", "n1")
		c.WaitFor("vote of n4", 10*time.Second, func() bool { return c.Node("n4").Local().Role == fsm.Follower })
		c.Timing = cluster.Timing{Heartbeat: time.Second, Election: time.Second} // slower than n4
		for _, name := range []string{"n1", "n2"} {
			c.Crash(name)
			c.Restart(name)
		}
		c.WaitFor("leadership of n4", 10*time.Second, func() bool { return c.Leader() == "n4" })
		if _, err := c.Incr("n4", "hits", 1); err != nil {
			t.Fatal(err)
		}
		c.Restart("n3")
		c.WaitFor("read at n3", 5*time.Second, func() bool { got, err := c.Get("n3", "hits"); return err == nil && got == 1 })
		if leader := c.Leader(); leader != "n4" {
			t.Errorf("%s leads: the return of n3 has cost n4 its leadership, or hidden what this test is about", leader)
		}
		c.WaitFor("write at n3", 5*time.Second, func() bool { got, err := c.Incr("n3", "hits", 1); return err == nil && got == 2 })
	})
}

// The race detector sees whether belonging to a cluster disturbs those who ask for the name.
func TestANodeCanBeAskedForItsNameWhileItJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.Start("n1", true)
		c.WaitFor("a leader", 10*time.Second, func() bool { return c.Leader() == "n1" })
		n2 := c.Start("n2", false)
		for !n2.Joined() {
			asked := make(chan string)
			go func() { asked <- n2.Name() }()
			c.Join("n2", "n1")
			if name := <-asked; name != "n2" {
				t.Errorf("its name is %q", name)
			}
		}
	})
}
