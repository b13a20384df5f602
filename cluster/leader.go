package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// leader proposes Entries while this node leads: one at a time, each with everything that was offered while the one before
// it was on its way. That is group commit without a timer: an idle cluster answers at once, a busy one fills its Entries
// by itself.
//
//	run      woken by an offer, a change of leadership, or the tick
//	  turn   not leading: refuse what was offered
//	         a new term: synchronise the clock, propose the Opener
//	         else: propose an Entry of what was offered, or an empty one if a deadline has passed or the lease clock waits for one
//	  propose  stamp, encode, raft.Apply, wait, answer
//
// It waits for raft with nothing else to do; whoever offers does not wait for it. An Entry takes at most one Batch of each
// origin, the one with the largest number.
type leader struct {
	raft    *raft.Raft
	replica *replica
	clock   *clock
	walls   func() ([]int64, bool) // wall clocks of a majority of voters, this node's included
	halted  func() (answer, bool)  // why it takes nothing at present, if so
	changed <-chan bool            // raft's LeaderCh: only a hint, the truth is State and CurrentTerm
	wake    chan struct{}
	idle    chan struct{} // taken from while no Entry is under way
	stop    chan struct{}
	done    chan struct{}

	term uint64 // the term whose Opener was proposed last

	mu       sync.Mutex
	offered  []offer // one of each origin
	fenced   string  // why nothing is taken, if so
	settle   bool    // a read waits for an Entry with a later stamp
	stopping bool
}

// offer is a Batch that an origin wants to see applied.
type offer struct {
	number fsm.Number
	data   []byte
	answer func(answer) // called once, from a goroutine of the leader
}

const (
	enqueueTimeout = time.Second            // for raft's main goroutine to take an Entry
	emptyPause     = 100 * time.Millisecond // between two empty Entries that nobody asked for
	strokeEvery    = time.Second            // the stamps of two Entries are not further apart while leases run
)

// offer takes a Batch for the next Entry. Of each origin it keeps the one with the largest number, for that one says that
// the origin has given up the smaller ones; of copies of one Batch the last.
func (l *leader) offer(o offer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		go o.answer(answer{kind: answerRefused, reason: "shutting down"})
		return
	}
	if l.fenced != "" {
		go o.answer(answer{kind: answerRefused, reason: l.fenced})
		return
	}
	if refusal, halted := l.halted(); halted { // looked at with the lock: refuse, called afterwards, finds what came before
		go o.answer(refusal)
		return
	}
	for i, other := range l.offered {
		if other.number.Origin != o.number.Origin {
			continue
		}
		if other.number.After(o.number) {
			o, other = other, o
		}
		l.offered[i] = o
		go other.answer(answer{kind: answerRefused, reason: "offered again"})
		return
	}
	l.offered = append(l.offered, o)
	l.poke()
}

// needEntry asks for an Entry soon, empty if need be: a read can't tell whether a key has expired before one is applied.
func (l *leader) needEntry() {
	l.mu.Lock()
	l.settle = true
	l.mu.Unlock()
	l.poke()
}

func (l *leader) poke() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// ready reports whether this node leads, and since its Opener was applied may propose and answer reads in this term.
func (l *leader) ready() (term uint64, ok bool) {
	term = l.raft.CurrentTerm()
	return term, l.raft.State() == raft.Leader && l.replica.opened.Load() == term && l.raft.CurrentTerm() == term
}

func (l *leader) run() {
	defer close(l.done)
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var asked time.Time // when the tick has last asked for an Entry
	for {
		select {
		case <-l.stop:
			l.refuse("shutting down")
			return
		case <-l.idle:
			continue
		case <-l.changed:
		case <-l.wake:
		case now := <-tick.C:
			if _, ready := l.ready(); ready && now.Sub(asked) >= emptyPause && l.owes(l.clock.read()) {
				asked = now
				l.needEntry()
			}
		}
		for more := true; more; {
			select {
			case <-l.stop:
				more = false // the select above ends it
			default:
				more = l.turn()
			}
		}
	}
}

// fence refuses what is offered, for reason, until it is lifted. When it returns nil, what was taken before is applied.
func (l *leader) fence(ctx context.Context, reason string) (lift func(), err error) {
	lift = func() { l.bar("") }
	l.bar(reason)
	l.refuse(reason)
	select {
	case l.idle <- struct{}{}:
		return lift, nil
	case <-ctx.Done():
		lift()
		return nil, ctx.Err()
	}
}

func (l *leader) bar(reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fenced = reason
}

// close ends run. It waits for the Entry under way, but not for ever: raft may be stuck in its disk.
func (l *leader) close(limit time.Duration) {
	l.mu.Lock()
	l.stopping = true
	l.mu.Unlock()
	close(l.stop)
	l.join(limit)
}

