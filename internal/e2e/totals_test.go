//go:build e2e

package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// leases are what the tests of instances promise to their clients.
const (
	shortLease = 3 * time.Second // the shortest dead-instance-threshold
	deathDelay = 3 * time.Second // how much longer a dead instance counts, at most, where there was no outage
	beatEvery  = 300 * time.Millisecond
	// rebirth is what an outage adds to a lease: the lease clock stands still behind it (fsm/leaseclock.go).
	rebirth = 5 * time.Second
)

var shortLeases = []string{"--dead-instance-threshold", shortLease.String()}

// waitUntil is for times that are part of what is promised.
func waitUntil(t *testing.T, moment time.Time) {
	t.Helper()
	eventually(t, "a moment has come", func() error {
		if left := time.Until(moment); left > 0 {
			return fmt.Errorf("in %v", left)
		}
		return nil
	})
}

// vigil asks nodes for the total of an instance counter again and again, a connection each, and reads in a way that is no
// sign of life of anybody. A node that is down is asked again; only answers count.
type vigil struct {
	key   string
	level string // of the reads: STALE or STRONG
	want  int64

	stop    chan struct{}
	once    sync.Once // closes stop
	running sync.WaitGroup
	mu      sync.Mutex
	seen    map[string]int       // how often a node said want
	left    map[string]time.Time // when it first said that nothing is left
	wrong   map[string]int       // other answers, and how often
}

func (c cluster) watch(t *testing.T, key, level string, want int64) *vigil {
	t.Helper()
	v := &vigil{key: key, level: level, want: want, stop: make(chan struct{}),
		seen: map[string]int{}, left: map[string]time.Time{}, wrong: map[string]int{}}
	for _, p := range c {
		v.running.Go(func() { v.ask(p) })
	}
	t.Cleanup(v.end)
	return v
}

func (v *vigil) ask(p *process) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var conn redis.Conn
	for {
		select {
		case <-v.stop:
			if conn != nil {
				conn.Close()
			}
			return
		case <-tick.C:
		}
		if conn == nil || conn.Err() != nil {
			var err error
			if conn, err = p.dial(); err != nil {
				conn = nil
				continue
			}
			conn.Do("CONSISTENCY", v.level) // if it fails, so does the next
		}
		answer, err := redis.Int64s(conn.Do("IC.GET", v.key))
		if err != nil {
			continue
		}
		v.note(p, answer[0])
	}
}

func (v *vigil) note(p *process, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case !v.left[p.name].IsZero(): // and nobody comes back
		if total != 0 {
			v.wrong[fmt.Sprintf("%s said %d behind 0", p.name, total)]++
		}
	case total == v.want:
		v.seen[p.name]++
	case v.seen[p.name] == 0 && total == 0: // it has not come there yet
	case total == 0:
		v.left[p.name] = time.Now()
	default:
		v.wrong[fmt.Sprintf("%s said %d", p.name, total)]++
	}
}

// end stops asking; it may be called again.
func (v *vigil) end() {
	v.once.Do(func() { close(v.stop) })
	v.running.Wait()
}

// wantKept ends the vigil and wants nothing but want, of every node.
func (v *vigil) wantKept(t *testing.T, nodes int) {
	t.Helper()
	v.end()
	for name, at := range v.left {
		t.Errorf("%s lost all of %s at %v", name, v.key, at)
	}
	v.wantNothingElse(t, nodes)
}

// wantLeft wants the total to be zero at all of the nodes, by some moment and not before another.
func (v *vigil) wantLeft(t *testing.T, nodes int, earliest, latest time.Time) {
	t.Helper()
	within(t, time.Until(latest), v.key+" is left by the dead", func() error {
		v.mu.Lock()
		defer v.mu.Unlock()
		if len(v.left) < nodes {
			return fmt.Errorf("at %d of %d nodes", len(v.left), nodes)
		}
		return nil
	})
	v.end()
	for name, at := range v.left {
		if at.Before(earliest) {
			t.Errorf("%s: %s ended it %v too early", v.key, name, earliest.Sub(at))
		}
	}
	v.wantNothingElse(t, nodes)
}

func (v *vigil) wantNothingElse(t *testing.T, nodes int) {
	t.Helper()
	if len(v.seen) != nodes {
		t.Errorf("%s: %d was seen at %d nodes, want %d", v.key, v.want, len(v.seen), nodes)
	}
	for text, n := range v.wrong {
		t.Errorf("%s: %d times %s, want %d", v.key, n, text, v.want)
	}
}
