package resp

import (
	"fmt"

	"github.com/truecount/truecount/fsm"
)

const maxRideKeys = 16 // reads of more keys do not ride in a Batch

// place puts a parsed command into the open unit, or reports that it must wait. Its effect must come behind those of the
// commands in front of it, and those of the open unit come behind those of the sent one, so only the open unit matters:
//
//	open is     a write     a read                                     GET key STATE
//	empty       joins       joins; behind a sent write as a rider      waits while anything is on its way
//	reading     waits       joins                                      joins others of its kind
//	writing     joins       rides, with at most maxRideKeys keys       waits
//
// What must be read strongly (WATCH, an EXEC of reads) does not ride: a Batch answers no WATCH, and what was read behind one may
// not be of a moment before it.
func (s *session) place(c *command, call *call) bool {
	u := s.collecting()
	if u.full() || !s.mayJoin(u, call) {
		return false
	}
	ops := u.request.Ops
	if !u.add(c, call) {
		return false
	}
	u.slots[len(u.slots)-1].since = s.clock()
	if ops == 0 {
		s.classify(u, call)
	}
	return true
}

func (s *session) mayJoin(u *unit, call *call) bool {
	if call.writes {
		return u.class != reading
	}
	if call.attempt {
		return s.sent == nil && (u.class == empty || u.class == reading && u.request.Level == fsm.Attempt)
	}
	if s.rides(u) {
		return call.looks <= maxRideKeys && !call.strong
	}
	return u.class == empty || u.request.Level == s.levelOf(call)
}

// levelOf is how a call's reads are answered.
func (s *session) levelOf(call *call) fsm.Level {
	switch {
	case call.attempt:
		return fsm.Attempt
	case call.strong:
		return fsm.Strong
	}
	return s.readLevel()
}

// rides reports whether a read that joins u would stand behind writes that aren't finished.
func (s *session) rides(u *unit) bool {
	return u.class == writing || u.class == empty && s.sent != nil && s.sent.class == writing
}

func (s *session) classify(u *unit, call *call) {
	u.request.Level = s.levelOf(call)
	if call.writes || s.rides(u) {
		u.class = writing
		return
	}
	u.class = reading
}

// size is how many bytes a call's group has at most.
func (c *call) size() (bytes int) {
	for i := range c.ops {
		op := &c.ops[i]
		bytes += perOp + len(op.Key) + len(op.Value.Text) + len(op.Instance)
		if op.Kind == fsm.IncrEx || op.Compare != 0 { // more numbers
			bytes += perOp + len(op.Than.Text) + len(op.Low.Text) + len(op.High.Text)
		}
	}
	if c.once.Given() {
		bytes += perOnce
	}
	for i := range c.conditions {
		bytes += perOp + len(c.conditions[i].Key)
	}
	return bytes
}

const (
	perOp   = 32 // bytes of an encoded Op with one number, or of a condition, beside its key and its texts, at most
	perOnce = 48 // of an encoded Once, at most
)

// tooLarge refuses a command whose Ops would never fit into a group.
func tooLarge(size int) error {
	if size > fsm.MaxGroup {
		return replyError(fmt.Sprintf("ERR command is too large: its keys and values may have %d bytes, and each pair counts %d more",
			fsm.MaxGroup, perOp))
	}
	return nil
}
