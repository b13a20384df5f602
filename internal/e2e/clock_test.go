//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	mortalLife  = 4 * time.Second
	mortalLate  = 1500 * time.Millisecond // a key may be there so much longer than its life
	mortalEvery = 100 * time.Millisecond
	clockJump   = 300 * time.Second
	strobeEvery = 30 * time.Millisecond
)

// Wall clocks jump by five minutes, forth and back, drift and strobe, at one node and at all: keys live as long as they were told.
func TestWallClocksThatJumpEndNoKeyEarly(t *testing.T) {
	long(t)
	c := newNodes(t, 3)
	clocks := map[*process]string{}
	for _, p := range c {
		clocks[p] = filepath.Join(t.TempDir(), "clock")
		p.flags = append(p.flags, "--debug-clock", clocks[p])
	}
	c.start(t)
	shift := func(p *process, by time.Duration) {
		t.Helper()
		if err := os.WriteFile(clocks[p], fmt.Append(nil, by.Milliseconds()), 0o600); err != nil {
			t.Fatal(err)
		}
		p.wantShift(t, by)
	}
	m := startMortals(t.Context(), c)
	leader := c.leader(t)
	for _, by := range []time.Duration{clockJump, -clockJump, 0} {
		for _, nodes := range []cluster{{leader}, c} {
			for _, p := range nodes {
				shift(p, by)
			}
			waitUntil(t, time.Now().Add(time.Second))
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); pass(strobeEvery) {
		shift(c[rng.IntN(len(c))], time.Duration(rng.Int64N(int64(2*clockJump)))-clockJump)
	}
	for _, p := range c {
		shift(p, clockJump)
	}
	leader.kill(t) // another leads, with a clock of its own
	waitUntil(t, time.Now().Add(2*time.Second))
	leader.start(t)
	c.waitVoters(t)
	m.stop()
	<-m.done
	m.wantLives(t)
}

// wantShift compares what a node takes for the time with ours.
func (p *process) wantShift(t *testing.T, by time.Duration) {
	t.Helper()
	parts, err := redis.Int64s(p.client(t).Do("TIME"))
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Until(time.Unix(parts[0], parts[1]*1000)); (off - by).Abs() > time.Second {
		t.Fatalf("%s: the clock is off by %v, want %v", p.name, off, by)
	}
}

// mortals are keys that end, and when each was there for sure, or missing for sure.
type mortals struct {
	stop      context.CancelFunc
	done      chan struct{}
	made      []mortal
	early     []string
	late      []string
	seenEnded int
}

type mortal struct {
	key             string
	called, granted time.Time
	ended           bool
}

// startMortals makes keys at one node and asks for all of them at each, in turn.
func startMortals(ctx context.Context, c cluster) *mortals {
	ctx, stop := context.WithCancel(ctx)
	m := &mortals{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		for n := 0; ctx.Err() == nil; n++ {
			m.turn(c[n%len(c)], n)
			pass(mortalEvery)
		}
	}()
	return m
}

// turn makes a key and looks after those before. Errors are of nodes that are down, or have no leader: another turn comes.
func (m *mortals) turn(p *process, n int) {
	conn, err := p.dial()
	if err != nil {
		return
	}
	defer conn.Close()
	born := mortal{key: fmt.Sprint("mortal:", n), called: time.Now()}
	if _, err := conn.Do("SET", born.key, 1, "PX", mortalLife.Milliseconds()); err == nil {
		born.granted = time.Now()
		m.made = append(m.made, born)
	}
	for i := range m.made {
		if m.made[i].ended {
			continue
		}
		asked := time.Now()
		_, err := redis.Int64(conn.Do("GET", m.made[i].key))
		told := time.Now()
		switch {
		case err == nil && asked.Sub(m.made[i].granted) > mortalLife+mortalLate:
			m.late = append(m.late, fmt.Sprintf("%s is there %v after it was set", m.made[i].key, asked.Sub(m.made[i].granted)))
		case err == redis.ErrNil:
			m.made[i].ended = true
			m.seenEnded++
			// A leader's clock slides by up to 0.1 % towards the others'.
			if life := told.Sub(m.made[i].called); life < mortalLife-mortalLife/500 {
				m.early = append(m.early, fmt.Sprintf("%s was gone %v after it was set, at %s", m.made[i].key, life, p.name))
			}
		}
	}
}

func (m *mortals) wantLives(t *testing.T) {
	t.Helper()
	t.Logf("%d keys were made, %d seen to end", len(m.made), m.seenEnded)
	if len(m.early) > 0 || len(m.late) > 0 {
		t.Errorf("ended early: %v\nended late: %v", m.early, m.late)
	}
	if m.seenEnded < 30 {
		t.Errorf("only %d keys were seen to end: too few to prove anything", m.seenEnded)
	}
}
