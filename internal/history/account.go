package history

// instance is the sequential instance counter: whether op may come next with the answer it got, and the cell after it. sign is
// op's place among the signs of life of its instance.
func (c cell) instance(op *Op, sign int) (bool, cell) {
	answered, r := op.Outcome == Done, &op.Reply
	switch op.Kind {
	case ICGet:
		return c.read(op, sign)
	case ICBeat: // what is parked returns with the next Entry, which is a move of its own
		if at, found := c.find(op.Instance); found {
			s := c.shares[at]
			s.sign = max(s.sign, sign)
			c = c.with(s)
		}
		return true, c
	}
	if op.Instance != "" {
		c = c.renewed(op.Instance, sign)
	}
	old, oldMine := c.total(), c.mine(op.Instance)
	if refused := answered && r.Code != ""; refused || op.Epoch != 0 && c.stale(op.Epoch) {
		return c.refuse(op), c
	}
	if op.Epoch != 0 {
		c, _ = c.in(op.Epoch)
	}
	if c.over(op) {
		return !answered, c
	}
	applies := op.Kind != ICIncrIf || op.If.compare(old, op.Operand)
	if applies {
		c = c.change(op, oldMine, sign)
	}
	if !answered {
		return true, c
	}
	var right bool
	switch op.Kind {
	case ICDel:
		right = r.Old == old && r.OldMine == oldMine
	case ICDelSlice:
		right = r.Int == c.total() && r.OldMine == oldMine
	case ICIncrIf:
		right = r.Applied == applies && r.Old == old && r.OldMine == oldMine && r.Int == c.total() && r.Mine == c.mine(op.Instance)
	default:
		right = r.Int == c.total() && r.Mine == c.mine(op.Instance)
	}
	c, same := c.in(r.Epoch)
	return right && same, c
}

// read is ICGet. That an instance reads may bring back what is parked of it, so the answer says whether it did.
func (c cell) read(op *Op, sign int) (bool, cell) {
	if op.Outcome != Done {
		return true, c
	}
	if at, found := c.find(op.Instance); found && c.shares[at].parked && op.Reply.Int != c.total() {
		c = c.renewed(op.Instance, sign)
	}
	c, same := c.in(op.Reply.Epoch)
	return same && op.Reply.Int == c.total() && op.Reply.Mine == c.mine(op.Instance), c
}

// change is what a write does.
func (c cell) change(op *Op, mine int64, sign int) cell {
	switch op.Kind {
	case ICDel:
		if len(c.shares) > 0 {
			c = c.begin()
			c.known = false
		}
		return c
	case ICDelSlice:
		return c.without(op.Instance)
	case ICSet:
		c = c.begin()
		mine = op.Arg
	case ICSetSlice:
		mine = op.Arg
	default:
		mine += op.Arg
	}
	return c.with(share{instance: op.Instance, amount: mine, sign: sign})
}

// stale reports whether the key is surely in another epoch.
func (c cell) stale(epoch int64) bool { return c.known && c.epoch != epoch || epoch < c.epoch }

// refuse reports whether a write may come to nothing here: without an answer, or with this one.
func (c cell) refuse(op *Op) bool {
	switch {
	case op.Outcome != Done:
		return true
	case op.Reply.Code == "STALEEPOCH":
		return op.Epoch != 0 && (!c.known || c.epoch != op.Epoch)
	}
	return op.Reply.Code == "ERR" && c.over(op)
}

// over reports whether the sums of the key would leave an int64.
func (c cell) over(op *Op) bool {
	if op.Kind != ICIncr && op.Kind != ICIncrIf {
		return false
	}
	if overflows(c.mine(op.Instance), op.Arg) {
		return true
	}
	sum := c.mine(op.Instance) + op.Arg
	for _, s := range c.shares {
		if s.instance == op.Instance || (s.amount > 0) != (sum > 0) {
			continue
		}
		if overflows(sum, s.amount) {
			return true
		}
		sum += s.amount
	}
	return false
}