// join waits for the end of run, at most for limit.
func (l *leader) join(limit time.Duration) {
	select {
	case <-l.done:
	case <-time.After(limit):
	}
}

// turn does one step and reports whether there may be another.
func (l *leader) turn() bool {
	term := l.raft.CurrentTerm()
	if l.raft.State() != raft.Leader {
		l.clock.follow()
		l.refuse("not the leader")
		return false
	}
	if l.term != term {
		return l.open(term)
	}
	if _, ready := l.ready(); !ready {
		return false // the Opener failed with its term; State tells soon
	}
	offers, any := l.take()
	if !any {
		return false
	}
	if l.propose(l.kind(offers), offers) && l.due(l.replica.now.Load()) {
		l.needEntry() // more had ended than one Entry removes
	}
	return true
}

// kind is that of the next Entry. What reads ask for is proposed while no Batches are taken, too; the lease clock must know.
func (l *leader) kind(offers []offer) fsm.EntryKind {
	if _, halted := l.halted(); halted && len(offers) == 0 && l.replica.leasing.Load() {
		return fsm.Deaf
	}
	return fsm.Ordinary
}

// owes reports whether the Machine needs an Entry by then, be there anything to put into it or not. The lease clock must not be
// told of time in which no sign of life could be taken: so a leader that takes no Batches owes nothing, and the clock takes the gap
// for the outage that it is. (Readers know without an Entry what has ended, or ask for one: needEntry.)
func (l *leader) owes(then int64) bool {
	if !l.due(then) && !l.stroke(then) {
		return false
	}
	_, halted := l.halted()
	return !halted
}

// stroke reports whether the lease clock waits for an Entry by then.
func (l *leader) stroke(then int64) bool {
	return l.replica.leasing.Load() && then-l.replica.now.Load() >= strokeEvery.Milliseconds()
}

// due reports whether something in the Machine has ended by then.
func (l *leader) due(then int64) bool {
	due := l.replica.due.Load()
	return due != 0 && due <= then
}

// open begins a term: nothing is proposed, and no read answered, before the Opener. (Should the term end and another begin
// between here and raft.Apply, an Entry may slip in front of the next Opener; reads still wait for that one.)
func (l *leader) open(term uint64) bool {
	if !l.clock.lead(l.replica.now.Load(), l.walls) {
		return false // a majority's clocks are not known yet; the tick tries again
	}
	l.term = term
	if l.propose(fsm.Opener, nil) {
		return true
	}
	if l.raft.CurrentTerm() == term {
		l.term = 0 // refused while still leading, say because it is being handed over: the tick tries again
	}
	return false
}

// take removes what goes into the next Entry.
func (l *leader) take() (offers []offer, any bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	offers, any = l.offered, l.settle || len(l.offered) > 0
	l.offered, l.settle = nil, false
	return offers, any
}

func (l *leader) refuse(reason string) {
	l.mu.Lock()
	offers := l.offered
	l.offered = nil
	l.mu.Unlock()
	for _, o := range offers {
		o.answer(answer{kind: answerRefused, reason: reason})
	}
}

// propose commits one Entry and answers its offers. It reports whether the Entry was applied.
func (l *leader) propose(kind fsm.EntryKind, offers []offer) bool {
	entry := fsm.Entry{Kind: kind, Stamp: l.clock.stamp()}
	if kind == fsm.Opener {
		rand.Read(entry.HashKey[:]) // never fails (Go 1.24)
	}
	size := entryHead
	for _, o := range offers {
		entry.Batches = append(entry.Batches, o.data)
		size += len(o.data) + entryHead
	}
	future := l.raft.Apply(entry.Append(make([]byte, 0, size)), enqueueTimeout)
	err := future.Error()
	if err == nil {
		err, _ = future.Response().(error)
	}
	if err != nil {
		failed := answer{kind: answerLost, reason: err.Error()}
		if surelyNotApplied(err) {
			failed.kind = answerRefused
		}
		for _, o := range offers {
			o.answer(failed)
		}
		return false
	}
	outcomes := future.Response().([]fsm.Outcome)
	for i, o := range offers {
		o.answer(answerOf(outcomes[i], future.Index()))
	}
	return true
}

const entryHead = 32 // bytes in front of an Entry's Batches, and of each Batch

// surelyNotApplied knows the errors by which raft says that it never appended an entry, and ours that kept it from its log.
// Every other error leaves it open (raft: api.go).
func surelyNotApplied(err error) bool {
	return errors.Is(err, raft.ErrNotLeader) || errors.Is(err, raft.ErrEnqueueTimeout) ||
		errors.Is(err, raft.ErrLeadershipTransferInProgress) || errors.Is(err, errTight)
}

func answerOf(o fsm.Outcome, index uint64) answer {
	if o.Verdict == fsm.Superseded {
		return answer{kind: answerSuperseded, index: index}
	}
	return answer{kind: answerResults, index: index, results: o.Results}
}
