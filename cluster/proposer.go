package cluster

import (
	"fmt"
	"sync"
	"time"

	"github.com/truecount/truecount/fsm"
)

// proposer turns the Requests of this node's doors into Batches, one unanswered at a time, and sees to it that each is
// applied once, or that its Requests learn that nobody can know.
//
//	propose ─ waiting ─┐
//	                   advance   no Batch? seal what waits · no copy under way to who leads now? send one
//	                             (leader.offer if this node leads, a call on the Batches stream if another does)
//	answered ──────────┘         results → split among the Requests
//	                             refused → this copy was not accepted; if no other is out: dissolve, back to waiting
//	                             no space → the same, and what was in it is refused at once
//	                             lost    → a copy may live on: send the same bytes again
//	tick                         a Request never sent waits holdTime, one that was sent waits maxWait
//
// What must hold: a Batch is numbered once, and the next one only when this one has its Results, is dissolved (no copy was
// accepted), or has answered all its Requests "unknown". In the last case the old one can still be applied, but never
// after the next one was: the Machine refuses smaller numbers.
//
// The lock is never held while Done runs, for Done hands over its connection's next Request; what is handed over meanwhile
// is collected, so that it leaves in one Batch.
type proposer struct {
	route   func() (target, bool)                                                // who leads, as far as this node knows
	deliver func(to target, number fsm.Number, data []byte, answer func(answer)) // sends a copy; answer is called once, never from within
	contact *contact

	mu         sync.Mutex
	number     fsm.Number // of the last Batch
	waiting    []waiting  // bounded by the clients: a connection has one Request here
	batch      *batch     // the one that is unanswered
	completing int        // how many goroutines run Done now: collect only
	paused     bool       // a copy came back unwanted: nothing more before the next tick
	reason     string     // why, for the error of those who wait in vain
	closed     bool
}

// waiting is a Request and when it came. The Request is nil once it has been answered.
type waiting struct {
	*fsm.Request
	since time.Time
	ops   int
}

// batch is a sealed Batch.
type batch struct {
	number   fsm.Number
	data     []byte
	requests []waiting
	loose    int        // copies that were sent and not refused: each may yet be applied
	current  *batchCopy // the one under way to who leads now
}

type batchCopy struct {
	batch *batch
	to    target
}

// target is a leader in its term.
type target struct {
	id   string
	addr string
	term uint64
}

// answer is what became of one copy of a Batch.
type answer struct {
	kind    answerKind
	index   uint64 // of the Entry that was answered from
	results fsm.Results
	reason  string // of a refusal or a loss
}

type answerKind uint8

// Sent between nodes: append only.
const (
	answerResults    answerKind = 1 // applied, now or before
	answerSuperseded answerKind = 2 // a later Batch of this origin was applied; whether this one was is not known any more
	answerRefused    answerKind = 3 // this copy was surely not accepted, and never will be
	answerLost       answerKind = 4 // this copy may or may not be applied
	answerNoSpace    answerKind = 5 // as answerRefused, and so will be the next ones: too few disks have room
)

// propose takes a Request.
func (p *proposer) propose(r *fsm.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		r.Err = errClosing
		go r.Done(r) // not from within: the caller may hold what Done needs
		return
	}
	p.waiting = append(p.waiting, waiting{r, time.Now(), r.Ops})
	p.advanceLocked()
}

// advanceLocked sends what can be sent.
func (p *proposer) advanceLocked() {
	if p.closed || p.completing > 0 || p.paused || p.batch == nil && len(p.waiting) == 0 {
		return
	}
	to, known := p.route()
	if !known {
		return
	}
	if p.batch == nil {
		p.sealLocked()
	}
	b := p.batch
	if b.current != nil && b.current.to == to {
		return
	}
	c := &batchCopy{batch: b, to: to}
	b.current = c
	b.loose++
	p.deliver(to, b.number, b.data, func(a answer) { p.answered(c, a) })
}

// sealLocked makes the next Batch out of as many waiting Requests as its bounds allow, at least one.
func (p *proposer) sealLocked() {
	var n, ops, size, weight int
	for n < len(p.waiting) {
		r := p.waiting[n]
		ops, size, weight = ops+r.Ops, size+len(r.Groups), weight+r.Weight
		if n > 0 && (ops > fsm.MaxBatchOps || size > fsm.MaxBatchBytes || weight > fsm.MaxWeight) {
			ops, size = ops-r.Ops, size-len(r.Groups)
			break
		}
		n++
	}
	p.number.Sequence++
	b := &batch{number: p.number, requests: append([]waiting(nil), p.waiting[:n]...)}
	groups := make([][]byte, n)
	for i, r := range b.requests {
		groups[i] = r.Groups
	}
	b.data = fsm.AppendBatch(make([]byte, 0, size+batchHead), p.number, ops, groups...)
	p.batch = b
	kept := copy(p.waiting, p.waiting[n:])
	clear(p.waiting[kept:])
	p.waiting = p.waiting[:kept]
}

const batchHead = 128 // bytes that the numbers in front of a Batch's groups take at most, or nearly

