package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	tick       = time.Second      // between two looks at the figures
	giveUpTime = 30 * time.Second // without any acknowledgement: the rest would show nothing new
)

var (
	errDone        = errors.New("the phase is over")
	errInterrupted = errors.New("interrupted")
	errGaveUp      = fmt.Errorf("nothing was acknowledged for %v", giveUpTime)
)

// phase is a time in which all workers work: the warm-up, or the measurement. All times are on the run's clock.
type phase struct {
	*run
	measured bool // somebody wants to know
	start    time.Duration
	end      time.Duration
	bounded  bool // it ends when left commands were sent
	left     atomic.Int64
	schedule schedule
	silence  silence

	byNode   []figures // of what the shards held when they were last emptied
	spare    *figures  // empty
	looked   time.Duration
	timeline []Second
	events   []Event
	longest  gap
	stopped  error // why it ended early; nil: it did not
}

// newPhase ends after d, or if that is 0 when so many requests were sent.
func newPhase(r *run, d time.Duration, requests int64) *phase {
	p := &phase{run: r, end: d, bounded: d == 0, schedule: newSchedule(r.Rate, r.Pipeline, len(r.workers)),
		byNode: make([]figures, len(r.Nodes)), spare: new(figures)}
	p.left.Store(requests)
	if p.bounded {
		p.end = MaxTime
	}
	return p
}

// take takes up to n commands out of those that are left to be sent.
func (p *phase) take(n int) int {
	if !p.bounded {
		return n
	}
	left := p.left.Add(-int64(n)) + int64(n)
	return int(min(int64(n), max(left, 0)))
}

// work sets the workers to work, watches them, and returns when all of them are done.
func (p *phase) work(ctx context.Context) {
	working, cancel := context.WithCancelCause(ctx)
	p.start = p.clock()
	p.end += p.start
	p.looked = p.start
	p.silence.begin(p.start)
	var workers, disturber sync.WaitGroup
	for _, w := range p.workers {
		workers.Go(func() { w.work(working, p) })
	}
	if p.measured && p.DisturbEvery > 0 {
		disturber.Go(func() { p.disturb(working) })
	}
	done := make(chan struct{})
	go func() {
		workers.Wait()
		close(done)
	}()
	p.watch(done, cancel)
	cancel(errDone)
	disturber.Wait()
	if cause := context.Cause(working); cause == errGaveUp {
		p.stopped = cause
	} else if cause != errDone {
		p.stopped = errInterrupted
	}
	p.finish()
}

// watch looks at the figures every tick until the workers are done.
func (p *phase) watch(done <-chan struct{}, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	pipeline := time.Duration(p.schedule.interval * float64(time.Second))
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
		}
		now := p.clock()
		p.look(now)
		if now-p.silence.latest() > giveUpTime+pipeline {
			cancel(errGaveUp)
		}
	}
}

// look empties the shards into the figures of the phase, and tells what is new.
func (p *phase) look(now time.Duration) {
	var news figures
	for node := range p.shards {
		for i := range p.shards[node] {
			full := p.shards[node][i].swap(p.spare)
			p.byNode[node].add(full)
			news.add(full)
			full.reset()
			p.spare = full
		}
	}
	if !p.measured || now <= p.looked {
		return
	}
	second := newSecond(&news, now-p.start, now-p.looked)
	p.looked = now
	p.timeline = append(p.timeline, second)
	if p.Progress != nil {
		p.Progress(p.progress(now, second))
	}
}

func (p *phase) progress(now time.Duration, s Second) Progress {
	errors := int64(0)
	for i := range p.byNode {
		errors += p.byNode[i].errors()
	}
	part := float64(now-p.start) / float64(p.end-p.start)
	if p.bounded {
		part = 1 - float64(max(p.left.Load(), 0))/float64(p.Requests)
	}
	return Progress{Elapsed: now - p.start, Part: min(part, 1), OpsPerS: s.OpsPerS, P99Ms: s.P99Ms, Errors: errors}
}

// disturb does harm every now and then.
func (p *phase) disturb(ctx context.Context) {
	ticker := time.NewTicker(p.DisturbEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := p.clock()
		if p.end-now < p.DisturbEvery/2 {
			continue // too late to see what comes of it
		}
		p.mark(now)
		e := Event{AtS: (now - p.start).Seconds()}
		what, err := p.Disturb(ctx)
		switch {
		case err == nil:
			e.What = what
		case what != "":
			e.What = what + "; " + err.Error() // harm was done, and that has to be told even after the end
		case ctx.Err() != nil:
			return // the end of the phase was what went wrong
		default:
			e.What, e.Failed = err.Error(), true
		}
		p.events = append(p.events, e)
	}
}

// mark ends the time since the last mark, or the start, for which the longest silence is looked for.
func (p *phase) mark(now time.Duration) {
	g := p.silence.mark(now)
	g.From -= p.start
	if g.Length > p.longest.Length {
		p.longest = g
	}
	if n := len(p.events); n > 0 {
		p.events[n-1].SilenceMs = max(p.events[n-1].SilenceMs, milliseconds(g.Length))
	}
}

// finish takes the last look. The phase has ended when its time was over, or with the last acknowledgement if that came later
// or there was no such time.
func (p *phase) finish() {
	now := p.clock()
	p.look(now)
	p.end = min(p.end, now)
	if latest := p.silence.latest(); latest > p.end || p.bounded && p.stopped == nil {
		p.end = latest
	}
	p.mark(p.end)
}
