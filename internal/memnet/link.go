package memnet

import (
	"fmt"
	"syscall"
	"time"
)

// Link is what befalls one direction between two hosts, besides cuts. The zero Link is a good one. A duplicated packet has no
// place here: TCP drops it, so nobody who reads a stream can see it.
type Link struct {
	Lo, Hi  time.Duration // drawn evenly and added to Delay's; connections overtake each other, a connection's segments don't
	Loss    float64       // chance that a segment is lost; it is sent again after 200 ms, 400 ms …, and all behind it wait
	Rate    int           // bytes a second, of all connections together, first come first served; 0: no bound
	Corrupt float64       // chance that a segment of data arrives with one flipped bit, as it would past a bad proxy
}

const (
	// firstResend is when a lost segment is sent again; each further time takes twice as long.
	firstResend = 200 * time.Millisecond
	// firstRedial is the same for dials.
	firstRedial = time.Second
	// patience is how long a segment may be lost; then the connection is reset.
	patience = 15 * time.Second
	// maxRedials is how often a dial is lost until it fails.
	maxRedials = 6
)

// Shape sets what befalls the way from one host to another, in place of what was set before. What is on its way keeps its fate
// until Heal, which ends all of it. An error, and no change, if the Link has no meaning.
func (n *Network) Shape(from, to string, l Link) error {
	chance := func(p float64) bool { return p >= 0 && p <= 1 }
	if l.Lo < 0 || l.Hi < l.Lo || l.Hi > MaxDelay || l.Rate < 0 || !chance(l.Loss) || !chance(l.Corrupt) {
		return fmt.Errorf("memnet: link %+v: want 0 ≤ Lo ≤ Hi ≤ %v, Rate ≥ 0, Loss and Corrupt from 0 to 1", l, MaxDelay)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[path{hostOf(from), hostOf(to)}] = l
	return nil
}

// Break resets the open connections between two hosts, in both directions at once and also across a cut, as a firewall does
// that forgets them. What has not arrived is lost. It tells how many there were.
func (n *Network) Break(a, b string) (broken int) {
	a, b = hostOf(a), hostOf(b)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.connsLocked() {
		if hostOf(c.local) != a || hostOf(c.remote) != b || c.closed && c.peer.closed || c.brokenLocked(time.Now()) {
			continue
		}
		c.breakLocked(time.Now())
		n.countsLocked(a, b).Broken++
		broken++
	}
	return broken
}

// breakLocked ends both ends at a time, unless they end before. Each notices by itself.
func (c *Conn) breakLocked(at time.Time) {
	for _, end := range []*Conn{c, c.peer} {
		end.breaks = earlier(end.breaks, at)
		end.cond.Broadcast()
	}
}

func (c *Conn) brokenLocked(now time.Time) bool { return !c.breaks.IsZero() && !c.breaks.After(now) }

// horizonLocked is the time from which on nothing that arrives is read: now, or when the connection broke.
func (c *Conn) horizonLocked(now time.Time) time.Time {
	if c.brokenLocked(now) {
		return c.breaks.Add(-1)
	}
	return now
}

// departLocked sends a segment off, which may change its data, and says when it arrives.
func (c *Conn) departLocked(seg *segment) time.Time {
	from, to := hostOf(c.local), hostOf(c.remote)
	now := time.Now()
	delay := c.n.delayLocked(from, to)
	way := path{from, to}
	l := c.n.links[way]
	counts := c.n.countsLocked(from, to)
	counts.Sent++
	if l == (Link{}) || from == to {
		return now.Add(delay)
	}
	c.peer.in.shaped = true
	if l.Hi > 0 {
		delay += c.n.drawLocked(l.Lo, l.Hi)
		counts.Delayed++
	}
	if seg.kind == data && c.n.happensLocked(l.Corrupt) {
		bit := c.n.rng.IntN(8 * len(seg.data))
		seg.data[bit/8] ^= 1 << (bit % 8)
		counts.Corrupted++
	}
	leaves := now
	if l.Rate > 0 && len(seg.data) > 0 {
		if busy := c.n.busy[way]; busy.After(now) {
			leaves = busy
		}
		leaves = leaves.Add(time.Duration(len(seg.data)) * time.Second / time.Duration(l.Rate))
		c.n.busy[way] = leaves
		counts.Slowed++
	}
	for resend := firstResend; c.n.happensLocked(l.Loss); resend *= 2 {
		counts.Lost++
		leaves = leaves.Add(resend)
		if leaves.Sub(now) > patience {
			counts.GaveUp++
			c.breakLocked(now.Add(patience))
			break
		}
	}
	return leaves.Add(delay)
}

// redialLocked is the time that a dial loses by losses in one direction.
func (n *Network) redialLocked(from, to string) (lost time.Duration, err error) {
	l := n.links[path{from, to}]
	if from == to {
		return 0, nil
	}
	redial := firstRedial
	for range maxRedials {
		if !n.happensLocked(l.Loss) {
			return lost, nil
		}
		n.countsLocked(from, to).Lost++
		lost += redial
		redial *= 2
	}
	return lost, syscall.ETIMEDOUT
}

// happensLocked draws whether something with this chance happens; nothing is drawn for what never does.
func (n *Network) happensLocked(chance float64) bool { return chance > 0 && n.rng.Float64() < chance }

// drawLocked draws a duration evenly.
func (n *Network) drawLocked(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(n.rng.Int64N(int64(hi-lo)+1))
}
