package sim

import (
	"fmt"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// hot counts in steps of one, and reads at every level.
func hot(c *client) func() {
	return func() {
		op := history.Op{Kind: history.Incr, Key: fmt.Sprintf("hot:%d", c.IntN(3)), Arg: 1}
		switch c.IntN(10) {
		case 0, 1:
			op.Kind, op.Arg = history.Get, 0
		case 2, 3:
			op.Kind, op.Arg, op.Level = history.Get, 0, history.Stale
		}
		c.send(fsm.Once{}, op)
	}
}

// mixed does everything there is to short-lived keys.
func mixed(c *client) func() {
	keys := c.rotor("mix", 200)
	return func() {
		op := history.Op{Key: keys.key(), Arg: int64(c.IntN(9) - 4), Operand: int64(c.IntN(5))}
		switch c.IntN(9) {
		case 0, 1:
			op.Kind = history.Incr
		case 2, 3:
			op.Kind, op.Arg = history.Get, 0
		case 4:
			op.Kind, op.Arg = history.Set, int64(c.IntN(10))
		case 5:
			op.Kind, op.Arg = history.Del, 0
		case 6:
			op.Kind, op.If = history.IncrIf, c.comparator()
		case 7:
			op.Kind, op.If = history.SetIf, c.comparator()
		case 8:
			op.Kind = history.Cas
		}
		if op.Kind != history.IncrIf && op.Kind != history.SetIf && op.Kind != history.Cas {
			op.Operand = 0
		}
		_, outcome := c.send(fsm.Once{}, op)
		keys.note(outcome)
	}
}

func (c *client) comparator() history.Comparator {
	return oneOf(c.Rand, history.Comparator("EQ"), "NE", "LT", "LE", "GT", "GE", "ANY")
}

// groups moves amounts between two or three keys, whose sum stays 0, and reads them together.
func groups(c *client) func() {
	keys := c.rotor("multi", 60)
	return func() {
		key := keys.key()
		at := func(kind history.Kind, part string, by int64) history.Op {
			return history.Op{Kind: kind, Key: key + ":" + part, Arg: by}
		}
		by := int64(1 + c.IntN(5))
		var ops []history.Op
		switch c.IntN(4) {
		case 0:
			ops = []history.Op{at(history.Get, "a", 0), at(history.Get, "b", 0), at(history.Get, "c", 0)}
		case 1:
			ops = []history.Op{at(history.Incr, "a", by), at(history.Incr, "b", -by)}
		case 2:
			ops = []history.Op{at(history.Incr, "b", by), at(history.Get, "a", 0), at(history.Incr, "c", -by)}
		case 3:
			ops = []history.Op{at(history.Incr, "c", 2*by), at(history.Incr, "a", -by), at(history.Incr, "b", -by)}
		}
		replies, outcome := c.send(fsm.Once{}, ops...)
		keys.note(outcome)
		if len(replies) == 3 && ops[1].Kind == history.Get && ops[0].Kind == history.Get {
			if sum := replies[0].Int + replies[1].Int + replies[2].Int; sum != 0 {
				c.anomaly("groups", "the sum of %s is %d: %v", key, sum, replies)
			}
		}
	}
}

// floor takes from a stock that must never be below zero, and fills it up.
func floor(c *client) func() {
	keys := c.rotor("stock", 200)
	return func() {
		by := int64(1 + c.IntN(4))
		op := history.Op{Kind: history.IncrIf, Key: keys.key(), Arg: -by, If: "GE", Operand: by}
		switch c.IntN(4) {
		case 0:
			op = history.Op{Kind: history.Incr, Key: op.Key, Arg: by}
		case 1:
			op = history.Op{Kind: history.Get, Key: op.Key}
		}
		replies, outcome := c.send(fsm.Once{}, op)
		keys.note(outcome)
		if len(replies) == 1 && replies[0].Int < 0 {
			c.anomaly("floor", "%s has fallen to %v", op.Key, replies[0])
		}
	}
}

// expiry stores what ends by itself, and looks whether it is there.
func expiry(c *client) func() {
	n, key, ttl := 0, "", time.Duration(0)
	var since time.Time
	return func() {
		if key == "" || time.Since(since) > 2*ttl+c.span(0, time.Second) {
			n++
			key = fmt.Sprintf("%s%d-%d", expiringKeys, c.row, n)
			ttl, since = c.span(100*time.Millisecond, 3*time.Second).Round(time.Millisecond), time.Now()
			c.send(fsm.Once{}, history.Op{Kind: history.Set, Key: key, Arg: int64(n), TTL: ttl})
			return
		}
		c.rest(within(c.Rand, ttl/4))
		c.send(fsm.Once{}, history.Op{Kind: history.Get, Key: key})
	}
}

// countOfInstances is an instance that counts, falls silent, at times for longer than its lease, and comes back.
func countOfInstances(c *client) func() {
	keys := c.rotor("ic", 60)
	key, name, epoch := "", "", int64(0)
	return func() {
		if now := keys.key(); now != key {
			key, name, epoch = now, fmt.Sprintf("i%d-%s", c.row, now), 0 // a name has one key in its life
		}
		op := history.Op{Key: key, Instance: name, Arg: int64(1 + c.IntN(3))}
		switch c.IntN(16) {
		case 0:
			op.Kind = history.ICSet
		case 1:
			op.Kind, op.Arg = history.ICDel, 0
		case 2:
			op.Kind = history.ICSetSlice
		case 3:
			op.Kind, op.Arg = history.ICDelSlice, 0
		case 4, 5:
			op.Kind, op.Arg = history.ICGet, 0
		case 6, 7:
			op.Kind, op.Epoch = history.ICIncr, epoch // of an era that may be over
		case 8:
			op.Kind, op.If, op.Operand = history.ICIncrIf, c.comparator(), int64(c.IntN(20))
		case 9:
			c.rest(within(c.Rand, 3*c.plan.setup.lease)) // dead, perhaps
			op.Kind = history.ICIncr
		default:
			op.Kind = history.ICIncr
		}
		replies, outcome := c.send(fsm.Once{}, op)
		keys.note(outcome)
		if len(replies) == 1 && replies[0].Code == "" && c.IntN(2) == 0 {
			epoch = replies[0].Epoch
		}
	}
}

// patience is how long after the last fault the last repetition is answered, at pace 1.
const patience = 30 * time.Second

// onceOnly repeats a command, at one host after the other, until the answer is definite; and at times one that was answered before.
func onceOnly(c *client) func() {
	type sent struct {
		once fsm.Once
		op   history.Op
	}
	var id fsm.SessionID
	copy(id[:], fmt.Sprintf("s%d-%d", c.row, c.plan.seed))
	open := false
	sequence, done := uint64(0), []sent(nil)
	return func() {
		if !open {
			c.connect()
			a := c.Do(c.host, fsm.Strong, fsm.Op{Kind: fsm.OpenSession, Key: id[:], Amount: fsm.MaxSession})
			open = a.Err == nil && a.Results[0].Code == fsm.OK
			return
		}
		if len(done) > 0 && c.IntN(20) == 0 { // late, and within the window
			old := done[max(0, len(done)-1-c.IntN(20))]
			c.send(old.once, old.op)
			return
		}
		sequence++
		s := sent{fsm.Once{Session: id, Sequence: sequence, Hash: sequence*31 + 7},
			history.Op{Kind: history.Incr, Key: fmt.Sprintf("once:%d", c.IntN(2)), Arg: int64(1 + c.IntN(3))}}
		for !c.broken() {
			if _, outcome := c.send(s.once, s.op); outcome == history.Done {
				break
			}
			c.rest(time.Duration(10+c.IntN(40)) * time.Millisecond)
			if late := time.Since(c.began) - c.plan.setup.length; late > patience*time.Duration(c.plan.setup.pace) {
				c.anomaly("available", "%v has no answer %v after the last fault", s.op, late)
			}
		}
		done = append(done, s)
	}
}
