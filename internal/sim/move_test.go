package sim

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// The one that stays has the longer log, and only it can lead; but it knows the old address of the other, whose vote it needs.
func TestOfTwoVotersOneComesBackUnderAnotherAddress(t *testing.T) {
	skipUnderRaceDetector(t)
	for _, restarted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := New(t, 42)
			defer c.Stop()
			c.startAlone("n1")
			c.Start("n2", false)
			c.Join("n2", "n1")
			c.waitVoters("n2", "n1 n2")
			c.Crash("n2")
			if _, err := c.Incr("n1", "hits", 1); !errors.Is(err, fsm.ErrUnknown) {
				t.Fatalf("one of two counts: %v", err)
			}
			if restarted {
				c.Crash("n1")
				c.Restart("n1")
			}
			c.Move("n2", ":20002")
			c.Restart("n2")
			c.WaitFor("n2 to count", 10*time.Second, func() bool { _, err := c.Incr("n2", "hits", 1); return err == nil })
			c.WaitFor("the new address", 5*time.Second, func() bool {
				return slices.ContainsFunc(c.Node("n1").Local().Members, func(m fsm.Member) bool { return m.Peer == "n2:20002" && m.Voter })
			})
		})
	}
}

// It knows only addresses that nobody has any more, and nobody knows its own. An operator names one that is right.
func TestAMemberThatHasLostTheOthersJoinsAgain(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 43)
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		for name, port := range map[string]string{"n1": ":20001", "n2": ":20002"} {
			c.Crash(name)
			c.Move(name, port)
			c.Restart(name)
			c.WaitFor(name+" to be found", 10*time.Second, func() bool {
				return slices.ContainsFunc(c.Node("n1").Local().Members, func(m fsm.Member) bool { return m.Peer == name+port })
			})
		}
		c.Move("n3", ":20003")
		c.Restart("n3")
		time.Sleep(5 * time.Second)
		if _, err := c.Incr("n3", "hits", 1); err == nil {
			t.Fatal("n3 was found without help: this test proves nothing")
		}
		c.startAlone("n4")
		err := c.change("n3", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n4")) })
		if !errors.Is(err, fsm.ErrRefused) || len(c.Node("n4").Local().Members) != 1 {
			t.Errorf("a member joins another cluster: %v", err)
		}
		c.Join("n3", "n1")
		c.WaitFor("n3 to count", 10*time.Second, func() bool { _, err := c.Incr("n3", "hits", 1); return err == nil })
	})
}

func TestANewcomerThatMovesBeforeItHeardAnythingIsFound(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 44)
		defer c.Stop()
		c.StartThree()
		c.Net.Delay(5*time.Millisecond, 5*time.Millisecond)
		c.Start("n4", false)
		c.Join("n4", "n1")
		c.Crash("n4")
		c.Move("n4", ":20004")
		c.Restart("n4")
		if len(c.Node("n4").Local().Members) != 0 {
			t.Fatal("n4 knows members already: this test proves nothing")
		}
		c.waitVoters("n4", "n1 n2 n3 n4")
	})
}

// Its vote is still counted, and needed to end its membership.
func TestAMarkedVoterThatMovesIsFoundToo(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 45)
		defer c.Stop()
		c.Snapshots = cluster.SnapshotPolicy{Entries: 1, Every: 50 * time.Millisecond} // with the mark, so that n2 begins with it
		c.startAlone("n1")
		c.Start("n2", false)
		c.Join("n2", "n1")
		c.waitVoters("n2", "n1 n2")
		c.crashAt("n1", 2, 60*time.Millisecond) // the mark is written, and the configuration is not
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.Node("n1").Remove(ctx, "n2")
		if c.Node("n1") != nil || c.Node("n2").Removal() == nil {
			t.Fatal("n1 has not crashed after the mark: this test proves nothing")
		}
		time.Sleep(time.Second)
		c.Crash("n2")
		c.Move("n2", ":20002")
		c.Restart("n2")
		c.Restart("n1")
		c.calm("n1")
		c.WaitFor("n1 to count", 10*time.Second, func() bool { _, err := c.Incr("n1", "hits", 1); return err == nil })
		c.waitVoters("n1", "n1")
		c.WaitFor("n2 to know", 5*time.Second, func() bool { return c.Node("n2").Removal() != nil })
	})
}
