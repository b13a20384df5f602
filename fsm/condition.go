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

const partConditions = 1

// Conditions are encoded as
//
//	uvarint number of them
//	each: uvarint length, key
//	      one byte: what it asks
//	      uvarint index                        if asksUnchanged

// AppendGroupIf is AppendGroup for Ops that are applied only if all conditions hold when the group begins; otherwise every
// Result is Aborted and nothing changes. If it is because an Op can't be done, every Result has that one's Code.
func AppendGroupIf(dst []byte, conditions []Condition, ops []Op) []byte {
	if len(conditions) == 0 {
		return AppendGroup(dst, ops)
	}
	dst = binary.AppendUvarint(dst, uint64(len(ops))<<1|1)
	dst = append(dst, partConditions)
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
	for i := range ops {
		dst = appendOp(dst, &ops[i])
	}
	return dst
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

// unmet is why a group, the first of groups, with these conditions is not applied now: Aborted, or the Code of an Op that can't
// be done; OK if all hold. It changes nothing: a key that is due is not removed.
func (m *Machine) unmet(conditions, groups []byte) Code {
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
		case c.Missing && found && !due:
			return Aborted
		case !c.Missing && (due || m.versions.last(hash) > c.Index):
			return Aborted
		}
	}
	if whole {
		return m.try(groups, true)
	}
	return OK
}