// answered takes in what became of a copy.
func (p *proposer) answered(c *batchCopy, a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := c.batch
	if p.batch != b {
		return // another copy decided, or everybody has been told "unknown"
	}
	if b.current == c {
		b.current = nil
	}
	var finished []waiting
	switch a.kind {
	case answerResults:
		p.contact.ok()
		finished = split(b.requests, a)
		p.batch, p.paused, p.reason = nil, false, ""
	case answerSuperseded:
		finished = fail(b.requests, fmt.Errorf("%w: a later batch of this node overtook it", fsm.ErrUnknown))
		p.batch = nil
	case answerRefused:
		p.contact.failed()
		p.paused, p.reason = true, a.reason
		if b.loose--; b.loose == 0 {
			p.dissolveLocked()
		}
	case answerNoSpace:
		p.contact.ok()
		if b.loose--; b.loose > 0 {
			p.paused, p.reason = true, a.reason
			break
		}
		finished = fail(b.requests, spaceError(a.reason))
		p.batch = nil
	case answerLost:
		p.contact.failed()
		p.paused, p.reason = true, a.reason
	}
	p.finishLocked(finished)
}

// dissolveLocked takes the Batch back: no copy of it was accepted, so its Requests are unsent again. Its number is not
// used again.
func (p *proposer) dissolveLocked() {
	var back []waiting
	for _, w := range p.batch.requests {
		if w.Request != nil {
			back = append(back, w)
		}
	}
	p.waiting = append(back, p.waiting...)
	p.batch = nil
}

// tick looks at the deadlines, and sends again what came back.
func (p *proposer) tick(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.completing > 0 {
		return // whoever completes advances, too; the next tick is near
	}
	p.paused = false
	p.finishLocked(append(p.withdrawLocked(now), p.giveUpLocked(now)...))
}

// withdrawLocked refuses what was never sent and has waited long enough.
func (p *proposer) withdrawLocked(now time.Time) []waiting {
	n := 0
	for n < len(p.waiting) && p.contact.hopeless(p.waiting[n].since, now) {
		n++
	}
	if n == 0 {
		return nil
	}
	late := append([]waiting(nil), p.waiting[:n]...)
	kept := copy(p.waiting, p.waiting[n:])
	clear(p.waiting[kept:])
	p.waiting = p.waiting[:kept]
	return fail(late, p.refusalLocked())
}

func (p *proposer) refusalLocked() error {
	if p.reason == "" {
		return notApplied("no leader is known")
	}
	return notApplied(p.reason)
}

// notApplied is the refusal of what has waited in vain for a leader that has a majority.
func notApplied(reason string) error {
	return fmt.Errorf("%w: this node has reached no leader that has a majority (%s)", fsm.ErrNotApplied, reason)
}

// giveUpLocked tells those who have waited too long for the Results of a Batch that was sent. Once all are told, the Batch
// is given up.
func (p *proposer) giveUpLocked(now time.Time) (late []waiting) {
	b := p.batch
	if b == nil {
		return nil
	}
	left := false
	for i, w := range b.requests {
		switch {
		case w.Request == nil:
		case now.Sub(w.since) >= maxWait:
			late = append(late, w)
			b.requests[i].Request = nil
		default:
			left = true
		}
	}
	if !left {
		p.batch = nil
	}
	return fail(late, fmt.Errorf("%w: sent to a leader that did not answer in time; it may or may not have been applied", fsm.ErrUnknown))
}

// finishLocked calls Done without the lock, then sends what has been collected meanwhile. Of several who do so at once, the
// last one to end sends.
func (p *proposer) finishLocked(finished []waiting) {
	if len(finished) > 0 {
		p.completing++
		p.mu.Unlock()
		for _, w := range finished {
			w.Done(w.Request)
		}
		p.mu.Lock()
		p.completing--
	}
	p.advanceLocked()
}

// errClosing is for what comes, or was never sent, when the node ends.
var errClosing = fmt.Errorf("%w: this node is shutting down", fsm.ErrNotApplied)

// close answers everything that is left.
func (p *proposer) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	left := fail(p.waiting, errClosing)
	if p.batch != nil {
		left = append(left, fail(p.batch.requests, fmt.Errorf("%w: this node is shutting down", fsm.ErrUnknown))...)
	}
	p.waiting, p.batch = nil, nil
	p.finishLocked(left)
}

// split hands each Request its Results.
func split(requests []waiting, a answer) []waiting {
	finished := make([]waiting, 0, len(requests))
	for _, w := range requests {
		results, ok := a.results.Take(w.ops)
		if w.Request == nil {
			continue
		}
		w.Results, w.Index, w.Verified = results, a.index, true
		if !ok {
			w.Results, w.Err = nil, fmt.Errorf("%w: the leader's results are cut off", fsm.ErrUnknown)
		}
		finished = append(finished, w)
	}
	return finished
}

func fail(requests []waiting, err error) []waiting {
	failed := make([]waiting, 0, len(requests))
	for _, w := range requests {
		if w.Request != nil {
			w.Err = err
			failed = append(failed, w)
		}
	}
	return failed
}
