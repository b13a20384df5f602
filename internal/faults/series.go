package main

import (
	"slices"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// bucket is what was answered in a step of time.
type bucket struct {
	acks          map[string]int // acknowledged writes by node
	all           int            // of them, at any node
	p50, p99, max time.Duration  // of all that was answered
	refused, lost int            // surely not applied; unknown

	latencies []time.Duration
}

// series is a run, cut into steps of equal length.
type series struct {
	step    time.Duration
	length  time.Duration
	nodes   []string // that have acknowledged anything, by name
	buckets []bucket
	acks    int
}

const mostBuckets = 400

// steps are the lengths of a step that are easy to think in.
func steps() []time.Duration {
	return []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
}

func newSeries(run *history.Run) *series {
	s := &series{length: max(run.Header.Length, time.Second)}
	for i := range run.Ops {
		s.length = max(s.length, run.Ops[i].At, run.Ops[i].End)
	}
	for i := range run.Faults {
		s.length = max(s.length, run.Faults[i].At, run.Faults[i].End)
	}
	all := steps()
	s.step = max(s.length/mostBuckets, all[len(all)-1])
	for _, step := range slices.Backward(all) {
		if s.length <= step*mostBuckets {
			s.step = step
		}
	}
	s.buckets = make([]bucket, s.length/s.step+1)
	for i := range run.Ops {
		s.add(&run.Ops[i])
	}
	slices.Sort(s.nodes)
	for i := range s.buckets {
		s.buckets[i].sum()
	}
	return s
}

func (s *series) add(op *history.Op) {
	b := &s.buckets[max(op.At, op.End)/s.step]
	switch op.Outcome {
	case history.NotApplied:
		b.refused++
		return
	case history.Unknown:
		b.lost++
		return
	}
	b.latencies = append(b.latencies, op.End-op.At)
	if !isAcknowledged(op) {
		return
	}
	if b.acks == nil {
		b.acks = map[string]int{}
	}
	if !slices.Contains(s.nodes, op.Node) {
		s.nodes = append(s.nodes, op.Node)
	}
	b.acks[op.Node]++
	b.all++
	s.acks++
}

func (b *bucket) sum() {
	n := len(b.latencies)
	if n == 0 {
		return
	}
	slices.Sort(b.latencies)
	b.p50, b.p99, b.max = b.latencies[n/2], b.latencies[n*99/100], b.latencies[n-1]
	b.latencies = nil
}

// perSecond makes a rate of what was counted in a step.
func (s *series) perSecond(n int) float64 { return float64(n) / s.step.Seconds() }

// silence is the longest time without an acknowledgement.
func silence(run *history.Run) (longest, at time.Duration) {
	ends := acks(run)
	for i := 1; i < len(ends); i++ {
		if gap := ends[i] - ends[i-1]; gap > longest {
			longest, at = gap, ends[i-1]
		}
	}
	return longest, at
}
