package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

const (
	seeds    = 5
	lifetime = 20 * time.Second // of a storm
	callers  = 4                // on each host
)

// TestEveryCallEndsExactlyOnceInAStormOfFaults lets three hosts call each other while hosts are cut off, killed, closed and
// opened again. A call that was answered was handled, with its own text; a call that was not sent was not handled.
func TestEveryCallEndsExactlyOnceInAStormOfFaults(t *testing.T) {
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			s := &storm{n: memnet.New(rand.New(rand.NewPCG(seed, 0))), hosts: []string{"a", "b", "c"},
				peers: map[string]*peer{}, calls: map[string]*record{}, rng: rand.New(rand.NewPCG(seed, 1))}
			_ = s.n.Delay(0, 3*time.Millisecond)
			for _, host := range s.hosts {
				s.open(t, host)
			}
			var all sync.WaitGroup
			end := time.Now().Add(lifetime)
			for i := range uint64(len(s.hosts) * callers) {
				all.Go(func() { s.callUntil(end, s.hosts[i/callers], fmt.Sprint(i), rand.New(rand.NewPCG(seed, 2+i))) })
			}
			for time.Now().Before(end) {
				time.Sleep(time.Duration(s.rng.IntN(300)) * time.Millisecond)
				s.strike(t)
			}
			all.Wait()
			s.n.Heal()
			for _, p := range s.peers {
				p.Close()
			}
			synctest.Wait()
			s.judge(t, seed)
		})
	}
}

type storm struct {
	n     *memnet.Network
	hosts []string
	rng   *rand.Rand // of the faults

	mu    sync.Mutex
	peers map[string]*peer
	calls map[string]*record
}

// record is what became of a call, by its text.
type record struct {
	handled int
	ended   int
	err     error
	reply   string
}

func (s *storm) open(t *testing.T, host string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(s.rng.Uint64(), 0))
	p := open(t, s.n, host, handling(func(_ string, _ byte, payload []byte, reply func([]byte)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls[string(payload)].handled++
		switch rng.IntN(10) {
		case 0: // never
		case 1:
			time.AfterFunc(time.Duration(rng.Int64N(int64(2*linkPatience))), func() { reply(payload) })
		case 2:
			go reply(payload)
		default:
			reply(payload)
		}
	}))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers[host] = p
}

func (s *storm) callUntil(end time.Time, host, name string, rng *rand.Rand) {
	for i := 0; time.Now().Before(end); i++ {
		time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
		text, r := fmt.Sprint(name, " ", i), &record{}
		s.mu.Lock()
		s.calls[text] = r
		link := s.peers[host].Link(Control, addrOf(s.hosts[rng.IntN(len(s.hosts))]))
		s.mu.Unlock()
		link.Call(1, []byte(text), func(reply []byte, err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			r.ended++
			r.reply, r.err = string(reply), err
		})
	}
}

// strike is one fault, or the end of all cuts.
func (s *storm) strike(t *testing.T) {
	t.Helper()
	one, other := s.hosts[s.rng.IntN(len(s.hosts))], s.hosts[s.rng.IntN(len(s.hosts))]
	switch s.rng.IntN(8) {
	case 0:
		s.n.Cut(one, other)
	case 1:
		s.n.CutOneWay(one, other)
	case 2:
		s.n.Isolate(one)
	case 3:
		s.n.Kill(one)
		s.reopen(t, one)
	case 4:
		s.reopen(t, one)
	default:
		s.n.Heal()
	}
}

func (s *storm) reopen(t *testing.T, host string) {
	t.Helper()
	s.mu.Lock()
	p := s.peers[host]
	s.mu.Unlock()
	p.Close()
	time.Sleep(time.Duration(s.rng.IntN(300)) * time.Millisecond)
	s.open(t, host)
}

func (s *storm) judge(t *testing.T, seed uint64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var answered, unsent, broken, brokenButHandled int
	for text, r := range s.calls {
		if r.ended != 1 || r.handled > 1 {
			t.Errorf("seed %d: call %q ended %d times and was handled %d times", seed, text, r.ended, r.handled)
		}
		switch {
		case r.err == nil:
			answered++
			if r.reply != text || r.handled == 0 {
				t.Errorf("seed %d: call %q was answered with %q and handled %d times", seed, text, r.reply, r.handled)
			}
		case errors.Is(r.err, ErrNotSent) && !errors.Is(r.err, ErrBroken):
			unsent++
			if r.handled > 0 {
				t.Errorf("seed %d: call %q was handled, and yet: %v", seed, text, r.err)
			}
		case errors.Is(r.err, ErrBroken) && !errors.Is(r.err, ErrNotSent):
			broken++
			brokenButHandled += r.handled
		default:
			t.Errorf("seed %d: call %q ended with %v", seed, text, r.err)
		}
	}
	t.Logf("seed %d: %d calls answered, %d not sent, %d broken of which %d were handled", seed, answered, unsent, broken, brokenButHandled)
	if answered < 1000 || unsent == 0 || brokenButHandled == 0 || broken == brokenButHandled {
		t.Errorf("seed %d: the storm was none", seed)
	}
}
