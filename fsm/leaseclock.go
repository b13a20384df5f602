package fsm

import (
	"encoding/binary"
	"math"
)

// leaseClock is the time on which leases, sessions and parking run. It advances with the stamps of Entries, but not with an
// outage: by at most maxAdvance in one step, and after a larger gap it stands still for standstill, so that those who live
// have time to say so. So no outage, leader change or clock jump ends a lease early, and a lease outlives its instance by the
// outages only. A leader that has nothing else to do proposes an empty Entry each second while anything runs.
type leaseClock struct {
	now   int64 // milliseconds, of no epoch
	until int64 // in machine time: it stands still until then
}

const (
	latest     = math.MaxInt64 / 2 // no moment on the clock that an image may have is later
	maxAdvance = 1500              // milliseconds that one Entry advances the clock by, at most
	standstill = 5000              // milliseconds of machine time that it stands still after a larger gap
)

// advance takes in that machine time went from before to after. anything says whether a lease or a session runs: without,
// nobody could be harmed, and a gap is only that nothing happened.
func (c *leaseClock) advance(before, after int64, anything bool) {
	gap := after - before
	if from := max(before, c.until); after > from {
		c.now += min(after-from, maxAdvance)
	}
	if gap > maxAdvance && anything {
		c.until = after + standstill
	}
}

// pause takes in that nobody could be heard until now: no time has passed, and none will until those who live can say so.
func (c *leaseClock) pause(now int64) { c.until = now + standstill }

// machineTime is when, in machine time, the clock will show at, if no Entry is late.
func (c *leaseClock) machineTime(at, now int64) int64 {
	return max(now, c.until) + max(at-c.now, 0)
}

func (c leaseClock) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(c.now)), uint64(c.until))
}

// advanceLease advances the lease clock to machine time with an Entry of this kind, once anything has ever run on it.
func (m *Machine) advanceLease(before int64, kind EntryKind) {
	switch anything := m.anything(); {
	case !anything && m.lease == (leaseClock{}):
	case kind == Deaf:
		m.lease.pause(m.now)
	default:
		m.lease.advance(before, m.now, anything)
	}
}

// anything reports whether a lease or a session runs, which a gap of time could end early.
func (m *Machine) anything() bool { return m.ledger.living > 0 || m.sessions.seats.Len() > 0 }

// Leasing reports whether a lease or a session runs. Then a leader proposes an Entry each second, be it empty, so that the lease
// clock goes on, and ends what is due when it is due.
func (m *Machine) Leasing() bool { return m.anything() }

// nextLeaseEnd is the moment in machine time at which an Entry will have something to end that runs on the lease clock.
func (m *Machine) nextLeaseEnd() (at int64, ok bool) {
	if m.ledger.backlog() || m.sessions.backlog(m.lease.now) {
		return m.now, true
	}
	at, ok = m.ledger.nextDue()
	if first, any := m.sessions.ends.Min(); any && (!ok || first.deadline < at) {
		at, ok = first.deadline, true
	}
	return m.lease.machineTime(at, m.now), ok
}
