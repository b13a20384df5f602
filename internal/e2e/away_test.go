//go:build e2e

package e2e

import (
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	awayKeys = 200_000 // with -pause, as many as that says

	// What the others write while a node is away: so much that images are due, in more entries than are kept behind them.
	awayWriters  = 8
	awayText     = 450   // bytes
	awayTrailing = 10240 // entries that are kept behind an image
	awayLimit    = 3 * time.Minute
)

// A node that was away for so long that the log it needs is cut gets the leader's image, and the log behind that.
func TestANodeThatWasAwayInstallsAnImage(t *testing.T) {
	long(t)
	c := newCluster(t, 3)
	keys := max(awayKeys, *pauseKeys)
	c.loadCounters(t, keys)
	away := c.without(c.leader(t))[0]
	away.flags = append(away.flags, "--log-level", "debug") // raft says there what it installs
	away.kill(t)
	last, err := c.leader(t).status()
	if err != nil {
		t.Fatal(err)
	}
	others := c.without(away)
	others.writeTexts(t, func() bool { return others.haveCut(t, last.AppliedIndex) })

	from := time.Now()
	away.start(t)
	within(t, awayLimit, away.name+" has installed an image", func() error {
		if !strings.Contains(away.output.String(), "Installed remote snapshot") {
			return errors.New("it has not said so")
		}
		return nil
	})
	installed := time.Since(from)
	c.waitWhole(t)
	t.Logf("%d counters: installed in %v, whole after %v", keys, installed.Round(time.Millisecond), time.Since(from).Round(time.Millisecond))
	c.wantCounters(t, keys)
	l := startLoad(t, "after", 1, away)
	l.waitAcked(t, 100)
	l.end()
	l.wantNoErrors(t)
}

// haveCut reports whether each node has written an image so far behind an index that what comes after that is cut.
func (c cluster) haveCut(t *testing.T, index uint64) bool {
	far := map[string]bool{}
	for _, w := range c.images(t, time.Time{}) {
		if w.index > index+awayTrailing {
			far[w.node] = true
		}
	}
	return len(far) == len(c) // either may lead when the third comes back
}

// writeTexts overwrites a few texts until enough says so.
func (c cluster) writeTexts(t *testing.T, enough func() bool) {
	t.Helper()
	text := make([]byte, awayText)
	var stop atomic.Bool
	var running sync.WaitGroup
	for i := range awayWriters {
		conn := c[i%len(c)].client(t)
		running.Go(func() {
			for !stop.Load() {
				if _, err := conn.Do("SET", "text:"+string(rune('a'+i)), text); err != nil {
					t.Errorf("SET: %v", err)
					return
				}
			}
		})
	}
	defer running.Wait()
	defer stop.Store(true)
	within(t, awayLimit, "the others have written an image", func() error {
		if !enough() {
			return errors.New("not yet")
		}
		return nil
	})
}

// wantCounters reads, at every node, how many keys there are and some counters that loadCounters has set.
func (c cluster) wantCounters(t *testing.T, n int) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for _, p := range c {
		conn := p.client(t)
		if size, err := redis.Int(conn.Do("DBSIZE")); err != nil || size != n+awayWriters {
			t.Errorf("DBSIZE at %s: %d, %v, want %d", p.name, size, err, n+awayWriters)
		}
		for range 1000 {
			key := counterName(nil, rnd.Uint64N(uint64(n)))
			if got, err := redis.Int64(conn.Do("GET", key)); err != nil || got != 1 {
				t.Fatalf("GET %s at %s: %d, %v, want 1", key, p.name, got, err)
			}
		}
	}
}
