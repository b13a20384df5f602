package memnet

// Counts are what befell segments on their way and connections, since the Network was made: the proof that a fault acted.
type Counts struct {
	Sent      int // segments, without the held ones
	Held      int // segments that met a cut, on their way or when they were sent
	Hung      int // dials that met a cut, once for each time that they looked
	Delayed   int // segments that a Link's latency was added to
	Lost      int // segments and dials, once for each time
	Slowed    int // segments that had to fit a Link's Rate
	Corrupted int // segments
	Broken    int // connections that Break reset
	GaveUp    int // connections that were reset because a segment was lost too often
}

// Counts are those of the way from one host to another; an empty name stands for any host.
func (n *Network) Counts(from, to string) (total Counts) {
	from, to = hostOf(from), hostOf(to)
	n.mu.Lock()
	defer n.mu.Unlock()
	for way, c := range n.counts {
		if (from == "" || from == way.from) && (to == "" || to == way.to) {
			total.add(c)
		}
	}
	return total
}

// Since is what has been counted since earlier Counts of the same way.
func (c Counts) Since(earlier Counts) Counts {
	return Counts{c.Sent - earlier.Sent, c.Held - earlier.Held, c.Hung - earlier.Hung, c.Delayed - earlier.Delayed,
		c.Lost - earlier.Lost, c.Slowed - earlier.Slowed, c.Corrupted - earlier.Corrupted, c.Broken - earlier.Broken,
		c.GaveUp - earlier.GaveUp}
}

func (c *Counts) add(more *Counts) {
	c.Sent += more.Sent
	c.Held += more.Held
	c.Hung += more.Hung
	c.Delayed += more.Delayed
	c.Lost += more.Lost
	c.Slowed += more.Slowed
	c.Corrupted += more.Corrupted
	c.Broken += more.Broken
	c.GaveUp += more.GaveUp
}

// countsLocked are the counts of a way, to be raised.
func (n *Network) countsLocked(from, to string) *Counts {
	way := path{from, to}
	c := n.counts[way]
	if c == nil {
		c = &Counts{}
		n.counts[way] = c
	}
	return c
}
