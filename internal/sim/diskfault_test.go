package sim

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/cluster"
)

var errDisk = errors.New("input/output error")

// entries are from first to last, as raft stores them.
func entries(first, last uint64) (logs []*raft.Log) {
	for i := first; i <= last; i++ {
		logs = append(logs, &raft.Log{Index: i, Term: 1, Data: []byte{byte(i)}})
	}
	return logs
}

// A write that a crash cuts short is there or not; of appended entries, the first ones are. Each way must occur.
func TestACrashKeepsOrLosesWhatIsBeingWritten(t *testing.T) {
	var kept [4]int // entries
	values, images, cuts := map[bool]int{}, map[bool]int{}, map[bool]int{}
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			d := newDisk(rand.New(rand.NewPCG(seed, 0)), time.Millisecond)
			if err := d.StoreLogs(entries(1, 5)); err != nil {
				t.Fatal(err)
			}
			sink, err := snapshotStore{d}.Create(1, 4, 1, raft.Configuration{}, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			go func() { _ = d.StoreLogs(entries(6, 8)) }()
			go func() { _ = d.Set([]byte("vote"), []byte("n1")) }()
			go func() { _ = d.DeleteRange(1, 2) }()
			go func() { _ = sink.Close() }()
			synctest.Wait() // none has returned
			c := d.crash()
			last, _ := c.LastIndex()
			first, _ := c.FirstIndex()
			_, err = c.Get([]byte("vote"))
			kept[last-5]++
			values[err == nil]++
			images[len(c.snapshots) == 1]++
			cuts[first == 3]++
			time.Sleep(time.Second)
		})
	}
	for n, times := range kept {
		if times == 0 {
			t.Errorf("no crash has kept %d of three entries", n)
		}
	}
	for what, seen := range map[string]map[bool]int{"value": values, "image": images, "cut of the log": cuts} {
		if len(seen) != 2 {
			t.Errorf("of 60 crashes, %d have kept the %s", seen[true], what)
		}
	}
}

func TestWhatFollowsAFailedSyncIsGoneAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(rand.New(rand.NewPCG(1, 0)), time.Millisecond)
		_ = d.StoreLogs(entries(1, 5))
		d.failing[Sync] = errDisk
		if err := d.StoreLogs(entries(6, 6)); !errors.Is(err, errDisk) {
			t.Errorf("a failed sync: %v", err)
		}
		if err := d.StoreLogs(entries(6, 7)); err != nil {
			t.Errorf("the second try: %v; it must seem to be well", err)
		}
		if last, _ := d.LastIndex(); last != 7 {
			t.Errorf("the log ends with %d", last)
		}
		if last, _ := d.crash().LastIndex(); last != 5 {
			t.Errorf("after the crash the log ends with %d", last)
		}
	})
}

// underFault starts three nodes, counts, does something to one, and counts on until the fault has ended that node. Then it
// starts again, and all that was acknowledged is there.
func underFault(t *testing.T, ends string, fault func(c *Cluster, leader string) (victim string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		var ending sync.Mutex // guards ended
		ended := map[string]error{}
		c.Fatal = func(name string, err error) {
			ending.Lock()
			defer ending.Unlock()
			ended[name] = err
		}
		c.StartThree()
		for range 20 {
			c.Incr("n1", "hits", 1)
		}
		victim := fault(c, c.Leader())
		acked := int64(20)
		for range 50 {
			if _, err := c.Incr(others(victim)[0], "hits", 1); err == nil {
				acked++
			}
			time.Sleep(20 * time.Millisecond)
		}
		ending.Lock()
		all := maps.Clone(ended)
		ending.Unlock()
		if err := all[victim]; err == nil || !strings.Contains(err.Error(), ends) || len(all) != 1 {
			t.Fatalf("%s should have ended with %q; ended: %v", victim, ends, all)
		}
		if c.Failed(victim) != 1 {
			t.Errorf("%d accesses failed", c.Failed(victim))
		}
		c.Crash(victim)
		c.Restart(victim)
		c.WaitFor("strong read at "+victim, 10*time.Second, func() bool {
			got, err := c.Get(victim, "hits")
			if err == nil && got < acked {
				t.Fatalf("%d were acknowledged, %s knows %d", acked, victim, got)
			}
			return err == nil
		})
	})
}

