package fsm

import "math"

// The operations on plain keys: Redis's semantics (redis.io/commands). What a write does to its key is decided in one place,
// decide, and carried out in another, write; between them stands the room that is left (limits.go).
//
// What holds in all of them: a key whose deadline has passed by machine time is missing, whether or not expire has come to
// it; an operation that does not answer OK has changed nothing; put and drop keep table, deadline queue and used together.

// apply runs one Op of a Batch whose Results take so many bytes by now. Once they are full, what answers more than a few
// bytes is refused. forbidden is why no write of this Op's group may happen, or OK.
func (m *Machine) apply(op *Op, taken int, forbidden Code) Result {
	facts := &kindFacts[op.Kind]
	if facts.write && !facts.internal {
		m.writes++
	}
	if op.tooLong() {
		return Result{Code: TooLong}
	}
	if taken > maxReads && !facts.write {
		return Result{Code: ReadLater}
	}
	if taken > MaxResults && op.Kind == Set && op.Flags&SetGet != 0 {
		return Result{Code: NoRoom}
	}
	if facts.write && forbidden != OK {
		return m.limits.refusal(forbidden)
	}
	switch op.Kind {
	case Incr, Set, Delete, Expire, Persist:
		return m.write(op)
	case Flush:
		return m.flush()
	case Register:
		return m.register(op)
	case Limit:
		return m.limit(op)
	case Remove:
		return m.removeNode(op)
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

// write carries out what decide says, if there is room for it.
func (m *Machine) write(op *Op) Result {
	hash := m.table.hash(op.Key)
	old, found := m.live(hash, op.Key)
	next := item{}
	r, does := m.decide(op, &old, found, &next)
	if does == keeps {
		return r
	}
	if code := m.limits.refuse(op, m.usage(), &old, &next); code != OK {
		return m.limits.refusal(code)
	}
	if op.Flags&SetGet != 0 {
		r.Value.Text = append([]byte(nil), r.Value.Text...) // put and drop may overwrite it in place
	}
	if does == drops {
		m.drop(hash, op.Key, &old)
		return r
	}
	m.put(hash, op.Key, &old, &next)
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
// stores. It changes nothing else, so a group can be tried before it is applied (trial.go). Text in what it says is op's or
// old's.
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
	return Result{}
}

// live returns what key holds at machine time, and removes it if its time has come. For writes: a read must leave no
// trace.
func (m *Machine) live(hash uint64, key []byte) (item, bool) {
	it, found := m.table.get(hash, key)
	if found && it.deadline != 0 && it.deadline <= m.now {
		m.drop(hash, key, &it)
		return item{}, false
	}
	return it, found
}

func (m *Machine) put(hash uint64, key []byte, old, it *item) {
	if old.deadline != it.deadline {
		m.unqueue(hash, key, old.deadline)
		m.deadlines.add(hash, it.deadline)
	}
	m.used += cost(key, it) - cost(key, old)
	m.table.put(hash, key, *it)
}

func (m *Machine) drop(hash uint64, key []byte, old *item) {
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
