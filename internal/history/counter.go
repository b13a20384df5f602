package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// mark is an Op of a counter key in little room, for millions of them: an addition of always the same amount, or a read.
type mark struct {
	value int64 // in such amounts
	call  int64
	ret   int64 // of an addition without an answer, never
	at    int32 // in the key's Ops
	adds  bool
}

// marks are the Ops of a key that is a counter, in order of call. An answer that is no multiple of the amount is a violation.
func (k *keyView) marks() ([]mark, error) {
	marks := make([]mark, len(k.ops))
	for i, op := range k.ops {
		m := mark{call: op.Call, ret: op.end(), at: int32(i), adds: op.Kind == Incr}
		if op.Outcome == Done {
			// A key that only additions have touched is missing or at least 1.
			missing := !m.adds && op.Reply == Nil()
			if !missing && (!op.Reply.Present || op.Reply.Int < k.delta || op.Reply.Int%k.delta != 0) {
				return nil, fmt.Errorf("%w: a value that can't be: %v", ErrViolation, *op)
			}
			m.value = op.Reply.Int / k.delta
		}
		marks[i] = m
	}
	return marks, nil
}

// ordered sorts what was answered by value: the addition to v before the reads of v, those by call; and gives the unanswered
// additions in order of call.
func ordered(marks []mark) (known, unknown []mark) {
	known = make([]mark, 0, len(marks))
	for _, m := range marks {
		if m.ret == never {
			unknown = append(unknown, m)
			continue
		}
		known = append(known, m)
	}
	slices.SortFunc(known, func(a, b mark) int {
		switch {
		case a.value != b.value:
			return cmp.Compare(a.value, b.value)
		case a.adds != b.adds && a.adds:
			return -1
		case a.adds != b.adds:
			return 1
		}
		return cmp.Compare(a.at, b.at)
	})
	return known, unknown
}

// distinct holds if every answered addition got a value of its own: two equal ones are a lost update, or two answers for one.
func (k *keyView) distinct(known []mark) error {
	for i := 1; i < len(known); i++ {
		if a, b := known[i-1], known[i]; a.value == b.value && a.adds && b.adds {
			return fmt.Errorf("%w: two increments got the same value: %v and %v", ErrViolation, *k.ops[a.at], *k.ops[b.at])
		}
	}
	return nil
}

// exact decides a counter key, unanswered additions included. O(n) after the sorting.
//
// The values fix the order of the answered Ops. Only where values are missing do unanswered additions come in, and as these
// never return, taking the one called first is never worse. Whether this one order obeys real time is then seen by a running
// maximum: nothing may have returned before the call of something placed ahead of it.
func (k *keyView) exact(known, unknown []mark) error {
	latest := mark{call: math.MinInt64} // the last called of those placed so far
	value := int64(0)
	for _, m := range known {
		before := m.value // the value that must be there when it is m's turn
		if m.adds {
			before--
		}
		if before < value {
			return fmt.Errorf("%w: a second increment to a value: %v", ErrViolation, *k.ops[m.at])
		}
		for ; value < before; value++ {
			if len(unknown) == 0 {
				return fmt.Errorf("%w: a value from nowhere, only %d increments can precede it: %v", ErrViolation, value, *k.ops[m.at])
			}
			if unknown[0].call > latest.call {
				latest = unknown[0]
			}
			unknown = unknown[1:]
		}
		if m.ret < latest.call {
			return fmt.Errorf("%w: %v had returned before %v was called, but must come after it", ErrViolation, *k.ops[m.at], *k.ops[latest.at])
		}
		if m.call > latest.call {
			latest = m
		}
		value = m.value
	}
	return nil
}

// forward holds if no answer is lower than one that had come before its operation began, whoever got it. Only for keys that
// never shrink; Nil counts as 0. O(n log n).
func (k *keyView) forward() error {
	returned := make([]int32, 0, len(k.ops)) // in order of return
	for i, op := range k.ops {
		if op.Outcome == Done {
			returned = append(returned, int32(i))
		}
	}
	slices.SortFunc(returned, func(a, b int32) int { return cmp.Compare(k.ops[a].Return, k.ops[b].Return) })
	var highest *Op
	next := 0
	for _, op := range k.ops { // in order of call
		for next < len(returned) && k.ops[returned[next]].Return < op.Call {
			if came := k.ops[returned[next]]; highest == nil || came.Reply.Int > highest.Reply.Int {
				highest = came
			}
			next++
		}
		if op.Outcome == Done && highest != nil && op.Reply.Int < highest.Reply.Int {
			return fmt.Errorf("%w: the value went back: %v, then %v", ErrViolation, *highest, *op)
		}
	}
	return nil
}
