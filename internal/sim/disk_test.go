package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// load is clients that count and read at every node until it is ended, then what they saw is checked.
type load struct {
	*run
	clients sync.WaitGroup
	seen    sync.Mutex
	counted map[string]time.Time // when an increment was last acknowledged, by host
	refused map[string]int       // increments refused for want of space, by host
	stop    chan struct{}
	stopped sync.Once
}

// startLoad has two clients for each node, which take turns between counting and reading.
func startLoad(c *Cluster, seed uint64) *load {
	l := &load{run: &run{Cluster: c}, counted: map[string]time.Time{}, refused: map[string]int{}, stop: make(chan struct{})}
	for i := range 6 {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		l.clients.Go(func() { l.client(i, hosts[i%3], rng) })
	}
	return l
}

func (l *load) client(id int, host string, rng *rand.Rand) {
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(time.Duration(1+rng.IntN(20)) * time.Millisecond):
		}
		counter := fmt.Sprintf("counter-%d", rng.IntN(3))
		if rng.IntN(3) == 0 {
			l.record(l.recorder.Get(id, counter), l.Do(host, fsm.Strong, op(fsm.Get, counter, 0)))
			continue
		}
		call := l.recorder.Incr(id, counter, 1)
		a := l.Do(host, fsm.Strong, op(fsm.Incr, counter, 1))
		l.record(call, a)
		l.seen.Lock()
		if a.Err == nil {
			l.counted[host] = time.Now()
		}
		if errors.Is(a.Err, fsm.ErrNoSpace) {
			l.refused[host]++
		}
		l.seen.Unlock()
	}
}

// countedSince reports whether an increment that came back after then was acknowledged at host.
func (l *load) countedSince(host string, then time.Time) bool {
	l.seen.Lock()
	defer l.seen.Unlock()
	return l.counted[host].After(then)
}

func (l *load) refusals(host string) int {
	l.seen.Lock()
	defer l.seen.Unlock()
	return l.refused[host]
}

// halt stops the clients.
func (l *load) halt() {
	l.stopped.Do(func() { close(l.stop) })
	l.clients.Wait()
}

// end stops the clients and checks what they saw, and that all replicas are alike.
func (l *load) end() {
	l.T.Helper()
	l.halt()
	l.settle()
	if err := l.recorder.Check(0); err != nil {
		l.T.Fatal(err)
	}
	acked := 0
	for _, op := range l.recorder.Ops() {
		if op.Outcome == history.Done {
			acked++
		}
	}
	if acked < 200 {
		l.T.Errorf("only %d operations were answered: such a run proves nothing", acked)
	}
}

// others are the hosts but this one.
func others(host string) (names []string) {
	for _, name := range hosts {
		if name != host {
			names = append(names, name)
		}
	}
	return names
}

// underLoad runs a story on three nodes that are counting, once for every eight runs of chaos.
func underLoad(t *testing.T, story func(t *testing.T, c *Cluster, l *load)) {
	for seed := firstSeed(); seed < firstSeed()+uint64(*seeds+7)/8; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(t, seed)
				defer c.Stop()
				c.StartThree()
				l := startLoad(c, seed)
				defer l.halt()
				time.Sleep(time.Second)
				story(t, c, l)
				l.end()
			})
		})
	}
}

// freezeLeader freezes the leader's disk and waits until both others have acknowledged an increment under another leader.
func freezeLeader(t *testing.T, c *Cluster, l *load, limit time.Duration) (leader string) {
	t.Helper()
	leader = c.Leader()
	c.Freeze(leader)
	from := time.Now()
	for _, name := range others(leader) {
		from := from.Add(20 * time.Millisecond) // what was on its way
		c.WaitFor("increment at "+name+" after the disk of "+leader+" froze", limit, func() bool { return l.countedSince(name, from) })
	}
	t.Logf("others count again after %v", time.Since(from))
	return leader
}

func TestAFrozenDiskUnderTheLeaderCostsTheOthersLessThanASecond(t *testing.T) {
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		old := freezeLeader(t, c, l, time.Second)
		if now := c.Leader(); now == old {
			t.Errorf("%s still leads", old)
		}
		// Its own clients' writes go on, by way of the new leader.
		from := time.Now()
		if _, err := c.Incr(old, "own", 1); err != nil || time.Since(from) > 500*time.Millisecond {
			t.Errorf("an increment at %s: %v after %v", old, err, time.Since(from))
		}
		if a := c.Do(old, fsm.Stale, op(fsm.Get, "counter-0", 0)); a.Err != nil {
			t.Errorf("a stale read at %s: %v", old, a.Err)
		}
		time.Sleep(5 * time.Second)
		from = time.Now()
		if got, err := c.Incr(old, "own", 1); err != nil || got != 2 || time.Since(from) > 50*time.Millisecond {
			t.Errorf("an increment at %s = %d, %v after %v", old, got, err, time.Since(from))
		}
		c.Thaw(old)
		c.WaitFor("strong read at "+old, 2*time.Second, func() bool { _, err := c.Get(old, "counter-0"); return err == nil })
		if now := c.Leader(); now == old {
			t.Errorf("%s leads again", old)
		}
	})
}

// A hang that is over says little of a disk: leadership goes to nodes whose disks hung a moment ago and answer again.
func TestAHangThatIsOverKeepsNoLeaderWhoseDiskHangs(t *testing.T) {
	for _, since := range []time.Duration{400 * time.Millisecond, 1600 * time.Millisecond} {
		t.Run(fmt.Sprintf("since %v", since), func(t *testing.T) {
			underLoad(t, func(t *testing.T, c *Cluster, l *load) {
				for _, host := range others(c.Leader()) {
					c.Stall(host, 2350*time.Millisecond)
					time.Sleep(2350*time.Millisecond + since)
				}
				c.Thaw(freezeLeader(t, c, l, time.Second))
			})
		})
	}
}

