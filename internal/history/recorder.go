// Package history records what concurrent clients of a counter service did and saw, and what was done to it meanwhile, and decides
// whether a service that does one thing at a time could have answered the same (linearizability), and a dozen things besides.
//
//	Recorder.Begin, Incr, Get …     stamp the call; the client then talks to the service
//	Call.Done, NotApplied, Unknown  stamp the return and keep the outcome
//	Log, WriteRun, ReadRun          a Run as a file of JSON lines
//	Verify(Run) → Verdicts          what truecount verify prints:
//	    view                          by key, in order of call; the Ops of a token as one
//	    counter.go                    keys that only grow, by one fixed amount: exact, distinct; any that grow: forward. No search:
//	                                  millions of Ops
//	    part, move, cell              other keys: searched by porcupine, with MULTIs, instances, TTLs and leases
//	    once.go, stale.go …           cheap checks of one thing each
//	    pause.go, valid.go            how long nothing was acknowledged, near which faults; whether the run proves anything
//	Check                           linearizability alone, of Ops
//	Shrink, WriteHTML               of what no order explains: the shortest history that was found, and a picture of it
//
// Rules. Stamps come from one atomic counter, never from a clock: in virtual time many events share an instant. The client
// takes the Call before it writes the request and ends it after it has read the reply. A Recorder is safe for concurrent
// use, a Call belongs to one goroutine at a time. What widens an interval or allows more orders is sound, what narrows one is not: where
// the model can't know, it allows. Limits: MaxOps per Recorder, MaxSteps and a time limit per check; what exceeds one is Invalid,
// for undecided is never a pass. Keys that need a search should be short-lived (at most 1,000 Ops and 6 unknowns): it is
// exponential. Keys start out missing. A key is a plain counter or an instance counter, not both.
//
// Not modelled: bindings, IC.CLEAR, an instance that returns after an hour, when what was parked is gone.
//
// Tests: check_test.go, model_test.go and verify_test.go plant violations; differential_test.go compares exact with porcupine,
// naive_test.go everything with a naive service, on random histories; million_test.go is about size; recorder_test.go records
// concurrent clients.
package history

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// MaxOps is the most operations of one Recorder. In memory they take 8 GB; a run writes to a Log, and is checked by a process of its own.
const MaxOps = 1 << 25

// never is the return stamp of an operation whose end nobody saw: it may take effect at any later time.
const never = math.MaxInt64

// ErrRecording is wrapped by Recorder.Err for misuse.
var ErrRecording = errors.New("history: bad recording")

// Recorder collects a history. The zero value is ready. Now and Log are set before the first call, or not at all.
type Recorder struct {
	Now func() time.Duration // since the run began, for At and End; nil: these stay 0
	Log *Log                 // takes each Op when it ends, and those still open when Flush is called; nil: nobody does

	stamps atomic.Int64 // a call's is drawn as late as can be, a return's before waiting for mu: narrow intervals catch more

	mu    sync.Mutex // guards what follows; held across a write to Log, but no other wait
	ops   []Op
	ended []bool // by index of ops
	err   error  // the first misuse
}

// Begin begins op, which says what is asked of whom; its stamps, times, Outcome and Reply are the Recorder's to fill in.
func (r *Recorder) Begin(op Op) *Call {
	op.Outcome, op.Reply, op.Return, op.At, op.End = Unknown, Reply{}, 0, r.now(), 0
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ops) >= MaxOps {
		r.failLocked(fmt.Errorf("%w: more than %d operations", ErrRecording, MaxOps))
		return &Call{r: r, index: -1}
	}
	op.Call = r.stamps.Add(1)
	r.ops, r.ended = append(r.ops, op), append(r.ended, false)
	return &Call{r: r, index: len(r.ops) - 1}
}

// Flush writes the calls that are still open to the Log, as Unknown. It comes last, once nobody calls any more.
func (r *Recorder) Flush() {
	if r.Log == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.ops {
		if !r.ended[i] {
			r.Log.Op(r.ops[i])
		}
	}
}

func (r *Recorder) now() time.Duration {
	if r.Now == nil {
		return 0
	}
	return r.Now()
}

// Incr begins an addition of delta. Its reply is the new value.
func (r *Recorder) Incr(client int, key string, delta int64) *Call {
	return r.Begin(Op{Client: client, Kind: Incr, Key: key, Arg: delta})
}

// Get begins a read. Its reply is the value, or Nil for a missing key.
func (r *Recorder) Get(client int, key string) *Call {
	return r.Begin(Op{Client: client, Kind: Get, Key: key})
}

// Set begins a store of value. Its reply is not looked at.
func (r *Recorder) Set(client int, key string, value int64) *Call {
	return r.Begin(Op{Client: client, Kind: Set, Key: key, Arg: value})
}

// Del begins a deletion. Its reply is 1 if the key existed, else 0.
func (r *Recorder) Del(client int, key string) *Call {
	return r.Begin(Op{Client: client, Kind: Del, Key: key})
}

// Check is Check of the history so far, and Err.
func (r *Recorder) Check(limit time.Duration) error {
	return errors.Join(r.Err(), Check(r.Ops(), limit))
}

// Ops is a copy of the history so far; calls still open are Unknown.
func (r *Recorder) Ops() []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Op(nil), r.ops...)
}

// Err is the first misuse, wrapping ErrRecording: a Call ended twice, or MaxOps exceeded (the further Ops are missing). The
// history is not to be trusted then.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Call is an operation under way. One of its methods must be called, once, when the outcome is known; none means Unknown.
type Call struct {
	r     *Recorder
	index int // in r.ops; -1 if there was no room
}

// Done tells that the reply came.
func (c *Call) Done(reply Reply) { c.end(Done, reply) }

// NotApplied tells that the service promised to have done nothing, now and for ever. The checks leave the operation out.
func (c *Call) NotApplied() { c.end(NotApplied, Nil()) }

// Unknown tells that it may have happened, or may happen yet: a time-out, a lost connection.
func (c *Call) Unknown() { c.end(Unknown, Nil()) }

func (c *Call) end(how Outcome, reply Reply) {
	r := c.r
	stamp, now := r.stamps.Add(1), r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.index < 0 {
		return
	}
	op := &r.ops[c.index]
	if r.ended[c.index] {
		r.failLocked(fmt.Errorf("%w: ended twice: %v", ErrRecording, *op))
		return
	}
	r.ended[c.index] = true
	op.Outcome, op.End = how, now
	if how == Done {
		op.Reply, op.Return = reply, stamp
	}
	if r.Log != nil {
		r.Log.Op(*op)
	}
}

func (r *Recorder) failLocked(err error) {
	if r.err == nil {
		r.err = err
	}
}
