package sim

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// If both gave up their clusters, both would be members of one that is no more.
func TestOfTwoNodesThatJoinEachOtherOneDoes(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			c := New(t, 50+seed)
			defer c.Stop()
			c.Net.Delay(0, time.Duration(seed)*time.Millisecond)
			c.startAlone("n1", "n2")
			var wg sync.WaitGroup
			reopened := make(chan string, 2)
			for name, other := range map[string]string{"n1": "n2", "n2": "n1"} {
				wg.Go(func() {
					err := c.change(name, func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer(other)) })
					if errors.Is(err, cluster.ErrReopen) {
						c.Reopen(name)
						reopened <- name
					}
				})
			}
			wg.Wait()
			if len(reopened) != 1 {
				t.Fatalf("seed %d: %d nodes have given up their cluster, want 1", seed, len(reopened))
			}
			c.waitVoters(<-reopened, "n1 n2")
		})
	}
}

// What a cluster promises to a newcomer must not be given up a moment later.
func TestNobodyJoinsAClusterThatIsBeingGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 70)
		defer c.Stop()
		c.startAlone("n1", "n2")
		c.Start("n3", false)
		c.Net.Delay(10*time.Millisecond, 10*time.Millisecond)
		given := make(chan error, 1)
		go func() {
			given <- c.change("n2", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
		}()
		time.Sleep(15 * time.Millisecond)
		err := c.change("n3", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n2")) })
		if <-given == nil || err == nil && !c.Node("n3").Joined() {
			t.Error("n2 has not given up its cluster")
		}
		if err == nil {
			t.Error("n3 is a member of a cluster that is no more")
		}
		c.Reopen("n2")
		c.waitVoters("n2", "n1 n2")
		c.Join("n3", "n2")
		c.waitVoters("n3", "n1 n2 n3")
	})
}

func TestANodeDoesNotJoinItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 71)
		defer c.Stop()
		c.startAlone("n1")
		err := c.change("n1", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
		if !errors.Is(err, fsm.ErrRefused) {
			t.Errorf("join of itself: %v", err)
		}
		if _, err := c.Incr("n1", "hits", 1); err != nil {
			t.Errorf("after the refusal: %v", err)
		}
	})
}

// startAlone starts hosts that are clusters of their own, and waits until they answer.
func (c *Cluster) startAlone(names ...string) {
	c.T.Helper()
	for _, name := range names {
		c.Start(name, true)
		c.WaitFor(name+" to answer", 2*time.Second, func() bool { _, err := c.Get(name, "hits"); return err == nil })
	}
}