func TestAnIdleLeaderWithAFrozenDiskIsReplacedByTheFirstWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		if _, err := c.Incr("n2", "hits", 1); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		leader := c.Leader()
		c.Freeze(leader)
		time.Sleep(time.Minute)
		if now := c.Leader(); now != leader {
			t.Errorf("%s leads after %s, without a write that hangs", now, leader)
		}
		from := time.Now()
		if got, err := c.Incr(others(leader)[0], "hits", 1); err != nil || got != 2 || time.Since(from) > time.Second {
			t.Errorf("INCR = %d, %v after %v", got, err, time.Since(from))
		}
	})
}

func TestADiskThatHangsForHalfAMinuteEndsItsNode(t *testing.T) {
	for _, victim := range []string{"leader", "follower"} {
		t.Run(victim, func(t *testing.T) {
			underLoad(t, func(t *testing.T, c *Cluster, l *load) {
				ended := make(chan string, 1)
				c.Fatal = func(name string, err error) {
					if !strings.Contains(err.Error(), "append to the log: no answer for 30s") {
						t.Errorf("%s ends with %v", name, err)
					}
					ended <- name
				}
				host := c.Leader()
				if victim == "follower" {
					host = others(host)[0]
				}
				c.Freeze(host)
				from := time.Now()
				if name := <-ended; name != host {
					t.Errorf("%s ended itself, but %s is frozen", name, host)
				}
				if took := time.Since(from); took < 30*time.Second || took > 31*time.Second {
					t.Errorf("ended after %v", took)
				}
				c.Crash(host)
				c.Restart(host)
				from = time.Now()
				c.WaitFor("increment at "+host, 5*time.Second, func() bool { return l.countedSince(host, from) })
			})
		})
	}
}

func TestAFrozenFollowerHarmsNobody(t *testing.T) {
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		leader := c.Leader()
		term := c.Node(leader).Local().Term
		host := others(leader)[0]
		c.Freeze(host)
		for range 25 {
			from := time.Now()
			for _, name := range others(host) {
				c.WaitFor("increment at "+name, 200*time.Millisecond, func() bool { return l.countedSince(name, from) })
			}
			if a := c.Do(host, fsm.Stale, op(fsm.Get, "counter-0", 0)); a.Err != nil {
				t.Errorf("a stale read at %s: %v", host, a.Err)
			}
			time.Sleep(time.Second)
		}
		if s := c.Node(leader).Local(); s.Role != fsm.Leader || s.Term != term {
			t.Errorf("%s is %s in term %d, was the leader in %d", leader, s.Role, s.Term, term)
		}
		c.Thaw(host)
		c.WaitFor("strong read at "+host, 2*time.Second, func() bool { _, err := c.Get(host, "counter-0"); return err == nil })
	})
}

// lead hands leadership over until host has it.
func (c *Cluster) lead(host string) {
	c.T.Helper()
	c.WaitFor("leadership of "+host, 10*time.Second, func() bool {
		leader := c.Leader()
		if leader == "" || leader == host {
			return leader == host
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.Node(leader).Transfer(ctx) // to whomever; its error does not matter, we look who leads
		return c.Leader() == host
	})
	c.WaitFor("increment at "+host, time.Second, func() bool { _, err := c.Incr(host, "lead", 1); return err == nil })
}

// A disk that has cost its node the leadership must hang twice as long to do so again, until a minute has passed.
func TestALeadershipLostByAHangDoublesTheLimit(t *testing.T) {
	long(t)
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		for i, row := range []struct {
			wait, hang time.Duration
			lost       bool
		}{
			{0, 1000 * time.Millisecond, true},
			{0, 590 * time.Millisecond, false},
			{0, 1200 * time.Millisecond, true},
			{0, 1190 * time.Millisecond, false},
			{59 * time.Second, 1000 * time.Millisecond, true},
		} {
			time.Sleep(row.wait)
			c.lead("n1")
			term := c.Node("n1").Local().Term
			c.Freeze("n1")
			time.Sleep(row.hang)
			c.Thaw("n1")
			time.Sleep(200 * time.Millisecond)
			if s := c.Node("n1").Local(); (s.Role != fsm.Leader || s.Term != term) != row.lost {
				t.Errorf("hang %d, of %v: n1 is %s in term %d, it led in %d", i, row.hang, s.Role, s.Term, term)
			}
		}
	})
}

func TestAFailedAppendEndsItsNodeAndNobodyElse(t *testing.T) {
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		broken := errors.New("input/output error")
		ended := make(chan string, 1)
		c.Fatal = func(name string, err error) {
			if !errors.Is(err, broken) || !strings.Contains(err.Error(), "append to the log") {
				t.Errorf("%s ends with %v", name, err)
			}
			ended <- name
		}
		host := c.Leader()
		c.FailAppend(host, broken)
		if name := <-ended; name != host {
			t.Errorf("%s ended itself", name)
		}
		c.Crash(host)
		from := time.Now()
		for _, name := range others(host) {
			c.WaitFor("increment at "+name, 2*time.Second, func() bool { return l.countedSince(name, from) })
		}
		c.Restart(host)
		c.WaitFor("increment at "+host, 5*time.Second, func() bool { return l.countedSince(host, from) })
	})
}
