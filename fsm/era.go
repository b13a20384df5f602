package fsm

// counterRow is a counter in its present era. One without slices is a tombstone: all it is there for is its epoch.
type counterRow struct {
	number uint64 // of the era
	key    string
	epoch  uint64
	ends   int64 // a tombstone: when it goes, on the lease clock; else 0
	account
}

// tombFor is how long the epoch of a key that has ended is remembered of its own, in milliseconds of lease time. Then the floor
// rises to it, so that no key is ever in an epoch twice.
const tombFor = 86_400_000

// inlineSlices bounds how many slices of an old era the Op that ends it removes itself.
const inlineSlices = 16

// counter finds the row of a key, be it a tombstone. Without one, row is what the key counts as.
func (l *ledger) counter(hash uint64, key []byte) (row counterRow, found bool) {
	if l.keys.count > 0 {
		if it, there := l.keys.get(hash, key); there {
			return l.era(uint64(it.value.Int))
		}
	}
	return counterRow{epoch: l.floor}, false
}

func (l *ledger) era(number uint64) (row counterRow, current bool) {
	return l.counters.Get(counterRow{number: number})
}

// holds reports whether the key is an instance counter: has slices, be they parked.
func (l *ledger) holds(hash uint64, key []byte) bool {
	if l.existing == 0 {
		return false
	}
	row, _ := l.counter(hash, key)
	return row.slices > 0
}

// open makes the row of a key that has none, in the epoch of the floor.
func (l *ledger) open(hash uint64, key []byte) counterRow {
	row := counterRow{number: l.next(), key: string(key), epoch: l.floor}
	l.keys.put(hash, key, item{value: IntValue(int64(row.number))})
	l.counted += costOfCounter(key)
	return row
}

// begin ends the era of a row, and gives the row of the next, which is not in the tree yet: it has no slices.
func (l *ledger) begin(hash uint64, row counterRow) counterRow {
	l.counters.Delete(row)
	if row.ends != 0 {
		l.tombstones.remove(row.number, row.ends)
	}
	if row.slices > 0 {
		l.existing--
		l.endEra(row.number)
	}
	next := counterRow{number: l.next(), key: row.key, epoch: row.epoch + 1}
	l.highest = max(l.highest, next.epoch)
	l.keys.put(hash, []byte(row.key), item{value: IntValue(int64(next.number))})
	return next
}

// endEra removes the first slices of an era that has no row any more, and leaves the others to the steps.
func (l *ledger) endEra(number uint64) {
	l.ended.Set(number)
	l.sweep(number, inlineSlices)
}

// sweep ends at most n slices of an era that has no row any more, and returns how many.
func (l *ledger) sweep(number uint64, n int) int {
	var found []owner
	l.owners.Ascend(owner{era: number}, func(o owner) bool {
		if o.era != number || len(found) == n {
			return false
		}
		found = append(found, o)
		return true
	})
	for _, o := range found {
		s, parked, _ := l.mine(o.instance, number)
		l.remove(s, parked)
		if parked {
			l.count(o.instance, 0, -1)
		} else {
			l.count(o.instance, -1, 0)
		}
	}
	l.settleEnded(number)
	return len(found)
}

// settleEnded forgets an era that has ended once nothing is left of it.
func (l *ledger) settleEnded(number uint64) {
	left := false
	l.owners.Ascend(owner{era: number}, func(o owner) bool {
		left = o.era == number
		return false
	})
	if !left {
		l.ended.Delete(number)
	}
}

// revive takes note that a row has its first slice.
func (l *ledger) revive(row *counterRow) {
	l.existing++
	if row.ends != 0 {
		l.tombstones.remove(row.number, row.ends)
		row.ends = 0
	}
}

// bury makes a row that has no slices any more a tombstone, or ends it if the floor says the same.
func (l *ledger) bury(row *counterRow) {
	l.existing--
	l.entomb(row)
}

func (l *ledger) entomb(row *counterRow) {
	if row.epoch == l.floor {
		l.forgetCounter(row)
		return
	}
	row.ends = l.now + tombFor
	l.tombstones.add(row.number, row.ends)
	l.counters.Set(*row)
}

// forgetCounter ends a row without slices. The floor must be at its epoch, or above.
func (l *ledger) forgetCounter(row *counterRow) {
	key := []byte(row.key)
	l.counters.Delete(*row)
	l.tombstones.remove(row.number, row.ends)
	l.keys.delete(l.keys.hash(key), key)
	l.counted -= costOfCounter(key)
}

func (l *ledger) raiseFloor(epoch uint64) {
	l.floor = max(l.floor, epoch)
	l.highest = max(l.highest, l.floor)
}
