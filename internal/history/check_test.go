package history

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The little constructors of the tables: what was asked, the reply, and the stamps of call and return.

func incr(call, value, ret int64) Op {
	return Op{Kind: Incr, Key: "k", Arg: 1, Outcome: Done, Reply: Int(value), Call: call, Return: ret}
}

func add(delta, call, value, ret int64) Op {
	return Op{Kind: Incr, Key: "k", Arg: delta, Outcome: Done, Reply: Int(value), Call: call, Return: ret}
}

func get(call int64, reply Reply, ret int64) Op {
	return Op{Kind: Get, Key: "k", Outcome: Done, Reply: reply, Call: call, Return: ret}
}

func set(value, call, ret int64) Op {
	return Op{Kind: Set, Key: "k", Arg: value, Outcome: Done, Call: call, Return: ret}
}

func del(call, n, ret int64) Op {
	return Op{Kind: Del, Key: "k", Outcome: Done, Reply: Int(n), Call: call, Return: ret}
}

func unknown(op Op) Op {
	op.Outcome, op.Reply, op.Return = Unknown, Nil(), 0
	return op
}

func notApplied(op Op) Op {
	op.Outcome, op.Reply, op.Return = NotApplied, Nil(), 0
	return op
}

func TestHistoriesThatACounterExplainsPass(t *testing.T) {
	for name, ops := range map[string][]Op{
		"nothing at all":                       nil,
		"one after the other":                  {get(1, Nil(), 2), incr(3, 1, 4), get(5, Int(1), 6), incr(7, 2, 8)},
		"overlapping increments swap":          {incr(1, 2, 3), incr(2, 1, 4)},
		"a read sees an increment under way":   {incr(1, 1, 4), get(2, Int(1), 3)},
		"or does not":                          {incr(1, 1, 4), get(2, Nil(), 3)},
		"a lost reply was applied":             {unknown(incr(1, 0, 0)), incr(2, 2, 3)},
		"or was not":                           {unknown(incr(1, 0, 0)), incr(2, 1, 3)},
		"or is, much later":                    {unknown(incr(1, 0, 0)), incr(2, 1, 3), get(4, Int(2), 5)},
		"not applied counts for nothing":       {notApplied(incr(1, 0, 0)), incr(2, 1, 3)},
		"a failed read counts for nothing":     {unknown(get(1, Nil(), 0)), incr(2, 1, 3)},
		"set, add, delete":                     {set(5, 1, 2), add(-7, 3, -2, 4), del(5, 1, 6), del(7, 0, 8), get(9, Nil(), 10), incr(11, 1, 12)},
		"a lost set turns up between reads":    {incr(1, 1, 2), unknown(set(9, 3, 0)), get(4, Int(1), 5), get(6, Int(9), 7)},
		"a lost increment beyond the integers": {set(math.MaxInt64, 1, 2), unknown(incr(3, 0, 0)), get(4, Int(math.MaxInt64), 5)},
		"big steps":                            {add(10, 1, 10, 2), add(5, 3, 15, 4), get(5, Int(15), 6)},
	} {
		if err := Check(ops, time.Minute); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlantedViolationsAreCaught(t *testing.T) {
	for _, c := range []struct {
		name string
		ops  []Op
		says string
	}{
		{"lost update", []Op{incr(1, 1, 2), incr(3, 1, 4)}, "same value"},
		{"lost update seen by a read", []Op{incr(1, 1, 2), incr(3, 2, 4), get(5, Int(1), 6)}, "went back"},
		{"stale read after another's increment", []Op{incr(1, 1, 2), get(3, Nil(), 4)}, "went back"},
		{"reads that go back", []Op{unknown(incr(1, 0, 0)), get(2, Int(1), 3), get(4, Nil(), 5)}, "went back"},
		{"lower than the higher of two", []Op{incr(1, 2, 3), incr(2, 1, 4), get(5, Int(1), 6)}, "went back"},
		{"doubled increment", []Op{incr(1, 1, 2), get(3, Int(2), 4)}, "nowhere"},
		{"doubled unknown increment", []Op{unknown(incr(1, 0, 0)), incr(2, 3, 3)}, "nowhere"},
		{"a refused increment that was applied", []Op{notApplied(incr(1, 0, 0)), incr(2, 2, 3)}, "nowhere"},
		{"value from nowhere", []Op{get(1, Int(math.MaxInt64), 2)}, "nowhere"},
		{"value before its increment was called", []Op{get(1, Int(1), 2), incr(3, 1, 4)}, "must come after"},
		{"value before a lost increment was called", []Op{get(1, Int(1), 2), unknown(incr(3, 0, 0))}, "must come after"},
		{"later increment with a lower value", []Op{incr(1, 2, 2), incr(3, 1, 4)}, "went back"},
		{"a counter that holds 0", []Op{get(1, Int(0), 2)}, "can't be"},
		{"an increment answered nil", []Op{{Kind: Incr, Key: "k", Arg: 1, Outcome: Done, Call: 1, Return: 2}}, "can't be"},
		{"negative count", []Op{incr(1, -1, 2)}, "can't be"},
		{"big steps that go back", []Op{add(10, 1, 10, 2), get(3, Nil(), 4)}, "went back"},
		{"lost update of a big step", []Op{add(10, 1, 10, 2), add(5, 3, 10, 4)}, "no order"},
		{"stale read after set", []Op{set(1, 1, 2), set(2, 3, 4), get(5, Int(1), 6)}, "no order"},
		{"deleted and still there", []Op{set(1, 1, 2), del(3, 1, 4), get(5, Int(1), 6)}, "no order"},
		{"deleted twice", []Op{set(1, 1, 2), del(3, 1, 4), del(5, 1, 6)}, "no order"},
		{"an overflow that answers", []Op{set(math.MaxInt64, 1, 2), incr(3, math.MinInt64, 4)}, "no order"},
		{"the other overflow", []Op{set(math.MinInt64, 1, 2), add(-1, 3, math.MaxInt64, 4)}, "no order"},
	} {
		err := Check(c.ops, time.Minute)
		if !errors.Is(err, ErrViolation) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want a violation that says %q", c.name, err, c.says)
		}
	}
}

func TestKeysDoNotDisturbEachOther(t *testing.T) {
	other := incr(3, 1, 4)
	other.Key = "other"
	if err := Check([]Op{incr(1, 1, 2), other}, 0); err != nil {
		t.Error(err)
	}
	bad := incr(5, 7, 6)
	bad.Key = "bad"
	if err := Check([]Op{incr(1, 1, 2), bad}, 0); err == nil || !strings.Contains(err.Error(), `key "bad"`) {
		t.Errorf("error %v does not name the key", err)
	}
}

func TestErrorsOfManyKeysAreCounted(t *testing.T) {
	var ops []Op
	for i := range int64(MaxReported + 3) {
		op := incr(2*i, 7, 2*i+1)
		op.Key = fmt.Sprint(i)
		ops = append(ops, op)
	}
	if err := Check(ops, 0); !errors.Is(err, ErrViolation) || !strings.Contains(err.Error(), "and 3 errors more") {
		t.Error(err)
	}
}

func TestMalformedOpsAreRefused(t *testing.T) {
	for _, op := range []Op{{}, {Kind: 99}, {Kind: ICDeath}, {Kind: Set, Level: Stale}, {Kind: Get, Outcome: 9}, incr(2, 1, 1)} {
		if err := Check([]Op{op}, 0); !errors.Is(err, ErrHistory) {
			t.Errorf("%v: error %v", op, err)
		}
	}
}

// hopeless is a history whose orders are too many: different lost additions that can't add up to what was read.
func hopeless() (ops []Op) {
	for i := range int64(40) {
		ops = append(ops, unknown(add(2<<i, i, 0, 0)))
	}
	return append(ops, get(50, Int(1), 51))
}

func TestASearchOutOfTimeIsNoPass(t *testing.T) {
	if err := Check(hopeless(), time.Nanosecond); !errors.Is(err, ErrUndecided) || errors.Is(err, ErrViolation) {
		t.Errorf("error %v, want undecided", err)
	}
}

func TestASearchInVirtualTimeEndsByItsSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := Check(hopeless(), time.Second); !errors.Is(err, ErrUndecided) || errors.Is(err, ErrViolation) {
			t.Errorf("error %v, want undecided", err)
		}
	})
}
