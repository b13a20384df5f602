package sim

import "time"

// wall is how far a host's wall clock is from the others'. Only wall clocks can be wrong here: what a process measures of
// time that passes is the bubble's.
type wall struct {
	skew   time.Duration // at since
	ppm    int64
	since  time.Time     // when the drift began
	jump   time.Duration // of a strobe
	period time.Duration
}

func (w wall) at(now time.Time) time.Time {
	by := w.steady(now)
	if w.period > 0 && now.UnixNano()/int64(w.period)%2 == 1 {
		by += w.jump
	}
	return now.Add(by)
}

// steady is the distance without the strobe.
func (w wall) steady(now time.Time) time.Duration {
	return w.skew + time.Duration(float64(now.Sub(w.since))*float64(w.ppm)/1e6)
}

// Skew sets a host's wall clock apart from the others', and ends what Drift and Strobe have begun.
func (c *Cluster) Skew(name string, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts[name].wall = wall{skew: by}
}

// Drift makes a host's wall clock run fast by so many millionths from now on, or slow.
func (c *Cluster) Drift(name string, ppm int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, now := c.hosts[name], time.Now()
	h.wall.skew, h.wall.ppm, h.wall.since = h.wall.steady(now), ppm, now
}

// Strobe makes a host's wall clock jump forth, and back, each time a period has passed; 0 ends that.
func (c *Cluster) Strobe(name string, jump, period time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hosts[name]
	h.wall.jump, h.wall.period = jump, period
}

func (c *Cluster) wallOf(h *Host) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return h.wall.at(time.Now())
}
