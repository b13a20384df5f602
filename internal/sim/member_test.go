package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// counting is clients that add 1 to one counter through some hosts, and want no error and no gap.
type counting struct {
	*Cluster
	mu    sync.Mutex
	hosts []string
	acked int64
	errs  []string
	stop  bool
	wg    sync.WaitGroup
}

func (c *Cluster) startCounting(clients int, hosts ...string) *counting {
	l := &counting{Cluster: c, hosts: hosts}
	for i := range clients {
		l.wg.Go(func() { l.client(i) })
	}
	return l
}

func (l *counting) client(i int) {
	for n := i; ; n++ {
		l.mu.Lock()
		host, stop := l.hosts[n%len(l.hosts)], l.stop
		l.mu.Unlock()
		if stop {
			return
		}
		_, err := l.Incr(host, "hits", 1)
		l.mu.Lock()
		if err == nil {
			l.acked++
		} else {
			l.errs = append(l.errs, fmt.Sprintf("%s: %v", host, err))
		}
		l.mu.Unlock()
		time.Sleep(5 * time.Millisecond)
	}
}

// use changes the hosts that the clients go to.
func (l *counting) use(hosts ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = hosts
}

// want ends the clients and compares: all was acknowledged, once.
func (l *counting) want() {
	l.T.Helper()
	l.mu.Lock()
	l.stop = true
	l.mu.Unlock()
	l.wg.Wait()
	if len(l.errs) > 0 {
		l.T.Errorf("%d errors, the first: %s", len(l.errs), l.errs[0])
	}
	if got, err := l.Get(l.hosts[0], "hits"); err != nil || got != l.acked {
		l.T.Errorf("hits = %d, %v; acknowledged %d", got, err, l.acked)
	}
	if l.acked < 100 {
		l.T.Errorf("only %d increments: such a run proves nothing", l.acked)
	}
}

// voters are the names of the voters, as the node on that host sees it, sorted.
func (c *Cluster) voters(host string) string {
	var names []string
	for _, m := range c.Node(host).Local().Members {
		if m.Voter {
			names = append(names, m.ID)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (c *Cluster) waitVoters(host, want string) {
	c.T.Helper()
	c.WaitFor("voters "+want+" at "+host, 20*time.Second, func() bool { return c.voters(host) == want })
}

// change makes a change at a host within ten seconds.
func (c *Cluster) change(host string, f func(*cluster.Node, context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return f(c.Node(host), ctx)
}

func (c *Cluster) remove(through, target string) error {
	return c.change(through, func(n *cluster.Node, ctx context.Context) error { return n.Remove(ctx, target) })
}

func (c *Cluster) transfer(through, target string) error {
	return c.change(through, func(n *cluster.Node, ctx context.Context) error { return n.TransferTo(ctx, target) })
}

func TestAClusterGrowsToFiveAndShrinksToThreeUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 31)
		defer c.Stop()
		c.Start("n1", true)
		c.WaitFor("a leader", time.Second, func() bool { return c.Leader() == "n1" })
		load := c.startCounting(4, "n1")
		for i, name := range []string{"n2", "n3", "n4", "n5"} {
			c.Start(name, false)
			c.Join(name, "n1")
			c.waitVoters(name, strings.Join([]string{"n1", "n2", "n3", "n4", "n5"}[:i+2], " "))
			load.use("n1", name)
		}
		if err := c.transfer("n4", "n3"); err != nil {
			t.Errorf("transfer: %v", err)
		}
		c.WaitFor("leader n3", time.Second, func() bool { return c.Leader() == "n3" })
		load.use("n1", "n5", "n2")
		if err := c.remove("n1", "n3"); err != nil { // the leader, through another
			t.Errorf("remove of the leader: %v", err)
		}
		c.waitVoters("n2", "n1 n2 n4 n5")
		if err := c.change("n4", (*cluster.Node).Leave); err != nil {
			t.Errorf("leave: %v", err)
		}
		c.waitVoters("n2", "n1 n2 n5")
		load.want()
		for _, gone := range []string{"n3", "n4"} {
			c.WaitFor(gone+" to know that it was removed", 5*time.Second, func() bool { return c.Node(gone).Removal() != nil })
			for _, level := range []fsm.Level{fsm.Strong, fsm.Stale} {
				a := c.Do(gone, level, op(fsm.Get, "hits", 0))
				if !errors.Is(a.Err, fsm.ErrNotApplied) || !strings.Contains(a.Err.Error(), "removed") {
					t.Errorf("%s answers %v", gone, a.Err)
				}
			}
		}
	})
}

