package sim

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// returnTime is within what a member that was away has all that was counted until it came back.
const returnTime = 500 * time.Millisecond

// absence is a way for a member to be away.
type absence struct {
	begin, end func(c *Cluster, name string)
}

var absences = map[string]absence{
	"crashed": {(*Cluster).Crash, func(c *Cluster, name string) { c.Restart(name) }},
	"cut off": {func(c *Cluster, name string) { c.Net.Isolate(name) }, func(c *Cluster, _ string) { c.Net.Heal() }},
}

// inEachAbsence runs a test with three nodes for each way to be away.
func inEachAbsence(t *testing.T, seed uint64, test func(c *Cluster, away absence)) {
	for what, away := range absences {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(t, seed)
				defer c.Stop()
				c.StartThree()
				test(c, away)
			})
		})
	}
}

// wantCaughtUp fails the test if it takes a host too long to get what the leader has committed by now.
func (c *Cluster) wantCaughtUp(name string) {
	c.T.Helper()
	from, want := time.Now(), c.Node(c.Leader()).Local().CommitIndex
	behind := want - c.Node(name).Local().AppliedIndex
	c.WaitFor("return of "+name, 30*time.Second, func() bool { return c.Node(name).Local().AppliedIndex >= want })
	c.T.Logf("%d entries in %v", behind, time.Since(from))
	if took := time.Since(from); took > returnTime {
		c.T.Errorf("%s has what was counted without it after %v", name, took)
	}
}

func TestAMemberThatWasAwayForLongIsSentWhatItMissedAtOnce(t *testing.T) {
	long(t)
	for what, away := range absences {
		for kind, snapshots := range map[string]cluster.SnapshotPolicy{
			"log":   {},
			"image": {Entries: 200, Every: time.Second, Trailing: 10},
		} {
			t.Run(what+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := New(t, 71)
					defer c.Stop()
					c.Snapshots = snapshots
					c.StartThree()
					load := c.startCounting(1, "n1", "n2")
					time.Sleep(time.Second)
					away.begin(c, "n3")
					time.Sleep(absent)
					away.end(c, "n3")
					c.wantCaughtUp("n3")
					load.want()
				})
			})
		}
	}
}

func TestAMemberThatDiedWhileItGotAnImageIsSentAnotherAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 72)
		defer c.Stop()
		c.startThreeAndLeaveOneBehind()
		c.Slow("n3", 400*time.Millisecond)
		time.Sleep(300 * time.Millisecond)
		if applied := c.Node("n3").Local().AppliedIndex; applied > 100 {
			t.Fatalf("n3 has applied %d entries already: this test proves nothing", applied)
		}
		c.Crash("n3")
		time.Sleep(absent)
		c.Slow("n3", c.Latency)
		c.Restart("n3")
		c.wantCaughtUp("n3")
	})
}

// The member answers heartbeats all the time, as they need no disk.
func TestAMemberWhoseDiskHungIsSentWhatItMissedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 73)
		defer c.Stop()
		c.StartThree()
		load := c.startCounting(1, "n1", "n2")
		c.Freeze("n3")
		time.Sleep(25 * time.Second)
		c.Thaw("n3")
		c.wantCaughtUp("n3")
		load.want()
	})
}

// What is sent first must reach it: a heartbeat alone is not heard by who knows nothing of the new leader's term.
func TestANewLeaderSendsAtOnceToWhoWasAway(t *testing.T) {
	inEachAbsence(t, 74, func(c *Cluster, away absence) {
		load := c.startCounting(1, "n1", "n2")
		away.begin(c, "n3")
		time.Sleep(absent / 2)
		if err := c.transfer("n1", "n2"); err != nil {
			c.T.Error(err)
		}
		time.Sleep(absent / 2)
		away.end(c, "n3")
		c.wantCaughtUp("n3")
		load.want()
	})
}

func TestAMemberThatComesBackUnderAnotherAddressIsSentWhatItMissedAtOnce(t *testing.T) {
	skipUnderRaceDetector(t)
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 75)
		defer c.Stop()
		c.StartThree()
		load := c.startCounting(1, "n1", "n2")
		time.Sleep(time.Second) // until it knows that it is a member
		c.Crash("n3")
		c.Move("n3", ":20003")
		time.Sleep(absent)
		c.Restart("n3")
		c.wantCaughtUp("n3")
		load.want()
	})
}

func TestALeaderClosesAtOnceWhileAMemberIsAway(t *testing.T) {
	inEachAbsence(t, 76, func(c *Cluster, away absence) {
		away.begin(c, "n3")
		if _, err := c.Incr("n1", "hits", 1); err != nil {
			c.T.Error(err)
		}
		for range 7 { // at different moments of the five seconds that a dial may hang
			time.Sleep(10*time.Second + 700*time.Millisecond)
			leader, from := c.Leader(), time.Now()
			c.Reopen(leader)
			if took := time.Since(from); took > 100*time.Millisecond {
				c.T.Errorf("%s has closed after %v", leader, took)
			}
		}
	})
}

// wantWaiting fails the test unless that many messages to members that are away wait for their return, in all nodes, within
// the time of a dial and the pause after it.
func (c *Cluster) wantWaiting(want int) {
	c.T.Helper()
	c.WaitFor(fmt.Sprintf("%d messages that wait", want), 1100*time.Millisecond, func() bool { return waiting() == want })
}

func waiting() int {
	stacks := make([]byte, 8<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "cluster.(*absences).await(")
}

// wantSoon fails the test if a change fails or takes too long. It may ask all members, and give those that are away a moment.
func (c *Cluster) wantSoon(what string, change func() error) {
	c.T.Helper()
	from := time.Now()
	if err := change(); err != nil {
		c.T.Errorf("%s: %v", what, err)
	}
	if took := time.Since(from); took > returnTime {
		c.T.Errorf("%s took %v", what, took)
	}
}

func TestNobodyWaitsForAMemberThatIsAwayWhenLeadershipMovesOrItIsRemoved(t *testing.T) {
	inEachAbsence(t, 77, func(c *Cluster, away absence) {
		load := c.startCounting(1, "n1", "n2")
		away.begin(c, "n3")
		time.Sleep(absent)
		c.wantWaiting(1)
		c.wantSoon("transfer", func() error { return c.transfer("n1", "n2") })
		time.Sleep(6 * time.Second) // the new leader's first message may hang for five
		c.wantWaiting(1)
		c.wantSoon("removal", func() error { return c.remove("n1", "n3") })
		c.wantWaiting(0)
		load.want()
	})
}

// Raft takes no Entry while it hands leadership over, and may have to wait for what it sends to the heir.
func TestNobodyWaitsForAMemberWhileLeadershipIsHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 78)
		defer c.Stop()
		c.StartThree()
		c.Crash("n3")
		time.Sleep(absent / 2)
		c.Slow("n2", 100*time.Millisecond) // so long it needs for its new term
		term := c.Node("n1").Local().Term
		handed := make(chan struct{})
		go func() {
			defer close(handed)
			c.transfer("n1", "n2")
		}()
		c.WaitFor("end of the wait", time.Second, func() bool { return waiting() == 0 })
		if s := c.Node("n1").Local(); s.Role != fsm.Leader || s.Term != term {
			t.Errorf("n1 is %s in term %d: the end of its leadership has ended the wait", s.Role, s.Term)
		}
		<-handed
	})
}
