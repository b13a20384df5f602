package fsm

import "encoding/binary"

// leaseClock is the time on which leases, sessions and parking run. It advances with the stamps of Entries, but not with an
// outage: by at most maxAdvance in one step, and after a larger gap it stands still for standstill, so that those who live
// have time to say so. So no outage, leader change or clock jump ends a lease early, and a lease outlives its instance by the
// outages only. A leader that has nothing else to do proposes an empty Entry each second while anything runs.
type leaseClock struct {
	now   int64 // milliseconds, of no epoch
	until int64 // in machine time: it stands still until then
}

const (
	maxAdvance = 1500 // milliseconds that one Entry advances the clock by, at most
	standstill = 5000 // milliseconds of machine time that it stands still after a larger gap
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

// machineTime is when, in machine time, the clock will show at, if no Entry is late.
func (c *leaseClock) machineTime(at, now int64) int64 {
	return max(now, c.until) + max(at-c.now, 0)
}

func (c leaseClock) append(dst []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(dst, uint64(c.now)), uint64(c.until))
}

// advanceLease advances the lease clock to machine time, once anything has ever run on it.
func (m *Machine) advanceLease(before int64) {
	if anything := m.anything(); anything || m.lease != (leaseClock{}) {
		m.lease.advance(before, m.now, anything)
	}
}

func (m *Machine) anything() bool { return m.sessions.seats.Len() > 0 }

// Leasing reports whether the lease clock runs for anybody.
func (m *Machine) Leasing() bool { return m.anything() }
