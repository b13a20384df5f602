package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	probeEvery = 5 * time.Millisecond
	writers    = 4 // that go on all the time, at each member that stays
	calm       = 700 * time.Millisecond
	patience   = 60 * time.Second
	writeLimit = 20 * time.Second // for one write: longer than any failover
)

// system is three members that agree on a leader.
type system interface {
	// begin arranges the members and starts nothing.
	begin() ([]*member, error)
	// leads reports whether a member leads.
	leads(ctx context.Context, m *member) bool
	// increment adds one to a key that nobody else uses, at a member, and returns when that is acknowledged.
	increment(ctx context.Context, m *member, key string) error
}

// contest is one system and its figures.
type contest struct {
	name    string
	system  system
	members []*member
	times   []time.Duration
	keys    atomic.Int64
}

// run measures from the members' first start to their end.
func (c *contest) run(ctx context.Context, kills int) (err error) {
	if c.members, err = c.system.begin(); err != nil {
		return err
	}
	defer func() {
		for _, m := range c.members {
			m.kill()
		}
	}()
	for _, m := range c.members {
		if err := m.start(); err != nil {
			return err
		}
	}
	for _, m := range c.members {
		if err := c.until(ctx, func() bool { return c.write(ctx, m) == nil }); err != nil {
			return err
		}
	}
	for range kills {
		if err := c.kill(ctx); err != nil {
			return err
		}
	}
	return nil
}

// kill kills the leader, and brings it back.
func (c *contest) kill(ctx context.Context) error {
	var leader *member
	err := c.until(ctx, func() bool {
		i := slices.IndexFunc(c.members, func(m *member) bool { return c.system.leads(ctx, m) })
		if i >= 0 {
			leader = c.members[i]
		}
		return i >= 0
	})
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(c.members), func(m *member) bool { return m == leader })
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for i := range writers * len(others) {
		all.Go(func() {
			for ctx.Err() == nil {
				_ = c.write(ctx, others[i%len(others)]) // some fail around the kill
			}
		})
	}
	wait(ctx, calm)
	killed := time.Now()
	leader.kill()
	first := make(chan time.Time, 1)
	for n := 0; ; n++ {
		all.Go(func() {
			if c.write(ctx, others[n%len(others)]) == nil {
				select {
				case first <- time.Now():
				default:
				}
			}
		})
		select {
		case at := <-first:
			c.times = append(c.times, at.Sub(killed))
			if err := leader.start(); err != nil {
				return err
			}
			return c.until(ctx, func() bool { return c.write(ctx, leader) == nil })
		case <-time.After(probeEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
		if time.Since(killed) > patience {
			return errors.New("no write is acknowledged any more")
		}
	}
}

func (c *contest) write(ctx context.Context, m *member) error {
	ctx, cancel := context.WithTimeout(ctx, writeLimit)
	defer cancel()
	return c.system.increment(ctx, m, "failover:"+strconv.FormatInt(c.keys.Add(1), 10))
}

func (c *contest) until(ctx context.Context, condition func() bool) error {
	for deadline := time.Now().Add(patience); !condition(); wait(ctx, 20*time.Millisecond) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the members are not ready within %v", patience)
		}
	}
	return nil
}

// String is the row of the table.
func (c *contest) String() string {
	sorted := slices.Sorted(slices.Values(c.times))
	if len(sorted) == 0 {
		return c.name + ": nothing measured"
	}
	at := func(q float64) time.Duration {
		return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(time.Millisecond)
	}
	return fmt.Sprintf("%-40s %d kills: median %v, p90 %v, longest %v", c.name, len(sorted), at(0.5), at(0.9), at(1))
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
