package fsm

// Where instance counters and plain keys meet: each key is one or the other. An operation on the other kind is WrongType, but
// for those that fit both.

// applyToLedger does a write on instance counters, or an ICGet in a Batch.
func (m *Machine) applyToLedger(op *Op, r *run) Result {
	c := context{from: r.from, removed: op.Kind == Bind && m.RemovedNode(r.from.Origin), limits: &m.limits, usage: m.usage()}
	switch {
	case !kindFacts[op.Kind].key || m.table.count == 0:
	case op.Kind == ICGet:
		it, found := m.table.get(m.table.hash(op.Key), op.Key)
		c.plain = found && (it.deadline == 0 || it.deadline > m.now)
	default:
		_, c.plain = m.live(m.table.hash(op.Key), op.Key)
		c.usage = m.usage() // a key may have ended
	}
	return m.ledger.apply(op, &c)
}

// writeOnCounter does a write of plain keys on an instance counter.
func (m *Machine) writeOnCounter(op *Op, hash uint64) Result {
	switch op.Kind {
	case Delete:
		return m.ledger.deletePlainly(op)
	case Persist:
		return Result{Value: truth(false)}
	}
	return Result{Code: WrongType}
}

// deletePlainly is a Delete of a counter that is there.
func (l *ledger) deletePlainly(op *Op) Result {
	l.apply(&Op{Kind: ICDelete, Key: op.Key}, &context{})
	return Result{Value: truth(true)}
}

// onCounter reports whether one of the keys of a Rename or a Copy is an instance counter. Without anything to move, nobody
// asks for the other key.
func onCounter(l *ledger, op *Op, hash uint64, found bool, targetHash uint64, taken bool) bool {
	return !found && l.holds(hash, op.Key) || found && !taken && l.holds(targetHash, op.target())
}

// readLedger answers a read of instance counters outside a Batch, or of one of their pages. plain says that the key is another's.
func (m *Machine) readLedger(op *Op, plain bool) Result {
	switch {
	case plain:
		return Result{Code: WrongType}
	case op.Kind == ICSlices:
		return m.ledger.slicesOf(op)
	}
	return m.ledger.get(op)
}

// readCounter answers a read of plain keys on an instance counter.
func (m *Machine) readCounter(op *Op, hash uint64) Result {
	switch op.Kind {
	case Exists:
		return Result{Value: truth(true)}
	case TTL, Deadline:
		return Result{Value: moment(true, 0, 0)}
	case Inspect:
		row, _ := m.ledger.counter(hash, op.Key)
		return Result{Value: intList(int64(InstanceCounter), 0, int64(costOfCounter(op.Key)+row.slices*costOfSlice))}
	}
	return Result{Code: WrongType}
}

// counterChanged hears from the ledger of a change of a counter.
func (m *Machine) counterChanged(event string, hash uint64, key []byte) {
	if key == nil {
		m.versions.flush(m.index)
	} else {
		m.versions.touch(hash, m.index)
	}
	if m.observer != nil {
		m.observer(Event{event, key})
	}
}

// ownLedger is a copy of the Machine's ledger that the trial may write to.
func (t *trial) ownLedger() *ledger {
	if !t.copied {
		t.ledger, t.copied = t.ledger.copy(), true
	}
	return t.ledger
}

func (t *trial) usage() usage { return t.plain.with(t.ledger.usage()) }

// playOnLedger plays what is about instance counters. Pages change nothing; an ICGet does, but its refusal is a read's, and
// doesn't count.
func (t *trial) playOnLedger(op *Op) Code {
	if !kindFacts[op.Kind].write && op.Kind != ICGet {
		return OK
	}
	c := context{from: t.from, removed: op.Kind == Bind && t.m.RemovedNode(t.from.Origin), limits: &t.m.limits}
	switch {
	case op.Kind == ICGet:
		c.plain = t.plainly(op.Key)
	case kindFacts[op.Kind].key:
		c.plain = t.live(op.Key).value.Kind != Nil
	}
	c.usage = t.usage()
	r := t.ownLedger().apply(op, &c)
	if !kindFacts[op.Kind].write {
		return OK
	}
	return t.refusal(r.Code)
}

// plainly reports whether there is a plain key, and leaves no trace if there was.
func (t *trial) plainly(key []byte) bool {
	it, touched := t.items[string(key)]
	if !touched && !t.flushed {
		it, _ = t.m.table.get(t.m.table.hash(key), key)
	}
	return it.value.Kind != Nil && (it.deadline == 0 || it.deadline > t.m.now)
}

// playOnCounter plays a write of plain keys on an instance counter.
func (t *trial) playOnCounter(op *Op) Code {
	switch op.Kind {
	case Delete:
		t.ownLedger().deletePlainly(op)
		return OK
	case Persist:
		return OK
	}
	return t.refusal(WrongType)
}

// refusal is what an Op that was refused makes of its group: only a limit counts, unless all Ops must be done.
func (t *trial) refusal(code Code) Code {
	switch code {
	case FullBytes, FullKeys, FullInstances:
		return code
	}
	if t.whole {
		return code
	}
	return OK
}
