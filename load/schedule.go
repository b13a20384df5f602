package load

import "time"

// schedule says when pipelines are due in an open loop, whatever becomes of those before: one every interval, each worker's
// turn after another's.
type schedule struct {
	interval float64 // seconds between two pipelines of the whole load; 0: no schedule, a closed loop
	workers  int
}

func newSchedule(rate float64, pipeline, workers int) schedule {
	if rate == 0 {
		return schedule{}
	}
	return schedule{interval: float64(pipeline) / rate, workers: workers}
}

func (s schedule) open() bool { return s.interval > 0 }

// due is when the worker's pipeline number n (from 0) is due, counted from the start.
func (s schedule) due(worker int, n int64) time.Duration {
	turn := float64(n)*float64(s.workers) + float64(worker)
	return time.Duration(turn * s.interval * float64(time.Second))
}

// overdue is how many pipelines of the worker, from number n on, are due before end.
func (s schedule) overdue(worker int, n int64, end time.Duration) int64 {
	late := end - s.due(worker, n)
	if late <= 0 {
		return 0
	}
	gap := s.interval * float64(s.workers) * float64(time.Second)
	return 1 + int64(float64(late-1)/gap)
}
