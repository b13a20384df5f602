package sim

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// A leader that is cut off from the other voters is confirmed by nobody else, however many members are with it. Its raft lets it
// go on believing for long here, so that only the term echo stands between it and an old value.
func TestMembersWithoutAVoteConfirmNoLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.Timing = cluster.Timing{Heartbeat: 3 * time.Second, Election: 3 * time.Second, Lease: 3 * time.Second}
		c.Start("n1", true)
		c.WaitFor("leader", 20*time.Second, func() bool { return c.Leader() == "n1" }) // with these times it is in no hurry
		for _, name := range []string{"n2", "n3"} {
			c.Start(name, false)
			c.Join(name, "n1")
		}
		c.waitVoters("n1", "n1 n2 n3")
		for _, name := range []string{"n4", "n5"} {
			c.StartNonvoter(name)
			c.Join(name, "n1")
		}
		for _, name := range []string{"n1", "n4", "n5"} {
			c.WaitFor("strong read at "+name, 10*time.Second, func() bool { _, err := c.Get(name, "hits"); return err == nil })
		}
		if leader := c.Leader(); leader != "n1" {
			t.Fatalf("%s leads", leader)
		}
		for _, here := range []string{"n1", "n4", "n5"} {
			c.Net.Cut(here, "n2")
			c.Net.Cut(here, "n3")
		}
		for _, name := range []string{"n1", "n4"} {
			go func() {
				if a := c.Do(name, fsm.Strong, op(fsm.Get, "hits", 0)); a.Err == nil {
					t.Errorf("a strong read at %s was answered, without a majority of the voters", name)
				}
			}()
		}
		time.Sleep(2 * time.Second)
		if s := c.Node("n1").Local(); s.Role != fsm.Leader {
			t.Errorf("n1 is %s by now: that proves nothing", s.Role)
		}
	})
}
