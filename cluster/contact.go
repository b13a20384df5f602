package cluster

import (
	"sync"
	"time"
)

// contact is since when this node has had no ready leader: one that raft names and that answers. It decides how long
// those who wait may hope.
type contact struct {
	mu     sync.Mutex
	lostAt time.Time // zero: there is a ready leader
}

func (c *contact) ok() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lostAt = time.Time{}
}

func (c *contact) failed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lostAt.IsZero() {
		c.lostAt = time.Now()
	}
}

// lost is since when there has been no ready leader; zero if there is one.
func (c *contact) lost() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lostAt
}

// hopeless reports whether who has waited since then has waited long enough.
func (c *contact) hopeless(since, now time.Time) bool {
	lost := c.lost()
	return now.Sub(since) >= holdTime || !lost.IsZero() && now.Sub(lost) >= holdTime
}
