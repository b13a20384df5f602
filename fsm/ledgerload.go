package fsm

// load takes in one of a ledger's blocks; what can't be right fails d. The blocks come in the order of their kinds.
func (l *ledger) load(kind byte, d *decoder) {
	if (kind == blockLedger) != l.empty() {
		d.fail()
		return
	}
	if kind == blockLedger {
		l.loadHead(d)
		return
	}
	for len(d.rest) > 0 && !d.failed {
		ok := false
		switch kind {
		case blockInstances:
			ok = l.loadInstance(d)
		case blockCounters:
			ok = l.loadCounter(d)
		case blockSlices, blockParked:
			s := slice{d.uvarint(), d.uvarint(), d.varint()}
			ok = !d.failed && l.loadSlice(s, kind == blockParked)
		}
		if !ok {
			d.fail()
		}
	}
}

func (l *ledger) loadHead(d *decoder) {
	l.serial, l.floor, l.highest = d.uvarint(), d.uvarint(), d.uvarint()
	for i := range l.announced {
		l.announced[i] = d.uvarint()
	}
	for len(d.rest) > 0 {
		p := presence{origin: string(d.bytes()), incarnation: d.uvarint(), began: d.moment(), heard: d.moment(), lapsed: d.moment()}
		p.removed, p.ended = d.bool(), d.moment()
		if n := len(l.presences); n > 0 && l.presences[n-1].origin >= p.origin ||
			max(p.began, p.lapsed) > p.heard || max(p.heard, p.ended) > l.now || p.ended > 0 && !p.removed {
			d.fail()
		}
		l.presences = append(l.presences, p)
	}
	if l.serial == 0 || l.highest < l.floor {
		d.fail()
	}
}

// moment takes a moment on the lease clock, or a length of time.
func (d *decoder) moment() int64 {
	n := d.uvarint()
	if n > latest {
		d.fail()
		return 0
	}
	return int64(n)
}

func (d *decoder) bool() bool {
	n := d.uvarint()
	if n > 1 {
		d.fail()
	}
	return n == 1
}

func (l *ledger) loadInstance(d *decoder) bool {
	row := instanceRow{number: d.uvarint(), name: string(d.bytes()), lease: d.moment(), deadline: d.varint()}
	state := d.byte()
	row.state, row.bare = Life(state&^bareBit), state&bareBit != 0
	if row.binding.origin = string(d.bytes()); row.binding.given() {
		row.binding.incarnation, row.binding.token, row.binding.since = d.uvarint(), d.varint(), d.moment()
		if _, heard := l.findPresence(row.binding.origin); !heard || row.state != Alive {
			return false
		}
	}
	last, any := l.instances.Max()
	if d.failed || any && last.number >= row.number || row.number > l.serial || row.number == 0 || len(row.name) > MaxInstance ||
		row.lease > MaxLease || row.deadline < 0 || row.deadline > latest || row.binding.since > l.now ||
		row.state != Alive && row.state != Leaving && row.state != Gone ||
		row.name == "" && (row.state != Leaving || row.lease != 0 || row.bare) {
		return false
	}
	if row.name != "" {
		name, names := []byte(row.name), l.names.count
		l.names.put(l.names.hash(name), name, item{value: IntValue(int64(row.number))})
		if l.names.count == names {
			return false
		}
		l.known += costOfName(row.name)
	}
	l.known += costOfInstance
	if row.state != Gone {
		l.living++
	}
	l.instances.Load(row)
	l.queue.queue.Set(due{row.due(), row.number})
	return true
}

func (l *ledger) loadCounter(d *decoder) bool {
	row := counterRow{number: d.uvarint(), key: string(d.bytes()), epoch: d.uvarint(), ends: d.moment()}
	last, any := l.counters.Max()
	if d.failed || any && last.number >= row.number || row.number > l.serial || row.number == 0 || len(row.key) > MaxKey ||
		row.epoch > l.highest {
		return false
	}
	key, keys := []byte(row.key), l.keys.count
	l.keys.put(l.keys.hash(key), key, item{value: IntValue(int64(row.number))})
	l.counted += costOfCounter(key)
	l.tombstones.add(row.number, row.ends)
	l.counters.Load(row)
	return l.keys.count > keys
}

func (l *ledger) loadSlice(s slice, parked bool) bool {
	into := l.slices
	if parked {
		into = l.parked
	}
	last, any := into.Max()
	_, _, double := l.mine(s.instance, s.era)
	who, known := l.instances.Get(instanceRow{number: s.instance})
	if any && !last.before(s) || double || !known || s.era == 0 || s.era > l.serial {
		return false
	}
	if !parked && who.state == Gone {
		return false
	}
	into.Load(s)
	l.owners.Set(owner{s.era, s.instance})
	l.counted += costOfSlice
	if parked {
		who.parked++
	} else {
		who.slices++
	}
	l.instances.Set(who)
	l.noteReturning(&who)
	row, current := l.era(s.era)
	if !current {
		l.ended.Set(s.era)
		return true
	}
	var fits bool
	if row.account, fits = row.with(0, s.amount); !fits || row.ends != 0 {
		return false
	}
	if parked {
		row.total -= s.amount
	}
	if row.slices++; row.slices == 1 {
		l.existing++
	}
	l.counters.Set(row)
	return true
}

// loaded reports whether all that the head has announced is there.
func (l *ledger) loaded() bool {
	return l.announced == [4]uint64{uint64(l.instances.Len()), uint64(l.counters.Len()), uint64(l.slices.Len()), uint64(l.parked.Len())} &&
		l.existing+l.tombstones.queue.Len() == l.counters.Len()
}
