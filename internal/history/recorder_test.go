package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// service is a map behind a mutex; stale makes one read in some answer what was true before the last change.
type service struct {
	mu    sync.Mutex
	now   map[string]Reply
	then  map[string]Reply
	stale bool
}

func newService(stale bool) *service {
	return &service{now: map[string]Reply{}, then: map[string]Reply{}, stale: stale}
}

func (s *service) put(key string, change func(old Reply) Reply) (old, new Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old = s.now[key]
	s.then[key] = old
	s.now[key] = change(old)
	return old, s.now[key]
}

func (s *service) get(key string, luck int) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stale && luck == 0 {
		return s.then[key]
	}
	return s.now[key]
}

// run lets clients work in virtual time, where many of their operations share an instant, and returns what was recorded.
func run(t *testing.T, s *service, client func(rec *Recorder, s *service, id int, rng *rand.Rand)) *Recorder {
	rec := new(Recorder)
	synctest.Test(t, func(t *testing.T) {
		var all sync.WaitGroup
		for id := range 5 {
			rng := rand.New(rand.NewPCG(7, uint64(id)))
			all.Go(func() { client(rec, s, id, rng) })
		}
		all.Wait()
	})
	return rec
}

// count is a client that adds 1, reads, and sometimes loses a reply or is turned away.
func count(rec *Recorder, s *service, id int, rng *rand.Rand) {
	for range 300 {
		key := fmt.Sprint("counter", rng.IntN(3))
		pause(rng)
		switch rng.IntN(8) {
		case 0:
			rec.Incr(id, key, 1).NotApplied()
		case 1:
			call := rec.Incr(id, key, 1)
			s.put(key, func(old Reply) Reply { return Int(old.Int + 1) })
			call.Unknown()
		case 2, 3, 4:
			call := rec.Get(id, key)
			pause(rng)
			reply := s.get(key, rng.IntN(4))
			pause(rng)
			call.Done(reply)
		default:
			call := rec.Incr(id, key, 1)
			pause(rng)
			_, reply := s.put(key, func(old Reply) Reply { return Int(old.Int + 1) })
			pause(rng)
			call.Done(reply)
		}
	}
}

// mix is a client of everything, on keys that live for a few operations.
func mix(rec *Recorder, s *service, id int, rng *rand.Rand) {
	for i := range 200 {
		key := fmt.Sprint("mixed", i/20)
		pause(rng)
		n := rng.Int64N(9) - 4
		switch rng.IntN(5) {
		case 0:
			call := rec.Set(id, key, n)
			s.put(key, func(Reply) Reply { return Int(n) })
			call.Done(Nil())
		case 1:
			call := rec.Del(id, key)
			old, _ := s.put(key, func(Reply) Reply { return Nil() })
			existed := int64(0)
			if old.Present {
				existed = 1
			}
			call.Done(Int(existed))
		case 2, 3:
			call := rec.Get(id, key)
			call.Done(s.get(key, rng.IntN(4)))
		default:
			call := rec.Incr(id, key, n)
			_, reply := s.put(key, func(old Reply) Reply { return Int(old.Int + n) })
			call.Done(reply)
		}
	}
}

func pause(rng *rand.Rand) { time.Sleep(time.Duration(rng.IntN(3)) * time.Millisecond) }

func TestConcurrentClientsOfAGoodServicePass(t *testing.T) {
	if err := run(t, newService(false), count).Check(0); err != nil {
		t.Error(err)
	}
	if err := run(t, newService(false), mix).Check(0); err != nil {
		t.Error(err)
	}
}

func TestConcurrentClientsSeeThroughStaleReads(t *testing.T) {
	if err := run(t, newService(true), count).Check(0); !errors.Is(err, ErrViolation) {
		t.Errorf("counters: %v", err)
	}
	if err := run(t, newService(true), mix).Check(0); !errors.Is(err, ErrViolation) {
		t.Errorf("mixed keys: %v", err)
	}
}

func TestACallWithoutAnEndIsUnknown(t *testing.T) {
	var rec Recorder
	rec.Incr(1, "k", 1)
	rec.Get(1, "k").Done(Int(1))
	ops := rec.Ops()
	if len(ops) != 2 || ops[0].Outcome != Unknown || ops[0].end() != never || ops[1].Outcome != Done {
		t.Errorf("recorded %v", ops)
	}
	if err := rec.Check(0); err != nil {
		t.Error(err)
	}
}

func TestACallEndedTwiceSpoilsTheRecording(t *testing.T) {
	var rec Recorder
	call := rec.Incr(1, "k", 1)
	call.Done(Int(1))
	call.Unknown()
	if op := rec.Ops()[0]; op.Outcome != Done {
		t.Errorf("the second end changed the first: %v", op)
	}
	if err := rec.Check(0); !errors.Is(err, ErrRecording) {
		t.Errorf("Check = %v", err)
	}
}

func TestOpsReadWellInMessages(t *testing.T) {
	for want, op := range map[string]Op{
		"client 0: incr k 1 = 7 [1, 2]":       incr(1, 7, 2),
		"client 0: get k = nil [1, 2]":        get(1, Nil(), 2),
		"client 0: set k 5, unknown [1, ∞]":   unknown(set(5, 1, 2)),
		"client 0: del k, not applied [1]":    notApplied(del(1, 1, 2)),
		"client 0: kind 0  0, unknown [0, ∞]": {},
		"client 0: ic.incr k of i 2 in epoch 3 = 9, mine 4, epoch 3 [1, 2]": {Kind: ICIncr, Key: "k", Instance: "i", Arg: 2, Epoch: 3,
			Outcome: Done, Reply: Reply{Int: 9, Present: true, Mine: 4, Epoch: 3}, Call: 1, Return: 2},
	} {
		if got := op.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