func TestAMemberRemovedWhileDownLearnsOfItAndDoesNotDisturb(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 32)
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		if err := c.remove("n2", "n3"); err != nil {
			t.Fatal(err)
		}
		c.waitVoters("n2", "n1 n2")
		term := c.Node("n1").Local().Term
		load := c.startCounting(2, "n1", "n2")
		c.Restart("n3")
		c.WaitFor("n3 to learn of it", 10*time.Second, func() bool { return c.Node("n3").Local().Role == fsm.Removed })
		time.Sleep(10 * time.Second)
		load.want()
		if now := c.Node("n1").Local().Term; now != term {
			t.Errorf("term %d, was %d before the removed node came back", now, term)
		}
		c.Crash("n3")
		if _, err := c.open("n3", Host{}); err == nil || !strings.Contains(err.Error(), "was removed from its cluster") {
			t.Errorf("a removed node starts again: %v", err)
		}
	})
}

func TestANodeWithAnEmptyDiskReplacesTheOneOfItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 33)
		defer c.Stop()
		c.StartThree()
		load := c.startCounting(2, "n1", "n2")
		c.Crash("n3")
		c.Wipe("n3")
		c.Start("n3", false)
		err := c.change("n3", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
		if !errors.Is(err, fsm.ErrRefused) || !strings.Contains(err.Error(), "another data directory is a member under the name") {
			t.Errorf("a wiped disk joins under its old name: %v", err)
		}
		if err := c.remove("n1", "n3"); err != nil {
			t.Fatal(err)
		}
		c.Join("n3", "n1")
		c.waitVoters("n3", "n1 n2 n3")
		load.use("n3", "n1")
		time.Sleep(time.Second)
		load.want()
	})
}

func TestTheLastVotersThatAnswerAreNotRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 34)
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		time.Sleep(time.Second)
		if err := c.remove("n1", "n2"); !errors.Is(err, fsm.ErrRefused) || !strings.Contains(err.Error(), "n3") {
			t.Errorf("removal that would stop all writes: %v", err)
		}
		if _, err := c.Incr("n2", "hits", 1); err != nil {
			t.Errorf("after the refusal: %v", err)
		}
		if err := c.remove("n1", "n9"); !errors.Is(err, fsm.ErrRefused) {
			t.Errorf("removal of nobody: %v", err)
		}
	})
}

func TestAMemberComesBackUnderAnotherAddress(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 35)
		defer c.Stop()
		c.StartThree()
		load := c.startCounting(2, "n1", "n2")
		c.Crash("n3")
		c.Move("n3", ":20003")
		c.Restart("n3")
		c.WaitFor("the new address", 5*time.Second, func() bool {
			return slices.ContainsFunc(c.Node("n1").Local().Members, func(m fsm.Member) bool { return m.Peer == "n3:20003" && m.Voter })
		})
		c.WaitFor("n3 to count", 5*time.Second, func() bool { _, err := c.Incr("n3", "other", 1); return err == nil })
		time.Sleep(time.Second)
		load.want()
	})
}

func TestANodeAloneComesBackUnderAnotherAddress(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 36)
		defer c.Stop()
		c.Start("n1", true)
		c.WaitFor("a leader", time.Second, func() bool { return c.Leader() == "n1" })
		c.Crash("n1")
		c.Move("n1", ":20001")
		c.Restart("n1")
		c.WaitFor("the new address", 5*time.Second, func() bool { return c.Node("n1").Local().Members[0].Peer == "n1:20001" })
		c.Start("n2", false)
		c.Join("n2", "n1")
		c.waitVoters("n2", "n1 n2")
	})
}

func TestAReadReplicaNeverVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 37)
		defer c.Stop()
		c.StartThree()
		c.StartNonvoter("n4")
		c.Join("n4", "n2")
		if _, err := c.Incr("n4", "hits", 7); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for range 2 {
			if got := c.voters("n4"); got != "n1 n2 n3" {
				t.Errorf("voters %s", got)
			}
			c.Crash("n4")
			c.Restart("n4")
			c.WaitFor("n4 to count", 5*time.Second, func() bool { got, err := c.Get("n4", "hits"); return err == nil && got == 7 })
		}
	})
}

