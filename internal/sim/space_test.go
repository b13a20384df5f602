package sim

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// Of the 100 GiB of a disk 1 GiB must be free.
const (
	enough = 2 << 30
	low    = 900 << 20
	tight  = 400 << 20
	almost = 1040 << 20 // above the mark, but not by 10 %
)

// readsGoOn fails the test if a node does not answer a strong read, or a stale one.
func readsGoOn(t *testing.T, c *Cluster) {
	t.Helper()
	for _, name := range hosts {
		for _, level := range []fsm.Level{fsm.Strong, fsm.Stale} {
			if a := c.Do(name, level, op(fsm.Get, "counter-0", 0)); a.Err != nil {
				t.Errorf("read at %s, level %d: %v", name, level, a.Err)
			}
		}
	}
}

// refusedAt waits until a write at the node is refused for want of space, at once and by name.
func refusedAt(t *testing.T, c *Cluster, name string) {
	t.Helper()
	c.WaitFor("refusal at "+name, 5*time.Second, func() bool {
		from := time.Now()
		_, err := c.Incr(name, "refused", 1)
		return errors.Is(err, fsm.ErrNoSpace) && errors.Is(err, fsm.ErrNotApplied) && time.Since(from) < 100*time.Millisecond
	})
}

func countsAt(t *testing.T, c *Cluster, l *load, names ...string) {
	t.Helper()
	from := time.Now()
	for _, name := range names {
		c.WaitFor("increment at "+name, 4*time.Second, func() bool { return l.countedSince(name, from) })
	}
}

func TestANodeThatStartsOnALowDiskAnswersReadsOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.Start("n1", true)
		c.WaitFor("increment", 5*time.Second, func() bool { _, err := c.Incr("n1", "hits", 1); return err == nil })
		c.SetFree("n1", tight)
		c.Crash("n1")
		c.Restart("n1")
		if _, err := c.Incr("n1", "hits", 1); !errors.Is(err, fsm.ErrNoSpace) {
			t.Errorf("a write in the first moment: %v", err)
		}
		c.WaitFor("read", 5*time.Second, func() bool { got, err := c.Get("n1", "hits"); return err == nil && got == 1 })
		c.SetFree("n1", enough)
		time.Sleep(2 * time.Second)
		if got, err := c.Incr("n1", "hits", 1); err != nil || got != 2 {
			t.Errorf("INCR = %d, %v with space again", got, err)
		}
	})
}

func TestALowDiskGivesLeadershipAwayAndRefusesItsClientsWrites(t *testing.T) {
	long(t)
	for _, free := range []uint64{low, tight} {
		underLoad(t, func(t *testing.T, c *Cluster, l *load) {
			poor := c.Leader()
			c.SetFree(poor, free)
			refusedAt(t, c, poor)
			c.WaitFor("another leader", 3*time.Second, func() bool { now := c.Leader(); return now != "" && now != poor })
			countsAt(t, c, l, others(poor)...)
			for _, name := range others(poor) {
				if n := l.refusals(name); n > 0 {
					t.Errorf("%d writes were refused at %s, which has space", n, name)
				}
			}
			if free == low {
				readsGoOn(t, c)
			} else if a := c.Do(poor, fsm.Stale, op(fsm.Get, "counter-0", 0)); a.Err != nil {
				t.Errorf("a stale read at %s: %v", poor, a.Err)
			}
			status := make(chan fsm.Status)
			c.Node(others(poor)[0]).Describe(func(s fsm.Status) { status <- s })
			for _, m := range (<-status).Members {
				if m.LowDisk == nil || *m.LowDisk != (m.ID == poor) {
					t.Errorf("%s has a low disk: %v", m.ID, m.LowDisk)
				}
			}
			if s := c.Node(poor).Local(); !s.DiskLow || s.DiskFree == nil || *s.DiskFree != free {
				t.Errorf("%s says of itself %+v", poor, s)
			}
			c.SetFree(poor, almost)
			time.Sleep(3 * time.Second)
			refusedAt(t, c, poor)
			c.SetFree(poor, enough)
			c.WaitFor("increment at "+poor, 15*time.Second, func() bool { _, err := c.Incr(poor, "refused", 1); return err == nil })
			time.Sleep(15 * time.Second) // the longest interval at which raft sends again what was not taken
			readsGoOn(t, c)
		})
	}
}

