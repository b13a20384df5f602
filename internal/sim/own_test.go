package sim

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// owners are instances that say each thing under ONCE until it is answered, at one node after the other. So each knows what it
// has contributed, whatever became of the cluster, and however often it was taken for dead.
type owners struct {
	*troubled
	keys    []string
	one     [troubledClients]ownerOf
	asked   atomic.Int64 // reads that were compared
	renewed atomic.Int64 // answers in which a key had begun a new era
}

// ownerOf is what one of them knows.
type ownerOf struct {
	sequence uint64
	has      map[string]int64
	epoch    map[string]int64
}

func (o *owners) instance(client int) string { return fmt.Sprintf("owner-%d", client) }

func (o *owners) session(client int) (id fsm.SessionID) {
	copy(id[:], fmt.Sprintf("owner-%d-%d", client, o.seed))
	return id
}

// once has one command done, once.
func (o *owners) once(client int, rng *rand.Rand, ops ...fsm.Op) (a Answer, ok bool) {
	me := &o.one[client]
	me.sequence++
	terms := fsm.Terms{Once: fsm.Once{Session: o.session(client), Sequence: me.sequence, Hash: me.sequence * 7}}
	for !o.broken() {
		if a = o.DoOn(hosts[rng.IntN(len(hosts))], fsm.Strong, terms, ops...); a.Err != nil {
			o.Pass(10 * time.Millisecond)
			continue
		}
		o.mu.Lock()
		o.answered++
		o.mu.Unlock()
		for _, result := range a.Results {
			if result.Code != fsm.OK {
				o.fail("command %d of client %d was answered %v", me.sequence, client, result.Code)
				return a, false
			}
		}
		return a, true
	}
	return a, false
}

// take compares what an answer says is mine with what that must be if nobody has begun a new era; and takes note of the era.
func (o *owners) take(client int, key string, tuple []int64, mine int64) {
	me := &o.one[client]
	switch got, epoch := tuple[1], tuple[2]; {
	case epoch < me.epoch[key]:
		o.fail("%s of client %d: epoch %d behind %d", key, client, epoch, me.epoch[key])
	case epoch == me.epoch[key] && got != mine:
		o.fail("%s of client %d: %d in epoch %d, want %d", key, client, got, epoch, mine)
	case epoch > me.epoch[key]:
		o.renewed.Add(1)
		me.epoch[key] = epoch
	}
}

// add adds, and compares what comes of it.
func (o *owners) add(client int, rng *rand.Rand, key string, by int64) {
	me := &o.one[client]
	a, ok := o.once(client, rng, instanceOp(fsm.ICAdd, key, o.instance(client), by))
	if !ok {
		return
	}
	tuple := ints(a.Results[0].Value)
	before := me.has[key]
	if tuple[2] > me.epoch[key] {
		before = 0 // somebody's era has ended it
	}
	o.take(client, key, tuple, before+by)
	if me.has[key] = tuple[1]; tuple[1] != before+by {
		o.fail("%s of client %d: %v, want %d", key, client, tuple, before+by)
	}
}

func (o *owners) step(client int, rng *rand.Rand) {
	me, instance := &o.one[client], o.instance(client)
	key, by := o.keys[rng.IntN(len(o.keys))], rng.Int64N(21)-10
	switch rng.IntN(40) {
	case 0: // it dies, and returns
		o.Pass(shortLease + time.Duration(rng.IntN(4000))*time.Millisecond)
	case 1:
		if a, ok := o.once(client, rng, instanceOp(fsm.ICSet, o.keys[0], instance, by)); ok {
			tuple := ints(a.Results[0].Value)
			me.has[o.keys[0]], me.epoch[o.keys[0]] = by, tuple[2]
		}
	case 2:
		if a, ok := o.once(client, rng, instanceOp(fsm.ICDelete, o.keys[1], instance, 0)); ok {
			tuple := ints(a.Results[0].Value)
			me.has[o.keys[1]], me.epoch[o.keys[1]] = 0, tuple[2]
		}
	case 3:
		if _, ok := o.once(client, rng, instanceOp(fsm.ClearInstance, "", instance, 0)); ok {
			clear(me.has)
		}
	case 4:
		if a, ok := o.once(client, rng, instanceOp(fsm.SliceDelete, key, instance, 0)); ok {
			o.take(client, key, ints(a.Results[0].Value), me.has[key])
			me.has[key] = 0
		}
	case 5, 6:
		if a, ok := o.once(client, rng, instanceOp(fsm.SliceSet, key, instance, by)); ok {
			me.has[key] = by
			o.take(client, key, ints(a.Results[0].Value), by)
		}
	case 7, 8, 9, 10, 11:
		a, ok := o.group(rng, fsm.Strong, nil, instanceOp(fsm.ICGet, key, instance, 0))
		if !ok {
			return
		}
		if tuple := ints(a.Results[0].Value); fsm.Sign(tuple[3]) != fsm.SignNow && tuple[2] == me.epoch[key] {
			o.take(client, key, tuple, me.has[key])
			o.asked.Add(1)
		}
	default:
		o.add(client, rng, key, by)
	}
}

func TestWhoCountsUnderOnceHasWhatItWasAnsweredHoweverOftenItDied(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		o := &owners{troubled: r, keys: []string{"o-0", "o-1", "o-2", "o-3"}}
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
		for client := range troubledClients {
			id := o.session(client)
			r.must(fsm.Op{Kind: fsm.OpenSession, Key: id[:], Amount: fsm.DefaultSession}, heartbeat(o.instance(client), shortLease))
			o.one[client] = ownerOf{has: map[string]int64{}, epoch: map[string]int64{}}
		}
		r.amid(o.step, func() {
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
		rng := rand.New(rand.NewPCG(r.seed, 99))
		for client := range troubledClients {
			for _, key := range o.keys {
				o.add(client, rng, key, 0) // what was parked is back
			}
		}
		for _, key := range o.keys {
			n, sum := r.now(key), int64(0)
			for client := range troubledClients {
				sum += o.one[client].has[key]
			}
			if n.total != sum {
				t.Errorf("%s: %v, want %d", key, n, sum)
			}
		}
		t.Logf("%d reads, %d new eras, %d shares parked, %d returned, as nodes have told", o.asked.Load(), o.renewed.Load(), parked.Load(), returned.Load())
		if parked.Load() < 20 || returned.Load() < 20 || o.asked.Load() < 50 || o.renewed.Load() < 5 {
			t.Error("such a run proves nothing")
		}
	})
}
