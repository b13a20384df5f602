package resp

import (
	"errors"
	"time"

	"github.com/truecount/truecount/fsm"
)

// Bounds of a unit. A single command may exceed them alone, up to fsm.MaxGroup bytes.
const (
	maxUnitBytes = 64 << 10        // encoded Ops, and replies that were made on the spot
	maxUnitSlots = fsm.MaxBatchOps // commands
	maxUnitReads = 1000            // keys that reads look at: each may answer fsm.MaxText bytes
)

// class is what a unit has become by the first Op in it.
type class uint8

const (
	empty   class = iota // no Op yet, perhaps replies that were made on the spot
	reading              // only reads, to be answered at the unit's level
	writing              // writes, and reads that ride with them
	asking               // a command about the cluster, alone, whose reply tell writes
)

// unit is a request with the commands that wait for it. Sessions use their units again.
type unit struct {
	request fsm.Request
	again   fsm.Request   // riders that are read after their Batch, or without it; or reads that are proposed: see sign.go
	tell    func(*writer) // of asking
	asked   *command      // of asking
	since   time.Duration // when asked was taken
	class   class
	share   share
	weight  int // for the gate
	writes  int // Ops
	reads   int // keys that reads look at, at most
	slots   []slot
	text    writer // replies made on the spot
	signs   bool   // some read is a sign of life
	reread  bool   // again is on its way or done
	slow    bool   // to make its replies takes longer than to wake a goroutine
	walk    walk   // nil: this is none
	mute    bool   // of asking: without a reply

	reviving bool // again was proposed, and was not done if it has an Err
	revivals int  // how often
}

// slot is one command of a unit: the number of its Ops, or a reply made on the spot.
type slot struct {
	command  *command // nil: a reply made on the spot
	render   render
	ops      int
	writes   bool
	signs    bool
	from, to int           // its bytes, in request.Groups or in text
	late     bool          // its Results are in again
	mute     bool          // without a reply; see CLIENT REPLY
	since    time.Duration // when it was taken, by the session's clock
}

func (u *unit) full() bool {
	return len(u.slots) >= maxUnitSlots || len(u.text.buf) >= maxUnitBytes
}

// add encodes a call unless it would make the unit too large; fits is false then and nothing has changed. A unit without
// Ops takes any call.
func (u *unit) add(c *command, call *call) (fits bool) {
	r := &u.request
	before, ops, weight := len(r.Groups), r.Ops, r.Weight
	for rest := call.ops; len(rest) > 0; {
		n := len(rest)
		if !call.writes && !call.strong { // one step of a reader looks at so many keys and no more
			n = min(n, maxGroupReads)
		}
		r.AddIf(fsm.Terms{Conditions: call.conditions, Once: call.once}, rest[:n]...)
		rest = rest[n:]
	}
	reads := u.reads
	if !call.writes {
		reads += call.looks
	}
	over := len(r.Groups) > u.share.bytes || r.Ops > u.share.ops || r.Weight > fsm.MaxWeight || reads > u.share.reads
	if over && ops > 0 {
		r.Groups, r.Ops, r.Weight = r.Groups[:before], ops, weight
		return false
	}
	u.reads = reads
	u.slow, u.signs = u.slow || call.slow, u.signs || call.signs
	if call.writes {
		u.writes += len(call.ops)
	}
	u.slots = append(u.slots, slot{command: c, render: call.render, ops: len(call.ops), writes: call.writes, signs: call.signs, from: before, to: len(r.Groups)})
	return true
}

// late collects the riders that were told to read again, and those whose writes were refused for want of disk space, which is
// no reason to refuse reads; it reports whether there are any. Whole commands are read again: half of an MGET from the Batch
// and half from later would not be one moment.
func (u *unit) late() bool {
	full := errors.Is(u.request.Err, fsm.ErrNoSpace)
	if u.request.Err != nil && !full || u.writes == 0 || u.reads == 0 {
		return false
	}
	a := answers{rest: u.request.Results}
	for i := range u.slots {
		s := &u.slots[i]
		if full {
			s.late = s.command != nil && !s.writes
		} else {
			for range s.ops {
				s.late = a.next().Code == fsm.ReadLater && !s.writes || s.late
			}
		}
		if s.late {
			u.again.Groups = append(u.again.Groups, u.request.Groups[s.from:s.to]...)
			u.again.Ops += s.ops
		}
	}
	return u.again.Ops > 0
}

// maxKeptSlots is how many slots of room a unit keeps for its next use.
const maxKeptSlots = 1024

// reset empties the unit for its next use and keeps what room it may.
func (u *unit) reset() {
	for _, r := range [...]*fsm.Request{&u.request, &u.again} {
		if cap(r.Groups) > 2*maxUnitBytes {
			r.Groups = nil
		}
		r.Reset()
	}
	if cap(u.slots) > maxKeptSlots {
		u.slots = nil
	}
	if cap(u.text.buf) > maxUnitBytes {
		u.text.buf = nil
	}
	*u = unit{request: u.request, again: u.again, slots: u.slots[:0], text: writer{buf: u.text.buf[:0]}}
}
