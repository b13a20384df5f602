package sim

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// The one that stays has the longer log, and only it can lead; but it knows the old address of the other, whose vote it needs.
func TestOfTwoVotersOneComesBackUnderAnotherAddress(t *testing.T) {
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