func TestAnAccessThatFailsEndsItsNodeInWordsAndNobodyElse(t *testing.T) {
	leader := func(_ *Cluster, leader string) string { return leader }
	follower := func(_ *Cluster, leader string) string { return others(leader)[0] }
	for name, it := range map[string]struct {
		what   Access
		victim func(*Cluster, string) string
		ends   string
	}{
		"append of a leader":       {Append, leader, "cannot append to the log: input/output error"},
		"append of a follower":     {Append, follower, "cannot append to the log: input/output error"},
		"sync of a leader":         {Sync, leader, "cannot append to the log: input/output error"},
		"sync of a follower":       {Sync, follower, "cannot append to the log: input/output error"},
		"vote":                     {StoreValue, follower, "cannot store"},
		"entry read by a follower": {ReadEntry, follower, "can't be read: input/output error"},
	} {
		t.Run(name, func(t *testing.T) {
			underFault(t, it.ends, func(c *Cluster, now string) string {
				victim := it.victim(c, now)
				c.Fail(victim, it.what, errDisk)
				switch it.what {
				case StoreValue:
					c.Crash(now) // there is a vote
					c.Restart(now)
				case ReadEntry:
					c.Net.Isolate(victim) // it must catch up, from what is no longer in memory
					for range 20 {
						c.Incr(others(victim)[0], "behind", 1)
					}
					c.Net.Heal()
				}
				return victim
			})
		})
	}
}

// What failed while an image was made or read is tried again: the log has it all.
func TestAnImageThatFailsIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.Snapshots = cluster.SnapshotPolicy{Entries: 20, Every: 100 * time.Millisecond, Trailing: 20}
		c.StartThree()
		c.Fail("n2", StoreImage, errDisk)
		for range 400 { // it waits for half a minute
			if _, err := c.Incr("n2", "hits", 1); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if c.Failed("n2") != 1 {
			t.Error("no image has failed")
		}
		metas, _ := snapshotStore{c.disk("n2")}.List()
		if len(metas) == 0 {
			t.Error("no image was made after that")
		}
	})
}

func TestADamagedEntryIsRefusedLoudly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		for range 20 {
			c.Incr("n2", "hits", 1)
		}
		index := c.Damage("n2")
		if index == 0 {
			t.Fatal("nothing to damage")
		}
		c.Crash("n2")
		if _, err := c.open("n2", Host{}); err == nil || !strings.Contains(err.Error(), "does not match its checksum") {
			t.Errorf("with entry %d damaged, it starts: %v", index, err)
		}
		c.Crash("n2") // frees the port
	})
}

func TestAStalledDiskGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(rand.New(rand.NewPCG(1, 0)), time.Millisecond)
		c := &Cluster{T: t, hosts: map[string]*Host{"n1": {disk: d}}}
		c.Stall("n1", time.Second)
		start := time.Now()
		if err := d.Set([]byte("vote"), []byte("n2")); err != nil || time.Since(start) != time.Second {
			t.Errorf("Set = %v after %v", err, time.Since(start))
		}
		if value, err := d.Get([]byte("vote")); err != nil || !bytes.Equal(value, []byte("n2")) {
			t.Errorf("Get = %q, %v", value, err)
		}
	})
}

func TestWallClocksJumpDriftAndStrobe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Host{}
		c := &Cluster{hosts: map[string]*Host{"n1": h}}
		off := func() time.Duration { return time.Until(c.wallOf(h)) }
		expect := func(want time.Duration) {
			t.Helper()
			if got := off(); got != want {
				t.Errorf("the wall clock is off by %v, want %v", got, want)
			}
		}
		c.Skew("n1", -time.Minute)
		c.Drift("n1", 500)
		time.Sleep(1000 * time.Second)
		expect(-time.Minute + 500*time.Millisecond)
		c.Drift("n1", -1000)
		time.Sleep(1000 * time.Second)
		expect(-time.Minute - 500*time.Millisecond)
		c.Skew("n1", 0)
		c.Strobe("n1", time.Hour, time.Second)
		seen := map[time.Duration]int{}
		for range 10 {
			seen[off()]++
			time.Sleep(time.Second)
		}
		if seen[0] != 5 || seen[time.Hour] != 5 {
			t.Errorf("a strobe of an hour: %v", seen)
		}
		c.Strobe("n1", 0, 0)
		expect(0)
	})
}
