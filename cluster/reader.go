package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/truecount/truecount/fsm"
)

// reader answers reads. All strong reads that wait join the next round: one question for a confirmed index, one wait for
// the watermark, then each is answered from the local replica.
//
//	read     each level has a queue
//	run      of strong reads, and of attempts: round: confirm ─ watermark.wait ─ query each
//	           a key whose deadline may or may not have passed: the next round, which asks for an Entry as well
//	           a round that failed: its reads join the next; holdTime ends a strong read, patience an attempt
//	runStale   query each at once; one whose MinIndex is not applied yet waits on its own
type reader struct {
	confirm func(ctx context.Context, settle bool) (confirmed, error)
	replica *replica
	clock   *clock
	contact *contact
	joined  func() bool // false: this replica is empty because it belongs to no cluster yet
	strong  readQueue
	attempt readQueue
	stale   readQueue
	ctx     context.Context // ends with the node
	wg      sync.WaitGroup
}

// readQueue holds reads until its goroutine takes them all. It is bounded by those who fill it: a connection has one
// Request under way.
type readQueue struct {
	mu      sync.Mutex
	waiting []waiting
	closed  bool // nobody takes any more
	wake    chan struct{}
}

func newReadQueue() readQueue { return readQueue{wake: make(chan struct{}, 1)} }

// add reports false, and takes nothing, after close.
func (q *readQueue) add(reads ...waiting) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.waiting = append(q.waiting, reads...)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

func (q *readQueue) take() []waiting {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.waiting
	q.waiting = nil
	return all
}

// close takes what is left; nothing can be added any more.
func (q *readQueue) close() []waiting {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	return q.take()
}

func (r *reader) read(request *fsm.Request) {
	w := waiting{Request: request, since: time.Now(), ops: request.Ops}
	queue := &r.strong
	switch request.Level {
	case fsm.Stale:
		queue = &r.stale
	case fsm.Attempt:
		queue = &r.attempt
	}
	if !queue.add(w) {
		request.Err = errClosing
		go request.Done(request) // not from within: the caller may hold what Done needs
	}
}

// run answers the reads of a queue, strong ones or attempts, until the node ends. Attempts have rounds of their own: theirs
// may be short.
func (r *reader) run(q *readQueue) {
	settle := false
	for {
		select {
		case <-r.ctx.Done():
			r.refuse(q.close(), errClosing)
			return
		case <-q.wake:
		}
		left, unsettled := r.round(q.take(), settle)
		settle = unsettled
		if len(left) == 0 {
			continue
		}
		select {
		case <-r.ctx.Done():
		case <-time.After(roundPause):
		}
		for _, w := range left {
			if !q.add(w) {
				r.refuse([]waiting{w}, errClosing)
			}
		}
	}
}

const roundPause = 5 * time.Millisecond // before a round that repeats one in vain

var (
	errBehind    = notApplied("it is still catching up with the log")
	errUnsettled = notApplied("nothing commits that would tell whether a key has expired")
)

// round answers what it can; the reads that are left need another one. unsettled: the next one must ask for an Entry, for
// some key's deadline lies between machine time and the leader's.
func (r *reader) round(reads []waiting, settle bool) (left []waiting, unsettled bool) {
	if len(reads) == 0 {
		return nil, false
	}
	asked := time.Now()
	ctx, cancel := context.WithDeadline(r.ctx, roundEnd(reads, asked))
	defer cancel()
	c, err := r.confirm(ctx, settle)
	if err != nil {
		if reads[0].Level == fsm.Strong {
			r.contact.failed()
		}
		return r.giveUp(reads, notApplied(err.Error())), false
	}
	r.contact.ok()
	r.clock.hear(c.stamp, asked) // at once: later it would be taken for the time of then
	if r.replica.mark.wait(ctx, c.index) != nil {
		return r.giveUp(reads, errBehind), false
	}
	for _, w := range reads {
		results, settled := r.replica.query(nil, w.Groups, c.stamp) // not into w.Results: those of a write are the Machine's
		if !settled {
			left = append(left, w)
			continue
		}
		w.Results, w.Verified = results, true
		w.Done(w.Request)
	}
	return r.giveUp(left, errUnsettled), len(left) > 0
}

// roundEnd is when the round for these reads must end: an attempt can't wait longer than its patience.
func roundEnd(reads []waiting, now time.Time) time.Time {
	end := now.Add(patience)
	for _, w := range reads {
		if limit := w.since.Add(patience); w.Level == fsm.Attempt && limit.Before(end) {
			end = limit
		}
	}
	return end
}

// giveUp answers the reads that have waited long enough and returns the others.
func (r *reader) giveUp(reads []waiting, why error) (left []waiting) {
	now := time.Now()
	for _, w := range reads {
		switch {
		case w.Level == fsm.Attempt && now.Sub(w.since) >= patience:
			r.answerStale(w)
		case w.Level == fsm.Strong && r.contact.hopeless(w.since, now):
			r.refuse([]waiting{w}, why)
		default:
			left = append(left, w)
		}
	}
	return left
}

func (r *reader) refuse(reads []waiting, why error) {
	for _, w := range fail(reads, why) {
		w.Done(w.Request)
	}
}

// runStale answers stale reads, until the node ends.
func (r *reader) runStale() {
	for {
		select {
		case <-r.ctx.Done():
			r.refuse(r.stale.close(), errClosing)
			return
		case <-r.stale.wake:
		}
		for _, w := range r.stale.take() {
			if w.MinIndex <= r.replica.mark.index.Load() {
				r.answerStale(w)
				continue
			}
			r.wg.Go(func() { r.catchUp(w) })
		}
	}
}

// catchUp waits until this replica has what the connection has already been told.
func (r *reader) catchUp(w waiting) {
	ctx, cancel := context.WithTimeout(r.ctx, holdTime)
	defer cancel()
	if r.replica.mark.wait(ctx, w.MinIndex) != nil {
		r.refuse([]waiting{w}, errOwnWrite)
		return
	}
	r.answerStale(w)
}

var (
	errOwnWrite  = notApplied("it has not even applied this connection's own last write")
	errNotJoined = fmt.Errorf("%w: this node has not joined its cluster yet", fsm.ErrNotApplied)
)

func (r *reader) answerStale(w waiting) {
	if !r.joined() {
		r.refuse([]waiting{w}, errNotJoined)
		return
	}
	w.Results, _ = r.replica.query(nil, w.Groups, 0)
	w.Verified = false
	w.Done(w.Request)
}
