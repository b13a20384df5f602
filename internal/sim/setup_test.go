package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/truecount/truecount/cluster"
)

// plan is all that a seed decides beforehand.
type plan struct {
	seed   uint64
	setup  setup
	faults schedule
}

// setup is the configuration of a trial.
type setup struct {
	nodes     int // voters
	nonvoter  bool
	pace      int // how many times slower than the defaults raft's timing is
	fastNet   time.Duration
	slowNet   time.Duration
	latency   time.Duration // of a disk write
	snapshots cluster.SnapshotPolicy
	lease     time.Duration // of instances
	keys      uint64        // how many there is room for; 0: any number
	length    time.Duration // until the last fault is healed
	think     time.Duration // of a client, between two steps, at most
	look      time.Duration // between two looks
	clients   []string      // the workload of each
	forgetful bool          // disks lose what they have synced: for the test of the campaign itself
}

func (s setup) String() string {
	nonvoter, room := "", ""
	if s.keys > 0 {
		room = fmt.Sprintf(", room for %d keys", s.keys)
	}
	if s.nonvoter {
		nonvoter = " and one without a vote"
	}
	return fmt.Sprintf("%d nodes%s, timing x%d, delays %v to %v, disk %v, image after %d entries each %v and %d kept, lease %v%s, "+
		"%v long, clients think %v: %s", s.nodes, nonvoter, s.pace, s.fastNet, s.slowNet, s.latency, s.snapshots.Entries,
		s.snapshots.Every, s.snapshots.Trailing, s.lease, room, s.length, s.think, strings.Join(s.clients, " "))
}

// drawPlan draws everything from a seed. Most trials are short and dense; two in five are long, calm in between, and at a slower pace:
// those bring the hours.
func drawPlan(seed uint64) plan {
	rng := rand.New(rand.NewPCG(seed, 77))
	s := drawSetup(rng)
	return plan{seed: seed, setup: s, faults: drawSchedule(rng, s)}
}

func drawSetup(rng *rand.Rand) setup {
	s := setup{nodes: 3, pace: 1, fastNet: 50 * time.Microsecond, lease: 3 * time.Second}
	if rng.IntN(3) == 0 {
		s.nodes = 5
	}
	s.nonvoter = rng.IntN(4) == 0
	long := rng.IntN(5) < 2
	if long && rng.IntN(2) == 0 {
		s.nodes = 3
	}
	s.slowNet = oneOf(rng, time.Millisecond, 3*time.Millisecond, 3*time.Millisecond, 10*time.Millisecond)
	s.latency = oneOf(rng, 100*time.Microsecond, 200*time.Microsecond, time.Millisecond, 4*time.Millisecond)
	clients := 4 + rng.IntN(5)
	if long {
		s.pace = 6 + rng.IntN(6)
		s.slowNet = oneOf(rng, 3*time.Millisecond, 10*time.Millisecond, 30*time.Millisecond)
		s.lease = oneOf(rng, 10*time.Second, 30*time.Second)
		s.length = time.Duration(12+rng.IntN(18)) * time.Minute
		s.think = time.Duration(3+rng.IntN(6)) * time.Second
		s.look = time.Second
		clients = 3 + rng.IntN(3)
	} else {
		s.pace = oneOf(rng, 1, 1, 1, 2)
		s.length = time.Duration(8+rng.IntN(18)) * time.Second
		s.think = time.Duration(20+rng.IntN(100)) * time.Millisecond
		s.look = 80 * time.Millisecond
	}
	switch rng.IntN(3) { // the fewest kept that don't wake hashicorp/raft issue 697: see cluster/snapshots.go
	case 0:
		s.snapshots = cluster.SnapshotPolicy{Entries: 60, Every: 200 * time.Millisecond, Trailing: 20}
	case 1:
		s.snapshots = cluster.SnapshotPolicy{Entries: 200, Every: time.Second, Trailing: 60}
	default:
		s.snapshots = cluster.SnapshotPolicy{Entries: 500, Every: time.Second}
	}
	if rng.IntN(6) == 0 {
		s.keys = 30 + rng.Uint64N(100)
	}
	names := workloadNames()[1:]
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	names = append([]string{"hot"}, names[:1+rng.IntN(len(names))]...) // without it few are counted
	for i := range max(clients, len(names)) {
		s.clients = append(s.clients, names[i%len(names)])
	}
	return s
}

// long reports whether the trial is one of those that bring the hours.
func (s setup) long() bool { return s.length > time.Minute }

// voters are the names of those that vote, hosts of all.
func (s setup) voters() (names []string) {
	for i := range s.nodes {
		names = append(names, fmt.Sprintf("n%d", i+1))
	}
	return names
}

func (s setup) hosts() []string {
	if s.nonvoter {
		return append(s.voters(), reader)
	}
	return s.voters()
}

func (s setup) timing() cluster.Timing {
	d, by := cluster.DefaultTiming(), time.Duration(s.pace)
	return cluster.Timing{Heartbeat: d.Heartbeat * by, Election: d.Election * by, Lease: d.Lease * by, Commit: d.Commit * by}
}

func oneOf[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

// within is a time below limit.
func within(rng *rand.Rand, limit time.Duration) time.Duration {
	return time.Duration(rng.Int64N(int64(max(1, limit))))
}
