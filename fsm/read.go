package fsm

// read answers an Op that changes nothing, as of now. settled is false if the key's deadline lies between machine time
// and now: the answer then depends on whether that moment has come.
func (m *Machine) read(op *Op, now int64) (r Result, settled bool) {
	switch op.Kind {
	case Size:
		return Result{Value: IntValue(int64(m.Keys()))}, true
	case Version:
		return Result{Value: IntValue(int64(m.index))}, true
	case Scan:
		return m.scan(op, now), true
	case ICInstances:
		return m.ledger.instancePage(op), true
	}
	hash := m.table.hash(op.Key)
	it, found := m.table.get(hash, op.Key)
	settled = !found || it.deadline == 0 || it.deadline <= m.now || it.deadline > now
	found = found && (it.deadline == 0 || it.deadline > now)
	if kindFacts[op.Kind].ledger {
		return m.readLedger(op, found), settled
	}
	if !found && m.ledger.holds(hash, op.Key) {
		return m.readCounter(op, hash), settled
	}
	switch op.Kind {
	case Get:
		if found {
			r.Value = it.value
		}
	case Exists:
		r.Value = truth(found)
	case TTL:
		r.Value = moment(found, it.deadline, it.deadline-now)
	case Deadline:
		r.Value = moment(found, it.deadline, it.deadline)
	case Inspect:
		if found {
			r.Value = ListValue(IntValue(int64(it.value.Kind)), IntValue(int64(it.value.textLen())),
				IntValue(int64(cost(op.Key, &it))))
		}
	}
	return r, settled
}

// moment is what TTL and Deadline answer: millis if there is a deadline.
func moment(found bool, deadline, millis int64) Value {
	switch {
	case !found:
		return IntValue(-2)
	case deadline == 0:
		return IntValue(-1)
	}
	return IntValue(millis)
}