// Without the time to stop the writes there are Entries in the log that tight disks don't take. All goes on when they do.
func TestDisksThatAreTightAllOfASuddenGoOnAfterwards(t *testing.T) {
	underLoad(t, func(t *testing.T, c *Cluster, l *load) {
		for _, name := range hosts {
			c.SetFree(name, tight)
		}
		for range 20 {
			time.Sleep(time.Second)
			for _, name := range hosts {
				if a := c.Do(name, fsm.Stale, op(fsm.Get, "counter-0", 0)); a.Err != nil {
					t.Errorf("a stale read at %s: %v", name, a.Err)
				}
			}
		}
		for _, name := range hosts {
			c.SetFree(name, enough)
		}
		time.Sleep(15 * time.Second) // the longest interval at which raft sends again what was not taken
		countsAt(t, c, l, hosts...)
	})
}

func TestTooManyLowDisksStopTheWritesAndNothingElse(t *testing.T) {
	long(t)
	for name, row := range map[string]struct {
		many int    // of the three, the leader first
		free uint64 // in the end, below what stops the writes
	}{
		"two are low": {2, low}, "all are low": {3, low}, "two are tight": {2, tight}, "all are tight": {3, tight},
	} {
		t.Run(name, func(t *testing.T) {
			underLoad(t, func(t *testing.T, c *Cluster, l *load) {
				poor := append([]string{c.Leader()}, others(c.Leader())...)[:row.many]
				for _, free := range []uint64{low, row.free} {
					for _, name := range poor {
						c.SetFree(name, free)
					}
					for _, name := range hosts {
						refusedAt(t, c, name)
					}
					time.Sleep(5 * time.Second)
				}
				term, index := c.Node("n1").Local().Term, c.Node("n1").Local().CommitIndex
				for range 10 {
					readsGoOn(t, c)
					for _, name := range hosts {
						refusedAt(t, c, name)
					}
					time.Sleep(time.Second)
				}
				if s := c.Node("n1").Local(); s.Term != term || s.CommitIndex > index+5 {
					t.Errorf("term %d and %d entries, were %d and %d", s.Term, s.CommitIndex, term, index)
				}
				// Elections go on, too.
				leader := c.Leader()
				c.Crash(leader)
				c.WaitFor("strong read without "+leader, 3*time.Second, func() bool { _, err := c.Get(others(leader)[0], "counter-0"); return err == nil })
				c.Restart(leader)
				c.WaitFor("strong read at "+leader, 3*time.Second, func() bool { _, err := c.Get(leader, "counter-0"); return err == nil })
				for _, name := range hosts {
					c.SetFree(name, enough)
				}
				time.Sleep(3 * time.Second)
				countsAt(t, c, l, hosts...)
			})
		})
	}
}

// The clients of a node with space must not depose one leader after another that can't take their writes.
func TestTightDisksOfAllVotersLeaveTheLeaderInPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		c.StartNonvoter("n4")
		c.Join("n4", "n1")
		c.WaitFor("increment", 5*time.Second, func() bool { _, err := c.Incr("n4", "counter-0", 1); return err == nil })
		for _, name := range hosts {
			c.SetFree(name, tight)
		}
		time.Sleep(time.Second)
		terms, ended := c.Node("n4").Local().Term, time.Now().Add(30*time.Second)
		for time.Now().Before(ended) {
			if _, err := c.Incr("n4", "counter-0", 1); err == nil {
				t.Error("a write was taken")
			}
			time.Sleep(time.Millisecond)
		}
		if now := c.Node("n4").Local().Term; now > terms+2 {
			t.Errorf("%d elections in 30 s", now-terms)
		}
		refusedAt(t, c, "n4")
		readsGoOn(t, c)
	})
}

// Raft takes no Entry while it brings the heir up to date: one whose log takes nothing must never be chosen.
func TestLeadershipIsNotHandedToWhoCanNotTakeIt(t *testing.T) {
	for trouble, begin := range map[string]func(*Cluster){
		"a full disk":   func(c *Cluster) { c.SetFree("n3", tight) },
		"a frozen disk": func(c *Cluster) { c.Freeze("n3") },
	} {
		t.Run(trouble, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(t, 61)
				defer c.Stop()
				c.StartThree()
				load := c.startCounting(4, "n1", "n2")
				begin(c)
				time.Sleep(3 * time.Second)
				err := c.transfer("n2", "n3")
				if !errors.Is(err, fsm.ErrRefused) {
					t.Errorf("transfer to a node with %s: %v", trouble, err)
				}
				leader := c.Leader()
				if err := c.transfer("n2", ""); err != nil {
					t.Errorf("transfer to any other: %v", err)
				}
				c.WaitFor("another leader", time.Second, func() bool { l := c.Leader(); return l != leader && l != "n3" && l != "" })
				load.want()
			})
		})
	}
}
