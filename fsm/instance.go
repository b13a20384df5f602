package fsm

// Life is how an instance, or a slice, stands. In answers: append only.
type Life uint8

const (
	Alive   Life = 1 // its lease runs
	Bound   Life = 2 // alive as long as the connection that it is bound to
	Leaving Life = 3 // its lease is over; slices that are not moved yet still count
	Gone    Life = 4 // they are all moved; the instance may still return
	Parked  Life = 5 // of a slice: it does not count, unless its instance returns
)

// Sign is what a read outside a Batch says about the lease of the instance that it names. In answers: append only.
type Sign uint8

const (
	SignNone Sign = 0 // nothing to do
	SignDue  Sign = 1 // a third of the lease has passed: a Heartbeat should follow
	SignNow  Sign = 2 // the instance is not alive, or its slice is not back yet: in a Batch the answer would be another
)

// Bounds of leases and of what follows them, in milliseconds of lease time.
const (
	MinLease  = 3_000
	MaxLease  = 86_400_000
	ParkedFor = 3_600_000 // slices wait for their instance after its lease has ended
	leaseStep = 100       // deadlines are rounded up to it, so that a busy instance moves in the queue ten times a second at most
)

// instanceRow is an instance: a name, for one life of it. One without a name is an orphan: what is left of a life that was
// cleared, whose slices end in the steps to come.
type instanceRow struct {
	number   uint64
	name     string
	lease    int64 // its own, or 0
	deadline int64 // when its lease ends, on the lease clock
	state    Life  // Alive, Leaving or Gone
	bare     bool  // it was bound, and its slices end with the lease
	binding  binding

	slices  uint64 // that count
	parked  uint64
	flushes uint64 // of the ledger when these two were counted
}

// due is when the steps have something to do for it.
func (row *instanceRow) due() int64 {
	if row.state == Gone {
		return row.deadline + ParkedFor
	}
	return row.deadline
}

// Instances is the number of instances that are known, be they gone.
func (m *Machine) Instances() uint64 { return uint64(m.ledger.names.count) }

// numberOf finds an instance by its name.
func (l *ledger) numberOf(name []byte) (number uint64, known bool) {
	if len(name) == 0 || l.names.count == 0 {
		return 0, false
	}
	it, known := l.names.get(l.names.hash(name), name)
	return uint64(it.value.Int), known
}

func (l *ledger) instance(number uint64) instanceRow {
	row, found := l.instances.Get(instanceRow{number: number})
	if !found {
		panic("BUG: an instance without a row")
	}
	if row.flushes != l.flushes {
		row.slices, row.parked, row.flushes = 0, 0, l.flushes
	}
	return row
}

// leaseOf is the length of the instance's lease.
func (l *ledger) leaseOf(row *instanceRow) int64 {
	if row.lease != 0 {
		return row.lease
	}
	return l.lease
}

// expiry is when a lease of this length ends that begins now.
func (l *ledger) expiry(lease int64) int64 {
	return (l.now + lease + leaseStep - 1) / leaseStep * leaseStep
}

// admit makes an instance of a name that is not known.
func (l *ledger) admit(name []byte) instanceRow {
	row := instanceRow{number: l.next(), name: string(name), state: Alive, flushes: l.flushes}
	row.deadline = l.expiry(l.lease)
	l.names.put(l.names.hash(name), name, item{value: IntValue(int64(row.number))})
	l.known += costOfInstance + costOfName(row.name)
	l.living++
	l.enter(row)
	return row
}

// enter puts a row that is in no queue into the tree and the queue.
func (l *ledger) enter(row instanceRow) {
	l.instances.Set(row)
	l.queue.queue.Set(due{row.due(), row.number})
	l.noteReturning(&row)
}

// leave takes a row out of the queue.
func (l *ledger) leave(row *instanceRow) { l.queue.queue.Delete(due{row.due(), row.number}) }

// noteReturning keeps the set of those who live and have parked slices.
func (l *ledger) noteReturning(row *instanceRow) {
	switch {
	case row.state == Alive && row.parked > 0:
		l.returning.Set(row.number)
	case l.returning.Len() > 0:
		l.returning.Delete(row.number)
	}
}

