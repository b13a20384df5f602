package load

import (
	"sync"
	"sync/atomic"
	"time"
)

// gap is a time in which nobody got an acknowledgement.
type gap struct {
	From   time.Duration // since the start of the measurement
	Length time.Duration
}

// silence finds the longest gap since it was last marked. All workers tell it of every reply, so it is cheap: they meet on two
// atomics, and take the lock only for a new record.
type silence struct {
	last    atomic.Int64 // when somebody last heard something
	longest atomic.Int64 // length of found
	mu      sync.Mutex
	found   gap
}

// begin is the start of it all.
func (s *silence) begin(now time.Duration) { s.last.Store(int64(now)) }

// heard is told when an acknowledgement came. Workers may be a little out of order: only what is news counts.
func (s *silence) heard(at time.Duration) {
	for {
		before := s.last.Load()
		if int64(at) <= before {
			return
		}
		if !s.last.CompareAndSwap(before, int64(at)) {
			continue
		}
		if int64(at)-before > s.longest.Load() {
			s.record(gap{From: time.Duration(before), Length: at - time.Duration(before)})
		}
		return
	}
}

func (s *silence) record(g gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.Length > s.found.Length {
		s.found = g
		s.longest.Store(int64(g.Length))
	}
}

// mark returns the longest gap so far and starts over. A gap that is open now counts up to now, and goes on.
func (s *silence) mark(now time.Duration) gap {
	if before := s.last.Load(); int64(now)-before > s.longest.Load() {
		s.record(gap{From: time.Duration(before), Length: now - time.Duration(before)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.found
	s.found = gap{}
	s.longest.Store(0)
	return g
}

// latest is when somebody last heard something.
func (s *silence) latest() time.Duration { return time.Duration(s.last.Load()) }
