package fsm

import "math"

// The operations on plain keys: Redis's semantics (redis.io/commands). What a write does to its key is decided in one place,
// decide, and carried out in another, write; between them stands the room that is left (limits.go). Rename and Copy have two
// keys and the same two halves (move.go). What reads answer: read.go.
//
// What holds in all of them: a key whose deadline has passed by machine time is missing, whether or not expire has come to
// it; an operation that does not answer OK has changed nothing; put and drop keep table, deadline queue, used and versions
// together.

// apply runs one Op of the group that r is at. Once the Batch's Results are full, what answers more than a few bytes is
// refused.
func (m *Machine) apply(op *Op, r *run) Result {
	facts := &kindFacts[op.Kind]
	if facts.write && !facts.internal {
		m.writes++
	}
	switch taken := len(r.results); {
	case r.aborted == FullBytes, r.aborted == FullKeys, r.aborted == FullInstances:
		return m.limits.refusal(r.aborted)
	case r.aborted != OK:
		return Result{Code: r.aborted}
	case op.tooLong():
		return Result{Code: TooLong}
	case !facts.write && (op.Kind == Version || taken > maxReads && !r.paid()):
		return Result{Code: ReadLater}
	case op.Olds() > 0 && taken > r.most():
		return Result{Code: NoRoom}
	case facts.write && r.forbidden != OK:
		return m.limits.refusal(r.forbidden)
	case facts.session:
		return m.changeSession(op)
	case facts.ledger && (facts.write || op.Kind == ICGet && r.forbidden == OK): // what is forbidden renews nothing
		return m.applyToLedger(op, r)
	case facts.target:
		return m.move(op)
	case facts.write && facts.key && !facts.internal:
		return m.write(op)
	}
	switch op.Kind {
	case Flush:
		return m.flush()
	case Register:
		return m.register(op)
	case Limit, LimitAll:
		return m.limit(op)
	case Remove:
		return m.removeNode(op)
	}
	answer, _ := m.read(op, m.now)
	return answer
}

// write carries out what decide says, if there is room for it.
func (m *Machine) write(op *Op) Result {
	hash := m.table.hash(op.Key)
	old, found := m.live(hash, op.Key)
	if !found && m.ledger.holds(hash, op.Key) {
		return m.writeOnCounter(op, hash)
	}
	next := item{}
	r, does := m.decide(op, &old, found, &next)
	if does == keeps || does == drops && !found {
		if does == drops && m.observer != nil { // the item's time had come before it was stored
			m.tell(op, does, &old)
		}
		return r
	}
	if code := m.limits.refuse(op, m.usage(), &old, &next); code != OK {
		return m.limits.refusal(code)
	}
	if r.Value.Kind == Text {
		r.Value.Text = append([]byte(nil), r.Value.Text...) // put and drop may overwrite it in place
	}
	if does == drops {
		m.drop(hash, op.Key, &old)
	} else {
		m.put(hash, op.Key, &old, &next)
	}
	if m.observer != nil {
		m.tell(op, does, &old)
	}
	return r
}

// effect is what an Op does to its key.
type effect uint8

const (
	keeps  effect = iota // nothing
	stores               // next
	drops                // the key ends
)

// decide says what op, a write on one key, answers and does to a key that holds old; it fills next, which is empty, if op
// stores. It changes nothing else, so a group can be tried before it is applied (trial.go). Text in what it says is op's,
// old's or new.
func (m *Machine) decide(op *Op, old *item, found bool, next *item) (Result, effect) {
	switch op.Kind {
	case Incr:
		return decideIncr(op, old, found, next)
	case Set:
		return m.decideSet(op, old, found, next)
	case Delete:
		if !found {
			return Result{Value: truth(false)}, keeps
		}
		return Result{Value: truth(true)}, drops
	case Expire:
		return m.decideExpire(op, old, found, next)
	case Persist:
		if !found || old.deadline == 0 {
			return Result{Value: truth(false)}, keeps
		}
		next.value = old.value
		return Result{Value: truth(true)}, stores
	case Add:
		return decideAdd(op, old, next)
	case IncrEx:
		return m.decideIncrEx(op, old, found, next)
	case IncrIf:
		return decideIncrIf(op, old, found, next)
	case SetIf:
		return m.decideSetIf(op, old, found, next)
	case DeleteIf:
		return decideDeleteIf(op, old, found)
	case GetDelete:
		if !found {
			return Result{}, keeps
		}
		return Result{Value: old.value}, drops
	case GetExpire:
		return m.decideGetExpire(op, old, found, next)
	case Append:
		return decideAppend(op, old, next)
	case SetRange:
		return decideSetRange(op, old, next)
	}
	panic("BUG: " + op.Kind.String() + " is no write on one key")
}

