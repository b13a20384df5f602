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
	checkEvery = time.Second     // while nothing is going on
	freshFor   = 4 * time.Second // and no longer it is shown as true; a node that hangs may delay the next for checkEvery + answerTime
	lastTime   = time.Second     // for the last one
)

// check is the comparison of what was acknowledged with the value.
type check struct {
	last    Figures   // of the last one
	made    time.Time // when it began; zero: none has come to its end
	failed  error     // of the latest, if it has failed
	began   time.Time // it, or one that failed since
	able    time.Time // since when enough nodes live to make one; zero: they don't
	running bool
	node    int      // who was asked for the value
	end     *Figures // when the writers have ended; nil: they count
}

// verdict is what came of one.
type verdict struct {
	began   time.Time
	figures Figures
	err     error
}

// checkIfDue begins a comparison each second, and at once if an outcome waits for it.
func (s *stage) checkIfDue() {
	now := time.Now()
	switch {
	case s.alive() < s.needed():
		s.check.able = time.Time{}
		return
	case s.check.able.IsZero():
		s.check.able = now
	}
	due := now.Sub(s.check.began) >= checkEvery
	for _, e := range s.episodes {
		due = due || !e.settled.IsZero()
	}
	if s.check.running || !due {
		return
	}
	s.check.running, s.check.began = true, now
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
	s.check.running, s.check.failed = false, v.err
	if v.err != nil {
		return
	}
	old := s.check.last
	s.check.last, s.check.made = v.figures, v.began
	if v.figures.Lost != old.Lost || v.figures.Doubled != old.Doubled {
		s.screen.tell(mismatchEvent{stamped(typeMismatch), v.figures})
	}
	for _, e := range slices.Clone(s.episodes) {
		if !e.settled.IsZero() && !v.began.Before(e.settled) {
			s.finish(e)
		}
	}
}

// figures are those of the last comparison, without what it has found if the next one is overdue.
func (s *stage) figures(now time.Time) Figures {
	c := &s.check
	switch {
	case c.end != nil:
		return *c.end
	case !c.made.IsZero() && (c.able.IsZero() || now.Sub(c.made) <= freshFor || now.Sub(c.able) <= freshFor):
		return c.last
	}
	why := "no answer yet"
	if c.failed != nil {
		why = c.failed.Error()
	}
	f := s.notCompared(why)
	f.Lost, f.Doubled = Unknown, Unknown
	return f
}

// notCompared is what the last comparison has found, if there is one, beside what clients were told since.
func (s *stage) notCompared(why string) Figures {
	f := s.check.last
	if s.check.made.IsZero() {
		f.Lost, f.Doubled = Unknown, Unknown
	}
	f.NotCompared = why
	s.ledger.sum(&f)
	return f
}

// lastCheck compares when the writers have ended. If that fails, the last figures are older, and say why.
func (s *stage) lastCheck() {
	ctx, cancel := context.WithTimeout(context.Background(), lastTime)
	defer cancel()
	v := verdict{err: errors.New("no majority is alive")}
	if s.alive() >= s.needed() {
		v = s.ledger.compare(ctx, s.nextNode())
	}
	if v.err != nil {
		v.figures = s.notCompared(v.err.Error())
	}
	s.check.end = &v.figures
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
	v.figures.ComparedAt = v.began.UTC().Truncate(time.Millisecond)
	return v
}
