package fsm

import (
	"encoding/binary"
	"slices"
	"strings"
)

// origin is what the Machine remembers of one source of Batches: the largest number applied, and that one Batch's
// Results. Since an origin has at most one Batch unanswered, this is enough to apply each of them once, however often it
// is resent.
type origin struct {
	number  Number
	results Results
}

// origin returns the record of id, which it makes if need be.
func (m *Machine) origin(id string) *origin {
	at, found := slices.BinarySearchFunc(m.origins, id, func(o origin, id string) int {
		return strings.Compare(o.number.Origin, id)
	})
	if !found {
		m.origins = slices.Insert(m.origins, at, origin{number: Number{Origin: id}})
	}
	return &m.origins[at]
}

// admit compares a Batch's number with the largest applied. Numbers start at (1, 1), so nothing equals a new origin's.
func (o *origin) admit(n Number) Verdict {
	switch {
	case n.After(o.number):
		return Applied
	case n == o.number:
		return Repeated
	}
	return Superseded
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
	return origin{number, results}
}
