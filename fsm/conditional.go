package fsm

// compare reports whether op's Comparator holds between what its key holds and op.Than.
func (op *Op) compare(old *item) (holds bool, code Code) {
	switch op.Compare {
	case ANY:
		return true, OK
	case Same, Differs:
		same := old.value.Kind != Nil && old.value.reads(op.Than)
		return same == (op.Compare == Same), OK
	}
	order, code := compareNumbers(heldNumber(old), op.Than)
	switch op.Compare {
	case EQ:
		return order == 0, code
	case NE:
		return order != 0, code
	case Less:
		return order < 0, code
	case LE:
		return order <= 0, code
	case Greater:
		return order > 0, code
	case GE:
		return order >= 0, code
	}
	return false, code
}

// reads reports whether a client reads the same bytes from both.
func (v Value) reads(w Value) bool {
	if v.Kind == Int && w.Kind == Int {
		return v.Int == w.Int
	}
	return string(v.AppendText(nil)) == string(w.AppendText(nil))
}

// heldNumber is what old counts as: a missing key is 0.
func heldNumber(old *item) Value {
	if old.value.Kind == Nil {
		return IntValue(0)
	}
	return old.value
}

func decideIncrIf(op *Op, old *item, found bool, next *item) (Result, effect) {
	if found && old.value.Kind != Int {
		return Result{Code: NotInteger}, keeps
	}
	holds, code := op.compare(old)
	if code != OK {
		return Result{Code: code}, keeps
	}
	if !holds {
		return Result{Value: ListValue(truth(false), heldNumber(old), heldNumber(old))}, keeps
	}
	r, does := decideIncr(op, old, found, next)
	if r.Code == OK {
		r.Value = ListValue(truth(true), r.Value, heldNumber(old))
	}
	return r, does
}

// decideSetIf: in a List, a missing key reads as 0 where numbers are compared, and as Nil where texts are.
func (m *Machine) decideSetIf(op *Op, old *item, found bool, next *item) (Result, effect) {
	holds, code := op.compare(old)
	if code != OK {
		return Result{Code: code}, keeps
	}
	before := old.value
	if op.Compare != Same && op.Compare != Differs {
		before = heldNumber(old)
	}
	r, does := Result{Code: Skipped}, keeps
	if holds {
		r, does = m.decideSet(op, old, found, next)
	} else if op.Flags&SetGet != 0 {
		r.Value = old.value
	}
	if op.Flags&Tell == 0 || r.Code != OK && r.Code != Skipped {
		return r, does
	}
	after := op.Value
	if r.Code == Skipped {
		after = before
	}
	return Result{Value: ListValue(truth(r.Code == OK), after, before)}, does
}

func decideDeleteIf(op *Op, old *item, found bool) (Result, effect) {
	if !found {
		return Result{Value: truth(false)}, keeps
	}
	holds, code := op.compare(old)
	if code != OK {
		return Result{Code: code}, keeps
	}
	if !holds {
		return Result{Value: truth(false)}, keeps
	}
	return Result{Value: truth(true)}, drops
}
