package fsm

import "encoding/binary"

// Condition is what a group asks before it is applied: of a key, that nothing is there, or that no Entry after Index has
// changed it; or, if Whole, that each of its own Ops can be done. A key whose deadline has passed is missing, and counts as
// changed.
type Condition struct {
	Key     []byte // empty if Whole
	Missing bool
	Whole   bool
	Index   uint64 // unless Missing or Whole: what a Version Op answered
}

// What a Condition asks, as a byte. Stored in the log: append only.
const (
	asksUnchanged = 0
	asksMissing   = 1
	asksWhole     = 2
)

func (c *Condition) kind() byte {
	switch {
	case c.Whole:
		return asksWhole
	case c.Missing:
		return asksMissing
	}
	return asksUnchanged
}

// Terms are on what a group is applied: all conditions must hold, and what Once names must not have been done. The zero value
// asks for nothing.
type Terms struct {
	Conditions []Condition
	Once       Once
}

// The parts of a group's head beside its number of Ops, as bits. Stored in the log: append only.
const (
	partConditions = 1
	partOnce       = 2
)

// Conditions are encoded as
//
//	uvarint number of them
//	each: uvarint length, key
//	      one byte: what it asks
//	      uvarint index                        if asksUnchanged

// AppendGroupIf is AppendGroup for Ops that are applied on terms. If a condition does not hold when the group begins, every
// Result is Aborted and nothing changes; if it is because an Op can't be done, every Result has that one's Code. If it was
// done before, under the same Once, the Results are those of then (once.go).
func AppendGroupIf(dst []byte, terms Terms, ops []Op) []byte {
	var parts byte
	if len(terms.Conditions) > 0 {
		parts |= partConditions
	}
	if terms.Once.Given() {
		parts |= partOnce
	}
	if parts == 0 {
		return AppendGroup(dst, ops)
	}
	dst = binary.AppendUvarint(dst, uint64(len(ops))<<1|1)
	dst = append(dst, parts)
	if terms.Once.Given() {
		dst = terms.Once.append(dst)
	}
	if len(terms.Conditions) > 0 {
		dst = appendConditions(dst, terms.Conditions)
	}
	for i := range ops {
		dst = appendOp(dst, &ops[i])
	}
	return dst
}

func appendConditions(dst []byte, conditions []Condition) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(conditions)))
	for i := range conditions {
		c := &conditions[i]
		dst = binary.AppendUvarint(dst, uint64(len(c.Key)))
		dst = append(dst, c.Key...)
		dst = append(dst, c.kind())
		if c.kind() == asksUnchanged {
			dst = binary.AppendUvarint(dst, c.Index)
		}
	}
	return dst
}

// terms takes what a group's head has beside its number of Ops.
func (d *decoder) terms(parts byte) {
	if parts == 0 || parts&^(partConditions|partOnce) != 0 {
		d.fail()
		return
	}
	if parts&partOnce != 0 {
		d.once = d.takeOnce()
	}
	if parts&partConditions != 0 {
		d.skipConditions()
	}
}

// skipConditions takes the conditions of a group and keeps their bytes, if they are whole.
func (d *decoder) skipConditions() {
	start := d.rest
	for n := d.uvarint(); n > 0 && !d.failed; n-- {
		d.condition()
	}
	if !d.failed {
		d.conditions = start[:len(start)-len(d.rest)]
	}
}

func (d *decoder) condition() (c Condition) {
	c.Key = d.bytes()
	switch d.byte() {
	case asksUnchanged:
		c.Index = d.uvarint()
	case asksMissing:
		c.Missing = true
	case asksWhole:
		c.Whole = true
	default:
		d.fail()
	}
	return c
}

// unmet is why a group, the first of groups and from a Batch of this number, with these conditions is not applied now: Aborted, or the Code of an Op that can't
// be done; OK if all hold. It changes nothing: a key that is due is not removed.
func (m *Machine) unmet(conditions, groups []byte, from Number) Code {
	d := decoder{rest: conditions}
	whole := false
	for n := d.uvarint(); n > 0; n-- {
		c := d.condition()
		if c.Whole {
			whole = true
			continue
		}
		hash := m.table.hash(c.Key)
		it, found := m.table.get(hash, c.Key)
		due := found && it.deadline != 0 && it.deadline <= m.now
		switch {
		case c.Missing && (found && !due || m.ledger.holds(hash, c.Key)):
			return Aborted
		case !c.Missing && (due || m.versions.last(hash) > c.Index):
			return Aborted
		}
	}
	if whole {
		return m.try(groups, from, true)
	}
	return OK
}
