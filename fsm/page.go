package fsm

// What walks in the order of a table's hashes gives pages: see scan.go.

// page is a page of such a walk that is being filled.
type page struct {
	last uint64 // the cursor of what was looked at last
	left int    // how much may still be looked at
	next uint64 // where the next page begins; 0: there is none
	body []byte
}

func newPage(op *Op) page {
	return page{last: uint64(op.Amount), left: int(min(max(op.Value.Int, 1), MaxScan))}
}

// from is the hash that the page begins at.
func (p *page) from() uint64 { return p.last << (64 - cursorBits) }

// look takes note of what stands at hash, unless the page is full.
func (p *page) look(hash uint64) bool {
	cursor := hash >> (64 - cursorBits)
	if cursor != p.last && (p.left <= 0 || len(p.body) >= scanBytes) {
		p.next = cursor
		return false
	}
	p.last = cursor
	p.left--
	return true
}

func (p *page) list(vs ...Value) {
	for _, v := range vs {
		p.body = appendValue(p.body, v)
	}
}

func (p *page) result() Result {
	return Result{Value: Value{Kind: List, Text: append(appendValue(nil, IntValue(int64(p.next))), p.body...)}}
}

// noCursor reports whether the Amount of an Op was never answered as a cursor.
func noCursor(op *Op) bool { return op.Amount < 0 || op.Amount>>cursorBits != 0 }

// listed is a counter's place in the order of hashes.
type listed struct{ hash, number uint64 }

// listFrom returns what a page of at most n counters may look at from a hash on, tombstones too, and the first one behind.
func (l *ledger) listFrom(from uint64, n int) []listed {
	if l.keys.count == 0 {
		return nil
	}
	var found []listed
	p := page{last: from >> (64 - cursorBits), left: n}
	l.keys.ascend(from, func(hash uint64, _ []byte, it item) bool {
		found = append(found, listed{hash, uint64(it.value.Int)})
		return p.look(hash)
	})
	return found
}

// clearCounters is ICClear: all at once, or a step of those that a glob matches.
func (l *ledger) clearCounters(op *Op) Result {
	pattern := op.Value.AppendText(nil)
	if len(pattern) == 0 {
		ended := l.existing
		l.flush()
		if ended > 0 && l.changed != nil {
			l.changed("flush", 0, nil)
		}
		return Result{Value: intList(0, int64(ended))}
	}
	if noCursor(op) {
		return Result{Value: intList(0, 0)}
	}
	glob, ended := Glob{Pattern: pattern}, int64(0)
	most := max(1, min(MaxSteps, l.looking))
	p := page{last: uint64(op.Amount), left: most}
	for _, at := range l.listFrom(p.from(), most) {
		if !p.look(at.hash) {
			break
		}
		row, _ := l.era(at.number)
		p.left -= len(pattern) * len(row.key) / globStep
		if row.slices == 0 || !glob.Matches([]byte(row.key)) {
			continue
		}
		p.left -= min(int(row.slices), inlineSlices)
		row = l.begin(at.hash, row)
		l.entomb(&row)
		l.tell("del", []byte(row.key))
		ended++
	}
	l.looking -= most - p.left
	return Result{Value: intList(int64(p.next), ended)}
}

// globStep is how many bytes of pattern times bytes of key count like looking at one key more.
const globStep = 4096

// slicesOf answers a page of the slices of a key, in the order of the instances' numbers: the cursor is one more than the last.
func (l *ledger) slicesOf(op *Op) Result {
	row, _ := l.counter(l.keys.hash(op.Key), op.Key)
	if op.Amount < 0 || row.slices == 0 {
		return Result{Value: intList(0)}
	}
	p := newPage(op)
	l.owners.Ascend(owner{row.number, uint64(op.Amount)}, func(o owner) bool {
		if o.era != row.number {
			return false
		}
		if p.left <= 0 || len(p.body) >= scanBytes {
			p.next = p.last + 1
			return false
		}
		p.left, p.last = p.left-1, o.instance
		who := l.instance(o.instance)
		s, parked, _ := l.mine(o.instance, o.era)
		life := l.life(&who)
		ends := who.deadline
		if parked || life == Gone {
			ends += ParkedFor
		}
		if parked {
			life = Parked
		}
		p.list(Value{Kind: Text, Text: []byte(who.name)}, IntValue(s.amount), IntValue(int64(life)), IntValue(max(0, ends-l.now)))
		return true
	})
	return p.result()
}

// instancePage answers a page of instances, in the order of the hashes of their names.
func (l *ledger) instancePage(op *Op) Result {
	if noCursor(op) {
		return Result{Value: intList(0)}
	}
	p := newPage(op)
	l.names.ascend(p.from(), func(hash uint64, name []byte, it item) bool {
		if !p.look(hash) {
			return false
		}
		who := l.instance(uint64(it.value.Int))
		life := l.life(&who)
		ends := who.deadline
		if life == Gone {
			ends += ParkedFor
		}
		p.list(Value{Kind: Text, Text: name}, IntValue(int64(life)), IntValue(max(0, ends-l.now)),
			IntValue(l.leaseOf(&who)), IntValue(int64(who.slices+who.parked)))
		return true
	})
	return p.result()
}
