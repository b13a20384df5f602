package fsm

// What each Op on instance counters does. All go the same way:
//
//	renew       the instance that op names, if it is known: it lives, whatever else comes of op. Its slice of the key is back
//	decide      what the slice, or the whole key, becomes; or why not
//	room        what that would make grow (limits.go)
//	carry out   and only now an instance that is not known is made
//
// An Op that is refused has changed nothing but leases, and what returned with them.

// context is what a ledger must know of what is around it, to apply an Op.
type context struct {
	from    Number // of the Batch
	removed bool   // its origin was; known for a Bind
	plain   bool   // the Op's key is a plain one
	limits  *Limits
	usage   usage // of all keys, the ledger's own too
}

// entry is the counter and the slice that an Op is about.
type entry struct {
	hash     uint64
	row      counterRow
	found    bool // there is a row, be it a tombstone
	instance uint64
	known    bool // there is such an instance
	mine     int64
	has      bool // it has a slice here
}

// apply does one Op that is about instance counters, but for pages.
func (l *ledger) apply(op *Op, c *context) Result {
	switch op.Kind {
	case Heartbeat:
		return l.heartbeat(op, c)
	case Bind:
		if _, known := l.numberOf(op.Instance); !known {
			if code := c.room(op, growth{name: true}); code != OK {
				return c.limits.refusal(code)
			}
		}
		return l.bind(op, c.from, c.removed)
	case Unbind:
		return l.unbind(op, c.from)
	case ClearInstance:
		row, known := l.renew(op.Instance, 0)
		if !known {
			return Result{Value: IntValue(0)}
		}
		_, ended := l.clear(row)
		return Result{Value: IntValue(int64(ended))}
	case ICClear:
		return l.clearCounters(op)
	}
	e := l.entry(op)
	if c.plain {
		return Result{Code: WrongType}
	}
	switch op.Kind {
	case ICGet:
		return Result{Value: intList(e.row.total, e.mine, int64(e.row.epoch), int64(SignNone))}
	case ICDelete:
		return l.delete(op, &e)
	case SliceDelete:
		return l.deleteSlice(op, &e)
	}
	return l.change(op, c, &e)
}

// entry finds what op is about, renews its instance, and gives it back its slice.
func (l *ledger) entry(op *Op) entry {
	e := entry{hash: l.keys.hash(op.Key), row: counterRow{epoch: l.floor}}
	number := uint64(0)
	if it, there := l.keys.get(e.hash, op.Key); there {
		number = uint64(it.value.Int)
	}
	who, known := l.renew(op.Instance, number)
	e.instance, e.known = who.number, known
	if number == 0 {
		return e
	}
	e.row, e.found = l.era(number)
	if known {
		var s slice
		s, e.has = l.slices.Get(slice{instance: e.instance, era: number})
		e.mine = s.amount
	}
	return e
}

// greet takes the first of groups, which was done before and is not done again, as a sign of life of the instances that it names:
// whoever repeats it lives, and hears an answer that says as much.
func (l *ledger) greet(groups []byte) {
	if l.names.count == 0 {
		return
	}
	d := decoder{rest: groups}
	var op Op
	for n := d.group(); n > 0 && !d.failed; n-- {
		if d.op(&op); op.Kind != Unbind {
			l.entry(&op)
		}
	}
}

// change does what adds to a slice or sets it, or sets the whole key.
func (l *ledger) change(op *Op, c *context, e *entry) Result {
	total, mine, epoch := e.row.total, e.mine, e.row.epoch
	if op.Epoch.Given && op.Epoch.Number != epoch {
		return Result{Code: StaleEpoch, Value: IntValue(int64(epoch))}
	}
	if kindFacts[op.Kind].compare {
		held := total
		if op.Kind == SliceSetIf {
			held = mine
		}
		holds, code := op.compare(&item{value: IntValue(held)})
		if code != OK {
			return Result{Code: code}
		}
		if !holds {
			return Result{Value: intList(0, total, mine, total, mine, int64(epoch))}
		}
	}
	whole, amount := false, op.Amount
	switch op.Kind {
	case ICAdd, ICAddIf:
		amount += mine
		if (amount > mine) != (op.Amount > 0) && op.Amount != 0 {
			return Result{Code: Overflow}
		}
	case ICSet, ICSetIf:
		whole = true
	}
	if _, fits := e.row.with(mine, amount); !fits && !whole {
		return Result{Code: Overflow}
	}
	grows := growth{name: !e.known, row: !e.found, key: e.row.slices == 0}
	switch {
	case whole:
		grows.slices = 1 - int(min(e.row.slices, inlineSlices))
	case !e.has:
		grows.slices = 1
	}
	if code := c.room(op, grows); code != OK {
		return c.limits.refusal(code)
	}
	l.carryOut(op, e, whole, amount)
	if kindFacts[op.Kind].compare {
		return Result{Value: intList(1, e.row.total, amount, total, mine, int64(e.row.epoch))}
	}
	return Result{Value: intList(e.row.total, amount, int64(e.row.epoch))}
}

