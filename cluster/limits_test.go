package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/sim"
)

func given(n uint64) cluster.Limit { return cluster.Limit{Value: n, Given: true} }

// limitsAt are the limits as a node knows them.
func limitsAt(c *sim.Cluster, name string) fsm.Limits {
	s := c.Node(name).Local()
	return fsm.Limits{Bytes: s.MaxBytes, Keys: s.MaxKeys}
}

func waitForLimits(c *sim.Cluster, want fsm.Limits, names ...string) {
	c.T.Helper()
	for _, name := range names {
		c.WaitFor("limits at "+name, 5*time.Second, func() bool { return limitsAt(c, name) == want })
	}
}

func TestTheLeadersLimitsAreTheClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.Limits = cluster.Limits{Bytes: given(1 << 20), Keys: cluster.Limit{Value: 2}}
		c.StartThree()
		all := []string{"n1", "n2", "n3"}
		waitForLimits(c, fsm.Limits{Bytes: 1 << 20, Keys: 2}, all...)
		for _, key := range []string{"a", "b"} {
			if _, err := c.Incr("n2", key, 1); err != nil {
				t.Fatal(err)
			}
		}
		third := c.Do("n3", fsm.Strong, fsm.Op{Kind: fsm.Incr, Key: []byte("c"), Amount: 1})
		if r := third.Results; third.Err != nil || len(r) != 1 || r[0].Code != fsm.FullKeys || r[0].Value.Int != 2 {
			t.Errorf("a third key: %+v", third)
		}

		// What is given is set again by a leader that was told another value; a default is not.
		c.Limits = cluster.Limits{Bytes: given(2 << 20), Keys: cluster.Limit{Value: 9}}
		c.RestartAll()
		waitForLimits(c, fsm.Limits{Bytes: 2 << 20, Keys: 2}, all...)
		for _, name := range all {
			if used := c.Node(name).Local().UsedBytes; used != 2*65 {
				t.Errorf("%s says that %d bytes are used", name, used)
			}
		}
	})
}

// Proposals cost an Entry each: a leader that is content, or wants nothing, makes none.
func TestALeaderProposesLimitsOnlyWhenOthersAreInForce(t *testing.T) {
	for name, limits := range map[string]cluster.Limits{
		"nothing is wanted":  {},
		"a limit is given":   {Bytes: given(1 << 20)},
		"none is given":      {Keys: given(0)},
		"a default is there": {Bytes: cluster.Limit{Value: 1 << 20}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := sim.New(t, 1)
				defer c.Stop()
				c.Limits = limits
				node := c.Start("n1", true)
				c.WaitFor("a leader", 10*time.Second, func() bool { return c.Leader() == "n1" })
				time.Sleep(5 * time.Second)
				if got := limitsAt(c, "n1"); got != (fsm.Limits{Bytes: limits.Bytes.Value}) {
					t.Errorf("limits are %+v", got)
				}
				before := node.Local().AppliedIndex
				time.Sleep(time.Minute)
				if after := node.Local().AppliedIndex; after != before {
					t.Errorf("%d entries in an idle minute", after-before)
				}
			})
		})
	}
}

// The leader keeps the number of sessions, too, and Status counts them at every node.
func TestTheLeaderBoundsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := sim.New(t, 1)
		defer c.Stop()
		c.Limits = cluster.Limits{Sessions: given(2), Instances: given(fsm.DefaultInstances)}
		c.StartThree()
		time.Sleep(5 * time.Second)
		open := func(n byte) fsm.Result {
			a := c.Do("n2", fsm.Strong, fsm.Op{Kind: fsm.OpenSession, Key: append(make([]byte, 15), n), Amount: fsm.DefaultSession})
			if a.Err != nil || len(a.Results) != 1 {
				t.Fatalf("session %d: %+v", n, a)
			}
			return a.Results[0]
		}
		for n := range byte(2) {
			if r := open(n + 1); r.Code != fsm.OK {
				t.Errorf("session %d is refused: %v", n+1, r)
			}
		}
		if r := open(3); r.Code != fsm.FullSessions || r.Value.Int != 2 {
			t.Errorf("a third session: %v", r)
		}
		c.WaitFor("the refusal at n2", 5*time.Second, func() bool { return c.Node("n2").Local().OnceRefused == 1 })
		c.RestartAll()
		if r := open(1); r.Code != fsm.FullSessions {
			t.Errorf("a third session after all have crashed: %v", r)
		}
		for _, name := range []string{"n1", "n2", "n3"} {
			c.WaitFor("two sessions at "+name, 5*time.Second, func() bool { return c.Node(name).Local().Sessions == 2 })
		}
	})
}
