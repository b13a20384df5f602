package fsm

import (
	"errors"
	"fmt"
)

// The two families of errors that are not the Machine's (its "no" is a Code, the same on every replica). Every error of a
// Request wraps exactly one of them; its text is a sentence for an engineer, without a prefix.
var (
	// ErrNotApplied: surely not applied, now or later. Repeating is safe, and client libraries do it by themselves.
	ErrNotApplied = errors.New("not applied")
	// ErrNoSpace: as ErrNotApplied, which it wraps, for want of disk space: repeating won't help soon, and client libraries
	// shall not do it by themselves.
	ErrNoSpace = fmt.Errorf("%w for want of disk space", ErrNotApplied)
	// ErrUnknown: it may or may not have been applied. Repeating may double.
	ErrUnknown = errors.New("outcome unknown")
)

// ErrRefused is wrapped by the errors of Changes that will not be made, however often one asks; the text says why.
var ErrRefused = errors.New("refused")

// Level is how a Request of reads is to be answered.
type Level uint8

const (
	Strong  Level = iota // linearizable, or ErrNotApplied
	Stale                // from the local replica, which has reached at least Request.MinIndex; never waits for a leader
	Attempt              // as Strong within the patience (300 ms), else as Stale; Request.Verified says which
)

// Request is what a door hands to the cluster in one step: groups of Ops (AppendGroup), all to be proposed or all to be
// read. Its owner fills the first part and hands it over; until Done is called it belongs to the cluster. It may be used
// again afterwards.
type Request struct {
	Groups   []byte // encoded by AppendGroup, one after the other
	Ops      int    // Ops in all groups; at most MaxBatchOps but for a single group
	Weight   int    // bytes that the Results may take for what can't be read later; bounds a Batch like its size does
	Level    Level  // reads only
	MinIndex uint64 // reads at level Stale: do not answer before this index is applied here

	// Done is called exactly once, from a goroutine of the cluster that other clients wait for: it must not block. The
	// cluster holds no lock then: Done may hand over the next Request.
	Done func(*Request)

	Results  Results // one Result per Op, valid until the Request is used again; nil if Err is set
	Index    uint64  // the log index at which the writes were applied
	Verified bool    // reads: the answer was linearizable
	Err      error   // nil, or wraps ErrNotApplied (reads: always this one) or ErrUnknown
}

// Add appends one group and counts it. The Ops are copied.
func (r *Request) Add(ops ...Op) { r.AddIf(Terms{}, ops...) }

// AddIf is Add for a group that is applied on terms (AppendGroupIf). MSETNX asks that all keys are missing, EXEC that what was
// watched is unchanged, ONCE that it was not done before.
func (r *Request) AddIf(terms Terms, ops ...Op) {
	r.Groups = AppendGroupIf(r.Groups, terms, ops)
	r.Ops += len(ops)
	var w weight
	for i := range ops {
		w.add(&ops[i])
	}
	r.Weight += min(w.bytes(), MaxWeight)
}

// Reset empties the Request for its next use and keeps its buffer and Done.
func (r *Request) Reset() {
	*r = Request{Groups: r.Groups[:0], Done: r.Done}
}
