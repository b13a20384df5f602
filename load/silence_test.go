package load

import (
	"sync"
	"testing"
	"time"
)

func TestTheLongestSilenceIsFoundBetweenMarks(t *testing.T) {
	const ms = time.Millisecond
	var s silence
	s.begin(10 * ms)
	for _, at := range []time.Duration{11, 20, 18, 21, 30} { // 18 comes late
		s.heard(at * ms)
	}
	if got := s.mark(32 * ms); got != (gap{From: 11 * ms, Length: 9 * ms}) && got != (gap{From: 21 * ms, Length: 9 * ms}) {
		t.Errorf("first silence %+v", got)
	}
	s.heard(40 * ms)
	if got := s.mark(41 * ms); got != (gap{From: 30 * ms, Length: 10 * ms}) {
		t.Errorf("a silence over the mark: %+v", got)
	}
	if got := s.mark(100 * ms); got != (gap{From: 40 * ms, Length: 60 * ms}) {
		t.Errorf("a silence without an end: %+v", got)
	}
}

func TestManyMayHearAtOnce(t *testing.T) {
	var s silence
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 10_000 {
				s.heard(time.Duration(4*i + worker))
			}
		})
	}
	all.Wait()
	if got := s.latest(); got != 39_999 {
		t.Errorf("last heard at %d, want 39999", got)
	}
}
