package sim

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// A member that was removed while it was down, and asks to be let in again before it has heard of that.
func TestARemovedMemberIsNotLetInAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 35)
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		if err := c.remove("n2", "n3"); err != nil {
			t.Fatal(err)
		}
		c.waitVoters("n2", "n1 n2")
		c.Net.Cut("n3", "n2")
		c.Restart("n3")
		refused := false
		for end := time.Now().Add(5 * time.Second); !refused && time.Now().Before(end); time.Sleep(time.Millisecond) {
			err := c.change("n3", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
			if err == nil {
				t.Fatal("it is let in again")
			}
			refused = errors.Is(err, fsm.ErrRefused)
		}
		if !refused {
			t.Error("it was never refused: that proves nothing")
		}
		c.waitVoters("n2", "n1 n2")
	})
}
