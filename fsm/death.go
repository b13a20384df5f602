package fsm

// steps does what is due, at the beginning of an Entry: at most MaxSteps slices are moved or ended, in this order:
//
//	visit      instances in the order of their deadlines: those whose lease is over leave (their slices are parked, or end if
//	           they are bare), what orphans have ends, and what was parked for ParkedFor ends with its instance
//	comeBack   what was parked of those who live again counts again
//	sweep      what is left of eras that have ended
//	tombs      epochs of keys that ended tombFor ago are left to the floor
//
// A visit that moves nothing counts like a slice, so that a step is bounded whatever there is.
func (l *ledger) steps() {
	l.sweeping, l.looking = maxSweep, maxLook
	left := MaxSteps
	left = l.visitDue(left)
	for left > 0 && l.returning.Len() > 0 {
		number, _ := l.returning.Min()
		left = l.comeBack(number, left)
	}
	for left > 0 && l.ended.Len() > 0 {
		number, _ := l.ended.Min()
		left -= max(1, l.sweep(number, left))
	}
	for ; left > 0; left-- {
		first, any := l.tombstones.next()
		if !any || first.deadline > l.now {
			return
		}
		row, _ := l.era(first.hash)
		l.raiseFloor(row.epoch)
		l.forgetCounter(&row)
	}
}

// backlog reports whether there is something left to do for the next Entry, be it at the same moment.
func (l *ledger) backlog() bool {
	first, any := l.queue.next()
	tomb, anyTomb := l.tombstones.next()
	return l.returning.Len() > 0 || l.ended.Len() > 0 || any && first.deadline <= l.now || anyTomb && tomb.deadline <= l.now
}

// nextDue is when on the lease clock there will be something to do; ok is false if never.
func (l *ledger) nextDue() (at int64, ok bool) {
	first, ok := l.queue.next()
	tomb, anyTomb := l.tombstones.next()
	if anyTomb && (!ok || tomb.deadline < first.deadline) {
		return tomb.deadline, true
	}
	return first.deadline, ok
}

// visitDue visits the instances that are due, and returns how many steps are left.
func (l *ledger) visitDue(left int) int {
	for left > 0 {
		first, any := l.queue.next()
		if !any || first.deadline > l.now {
			break
		}
		row := l.instance(first.hash)
		l.leave(&row)
		left -= max(1, l.visit(row, left))
	}
	return left
}

// visit does what is due for an instance that it finds out of the queue, and puts it back unless it is forgotten. It returns
// how many slices it has moved or ended, at most left.
func (l *ledger) visit(row instanceRow, left int) (moved int) {
	before := row.slices + row.parked
	switch {
	case row.binding.given():
		row.deadline = l.boundUntil(&row)
		l.enter(row)
		return 0
	case row.bare && row.state == Alive && before > 0:
		l.enter(row)
		row = l.giveAway(row) // from now on it is an orphan's, which is next
		l.leave(&row)
	case row.name == "", row.state == Gone:
		row = l.endSlices(row, left)
		moved = int(before - row.slices - row.parked)
		if row.slices+row.parked > 0 {
			l.enter(row)
			return moved
		}
		l.forget(&row)
		return moved
	default:
		row, moved = l.parkSlices(row, left)
		if row.slices > 0 {
			row.state = Leaving
			l.enter(row)
			return moved
		}
	}
	if row.parked == 0 && row.lease == 0 {
		l.forget(&row)
		return moved
	}
	row.state, row.bare = Gone, false
	l.living--
	l.enter(row)
	return moved
}

// boundUntil is the next deadline of a bound instance that has come to one. If its binding is broken, it keeps a full lease from
// there on, for it is reconnecting through no fault of its own.
func (l *ledger) boundUntil(row *instanceRow) int64 {
	since, broken := l.broken(&row.binding)
	if !broken {
		return l.expiry(l.leaseOf(row))
	}
	row.binding = binding{}
	return max(row.deadline, since+l.leaseOf(row))
}

// parkSlices takes up to n slices of a dying instance out of their totals.
func (l *ledger) parkSlices(row instanceRow, n int) (instanceRow, int) {
	found := some(l.slices, row.number, n)
	for _, s := range found {
		row.slices--
		if l.park(s) {
			row.parked++
		}
	}
	return row, len(found)
}

// comeBack lets up to left of the parked slices of an instance count again, and returns how many steps are left.
func (l *ledger) comeBack(number uint64, left int) int {
	row := l.instance(number)
	found := some(l.parked, number, left)
	for _, s := range found {
		row.parked--
		if l.unpark(s) {
			row.slices++
		}
	}
	l.instances.Set(row)
	l.noteReturning(&row)
	return left - max(1, len(found))
}
