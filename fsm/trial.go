package fsm

// A group is applied as a whole: if one of its writes would be refused for want of room, all are. So a group of several Ops
// that might not fit is first tried on paper:
//
//	applyGroups
//	    hold                    the Batch surely fits, by its size and number of Ops alone: nearly always
//	    foresee                 else, for each group:
//	        hold                  the group surely fits, or is one Op, which write itself refuses
//	        trial.play(Op)        else: decide as in earnest, on a copy of what the group touches
//	    apply(Op, …, forbidden) every write refused, or in earnest
//
// The same trial finds out whether every Op of a group that asks for that can be done (Condition.Whole).
//
// (A write that finds no room for the old value in its Batch's Results is refused alone, and the trial does not know. So what
// makes groups of several Ops must keep their answers within MaxWeight, or within the bound that weight.go names.)

// foresee says why the first of groups, of the Batch of this number, can't be applied as a whole, or OK. For one Op that is left to write.
func (m *Machine) foresee(groups []byte, from Number) Code {
	d := decoder{rest: groups}
	ops := d.group()
	if ops < 2 {
		return OK
	}
	var op Op
	texts := 0
	for range ops {
		if d.op(&op); d.failed {
			return OK // the earnest pass says so
		}
		if op.Kind == Copy || op.Kind == SetRange || kindFacts[op.Kind].ledger {
			texts++
		}
	}
	if m.limits.hold(m.usage(), ops, texts, len(groups)-len(d.rest)) {
		return OK
	}
	return m.try(groups, from, false)
}

// try plays the first of groups and says which limit it meets, or OK; if whole, also what else an Op that can't be done would
// answer. What it can't decode it leaves to the earnest pass.
func (m *Machine) try(groups []byte, from Number, whole bool) Code {
	d := decoder{rest: groups}
	t := trial{m: m, ledger: m.ledger, from: from, whole: whole, plain: m.plainUsage(), items: map[string]item{}}
	var op Op
	for n := d.group(); n > 0; n-- {
		if d.op(&op); d.failed {
			return OK
		}
		if code := t.play(&op); code != OK {
			return code
		}
	}
	return OK
}

// trial is a Machine as a group would leave it. Nothing is copied but keys: the items' Text is in the table, in the group or
// new, and does not change meanwhile. It holds at most one item for each Op of the group.
type trial struct {
	m       *Machine
	ledger  *ledger // the Machine's own, until copied
	copied  bool
	from    Number          // of the Batch
	whole   bool            // every refusal counts
	items   map[string]item // of the keys that were written to; the zero item: gone
	flushed bool            // the Machine's own keys are gone
	plain   usage           // of the plain keys
}

// play runs a write, unless a limit forbids it, and says which.
func (t *trial) play(op *Op) Code {
	facts := &kindFacts[op.Kind]
	switch {
	case op.Kind == Flush:
		clear(t.items)
		t.flushed, t.plain = true, usage{}
		t.ownLedger().flush()
		return OK
	case op.tooLong() && t.whole:
		return TooLong
	case op.tooLong() || facts.internal || facts.session || !facts.ledger && (!facts.write || !facts.key):
		return OK
	case facts.ledger:
		return t.playOnLedger(op)
	case facts.target:
		return t.move(op)
	}
	old, next := t.live(op.Key), item{}
	if old.value.Kind == Nil && t.ledger.holds(t.m.table.hash(op.Key), op.Key) {
		return t.playOnCounter(op)
	}
	r, does := t.m.decide(op, &old, old.value.Kind != Nil, &next)
	if r.Code != OK && t.whole {
		return r.Code
	}
	if does == keeps {
		return OK
	}
	if code := t.m.limits.refuse(op, t.usage(), &old, &next); code != OK {
		return code
	}
	t.replace(op.Key, &old, &next)
	return OK
}

func (t *trial) move(op *Op) Code {
	from, to := t.live(op.Key), t.live(op.target())
	hash, targetHash := t.m.table.hash(op.Key), t.m.table.hash(op.target())
	if onCounter(t.ledger, op, hash, from.value.Kind != Nil, targetHash, to.value.Kind != Nil) {
		if t.whole {
			return WrongType
		}
		return OK
	}
	r, moves := decideMove(op, from.value.Kind != Nil, to.value.Kind != Nil)
	if r.Code != OK && t.whole {
		return r.Code
	}
	if !moves {
		return OK
	}
	if code := t.m.limits.exceeded(t.usage(), t.usage().moved(op, &from, &to)); code != OK {
		return code
	}
	t.replace(op.target(), &to, &from)
	if op.Kind == Rename {
		t.replace(op.Key, &from, &item{})
	}
	return OK
}

// live is what key holds, or the zero item, as Machine.live: what is due is removed.
func (t *trial) live(key []byte) item {
	if it, touched := t.items[string(key)]; touched || t.flushed {
		return it
	}
	it, found := t.m.table.get(t.m.table.hash(key), key)
	if found && it.deadline != 0 && it.deadline <= t.m.now {
		t.replace(key, &it, &item{})
		return item{}
	}
	return it
}

func (t *trial) replace(key []byte, old, next *item) {
	t.items[string(key)] = *next
	t.plain = t.plain.replace(key, old, next)
}
