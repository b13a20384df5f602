package sim

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// shares are a few counters of instances that come, fall silent and come back.
type shares struct {
	*troubled
	keys  []string
	names [troubledClients]struct{ instance, old string }
	read  atomic.Int64 // groups that were compared
}

func TestTotalsAreTheSumOfTheLivingSharesUnderChaos(t *testing.T) {
	long(t)
	eachTrouble(t, func(r *troubled) {
		s := &shares{troubled: r, keys: []string{"s-0", "s-1", "s-2", "s-3"}}
		var parked, returned atomic.Int64
		r.Observe = func(_ string, e fsm.Event) {
			switch e.Name {
			case "park":
				parked.Add(1)
			case "return":
				returned.Add(1)
			}
		}
		r.RestartAll() // from now on observed
		r.recuperate()
		r.amid(s.step, func() {
			for i := range 4 {
				r.end = time.Now().Add(2 * time.Second)
				r.nemesis()
				if i == 1 {
					r.note("all crash")
					r.RestartAll()
				}
				r.recuperate()
				r.Pass(stepBack + 4*time.Second) // the clock of the leases goes on
			}
		})
		for _, key := range s.keys {
			s.sum(r.must(readCounter(key)...), key)
		}
		r.WaitFor("the end of all", usualLease+2*stepBack, func() bool {
			for _, key := range s.keys {
				if n := s.sum(r.must(readCounter(key)...), key); n.total != 0 || len(n.shares) != 0 {
					return false
				}
			}
			return true
		})
		r.settle()
		r.compare()
		t.Logf("%d sums, %d shares parked, %d returned, as nodes have told", s.read.Load(), parked.Load(), returned.Load())
		if parked.Load() < 20 || returned.Load() < 3 || s.read.Load() < 50 {
			t.Error("such a run proves nothing")
		}
	})
}

// step is one thing that a client does with the instance that it is at present.
func (s *shares) step(client int, rng *rand.Rand) {
	me := &s.names[client]
	if me.instance == "" || rng.IntN(60) == 0 { // one falls silent; perhaps one from before speaks again
		next := fmt.Sprintf("i-%d-%d", client, rng.Uint32())
		if me.old != "" && rng.IntN(2) == 0 {
			next = me.old
		}
		me.instance, me.old = next, me.instance
		s.group(rng, fsm.Strong, nil, heartbeat(me.instance, shortLease)) // if it fails, the lease will be the usual one
	}
	s.Pass(time.Duration(rng.IntN(100)) * time.Millisecond)
	key, by := s.keys[rng.IntN(len(s.keys))], rng.Int64N(21)-10
	switch rng.IntN(24) {
	case 0: // the epochs of these two are short
		s.group(rng, fsm.Strong, nil, instanceOp(fsm.ICSet, s.keys[0], me.instance, by))
	case 1:
		s.group(rng, fsm.Strong, nil, instanceOp(fsm.ICDelete, s.keys[1], me.instance, 0))
	case 2:
		if rng.IntN(4) == 0 {
			s.group(rng, fsm.Strong, nil, instanceOp(fsm.ClearInstance, "", me.instance, 0))
		}
	case 3:
		s.group(rng, fsm.Strong, nil, instanceOp(fsm.SliceDelete, key, me.instance, 0))
	case 4, 5:
		s.group(rng, fsm.Strong, nil, instanceOp(fsm.SliceSet, key, me.instance, by))
	case 6:
		s.bound(client, rng)
	case 7, 8, 9, 10:
		level := []fsm.Level{fsm.Strong, fsm.Stale, fsm.Attempt}[rng.IntN(3)]
		if a, ok := s.group(rng, level, nil, readCounter(key)...); ok {
			s.sum(a, key)
		}
	default:
		a, ok := s.group(rng, fsm.Strong, nil, append(readCounter(key), instanceOp(fsm.ICAdd, key, me.instance, by))...)
		if !ok {
			return
		}
		s.sum(a, key)
	}
}

// bound ties the client's instance to a connection, says as the node's door that the node is there, or ends the connection.
func (s *shares) bound(client int, rng *rand.Rand) {
	what := instanceOp(fsm.Bind, "", s.names[client].instance, int64(client))
	switch host := hosts[rng.IntN(len(hosts))]; rng.IntN(3) {
	case 0:
		s.Speak(host)
		return
	case 1:
		what.Kind, what.Value = fsm.Unbind, fsm.IntValue(rng.Int64N(2000))
	}
	s.group(rng, fsm.Strong, nil, what)
}

// sum checks that a counter adds up.
func (s *shares) sum(a Answer, key string) counter {
	n, whole := counterOf(a, 0)
	if !whole || !n.adds() {
		s.fail("%s: %v", key, n)
	}
	s.read.Add(1)
	return n
}
