package fsm

import (
	"math"

	"github.com/tidwall/btree"
)

// slice is what one instance has contributed to a counter in one of its eras. It is in slices, and counts; or in parked, when its
// instance has died, and waits for it to return.
type slice struct {
	instance, era uint64
	amount        int64
}

func (s slice) before(t slice) bool {
	return s.instance < t.instance || s.instance == t.instance && s.era < t.era
}

// owner is a slice seen from its counter.
type owner struct{ era, instance uint64 }

func (o owner) before(p owner) bool {
	return o.era < p.era || o.era == p.era && o.instance < p.instance
}

// account is the sums over the slices of an era. What its slices with amounts above 0 come to, those below, and parked ones with
// them, stays within an int64 each: so whoever dies or returns, no total can ever leave it.
type account struct {
	total  int64  // of slices
	plus   int64  // of the amounts above 0, parked ones too
	minus  int64  // of those below
	slices uint64 // parked ones too
}

// with is the account after a slice that counts went from old to amount; ok is false if it can't.
func (a account) with(old, amount int64) (b account, ok bool) {
	b = a
	b.plus -= max(old, 0)
	b.minus -= min(old, 0)
	if max(amount, 0) > math.MaxInt64-b.plus || min(amount, 0) < math.MinInt64-b.minus {
		return a, false
	}
	b.plus += max(amount, 0)
	b.minus += min(amount, 0)
	b.total += amount - old // may wrap on the way, but not in the end: it is between minus and plus
	return b, true
}

// mine is what the instance has contributed to the era, parked or not.
func (l *ledger) mine(instance, era uint64) (s slice, parked, found bool) {
	if s, found = l.slices.Get(slice{instance: instance, era: era}); found || l.parked.Len() == 0 {
		return s, false, found
	}
	s, found = l.parked.Get(slice{instance: instance, era: era})
	return s, found, found
}

// store makes the instance's slice of row's era the amount, which the account allows.
func (l *ledger) store(row *counterRow, instance uint64, amount int64) {
	old, had := l.slices.Set(slice{instance, row.number, amount})
	row.account, _ = row.with(old.amount, amount)
	if !had {
		l.owners.Set(owner{row.number, instance})
		l.counted += costOfSlice
		if row.slices++; row.slices == 1 {
			l.revive(row)
		}
		l.count(instance, 1, 0)
	}
	l.counters.Set(*row)
}

// remove ends a slice. The count of its instance is the caller's.
func (l *ledger) remove(s slice, parked bool) {
	from := l.slices
	if parked {
		from = l.parked
	}
	from.Delete(s)
	l.owners.Delete(owner{s.era, s.instance})
	l.counted -= costOfSlice
	row, current := l.era(s.era)
	if !current {
		l.settleEnded(s.era)
		return
	}
	if parked {
		row.total += s.amount // for what follows takes it off
	}
	row.account, _ = row.with(s.amount, 0)
	if row.slices--; row.slices == 0 {
		l.bury(&row)
	} else {
		l.counters.Set(row)
	}
	switch { // a key that is still there has not been deleted, for those who hear of it
	case row.slices == 0:
		l.tell("del", []byte(row.key))
	case !parked:
		l.tell("set", []byte(row.key))
	}
}

// park takes a slice out of its total. One of an era that has ended goes for good.
func (l *ledger) park(s slice) (parked bool) {
	row, current := l.era(s.era)
	if !current {
		l.remove(s, false)
		return false
	}
	l.slices.Delete(s)
	l.parked.Set(s)
	row.total -= s.amount
	l.counters.Set(row)
	l.tell("park", []byte(row.key))
	return true
}

// unpark is the reverse.
func (l *ledger) unpark(s slice) (counts bool) {
	row, current := l.era(s.era)
	if !current {
		l.remove(s, true)
		return false
	}
	l.parked.Delete(s)
	l.slices.Set(s)
	row.total += s.amount
	l.counters.Set(row)
	l.tell("return", []byte(row.key))
	return true
}

// some collects at most n slices of an instance, in the order of their eras.
func some(from *btree.BTreeG[slice], instance uint64, n int) []slice {
	if n <= 0 || from.Len() == 0 {
		return nil
	}
	var found []slice
	from.Ascend(slice{instance: instance}, func(s slice) bool {
		if s.instance != instance || len(found) == n {
			return false
		}
		found = append(found, s)
		return true
	})
	return found
}
