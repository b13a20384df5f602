package fsm

// target is the key that a Rename or a Copy puts the item under. One that looks like an integer may come as one.
func (op *Op) target() []byte {
	if op.Value.Kind == Text {
		return op.Value.Text
	}
	return op.Value.AppendText(nil)
}

// decideMove says what a Rename or a Copy answers, and whether the item goes to its target. from and to say whether there is
// an item, and something at the target.
func decideMove(op *Op, from, to bool) (r Result, moves bool) {
	same := string(op.Key) == string(op.target())
	switch {
	case !from && op.Kind == Rename:
		return Result{Code: NoSuchKey}, false
	case !from, op.Kind == Copy && same, op.Kind == Copy && to && op.Flags&XX == 0, op.Kind == Rename && to && op.Flags&NX != 0:
		return Result{Value: truth(false)}, false
	}
	return Result{Value: truth(true)}, !same
}

// moved is the usage after the item of op.Key went to op's target, where to was.
func (u usage) moved(op *Op, from, to *item) usage {
	u = u.replace(op.target(), to, from)
	if op.Kind == Rename {
		u = u.replace(op.Key, from, &item{})
	}
	return u
}

// move carries out what decideMove says, if there is room for it.
func (m *Machine) move(op *Op) Result {
	target := op.target()
	hash, targetHash := m.table.hash(op.Key), m.table.hash(target)
	from, found := m.live(hash, op.Key)
	from.value.Text = append([]byte(nil), from.value.Text...) // the table promises it until the next put or delete only
	to, taken := m.live(targetHash, target)
	if onCounter(m.ledger, op, hash, found, targetHash, taken) {
		return Result{Code: WrongType}
	}
	r, moves := decideMove(op, found, taken)
	if !moves {
		return r
	}
	if code := m.limits.exceeded(m.usage(), m.usage().moved(op, &from, &to)); code != OK {
		return m.limits.refusal(code)
	}
	m.put(targetHash, target, &to, &from)
	if op.Kind == Rename {
		m.drop(hash, op.Key, &from)
	}
	if m.observer != nil {
		m.tellMove(op)
	}
	return r
}
