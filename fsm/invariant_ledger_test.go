package fsm

import (
	"fmt"
	"slices"
)

// ledgerError checks what must hold in every ledger between two Entries, by counting everything again from the slices.
func ledgerError(m *Machine) error {
	l := m.ledger
	if l.now != m.lease.now {
		return fmt.Errorf("the ledger is at %d, the lease clock at %d", l.now, m.lease.now)
	}
	if l.names.hashKey != m.table.hashKey || l.keys.hashKey != m.table.hashKey {
		return fmt.Errorf("keys and names stand by another hash key than plain keys")
	}
	for _, t := range []*table{l.names, l.keys} {
		if err := tableError(t); err != nil {
			return err
		}
	}
	for _, check := range []func(*ledger) error{slicesError, countersError, instancesError, presencesError} {
		if err := check(l); err != nil {
			return err
		}
	}
	var err error
	l.counters.Scan(func(row counterRow) bool {
		key := []byte(row.key)
		if it, found := m.table.get(m.table.hash(key), key); row.slices > 0 && found && (it.deadline == 0 || it.deadline > m.now) {
			err = fmt.Errorf("%q is a plain key and an instance counter", key)
		}
		return err == nil
	})
	return err
}

// slicesError: slices and parked have nothing in common, and the owners are all of both.
func slicesError(l *ledger) error {
	var want []owner
	for _, s := range append(l.slices.Items(), l.parked.Items()...) {
		want = append(want, owner{s.era, s.instance})
		if s.era > l.serial || s.instance > l.serial {
			return fmt.Errorf("slice %+v, the last number is %d", s, l.serial)
		}
	}
	slices.SortFunc(want, func(a, b owner) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	if got := l.owners.Items(); !slices.Equal(got, want) {
		return fmt.Errorf("%d owners, %d slices and %d parked", len(got), l.slices.Len(), l.parked.Len())
	}
	return nil
}

// countersError: each row's account is that of its slices, a row without any is a tombstone, the epochs are within floor and highest,
// eras without a row are to be swept, and nothing else is.
func countersError(l *ledger) error {
	accounts, old := map[uint64]account{}, newTree(lower)
	for i, s := range append(l.slices.Items(), l.parked.Items()...) {
		if _, current := l.era(s.era); !current {
			old.Set(s.era)
		}
		a, fits := accounts[s.era].with(0, s.amount)
		if !fits {
			return fmt.Errorf("the slices of era %d leave an int64", s.era)
		}
		if i >= l.slices.Len() {
			a.total -= s.amount
		}
		a.slices++
		accounts[s.era] = a
	}
	if got, want := l.ended.Items(), old.Items(); !slices.Equal(got, want) {
		return fmt.Errorf("eras %v to sweep, %v have ended", got, want)
	}
	existing, counted := 0, uint64(l.slices.Len()+l.parked.Len())*costOfSlice
	var tombs []due
	var err error
	l.counters.Scan(func(row counterRow) bool {
		key := []byte(row.key)
		it, found := l.keys.get(l.keys.hash(key), key)
		counted += costOfCounter(key)
		if row.slices > 0 {
			existing++
		} else {
			tombs = append(tombs, due{row.ends, row.number})
		}
		switch {
		case !found || uint64(it.value.Int) != row.number:
			err = fmt.Errorf("%q does not lead to its row %d", key, row.number)
		case row.account != accounts[row.number]:
			err = fmt.Errorf("%q has the account %+v, its slices make %+v", key, row.account, accounts[row.number])
		case (row.ends == 0) != (row.slices > 0):
			err = fmt.Errorf("%q has %d slices and ends at %d", key, row.slices, row.ends)
		case row.epoch > l.highest || row.total < row.minus || row.total > row.plus:
			err = fmt.Errorf("%q: %+v, the highest epoch is %d", key, row, l.highest)
		}
		return err == nil
	})
	if err != nil {
		return err
	}
	if l.existing != existing || l.counted != counted || l.keys.count != l.counters.Len() || l.floor > l.highest {
		return fmt.Errorf("%d counters exist, %d counted; %d bytes, %d counted; %d keys, %d rows; floor %d, highest %d", existing,
			l.existing, counted, l.counted, l.keys.count, l.counters.Len(), l.floor, l.highest)
	}
	return queueError("tombstones", l.tombstones, tombs)
}

func queueError(what string, d deadlines, want []due) error {
	slices.SortFunc(want, func(a, b due) int {
		if a.deadline < b.deadline || a.deadline == b.deadline && a.hash < b.hash {
			return -1
		}
		return 1
	})
	if got := d.queue.Items(); !slices.Equal(got, want) {
		return fmt.Errorf("%s: %v queued, %v wanted", what, got, want)
	}
	return nil
}

// instancesError: each instance counts its slices, is found by its name, and queued once; those who live and have parked slices, and
// nobody else, are returning.
func instancesError(l *ledger) error {
	live, parked := map[uint64]uint64{}, map[uint64]uint64{}
	l.slices.Scan(func(s slice) bool { live[s.instance]++; return true })
	l.parked.Scan(func(s slice) bool { parked[s.instance]++; return true })
	var queue []due
	var back []uint64
	var err error
	named, living, known := 0, 0, uint64(0)
	l.instances.Scan(func(row instanceRow) bool {
		row = l.instance(row.number)
		queue = append(queue, due{row.due(), row.number})
		known += costOfInstance
		if row.name != "" {
			named++
			known += costOfName(row.name)
			if number, found := l.numberOf([]byte(row.name)); !found || number != row.number {
				err = fmt.Errorf("%q does not lead to its row %d", row.name, row.number)
			}
		}
		if row.state != Gone {
			living++
		}
		if row.state == Alive && row.parked > 0 {
			back = append(back, row.number)
		}
		if row.slices != live[row.number] || row.parked != parked[row.number] {
			err = fmt.Errorf("%q counts %d slices and %d parked ones, and has %d and %d", row.name, row.slices, row.parked,
				live[row.number], parked[row.number])
		}
		if row.state == Gone && row.slices > 0 || row.name == "" && row.state != Leaving || row.binding.given() && row.state != Alive {
			err = fmt.Errorf("%+v can't be", row)
		}
		delete(live, row.number)
		delete(parked, row.number)
		return err == nil
	})
	if err != nil {
		return err
	}
	if len(live)+len(parked) > 0 {
		return fmt.Errorf("slices of instances without a row: %v, parked %v", live, parked)
	}
	if l.names.count != named || l.living != living || l.known != known || !slices.Equal(l.returning.Items(), back) {
		return fmt.Errorf("%d names, %d counted; %d live, %d counted; %d bytes, %d counted; %v return, %v said", named, l.names.count,
			living, l.living, known, l.known, back, l.returning.Items())
	}
	return queueError("instances", l.queue, queue)
}

func presencesError(l *ledger) error {
	for i, p := range l.presences {
		if i > 0 && l.presences[i-1].origin >= p.origin || p.lapsed > p.heard || p.heard > l.now || p.began > p.heard {
			return fmt.Errorf("presence %+v at %d", p, l.now)
		}
	}
	return nil
}