func decideIncr(op *Op, old *item, found bool, next *item) (Result, effect) {
	if found && old.value.Kind != Int {
		return Result{Code: NotInteger}, keeps
	}
	sum := old.value.Int + op.Amount
	if (sum > old.value.Int) != (op.Amount > 0) && op.Amount != 0 {
		return Result{Code: Overflow}, keeps
	}
	next.value.Kind, next.value.Int, next.deadline = Int, sum, old.deadline
	return Result{Value: IntValue(sum)}, stores
}

func (m *Machine) decideSet(op *Op, old *item, found bool, next *item) (Result, effect) {
	deadline, ok := m.deadline(op.Expiry)
	if !ok {
		return Result{Code: BadExpiry}, keeps
	}
	var r Result
	if op.Flags&SetGet != 0 {
		r.Value = old.value
	}
	if op.Flags&NX != 0 && found || op.Flags&XX != 0 && !found {
		r.Code = Skipped
		return r, keeps
	}
	if op.Flags&KeepTTL != 0 {
		deadline = old.deadline
	}
	if deadline != 0 && deadline <= m.now {
		return r, drops
	}
	next.value, next.deadline = op.Value, deadline
	return r, stores
}

func (m *Machine) decideExpire(op *Op, old *item, found bool, next *item) (Result, effect) {
	deadline, ok := m.deadline(op.Expiry)
	if !ok || deadline == 0 {
		return Result{Code: BadExpiry}, keeps
	}
	if !found || !op.Flags.allow(old.deadline, deadline) {
		return Result{Value: truth(false)}, keeps
	}
	if deadline <= m.now {
		return Result{Value: truth(true)}, drops
	}
	next.value, next.deadline = old.value, deadline
	return Result{Value: truth(true)}, stores
}

func (m *Machine) decideGetExpire(op *Op, old *item, found bool, next *item) (Result, effect) {
	deadline, ok := m.deadline(op.Expiry)
	r := Result{Value: old.value}
	switch {
	case !ok:
		return Result{Code: BadExpiry}, keeps
	case !found, op.Expiry.Mode == NoExpiry, op.Expiry.Mode == Forever && old.deadline == 0:
		return r, keeps
	case deadline != 0 && deadline <= m.now:
		return r, drops
	}
	next.value, next.deadline = old.value, deadline
	return r, stores
}

// allow reports whether the conditions of an Expire hold. No deadline counts as an infinitely late one.
func (f Flags) allow(old, deadline int64) bool {
	switch {
	case f&NX != 0 && old != 0, f&XX != 0 && old == 0:
		return false
	case f&GT != 0 && (old == 0 || deadline <= old):
		return false
	case f&LT != 0 && old != 0 && deadline >= old:
		return false
	}
	return true
}

func (m *Machine) flush() Result {
	m.table = newTable(m.table.hashKey) // the shards that a snapshot sees stay with it
	m.deadlines = newDeadlines()
	m.used = 0
	m.ledger.flush()
	m.versions.flush(m.index)
	if m.observer != nil {
		m.observer(Event{Name: "flush"})
	}
	return Result{}
}

// live returns what key holds at machine time, and removes it if its time has come. For writes: a read must leave no
// trace.
func (m *Machine) live(hash uint64, key []byte) (item, bool) {
	it, found := m.table.get(hash, key)
	if found && it.deadline != 0 && it.deadline <= m.now {
		m.drop(hash, key, &it)
		m.ended(key)
		return item{}, false
	}
	return it, found
}

func (m *Machine) put(hash uint64, key []byte, old, it *item) {
	m.versions.touch(hash, m.index)
	if old.deadline != it.deadline {
		m.unqueue(hash, key, old.deadline)
		m.deadlines.add(hash, it.deadline)
	}
	m.used += cost(key, it) - cost(key, old)
	m.table.put(hash, key, *it)
}

func (m *Machine) drop(hash uint64, key []byte, old *item) {
	m.versions.touch(hash, m.index)
	m.unqueue(hash, key, old.deadline)
	m.used -= cost(key, old)
	m.table.delete(hash, key)
}

// unqueue gives up key's place in the deadline queue, unless another key with the same hash shares it.
func (m *Machine) unqueue(hash uint64, key []byte, deadline int64) {
	if deadline == 0 {
		return
	}
	shared := false
	m.table.ascend(hash, func(h uint64, k []byte, it item) bool {
		shared = shared || h == hash && it.deadline == deadline && string(k) != string(key)
		return h == hash
	})
	if !shared {
		m.deadlines.remove(hash, deadline)
	}
}

// deadline is the moment in machine time that e means, 0 for none. ok is false if it can't be expressed. A moment at or
// before the epoch is the first millisecond: long past.
func (m *Machine) deadline(e Expiry) (deadline int64, ok bool) {
	switch e.Mode {
	case After:
		if e.Millis > 0 && m.now > math.MaxInt64-e.Millis {
			return 0, false
		}
		return max(1, m.now+e.Millis), true
	case At:
		return max(1, e.Millis), true
	}
	return 0, true
}

func truth(b bool) Value {
	if b {
		return IntValue(1)
	}
	return IntValue(0)
}
