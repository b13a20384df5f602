package cluster

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// clock gives the stamps of Entries: milliseconds since the Unix epoch that go on from leader to leader, and never depend on
// one machine's wall clock alone.
//
// A base is a stamp and the moment at which it was the cluster's time; what has passed since is taken from the monotonic
// clock. A follower goes by each live Entry's stamp (takeLocked), so a new leader goes on where the old one was. A process
// that has heard of no live time since its start (the whole cluster restarted) takes the median of the wall clocks of a
// majority of voters. A leader then lets its base slide towards that median, by at most slewPerMille, and never steps.
//
// So the cluster's time may lag behind the walls for long: these were set, or changes of leader have lost some moments. A cluster
// that is restarted as a whole must not make up for that in one step, for what has a deadline would end early: it goes on with
// the lag of the last Entry in its log, of which raft has noted when its leader appended it.
//
// An Entry that is replayed is not live: its stamp may be as old as the log. A follower's time is live once its leader has
// told it the present stamp; until then stamps only count as a lower bound, in stamp.
type clock struct {
	mu      sync.Mutex
	live    bool
	leading bool
	base    int64
	at      time.Time // with its monotonic reading
	heard   time.Time // when a follower's base was last compared with a stamp
	last    int64     // the largest stamp given or seen
	floor   int64     // the stamp of the log's last Entry, at the start
	noted   int64     // when that was appended, by the wall clock of its leader
}

const (
	slewPerMille = 1      // parts of the time between two corrections
	yieldShare   = 100    // a follower's clock goes back by at most this part of the time between two stamps
	mostLag      = 10_000 // ms between the cluster's time and a wall clock that is right
)

// read is the cluster's time, as far as this node knows it.
func (c *clock) read() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readLocked()
}

func (c *clock) readLocked() int64 {
	if !c.live {
		return c.last
	}
	return max(c.last, c.base+time.Since(c.at).Milliseconds())
}

// stamp is the time for an Entry, or for the answer to a read: never smaller than one before.
func (c *clock) stamp() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.readLocked()
	return c.last
}

// see takes in the stamp of an Entry that was applied.
func (c *clock) see(stamp int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = max(c.last, stamp)
	if c.live && !c.leading {
		c.takeLocked(stamp)
	}
}

// recall looks how far the last Entry of a log was behind the wall clock of its leader when that appended it.
func (c *clock) recall(store raft.LogStore) {
	first, _ := store.FirstIndex() // what can't be read leaves no lag here, and ends the node elsewhere
	last, _ := store.LastIndex()
	for at := last; at >= max(first, 1); at-- {
		var log raft.Log
		if err := store.GetLog(at, &log); err != nil {
			return
		}
		if log.Type != raft.LogCommand {
			continue
		}
		if entry, err := fsm.DecodeEntry(log.Data); err == nil && !log.AppendedAt.IsZero() {
			c.appended(entry.Stamp, log.AppendedAt)
		}
		return
	}
}

func (c *clock) appended(stamp int64, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.floor, c.noted = stamp, at.UnixMilli()
}

// startLocked is the time after a restart of the whole cluster, of whose voters a majority has told its wall clocks. One of them may be
// wrong, and so may be the one by which the last Entry's lag was noted: a clock that is far behind that Entry is left out (with it as
// the earlier of two, time would stand still until that Entry, and the lag be lost at the next restart), and so is a lag that
// was noted in what is still to come.
func (c *clock) startLocked(walls []int64) int64 {
	right := slices.DeleteFunc(slices.Clone(walls), func(wall int64) bool { return wall < c.floor-mostLag })
	if len(right) == 0 {
		right = walls
	}
	start := median(right)
	if c.noted > start {
		return start
	}
	return start - min(max(c.noted-c.floor, 0), mostLag)
}

// takeLocked makes a follower's clock go by a stamp. One that is behind the clock was long on its way: a disk hung, a leader was
// cut off. Were it taken as it is, the cluster's time would lag by as much under the next leader, and a restart of all nodes,
// which begins with the wall clocks, would make up for all such lags at once, and end keys early. So the clock yields slowly: fast
// enough for a monotonic clock that is a little fast, too slow to lose a hang.
func (c *clock) takeLocked(stamp int64) {
	now := time.Now()
	ahead := time.Duration(c.base-stamp)*time.Millisecond + now.Sub(c.at)
	if ahead <= 0 {
		c.base, c.at = stamp, now
	} else {
		c.at = c.at.Add(min(ahead, now.Sub(c.heard)/yieldShare))
	}
	c.heard = now
}

// hear takes in what the leader has said is the present time, when it was asked at that moment or later. The time is now between
// that stamp and as much more as the answer can have taken.
func (c *clock) hear(stamp int64, asked time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leading {
		return
	}
	now := time.Now()
	ahead := time.Duration(c.base-stamp)*time.Millisecond + now.Sub(c.at)
	if !c.live || ahead < 0 {
		ahead = 0
	}
	c.live, c.base, c.at, c.heard = true, stamp, now.Add(-min(ahead, now.Sub(asked))), now
}

// lead makes the clock go on by itself. It reports false if it does not know any live time and walls, the wall clocks of a
// majority, are not to be had.
func (c *clock) lead(machineTime int64, walls func() ([]int64, bool)) bool {
	c.mu.Lock()
	live := c.live
	c.mu.Unlock()
	var times []int64
	if !live {
		var ok bool
		if times, ok = walls(); !ok {
			return false
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.live {
		c.live, c.base, c.at = true, c.startLocked(times), time.Now()
	}
	c.last = max(c.last, machineTime)
	c.base, c.at, c.leading = c.readLocked(), time.Now(), true
	return true
}

// follow makes the clock go by the stamps of others. A follower is told so at each tick: only the first time counts.
func (c *clock) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leading {
		c.leading, c.heard = false, time.Now()
	}
}

// slew lets a leader's clock slide towards the median of the voters' wall clocks.
func (c *clock) slew(times []int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leading {
		return
	}
	passed := time.Since(c.at).Truncate(time.Millisecond)
	limit := passed.Milliseconds() * slewPerMille / 1000
	if limit == 0 {
		return
	}
	base := c.base + passed.Milliseconds()
	off := median(times) - base
	c.base, c.at = base+min(max(off, -limit), limit), c.at.Add(passed)
}

// median is the middle of times; of two middles the earlier, for a clock that lags only lengthens what it measures.
func median(times []int64) int64 {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[(len(sorted)-1)/2]
}
