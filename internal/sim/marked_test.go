package sim

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// The tests of this file stop a removal when the mark is written and the configuration is not committed.

// A mark that one leader has begun may be applied under the next one, who has marked that leader.
func TestIfAllVotersAreMarkedOneStaysAndAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 110)
		defer c.Stop()
		c.startAlone("n1")
		c.Start("n2", false)
		c.Join("n2", "n1")
		c.waitVoters("n2", "n1 n2")
		marks := []fsm.Op{fsm.RemoveOp(c.Node("n1").Local().ServerID), fsm.RemoveOp(c.Node("n2").Local().ServerID)}
		if a := c.Do("n2", fsm.Strong, marks...); a.Err != nil {
			t.Fatal(a.Err)
		}
		stays, goes := "n1", "n2"
		c.WaitFor("one of them to be out", 10*time.Second, func() bool {
			if c.Node("n1").Removal() != nil {
				stays, goes = goes, stays
			}
			return c.Node(goes).Removal() != nil
		})
		c.WaitFor(stays+" to count", 10*time.Second, func() bool { _, err := c.Incr(stays, "hits", 1); return err == nil })
		c.Start("n3", false)
		c.Join("n3", stays)
		c.waitVoters("n3", "n3")
		c.WaitFor(stays+" to be out, too", 10*time.Second, func() bool { return c.Node(stays).Removal() != nil })
		if got, err := c.Get("n3", "hits"); err != nil || got != 1 {
			t.Errorf("hits at n3 = %d, %v", got, err)
		}
	})
}

// It may lead until then. So one that knows of the mark, and has the configuration without it, must still follow it.
func TestAMarkedLeaderIsFollowedUntilItIsOut(t *testing.T) {
	led := 0
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			c := New(t, 120+seed)
			defer c.Stop()
			c.StartThree()
			c.atWrite("n1", 2, time.Millisecond, func() { c.Net.Isolate("n1") })
			c.tryToRemove("n1", "n3")
			if c.Node("n3").Removal() == nil {
				t.Fatal("n3 is not marked: this test proves nothing")
			}
			c.calm("n1")
			c.WaitFor("n2 to count", 5*time.Second, func() bool { _, err := c.Incr("n2", "hits", 1); return err == nil })
			if leader := c.Node("n2").Local().Leader; leader != nil && leader.ID == "n3" {
				led++
			}
			c.Net.Heal()
			c.waitVoters("n1", "n1 n2")
			c.waitVoters("n2", "n1 n2")
			c.WaitFor("n1 to count", 5*time.Second, func() bool { _, err := c.Incr("n1", "hits", 1); return err == nil })
		})
	}
	if led == 0 {
		t.Error("n3 has never led: this test proves nothing")
	}
}

// tryToRemove asks for a removal that may not come to its end.
func (c *Cluster) tryToRemove(through, target string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	c.Node(through).Remove(ctx, target)
}
