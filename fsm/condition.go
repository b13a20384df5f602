package fsm

import "encoding/binary"

// Condition is what a group asks of a key before it is applied: that nothing is there, or that no Entry after Index has
// changed it. A key whose deadline has passed is missing, and counts as changed.
type Condition struct {
	Key     []byte
	Missing bool
	Index   uint64 // unless Missing: what a Version Op answered
}

const partConditions = 1

// Conditions are encoded as
//
//	uvarint number of them
//	each: uvarint length, key
//	      one byte: 1 missing, 0 unchanged
//	      uvarint index                        if unchanged

// AppendGroupIf is AppendGroup for Ops that are applied only if all conditions hold when the group begins; otherwise every
// Result is Aborted and nothing changes.
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
		dst = append(dst, byte(truth(c.Missing).Int))
		if !c.Missing {
			dst = binary.AppendUvarint(dst, c.Index)
		}
	}
	for i := range ops {
		dst = appendOp(dst, &ops[i])
	}
	return dst
}

// skipConditions takes the conditions of a group and keeps their bytes.
func (d *decoder) skipConditions() {
	start := d.rest
	for n := d.uvarint(); n > 0 && !d.failed; n-- {
		d.condition()
	}
	d.conditions = start[:len(start)-len(d.rest)]
}

func (d *decoder) condition() (c Condition) {
	c.Key = d.bytes()
	switch d.byte() {
	case 0:
		c.Index = d.uvarint()
	case 1:
		c.Missing = true
	default:
		d.fail()
	}
	return c
}

// met reports whether all conditions of a group hold now. It changes nothing: a key that is due is not removed.
func (m *Machine) met(conditions []byte) bool {
	d := decoder{rest: conditions}
	for n := d.uvarint(); n > 0; n-- {
		c := d.condition()
		hash := m.table.hash(c.Key)
		it, found := m.table.get(hash, c.Key)
		due := found && it.deadline != 0 && it.deadline <= m.now
		switch {
		case c.Missing && found && !due:
			return false
		case !c.Missing && (due || m.versions.last(hash) > c.Index):
			return false
		}
	}
	return true
}
