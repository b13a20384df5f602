package history

import (
	"math"
	"slices"
	"strings"
)

// cell is one key as the model sees it: a plain counter, or an instance counter, whose shares are then not empty. Immutable.
type cell struct {
	value   int64
	present bool // as a plain key
	until   int  // the Set whose TTL runs, by its place among the moves and from 1 on; 0: none

	// Of an instance counter. What epoch a key is in is learnt from the first answer, and then known until it is missing.
	epoch  int64
	known  bool // else epoch is the least that it can be
	shares []share
}

// share is the slice of one instance.
type share struct {
	instance string
	amount   int64
	parked   bool
	sign     int // the latest sign of life that the key has seen of it
}

// reply is what a Get answers.
func (c cell) reply() Reply { return Reply{Int: c.value, Present: c.present} }

// total is the sum of what is not parked.
func (c cell) total() (sum int64) {
	for _, s := range c.shares {
		if !s.parked {
			sum += s.amount
		}
	}
	return sum
}

func (c cell) find(instance string) (at int, found bool) {
	return slices.BinarySearchFunc(c.shares, instance, func(s share, name string) int { return strings.Compare(s.instance, name) })
}

func (c cell) mine(instance string) int64 {
	if at, found := c.find(instance); found {
		return c.shares[at].amount
	}
	return 0
}

// with is the cell after a change of one share.
func (c cell) with(s share) cell {
	at, found := c.find(s.instance)
	c.shares = slices.Clone(c.shares)
	if found {
		c.shares[at] = s
		return c
	}
	c.shares = slices.Insert(c.shares, at, s)
	return c
}

// without is the cell after the end of one share. With the last one the key ends.
func (c cell) without(instance string) cell {
	at, found := c.find(instance)
	if !found {
		return c
	}
	c.shares = slices.Delete(slices.Clone(c.shares), at, at+1)
	c.known = c.known && len(c.shares) > 0
	return c
}

// begin is a new era, without shares.
func (c cell) begin() cell {
	c.epoch++
	c.shares = nil
	return c
}

// renewed is the cell after a sign of life of an instance: what was parked of it here counts again.
func (c cell) renewed(instance string, sign int) cell {
	at, found := c.find(instance)
	if !found || !c.shares[at].parked && c.shares[at].sign >= sign {
		return c
	}
	s := c.shares[at]
	s.parked, s.sign = false, max(s.sign, sign)
	return c.with(s)
}

// in takes in that an answer named an epoch.
func (c cell) in(epoch int64) (cell, bool) {
	if c.known {
		return c, c.epoch == epoch
	}
	if epoch < c.epoch {
		return c, false
	}
	c.epoch, c.known = epoch, len(c.shares) > 0
	return c, true
}

func (c cell) equal(d cell) bool {
	return c.value == d.value && c.present == d.present && c.until == d.until && c.epoch == d.epoch && c.known == d.known &&
		slices.Equal(c.shares, d.shares)
}

// compare reports whether a holds against b, as If says.
func (cmp Comparator) compare(a, b int64) bool {
	switch cmp {
	case "EQ":
		return a == b
	case "NE":
		return a != b
	case "LT":
		return a < b
	case "LE":
		return a <= b
	case "GT":
		return a > b
	case "GE":
		return a >= b
	}
	return cmp == "ANY"
}

func overflows(a, b int64) bool {
	return b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b
}

// plain is the sequential counter: whether op may come next with the answer it got, and the cell after it. self is op's place.
func (c cell) plain(op *Op, self int) (bool, cell) {
	answered, r := op.Outcome == Done, &op.Reply
	store := func(value int64) cell { c.value, c.present = value, true; return c }
	switch op.Kind {
	case Get:
		return !answered || *r == c.reply(), c
	case Set:
		c.until = 0
		if op.TTL > 0 {
			c.until = self
		}
		return true, store(op.Arg)
	case Del:
		existed := c.present || len(c.shares) > 0
		if len(c.shares) > 0 {
			c = c.begin()
			c.known = false
		}
		c.value, c.present, c.until = 0, false, 0
		return !answered || r.Present && r.Int == 0 && !existed || *r == Int(1) && existed, c
	case Cas:
		before := c.value
		if before == op.Operand { // the deadline stays
			c = store(op.Arg)
		}
		return !answered || r.Int == before, c
	}
	return c.conditional(op)
}

// conditional is Incr, and what compares first.
func (c cell) conditional(op *Op) (bool, cell) {
	answered, r, old := op.Outcome == Done, &op.Reply, c.value
	applies := op.Kind == Incr || op.If.compare(old, op.Operand)
	refused := answered && r.Code != ""
	if over := applies && op.Kind != SetIf && overflows(old, op.Arg); over || refused {
		return over && (refused || !answered), c // and nothing has changed
	}
	if applies {
		c.value, c.present = op.Arg, true
		if op.Kind == SetIf {
			c.until = 0
		} else {
			c.value += old
		}
	}
	switch {
	case !answered:
		return true, c
	case op.Kind == Incr:
		return *r == c.reply(), c
	}
	return r.Applied == applies && r.Old == old && r.Int == c.value, c
}
