package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	checkEvery = time.Second // while nothing is going on
	lastTime   = time.Second // for the last one
)

// check is the comparison of what was acknowledged with the value.
type check struct {
	figures Figures   // of the last one
	began   time.Time // it, or one that failed since
	running bool
	node    int  // who was asked for the value
	stale   bool // the figures are of before the end
}

// verdict is what came of one.
type verdict struct {
	began   time.Time
	figures Figures
	err     error
}

// checkIfDue begins a comparison each second, and at once if an outcome waits for it.
func (s *stage) checkIfDue() {
	due := time.Since(s.check.began) >= checkEvery
	for _, e := range s.episodes {
		due = due || !e.settled.IsZero()
	}
	if s.check.running || !due || s.alive() < s.needed() {
		return
	}
	s.check.running, s.check.began = true, time.Now()
	addr := s.nextNode()
	go func() { s.verdicts <- s.ledger.compare(context.Background(), addr) }()
}

// nextNode is the address of one node after the other: a strong read is the same at each.
func (s *stage) nextNode() string {
	for range s.nodes {
		s.check.node = (s.check.node + 1) % len(s.nodes)
		if s.nodes[s.check.node].alive && s.nodes[s.check.node].open.Load() {
			break
		}
	}
	return s.nodes[s.check.node].addr
}

// judged takes a comparison, and ends the episodes that it was made for.
func (s *stage) judged(v verdict) {
	s.check.running = false
	if v.err != nil {
		return
	}
	old := s.check.figures
	s.check.figures = v.figures
	if v.figures.Lost != old.Lost || v.figures.Doubled != old.Doubled {
		s.screen.tell(mismatchEvent{stamped(typeMismatch), v.figures})
	}
	for _, e := range slices.Clone(s.episodes) {
		if !e.settled.IsZero() && !v.began.Before(e.settled) {
			s.finish(e)
		}
	}
}

// lastCheck compares when the writers have ended.
func (s *stage) lastCheck() {
	ctx, cancel := context.WithTimeout(context.Background(), lastTime)
	defer cancel()
	v := verdict{err: errors.New("no majority")}
	if s.alive() >= s.needed() {
		v = s.ledger.compare(ctx, s.nextNode())
	}
	if v.err == nil {
		s.check.figures = v.figures
		return
	}
	s.check.stale = true
	s.check.figures.Acknowledged = s.ledger.acknowledged()
}

// compare reads the value strongly at a node and compares it with what clients were told.
func (l *ledger) compare(ctx context.Context, addr string) verdict {
	v := verdict{began: time.Now()}
	link, err := dial(ctx, addr)
	if err != nil {
		v.err = err
		return v
	}
	defer link.close()
	before := l.snapshot()
	value, err := redis.Int64(link.ask(ctx, "GET", Key))
	if err != nil && !errors.Is(err, redis.ErrNil) {
		v.err = fmt.Errorf("GET %s at %s: %w", Key, addr, err)
		return v
	}
	v.figures = judge(before, l.snapshot(), value)
	return v
}
