package sim

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestThreeNodesCountThroughAnyOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 1)
		defer c.Stop()
		c.StartThree()
		want := int64(0)
		for range 30 {
			for _, name := range []string{"n1", "n2", "n3"} {
				want++
				if got, err := c.Incr(name, "hits", 1); err != nil || got != want {
					t.Fatalf("INCR at %s = %d, %v; want %d", name, got, err, want)
				}
			}
		}
		for _, name := range []string{"n1", "n2", "n3"} {
			if got, err := c.Get(name, "hits"); err != nil || got != want {
				t.Fatalf("GET at %s = %d, %v; want %d", name, got, err, want)
			}
		}
	})
}

func TestARequestOfNothingIsAnsweredAsAppliedAtEveryNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 3)
		defer c.Stop()
		c.StartThree()
		last := uint64(0)
		for _, name := range []string{"n1", "n2", "n3", "n1"} {
			a := c.Speak(name)
			if a.Err != nil || len(a.Results) != 0 || a.Index <= last {
				t.Fatalf("%s: %+v, after one at index %d", name, a, last)
			}
			last = a.Index
			if got, err := c.Incr(name, "hits", 1); err != nil {
				t.Fatalf("INCR behind it = %d, %v", got, err)
			}
		}
	})
}

func TestALeaderDiesAndNobodyNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t, 2)
		defer c.Stop()
		c.StartThree()
		total := int64(0)
		for range 10 {
			leader := c.Leader()
			var others []string
			for _, name := range c.Names() {
				if name != leader {
					others = append(others, name)
				}
			}
			c.Crash(leader)
			from := time.Now()
			for i := range 20 {
				total++
				if got, err := c.Incr(others[i%2], "hits", 1); err != nil || got != total {
					t.Fatalf("INCR at %s after the crash of %s = %d, %v; want %d", others[i%2], leader, got, err, total)
				}
				if i == 0 {
					t.Logf("first answer after %v", time.Since(from))
				}
			}
			c.Restart(leader)
			c.WaitFor("return of "+leader, 5*time.Second, func() bool {
				got, err := c.Get(leader, "hits")
				return err == nil && got == total
			})
		}
	})
}

func TestRealStoresKeepTheCountThroughRestartsOfAll(t *testing.T) {
	for _, kind := range []string{"wal", "bolt"} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { restartAllOnFiles(t, kind) })
		})
	}
}

func restartAllOnFiles(t *testing.T, kind string) {
	c := New(t, 10)
	defer c.Stop()
	c.Files, c.LogStore = t.TempDir(), kind
	c.Snapshots.Entries, c.Snapshots.Every = 30, 100*time.Millisecond
	c.StartThree()
	total := int64(0)
	for range 4 {
		for range 50 {
			total++
			if got, err := c.Incr(hosts[total%3], "hits", 1); err != nil || got != total {
				t.Fatalf("INCR = %d, %v; want %d", got, err, total)
			}
		}
		c.RestartAll()
		c.WaitFor("the count", 10*time.Second, func() bool { got, err := c.Get("n3", "hits"); return err == nil && got == total })
	}
}
