package fsm

import (
	"encoding/binary"
	"slices"
	"strings"
)

// origin is what the Machine remembers of one source of Batches: the largest number applied, and that one Batch's
// Results. Since an origin has at most one Batch unanswered, this is enough to apply each of them once, however often it
// is resent.
//
// The record of a removed Node stays for ever, for the mark, but is short: a number and no Results. A Batch of it that is
// still on its way is admitted by its number as ever; only its answer is not remembered. So the records grow by less than 100
// bytes for each Node that was ever removed, which is what operators do, not clients.
type origin struct {
	number  Number
	results Results
	removed bool
}

// origin returns the record of id, which it makes if need be. It is valid until the next call.
func (m *Machine) origin(id string) *origin {
	at, found := m.findOrigin(id)
	if !found {
		m.origins = slices.Insert(m.origins, at, origin{number: Number{Origin: id}})
	}
	return &m.origins[at]
}

func (m *Machine) findOrigin(id string) (at int, found bool) {
	return slices.BinarySearchFunc(m.origins, id, func(o origin, id string) int {
		return strings.Compare(o.number.Origin, id)
	})
}

// admit compares a Batch's number with the largest applied. Numbers start at (1, 1), so nothing equals a new origin's.
func (o *origin) admit(n Number) Verdict {
	switch {
	case n.After(o.number):
		return Applied
	case n == o.number && !o.removed:
		return Repeated
	}
	return Superseded
}

// done notes the Batch that was applied last, and its answer.
func (o *origin) done(n Number, results Results) {
	o.number, o.results = n, results
	if o.removed {
		o.results = nil
	}
}

// block is the kind of block that an image has it in. Its body is the same, so that the mark of removal is a kind of its own:
// a build that does not know it refuses the image.
func (o *origin) block() byte {
	if o.removed {
		return blockRemoved
	}
	return blockOrigin
}

func (o *origin) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(o.number.Origin)))
	dst = append(dst, o.number.Origin...)
	dst = binary.AppendUvarint(dst, o.number.Incarnation)
	dst = binary.AppendUvarint(dst, o.number.Sequence)
	return append(dst, o.results...)
}

func (d *decoder) origin() origin {
	number := Number{Origin: string(d.bytes()), Incarnation: d.uvarint(), Sequence: d.uvarint()}
	results := append(Results(nil), d.rest...)
	d.rest = nil
	return origin{number: number, results: results}
}