func TestAPristineClusterOfOneJoinsAnotherWhateverCrashes(t *testing.T) {
	for _, crash := range []string{"nobody", "joiner before", "joiner after"} {
		t.Run(crash, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(t, 38)
				defer c.Stop()
				c.StartThree()
				if _, err := c.Incr("n1", "hits", 5); err != nil {
					t.Fatal(err)
				}
				c.startAlone("n4")
				switch crash {
				case "joiner before": // the cluster has accepted it, and it has not noted that
					c.Net.Delay(10*time.Millisecond, 10*time.Millisecond) // so long is the answer under way
					go c.change("n4", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, "n1"+peerPort) })
					c.WaitFor("n4 to be accepted", 5*time.Second, func() bool { return len(c.Node("n1").Local().Members) == 4 })
					c.Crash("n4")
					c.Net.Delay(0, 0)
					c.Restart("n4")
					c.WaitFor("n4 to be a cluster of its own again", 5*time.Second, func() bool { return c.Node("n4").Local().Role == fsm.Leader })
				case "joiner after": // it has noted that, and not wiped yet
					err := c.change("n4", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
					if !errors.Is(err, cluster.ErrReopen) {
						t.Fatal(err)
					}
					c.Crash("n4")
					c.Restart("n4")
				}
				if c.Node("n4").Joined() && c.voters("n4") == "n4" {
					c.Join("n4", "n1")
				}
				c.waitVoters("n4", "n1 n2 n3 n4")
				if got, err := c.Incr("n4", "hits", 1); err != nil || got != 6 {
					t.Errorf("INCR at the joined one = %d, %v; want 6", got, err)
				}
			})
		})
	}
}

func TestAClusterThatWasCountedWithDoesNotGiveItselfUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 39)
		defer c.Stop()
		c.StartThree()
		c.Start("n4", true)
		c.WaitFor("n4 to count", 2*time.Second, func() bool { _, err := c.Incr("n4", "mine", 1); return err == nil })
		err := c.change("n4", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
		if !errors.Is(err, fsm.ErrRefused) {
			t.Errorf("join: %v", err)
		}
		if got, err := c.Incr("n4", "mine", 1); err != nil || got != 2 {
			t.Errorf("after the refusal: %d, %v", got, err)
		}
	})
}

// Writes that come while a node is giving its cluster up are refused or stop it; none is acknowledged and lost.
func TestNoAcknowledgedWriteIsGivenUp(t *testing.T) {
	joined, refused := 0, 0
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			c := New(t, 40+seed)
			defer c.Stop()
			c.StartThree()
			c.Start("n4", true)
			c.WaitFor("n4 to be a cluster of its own", 2*time.Second, func() bool { return c.Node("n4").Local().Role == fsm.Leader })
			acked := make(chan error, 1)
			go func() {
				time.Sleep(time.Duration(seed) * 200 * time.Microsecond)
				_, err := c.Incr("n4", "mine", 1)
				acked <- err
			}()
			time.Sleep(2 * time.Millisecond)
			err := c.change("n4", func(n *cluster.Node, ctx context.Context) error { return n.Join(ctx, c.peer("n1")) })
			if errors.Is(err, cluster.ErrReopen) {
				c.Reopen("n4")
				c.waitVoters("n4", "n1 n2 n3 n4")
				joined++
			} else {
				refused++
			}
			if <-acked == nil {
				c.WaitFor("an answer", 5*time.Second, func() bool { _, err := c.Get("n4", "mine"); return err == nil })
				if got, _ := c.Get("n4", "mine"); got != 1 {
					t.Errorf("seed %d: the acknowledged write is gone (join: %v)", seed, err)
				}
			}
		})
	}
	if joined == 0 || refused == 0 {
		t.Errorf("joined %d times, refused %d times: both must have been tried", joined, refused)
	}
}

func TestAMemberInvitesAPristineNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 41)
		defer c.Stop()
		c.StartThree()
		if _, err := c.Incr("n1", "hits", 1); err != nil {
			t.Fatal(err)
		}
		c.startAlone("n4")
		c.change("n2", func(n *cluster.Node, ctx context.Context) error { return n.Invite(ctx, c.peer("n4")) }) // the answer may be lost
		c.waitVoters("n2", "n1 n2 n3 n4")
		if err := c.change("n4", func(n *cluster.Node, ctx context.Context) error { return n.Invite(ctx, c.peer("n1")) }); err == nil {
			t.Error("a cluster with counters follows an invitation")
		}
	})
}
