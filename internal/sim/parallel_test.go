package sim

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// A leader's disk writes while its followers' do (cluster/parallel.go): an increment takes as long as the slowest of the
// leader's and a majority's, not the sum; and nobody acts on what only the others have.

func TestALeaderWritesWhileItsFollowersDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		const write = 20 * time.Millisecond
		for _, name := range hosts {
			c.Slow(name, write)
		}
		leader := c.Leader()
		c.Incr(leader, "hits", 1)
		start := time.Now()
		if _, err := c.Incr(leader, "hits", 1); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < write || took > write*3/2 {
			t.Errorf("an increment took %v with disks that take %v for a write", took, write)
		}
	})
}

// While the write of the leader is under way, its entry is on a majority's disks with the follower's. It is committed to raft's
// mind, and lost if the leader and that follower's copy were outvoted by the other two after a crash.
func TestNobodyActsOnAnEntryThatItsLeaderCouldLose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		leader := c.Leader()
		near, far := others(leader)[0], others(leader)[1]
		if _, err := c.Incr(leader, "hits", 1); err != nil {
			t.Fatal(err)
		}
		c.WaitFor("equal replicas", time.Second, func() bool {
			a, _ := c.Node(near).Digest()
			b, _ := c.Node(leader).Digest()
			return a == b
		})
		c.Net.Isolate(far)
		const write = 250 * time.Millisecond
		c.Slow(leader, write)
		start, answered := time.Now(), make(chan time.Duration, 1)
		go func() {
			c.Incr(leader, "hits", 1)
			answered <- time.Since(start)
		}()
		looks := 0
		for time.Since(start) < write-10*time.Millisecond {
			for _, name := range []string{leader, near} {
				a := c.Do(name, fsm.Stale, op(fsm.Get, "hits", 0))
				if a.Err != nil || a.Results[0].Value.Int != 1 {
					t.Fatalf("after %v %s shows %v (%v): the leader could still lose it", time.Since(start), name, a.Results, a.Err)
				}
				looks++
			}
			time.Sleep(5 * time.Millisecond)
		}
		if took := <-answered; took < write {
			t.Errorf("the client heard of it after %v", took)
		}
		if looks < 50 {
			t.Errorf("only %d looks: that proves nothing", looks)
		}
	})
}

// The same to its end: the leader crashes, its copy is gone, and it goes on with the one that never had the entry.
func TestReplicasStayAlikeWhenALeaderLosesWhatItsFollowerHas(t *testing.T) {
	lost := 0
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			c := New(t, seed)
			defer c.Stop()
			r := &run{Cluster: c}
			c.StartThree()
			leader := c.Leader()
			near, far := others(leader)[0], others(leader)[1]
			if _, err := c.Incr(leader, "counter-0", 1); err != nil {
				t.Fatal(err)
			}
			c.Crash(far)
			c.Slow(leader, 250*time.Millisecond)
			call := r.recorder.Incr(1, "counter-0", 1)
			answered := make(chan struct{})
			go func() {
				r.record(call, c.Do(leader, fsm.Strong, op(fsm.Incr, "counter-0", 1)))
				close(answered)
			}()
			time.Sleep(100 * time.Millisecond)
			c.Crash(leader)
			<-answered
			c.Net.Isolate(near)
			c.Slow(leader, c.Latency)
			c.Restart(leader)
			c.Restart(far)
			c.WaitFor("increment without "+near, 10*time.Second, func() bool {
				a := c.Do(far, fsm.Strong, op(fsm.Incr, "counter-1", 1))
				return a.Err == nil
			})
			if v, err := c.Get(far, "counter-0"); err != nil {
				t.Fatal(err)
			} else if v == 1 {
				lost++
			}
			r.settle()
		})
	}
	if lost == 0 {
		t.Error("the leader never lost its copy: that proves nothing")
	}
}

// A write that fails behind raft's back: the process lives on for a moment, and has a follower's word for an entry that it
// will never have.
func TestALeaderWhoseWriteFailsIsHeardNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		ended := make(chan string, 10)
		c.Fatal = func(name string, err error) { ended <- name }
		c.StartThree()
		leader := c.Leader()
		if _, err := c.Incr(leader, "hits", 1); err != nil {
			t.Fatal(err)
		}
		c.FailAppend(leader, errors.New("no such disk"))
		if v, err := c.Incr(leader, "hits", 1); err == nil {
			t.Errorf("%d was acknowledged without the leader's disk", v)
		}
		other := others(leader)[0]
		c.WaitFor("another leader", time.Second, func() bool { return c.Node(other).Local().Leader != nil && c.Node(other).Local().Leader.ID != leader })
		c.WaitFor("increment at "+other, 2*time.Second, func() bool { _, err := c.Incr(other, "more", 1); return err == nil })
		if a := c.Do(leader, fsm.Stale, op(fsm.Get, "hits", 0)); a.Err != nil || a.Results[0].Value.Int != 1 {
			t.Errorf("the leader shows %v (%v): it has applied what it could not write", a.Results, a.Err)
		}
		if len(ended) != 1 || <-ended != leader {
			t.Errorf("%d nodes have ended, or another", len(ended))
		}
		if _, err := c.Get(leader, "hits"); err == nil {
			t.Error("a strong read was answered by a node without a disk")
		}
	})
}
