package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// The checks of this file take the Ops of one key, in order of call, without failed reads.

// distinct holds if every answered +1 got a value of its own: two equal ones are a lost update, or two answers for one.
// Only for keys that see nothing but +1 and reads. O(n).
func distinct(ops []Op) error {
	by := make(map[int64]int)
	for i := range ops {
		if ops[i].Kind != Incr || ops[i].Outcome != Done {
			continue
		}
		if first, taken := by[ops[i].Reply.Int]; taken {
			return fmt.Errorf("%w: two increments got the same value: %v and %v", ErrViolation, ops[first], ops[i])
		}
		by[ops[i].Reply.Int] = i
	}
	return nil
}

// forward holds if no answer is lower than one that had come before its operation began, whoever got it. Only for keys that
// never shrink; Nil counts as 0. O(n log n).
func forward(ops []Op) error {
	returned := make([]*Op, 0, len(ops)) // in order of return
	for i := range ops {
		if ops[i].Outcome == Done {
			returned = append(returned, &ops[i])
		}
	}
	slices.SortFunc(returned, func(a, b *Op) int { return cmp.Compare(a.Return, b.Return) })
	var highest *Op
	next := 0
	for i := range ops { // in order of call
		for next < len(returned) && returned[next].Return < ops[i].Call {
			if highest == nil || returned[next].Reply.Int > highest.Reply.Int {
				highest = returned[next]
			}
			next++
		}
		if ops[i].Outcome == Done && highest != nil && ops[i].Reply.Int < highest.Reply.Int {
			return fmt.Errorf("%w: the value went back: %v, then %v", ErrViolation, *highest, ops[i])
		}
	}
	return nil
}

// exact decides a key that sees nothing but +1 and reads, unknown increments included. O(n log n).
//
// The values fix the order of the answered Ops: by value, the increment to v before the reads of v, those by call. Only where
// values are missing do unknown increments come in, and as these never return, taking the one called first is never worse.
// Whether this one order obeys real time is then seen by a running maximum: nothing may have returned before the call of
// something placed ahead of it.
func exact(ops []Op) error {
	var known, unknown []*Op
	for i := range ops {
		if ops[i].Outcome != Done {
			unknown = append(unknown, &ops[i])
			continue
		}
		// A key that only increments have touched is missing or at least 1.
		missing := ops[i].Kind == Get && ops[i].Reply == Nil()
		if !missing && (!ops[i].Reply.Present || ops[i].Reply.Int < 1) {
			return fmt.Errorf("%w: a value that can't be: %v", ErrViolation, ops[i])
		}
		known = append(known, &ops[i])
	}
	slices.SortStableFunc(known, func(a, b *Op) int { // stable: reads of a value stay in order of call
		return cmp.Or(cmp.Compare(a.Reply.Int, b.Reply.Int), cmp.Compare(a.Kind, b.Kind))
	})
	latest := &Op{Call: math.MinInt64} // the last called of those placed so far
	value := int64(0)
	for _, op := range known {
		before := op.Reply.Int // the value that must be there when it is op's turn
		if op.Kind == Incr {
			before--
		}
		if before < value {
			return fmt.Errorf("%w: a second increment to a value: %v", ErrViolation, *op)
		}
		for ; value < before; value++ {
			if len(unknown) == 0 {
				return fmt.Errorf("%w: a value from nowhere, only %d increments can precede it: %v", ErrViolation, value, *op)
			}
			if unknown[0].Call > latest.Call {
				latest = unknown[0]
			}
			unknown = unknown[1:]
		}
		if op.Return < latest.Call {
			return fmt.Errorf("%w: %v had returned before %v was called, but must come after it", ErrViolation, *op, *latest)
		}
		if op.Call > latest.Call {
			latest = op
		}
		value = op.Reply.Int
	}
	return nil
}
