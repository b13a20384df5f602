package fsm

import "math"

// The operations on plain keys: Redis's semantics (redis.io/commands), one method per Kind.
//
// What holds in all of them: a key whose deadline has passed by machine time is missing, whether or not expire has come to
// it; an operation that does not answer OK has changed nothing; put and drop keep table and deadline queue together.

// apply runs one Op of a Batch. Once the Batch's Results are full, what answers more than a few bytes is refused.
func (m *Machine) apply(op *Op, full bool) Result {
	if op.Kind.Writes() && op.Kind != Register {
		m.writes++
	}
	if len(op.Key) > MaxKey || len(op.Value.Text) > MaxText {
		return Result{Code: TooLong}
	}
	if full && !op.Kind.Writes() {
		return Result{Code: ReadLater}
	}
	if full && op.Kind == Set && op.Flags&SetGet != 0 {
		return Result{Code: NoRoom}
	}
	switch op.Kind {
	case Incr:
		return m.incr(op)
	case Set:
		return m.set(op)
	case Delete:
		return m.remove(op)
	case Expire:
		return m.expireAt(op)
	case Persist:
		return m.persist(op)
	case Flush:
		return m.flush()
	case Register:
		return m.register(op)
	}
	r, _ := m.read(op, m.now)
	return r
}

// read answers an Op that changes nothing, as of now. settled is false if the key's deadline lies between machine time
// and now: the answer then depends on whether that moment has come.
func (m *Machine) read(op *Op, now int64) (r Result, settled bool) {
	if op.Kind == Size {
		return Result{Value: IntValue(int64(m.table.count))}, true
	}
	it, found := m.table.get(m.table.hash(op.Key), op.Key)
	settled = !found || it.deadline == 0 || it.deadline <= m.now || it.deadline > now
	found = found && (it.deadline == 0 || it.deadline > now)
	switch op.Kind {
	case Get:
		if found {
			r.Value = it.value
		}
	case Exists:
		r.Value = truth(found)
	case TTL:
		switch {
		case !found:
			r.Value = IntValue(-2)
		case it.deadline == 0:
			r.Value = IntValue(-1)
		default:
			r.Value = IntValue(it.deadline - now)
		}
	}
	return r, settled
}

func (m *Machine) incr(op *Op) Result {
	hash := m.table.hash(op.Key)
	it, found := m.live(hash, op.Key)
	if found && it.value.Kind != Int {
		return Result{Code: NotInteger}
	}
	old := it
	sum := it.value.Int + op.Amount
	if (sum > it.value.Int) != (op.Amount > 0) && op.Amount != 0 {
		return Result{Code: Overflow}
	}
	it.value = IntValue(sum)
	m.put(hash, op.Key, old, it)
	return Result{Value: it.value}
}

func (m *Machine) set(op *Op) Result {
	deadline, ok := m.deadline(op.Expiry)
	if !ok {
		return Result{Code: BadExpiry}
	}
	hash := m.table.hash(op.Key)
	old, found := m.live(hash, op.Key)
	var r Result
	if op.Flags&SetGet != 0 && found {
		r.Value = old.value
		r.Value.Text = append([]byte(nil), old.value.Text...) // the put below may overwrite it in place
	}
	if op.Flags&NX != 0 && found || op.Flags&XX != 0 && !found {
		r.Code = Skipped
		return r
	}
	if op.Flags&KeepTTL != 0 {
		deadline = old.deadline
	}
	if deadline != 0 && deadline <= m.now {
		m.drop(hash, op.Key, old)
		return r
	}
	m.put(hash, op.Key, old, item{value: op.Value, deadline: deadline})
	return r
}

func (m *Machine) remove(op *Op) Result {
	hash := m.table.hash(op.Key)
	old, found := m.live(hash, op.Key)
	if found {
		m.drop(hash, op.Key, old)
	}
	return Result{Value: truth(found)}
}

func (m *Machine) expireAt(op *Op) Result {
	deadline, ok := m.deadline(op.Expiry)
	if !ok || deadline == 0 {
		return Result{Code: BadExpiry}
	}
	hash := m.table.hash(op.Key)
	old, found := m.live(hash, op.Key)
	if !found || !op.Flags.allow(old.deadline, deadline) {
		return Result{Value: truth(false)}
	}
	if deadline <= m.now {
		m.drop(hash, op.Key, old)
		return Result{Value: truth(true)}
	}
	m.put(hash, op.Key, old, item{value: old.value, deadline: deadline})
	return Result{Value: truth(true)}
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

func (m *Machine) persist(op *Op) Result {
	hash := m.table.hash(op.Key)
	old, found := m.live(hash, op.Key)
	if !found || old.deadline == 0 {
		return Result{Value: truth(false)}
	}
	m.put(hash, op.Key, old, item{value: old.value})
	return Result{Value: truth(true)}
}

func (m *Machine) flush() Result {
	m.table = newTable(m.table.hashKey) // the shards that a snapshot sees stay with it
	m.deadlines = newDeadlines()
	return Result{}
}

// live returns what key holds at machine time, and removes it if its time has come. For writes: a read must leave no
// trace.
func (m *Machine) live(hash uint64, key []byte) (item, bool) {
	it, found := m.table.get(hash, key)
	if found && it.deadline != 0 && it.deadline <= m.now {
		m.drop(hash, key, it)
		return item{}, false
	}
	return it, found
}

func (m *Machine) put(hash uint64, key []byte, old, it item) {
	if old.deadline != it.deadline {
		m.unqueue(hash, key, old.deadline)
		m.deadlines.add(hash, it.deadline)
	}
	m.table.put(hash, key, it)
}

func (m *Machine) drop(hash uint64, key []byte, old item) {
	m.unqueue(hash, key, old.deadline)
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
