package fsm

import (
	"math"
	"strings"

	"github.com/cockroachdb/apd/v3"
)

// IncrEx is Redis 8.8's INCREX: add, but stay within bounds, and set or remove the deadline, in one step. It answers the new
// number and what was added.
//
// Only the sum is compared with the bounds, as there. If it is outside of one, or of the numbers that we keep, nothing
// changes, the deadline included, and the answer is [what is held, 0]; with Saturate the sum becomes that bound instead. So a
// key that is outside already (the bounds have been others) can't be moved towards them by a step that stays outside, and
// with Saturate it is at the bound at once, whichever way the step goes: what was added then differs in sign, too.
//
// A key that holds no integer is NotInteger; in decimals, one that holds no number is NotNumber.
func (m *Machine) decideIncrEx(op *Op, old *item, found bool, next *item) (Result, effect) {
	deadline, ok := m.deadline(op.Expiry)
	if !ok {
		return Result{Code: BadExpiry}, keeps
	}
	number, added, within, code := op.within(old, found)
	switch {
	case code != OK:
		return Result{Code: code}, keeps
	case !within:
		return Result{Value: ListValue(number, IntValue(0))}, keeps
	}
	if op.Expiry.Mode == NoExpiry || op.Flags&NX != 0 && old.deadline != 0 {
		deadline = old.deadline
	}
	r := Result{Value: ListValue(number, added)}
	if deadline != 0 && deadline <= m.now {
		return r, drops
	}
	next.value, next.deadline = number, deadline
	return r, stores
}

// decimals reports whether op is about decimals, be they integers.
func (op *Op) decimals() bool {
	return op.Flags&Decimals != 0 || op.Value.Kind == Text || op.Low.Kind == Text || op.High.Kind == Text
}

// within says what the number becomes and what is added for that. within is false if nothing changes: the number is then what
// is held.
func (op *Op) within(old *item, found bool) (number, added Value, within bool, code Code) {
	switch {
	case op.decimals():
		return op.decimalWithin(old)
	case found && old.value.Kind != Int:
		return Value{}, Value{}, false, NotInteger
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if op.Low.Kind == Int {
		low = op.Low.Int
	}
	if op.High.Kind == Int {
		high = op.High.Int
	}
	held := old.value.Int
	sum, fits := addInts(held, op.Value.Int)
	over, under := sum > high, sum < low
	if !fits {
		over, under = op.Value.Int > 0, op.Value.Int < 0
	}
	switch {
	case !over && !under:
		return IntValue(sum), op.Value, true, OK
	case op.Flags&Saturate == 0:
		return IntValue(held), Value{}, false, OK
	case over:
		sum = high
	default:
		sum = low
	}
	if difference := sum - held; (difference < 0) == (sum < held) {
		return IntValue(sum), IntValue(difference), true, OK
	}
	return Value{}, Value{}, false, Overflow
}

func (op *Op) decimalWithin(old *item) (number, added Value, within bool, code Code) {
	var held, add, low, high apd.Decimal
	for _, n := range []struct {
		d *apd.Decimal
		v Value
	}{{&held, heldNumber(old)}, {&add, op.Value}, {&low, orNumber(op.Low, "-"+largest)}, {&high, orNumber(op.High, largest)}} {
		if code := setNumber(n.d, n.v); code != OK {
			return Value{}, Value{}, false, code
		}
	}
	var next apd.Decimal
	sum(&next, &held, &add, false)
	bound := &next
	switch {
	case next.Cmp(&high) > 0:
		bound = &high
	case next.Cmp(&low) < 0:
		bound = &low
	}
	if within = bound == &next || op.Flags&Saturate != 0; !within {
		number, code = numberValue(&held)
		return number, Value{}, false, code
	}
	if number, code = numberValue(bound); code != OK {
		return Value{}, Value{}, false, code
	}
	sum(&add, bound, &held, true)
	added, code = numberValue(&add)
	return number, added, true, code
}

// largest is the largest number that we keep.
var largest = strings.Repeat("9", MaxWhole) + "." + strings.Repeat("9", MaxFraction)

func orNumber(v Value, otherwise string) Value {
	if v.Kind == Nil {
		return Value{Kind: Text, Text: []byte(otherwise)}
	}
	return v
}

func decideAdd(op *Op, old, next *item) (Result, effect) {
	sum, code := addNumbers(heldNumber(old), op.Value)
	if code != OK {
		return Result{Code: code}, keeps
	}
	next.value, next.deadline = sum, old.deadline
	return Result{Value: sum}, stores
}