// count adds to what an instance has.
func (l *ledger) count(number uint64, slices, parked int64) {
	row := l.instance(number)
	row.slices += uint64(slices)
	row.parked += uint64(parked)
	l.instances.Set(row)
	l.noteReturning(&row)
}

// renew takes a sign of life of an instance, if it is known: its lease begins anew, and if it had died it lives again. What of
// it is parked returns in the steps, and what is in the era here and now.
func (l *ledger) renew(name []byte, era uint64) (row instanceRow, known bool) {
	number, known := l.numberOf(name)
	if !known {
		return row, false
	}
	row = l.instance(number)
	if row.bare && row.deadline <= l.now && row.slices+row.parked > 0 {
		row = l.giveAway(row)
	}
	if deadline := l.expiry(l.leaseOf(&row)); row.deadline != deadline || row.state != Alive || row.bare {
		l.leave(&row)
		if row.state == Gone {
			l.living++
		}
		row.deadline, row.state, row.bare = deadline, Alive, false
		l.enter(row)
	}
	if row.parked > 0 && era != 0 {
		if s, parked, _ := l.mine(row.number, era); parked {
			l.unpark(s)
			row.slices, row.parked = row.slices+1, row.parked-1
			l.instances.Set(row)
			l.noteReturning(&row)
		}
	}
	return row, true
}

// giveAway begins a new life of the row's name, with its lease and binding, and nothing else. The slices stay with the old
// number, which becomes an orphan's.
func (l *ledger) giveAway(row instanceRow) instanceRow {
	l.leave(&row)
	orphan := instanceRow{number: row.number, deadline: min(row.deadline, l.now), state: Leaving,
		slices: row.slices, parked: row.parked, flushes: row.flushes}
	l.enter(orphan)
	row.number, row.slices, row.parked = l.next(), 0, 0
	name := []byte(row.name)
	l.names.put(l.names.hash(name), name, item{value: IntValue(int64(row.number))})
	l.known += costOfInstance
	l.living++ // the orphan
	l.enter(row)
	return row
}

// forget ends a row that has nothing any more. It must be out of the queue.
func (l *ledger) forget(row *instanceRow) {
	l.instances.Delete(*row)
	if row.state != Gone {
		l.living--
	}
	l.known -= costOfInstance
	if row.name != "" {
		name := []byte(row.name)
		l.names.delete(l.names.hash(name), name)
		l.known -= costOfName(row.name)
	}
}

// clear ends all that an instance has, as much of it at once as an Op may, and returns how much it had.
func (l *ledger) clear(row instanceRow) (instanceRow, uint64) {
	had := row.slices + row.parked
	row = l.endSlices(row, min(MaxSteps, l.sweeping))
	left := row.slices + row.parked
	l.sweeping -= int(had - left)
	if left > 0 {
		row = l.giveAway(row)
	}
	return row, had
}

// endSlices removes up to n slices of an instance, first those that count, then parked ones.
func (l *ledger) endSlices(row instanceRow, n int) instanceRow {
	for _, s := range some(l.slices, row.number, n) {
		l.remove(s, false)
		row.slices--
		n--
	}
	for _, s := range some(l.parked, row.number, n) {
		l.remove(s, true)
		row.parked--
	}
	l.instances.Set(row)
	l.noteReturning(&row)
	return row
}

// life is how the instance stands now, steps done or not.
func (l *ledger) life(row *instanceRow) Life {
	switch {
	case row.state != Alive:
		return row.state
	case row.binding.given():
		since, broken := l.broken(&row.binding)
		if !broken {
			return Bound
		}
		if max(row.deadline, since+l.leaseOf(row)) > l.now {
			return Alive
		}
		return Leaving
	case row.deadline <= l.now:
		return Leaving
	}
	return Alive
}

// sign is what a read says of the instance's lease.
func (l *ledger) sign(row *instanceRow) Sign {
	switch life := l.life(row); {
	case life == Leaving, life == Gone:
		return SignNow
	case life == Bound:
		return SignNone
	}
	if lease := l.leaseOf(row); row.bare || (row.deadline-l.now)*3 <= lease*2 {
		return SignDue
	}
	return SignNone
}
