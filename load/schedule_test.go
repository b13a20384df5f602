package load

import (
	"testing"
	"time"
)

func TestPipelinesAreDueEvenlyAndInTurn(t *testing.T) {
	s := newSchedule(1000, 10, 5) // a pipeline each 10 ms, each worker's each 50 ms
	for _, test := range []struct {
		worker int
		n      int64
		want   time.Duration
	}{
		{0, 0, 0}, {1, 0, 10 * time.Millisecond}, {4, 0, 40 * time.Millisecond}, {0, 1, 50 * time.Millisecond}, {3, 20, 1030 * time.Millisecond},
	} {
		if got := s.due(test.worker, test.n); got != test.want {
			t.Errorf("pipeline %d of worker %d is due at %v, want %v", test.n, test.worker, got, test.want)
		}
	}
	if newSchedule(0, 10, 5).open() {
		t.Error("a load without a rate has a schedule")
	}
}

func TestOverdueIsWhatIsDueBeforeTheEnd(t *testing.T) {
	for _, s := range []schedule{newSchedule(1000, 10, 5), newSchedule(7, 1, 3), newSchedule(33333, 1, 50)} {
		for worker := range 3 {
			for n := range int64(5) {
				for _, end := range []time.Duration{0, 1, 50 * time.Millisecond, 51 * time.Millisecond, time.Second, 2*time.Second + 1} {
					want := int64(0)
					for m := n; s.due(worker, m) < end; m++ {
						want++
					}
					if got := s.overdue(worker, n, end); got < want-1 || got > want+1 || (want == 0) != (got == 0) {
						t.Errorf("%+v: of worker %d from %d on %d are due before %v, want %d", s, worker, n, got, end, want)
					}
				}
			}
		}
	}
}