// carryOut makes the slice the amount, if whole as the only one of a new era.
func (l *ledger) carryOut(op *Op, e *entry, whole bool, amount int64) {
	if !e.known {
		e.instance = l.admit(op.Instance).number
	}
	if !e.found {
		e.row = l.open(e.hash, op.Key)
	}
	if whole {
		e.row = l.begin(e.hash, e.row)
	}
	l.store(&e.row, e.instance, amount)
	l.tell(kindFacts[op.Kind].event, op.Key)
}

// growth is what an Op would make: an instance, a counter's row, a key that exists, slices. These are less than none where it
// sets a key as a whole, and ends others (of many, those that end at once).
type growth struct {
	name, row, key bool
	slices         int
}

// room says which limit forbids op to make what it would make, or OK.
func (c *context) room(op *Op, grows growth) Code {
	if grows == (growth{}) {
		return OK
	}
	then := c.usage
	if grows.name {
		then.bytes += costOfInstance + costOfName(string(op.Instance))
		then.instances++
	}
	if grows.row {
		then.bytes += costOfCounter(op.Key)
	}
	if grows.key {
		then.keys++
	}
	then.bytes += uint64(grows.slices * costOfSlice)
	return c.limits.exceeded(c.usage, then)
}

// delete ends a key as a whole.
func (l *ledger) delete(op *Op, e *entry) Result {
	if e.row.slices == 0 {
		return Result{Value: intList(0, 0, int64(e.row.epoch))}
	}
	total, mine := e.row.total, e.mine
	e.row = l.begin(e.hash, e.row)
	l.entomb(&e.row)
	l.tell("del", op.Key)
	return Result{Value: intList(total, mine, int64(e.row.epoch))}
}

// deleteSlice ends the instance's own slice.
func (l *ledger) deleteSlice(op *Op, e *entry) Result {
	if !e.has {
		return Result{Value: intList(e.row.total, 0, int64(e.row.epoch))}
	}
	l.remove(slice{e.instance, e.row.number, e.mine}, false)
	l.count(e.instance, -1, 0)
	return Result{Value: intList(e.row.total-e.mine, e.mine, int64(e.row.epoch))}
}

// heartbeat takes a sign of life, and with an Amount the length of the instance's own lease.
func (l *ledger) heartbeat(op *Op, c *context) Result {
	row, known := l.renew(op.Instance, 0)
	if !known {
		if code := c.room(op, growth{name: true}); code != OK {
			return c.limits.refusal(code)
		}
		row = l.admit(op.Instance)
	}
	if op.Amount > 0 {
		l.leave(&row)
		row.lease = min(max(op.Amount, MinLease), MaxLease)
		row.deadline = l.expiry(row.lease)
		l.enter(row)
	}
	return Result{Value: IntValue(l.leaseOf(&row))}
}

// get answers an ICGet outside a Batch, where nothing can be renewed.
func (l *ledger) get(op *Op) Result {
	row, _ := l.counter(l.keys.hash(op.Key), op.Key)
	number, known := l.numberOf(op.Instance)
	if !known {
		return Result{Value: intList(row.total, 0, int64(row.epoch), int64(SignNone))}
	}
	who := l.instance(number)
	s, parked, _ := l.mine(number, row.number)
	sign, mine := l.sign(&who), s.amount
	if parked {
		sign, mine = SignNow, 0
	}
	return Result{Value: intList(row.total, mine, int64(row.epoch), int64(sign))}
}

// intList is ListValue of integers.
func intList(numbers ...int64) Value {
	text := make([]byte, 0, 40)
	for _, n := range numbers {
		text = appendValue(text, IntValue(n))
	}
	return Value{Kind: List, Text: text}
}
