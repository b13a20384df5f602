package fsm

import (
	"fmt"
	"math"
	"slices"
	"strconv"
)

// What the model knows of leases, bindings and death.

// leasing reports whether somebody could lose something if time went on.
func (m *instanceModel) leasing() bool {
	for _, in := range m.instances {
		if in.life != Gone {
			return true
		}
	}
	return false
}

// advance moves the lease clock as machine time moves: at most 1.5 s at once, and not for 5 s after a larger gap.
func (m *instanceModel) advance(before, after int64, running bool) {
	if !running && m.clock == 0 {
		return // it has not begun to run
	}
	from := max(before, m.standUntil)
	m.clock += min(max(after-from, 0), 1500)
	if after-before > 1500 && running {
		m.standUntil = after + 5000
	}
}

func (m *instanceModel) hear(n Number) {
	s := m.sources[n.Origin]
	if s.incarnation != n.Incarnation {
		s.began = m.clock
	}
	if m.clock-s.heard >= modelHush {
		s.lapsed = s.heard + modelHush
	}
	s.incarnation, s.heard = n.Incarnation, m.clock
	m.sources[n.Origin] = s
}

// life is how an instance stands, whether or not its time has been taken notice of.
func (m *instanceModel) life(name string) Life {
	in := m.instances[name]
	switch {
	case in.life != Alive && in.life != Bound:
		return in.life
	case in.bound != nil:
		at, broken := m.broken(in.bound)
		if !broken {
			return Bound
		}
		in.deadline = max(in.deadline, at+m.lease(in))
	}
	if in.deadline <= m.clock {
		return Leaving
	}
	return Alive
}

// broken says when a binding broke, if it did.
func (m *instanceModel) broken(b *modelBinding) (at int64, broken bool) {
	s := m.sources[b.from.Origin]
	at = math.MaxInt64
	if s.gone {
		at = min(at, s.removed)
	}
	if s.incarnation != b.from.Incarnation {
		at = min(at, s.began)
	}
	if s.lapsed > b.since {
		at = min(at, s.lapsed)
	}
	if m.clock-s.heard >= modelHush {
		at = min(at, s.heard+modelHush)
	}
	return at, at != math.MaxInt64
}

// end is what time does to instances, slices and tombstones, all at once.
func (m *instanceModel) end() {
	for _, name := range m.byDeadline() {
		m.endLease(name)
	}
	for _, name := range m.names() {
		if in := m.instances[name]; in.returning {
			m.unpark(name, func(modelSlice) bool { return true })
			in.returning = false
			m.instances[name] = in
		}
	}
	for key, c := range m.counters {
		if c.ends != 0 && c.ends <= m.clock {
			delete(m.counters, key)
			m.floor = max(m.floor, c.epoch)
			m.note("tombstone ended")
		}
	}
	m.highest = max(m.highest, m.floor)
	m.sweep()
}

// endLease does what is due with an instance.
func (m *instanceModel) endLease(name string) {
	in := m.instances[name]
	if in.deadline > m.clock {
		return
	}
	if in.bound != nil {
		at, broken := m.broken(in.bound)
		if !broken {
			in.deadline = roundUp(m.clock + m.lease(in))
			m.instances[name] = in
			return
		}
		m.note("broken")
		in.deadline, in.bound, in.life = max(in.deadline, at+m.lease(in)), nil, Alive
		m.instances[name] = in
		m.endLease(name)
		return
	}
	if in.life != Gone {
		if (in.bare || in.orphan) && m.cut(name) > 0 { // the name goes on in a new life, if it has a lease of its own
			m.serial++
			in.serial = m.serial
		}
		m.park(name)
		if in.own == 0 && !m.holds(name) {
			delete(m.instances, name)
			return
		}
		in.life, in.bare, in.returning = Gone, false, false
		in.deadline += modelHour
		m.instances[name] = in
	}
	if in.deadline <= m.clock {
		m.cut(name)
		delete(m.instances, name)
	}
}

func (m *instanceModel) park(name string) {
	for i, s := range m.slices {
		if s.instance == name && !s.parked {
			m.slices[i].parked = true
			m.note("parked")
			m.touch(s)
		}
	}
}

// unpark gives slices back to their totals.
func (m *instanceModel) unpark(name string, which func(modelSlice) bool) {
	for i, s := range m.slices {
		if s.instance == name && s.parked && which(s) {
			m.slices[i].parked = false
			m.note("returned")
			m.touch(s)
		}
	}
}

// cut removes all slices of an instance, and says how many there were.
func (m *instanceModel) cut(name string) (count int) {
	for _, s := range slices.Clone(m.slices) {
		if s.instance == name {
			m.removeSlice(s)
			m.note("cut")
			count++
		}
	}
	return count
}

// need makes an instance, unless it is known.
func (m *instanceModel) need(name string) {
	if _, known := m.instances[name]; known {
		return
	}
	m.serial++
	m.instances[name] = modelInstance{serial: m.serial, life: Alive, deadline: roundUp(m.clock + m.lease(modelInstance{}))}
}

// renew notes that an instance lives. What was parked of it comes back: at once that of the key which it names.
func (m *instanceModel) renew(name, key string) {
	if in := m.instances[name]; in.bare && in.deadline <= m.clock && m.holds(name) {
		m.orphan(name) // it comes too late
	}
	in := m.instances[name]
	in.returning = in.returning || in.life == Gone || in.life == Leaving
	in.life, in.bare, in.deadline = Alive, false, roundUp(m.clock+m.lease(in))
	if in.bound != nil {
		in.life = Bound
	}
	m.instances[name] = in
	m.unpark(name, func(s modelSlice) bool { return s.key == key })
}

// orphan takes what an instance has from its name. It counts until the next Entry.
func (m *instanceModel) orphan(name string) {
	in := m.instances[name]
	left := modelInstance{serial: in.serial, orphan: true, life: Leaving, deadline: min(in.deadline, m.clock)}
	m.serial++
	in.serial = m.serial
	m.instances[name] = in
	of := fmt.Sprintf("orphan %d", left.serial)
	m.instances[of] = left
	for i := range m.slices {
		if m.slices[i].instance == name {
			m.slices[i].instance = of
		}
	}
	m.note("orphaned")
}

func (m *instanceModel) heartbeat(op Op, name string) string {
	m.grow(func() { m.need(name) })
	in := m.instances[name]
	if op.Amount > 0 {
		in.own = min(max(op.Amount, 3000), modelDay)
	}
	in.deadline = roundUp(m.clock + m.lease(in))
	m.instances[name] = in
	return strconv.FormatInt(m.lease(in), 10)
}

func (m *instanceModel) unbind(op Op, name string) string {
	in := m.instances[name]
	if in.bound == nil || in.bound.from.Origin != m.from.Origin || in.bound.from.Incarnation != m.from.Incarnation || in.bound.token != op.Amount {
		return "0"
	}
	if _, broken := m.broken(in.bound); broken {
		return "0"
	}
	m.note("unbound")
	in.bound, in.life, in.bare = nil, Alive, op.Value.Int >= 0
	in.deadline = m.clock + m.lease(in)
	if in.bare {
		in.deadline = m.clock + max(op.Value.Int, 0)
	}
	m.instances[name] = in
	return "1"
}
