package history

import (
	"fmt"
	"slices"
	"strings"
)

// move is what happens at one instant, as far as the search knows: an Op, all of a MULTI, or something that nobody asked for.
type move struct {
	kind  moveKind
	steps []opStep // of a request
	cell  int      // of the other kinds: the key's

	set      int    // expiry: the Set that it is of, as cell.until has it
	instance string // death, comeback
	sign     int    // death: the sign of life that it follows

	call, ret int64 // twice the stamps, so that there is room between them
}

type moveKind uint8

const (
	request  moveKind = iota
	expiry            // the TTL of a Set is over; nothing, if something else was stored since
	death             // the lease of an instance is over: its slice is parked; nothing, if it has given a later sign of life
	comeback          // what was parked returns, because of a sign of life elsewhere; nothing, if it is not parked
)

// opStep is an Op on one of the part's keys.
type opStep struct {
	op   *Op
	cell int
	self int // among the part's Ops, from 1 on
	sign int // among the signs of life of op's instance, from 1 on
}

// step is whether the move may come next, and what it leads to. It changes nothing that is there.
func (m *move) step(state []cell) (bool, []cell) {
	next := slices.Clone(state)
	c := &next[m.cell]
	switch m.kind {
	case expiry:
		if c.until == m.set {
			c.value, c.present, c.until = 0, false, 0
		}
	case death:
		if at, found := c.find(m.instance); found && !c.shares[at].parked && c.shares[at].sign <= m.sign {
			s := c.shares[at]
			s.parked = true
			*c = c.with(s)
		}
	case comeback:
		if at, found := c.find(m.instance); found && c.shares[at].parked {
			*c = c.renewed(m.instance, c.shares[at].sign)
		}
	}
	for _, s := range m.steps {
		legal, after := false, cell{}
		if s.op.Kind >= ICIncr {
			legal, after = next[s.cell].instance(s.op, s.sign)
		} else {
			legal, after = next[s.cell].plain(s.op, s.self)
		}
		if !legal {
			return false, state
		}
		next[s.cell] = after
	}
	return true, next
}

func (m *move) client() int {
	if m.kind == request {
		return m.steps[0].op.Client
	}
	return 0
}

// String is the move in messages and pictures.
func (m *move) String() string {
	switch m.kind {
	case expiry:
		return "a TTL ends"
	case death:
		return "the lease of " + m.instance + " ends"
	case comeback:
		return "the slice of " + m.instance + " returns"
	}
	texts := make([]string, len(m.steps))
	for i, s := range m.steps {
		texts[i] = s.op.String()
	}
	if len(texts) > 1 {
		return fmt.Sprintf("MULTI { %s }", strings.Join(texts, "; "))
	}
	return texts[0]
}
