package fsm

import (
	"encoding/binary"
	"fmt"

	"github.com/dchest/siphash"
)

// Machine is all replicated state. Make one with New or Restore.
type Machine struct {
	index  uint64 // the last log index that was applied or passed
	opened uint64 // the term of the last Opener: its leader may propose and answer reads
	now    int64  // machine time: the largest stamp so far, milliseconds since the Unix epoch
	keyed  bool   // the hash key has been drawn
	writes uint64 // Ops of clients that were applied as writes, refused ones too; 0: pristine

	limits  Limits
	limited bool   // limits were set, be it to none
	used    uint64 // the sum of what the keys cost (limits.go); not in images, which hold the keys

	table     *table
	versions  *versions
	deadlines deadlines
	lease     leaseClock
	ledger    *ledger
	sessions  sessions
	origins   []origin // by id
	nodes     []Node   // by id

	expired     uint64      // keys whose time has come, since this Machine was made: no part of the state
	onceHits    uint64      // groups answered from what a session remembers, since then: no part of it, either
	onceRefused uint64      // and those refused by one, or for want of one
	observer    func(Event) // nil: none; no part of the state
}

// New returns a Machine that has applied nothing.
func New() *Machine {
	m := &Machine{table: newTable([2]uint64{}), versions: &versions{}, deadlines: newDeadlines(),
		ledger: newLedger([2]uint64{}), sessions: newSessions()}
	m.ledger.changed = m.counterChanged
	return m
}

// Index is the last log index that was applied or passed.
func (m *Machine) Index() uint64 { return m.index }

// Opened is the term of the last Opener applied.
func (m *Machine) Opened() uint64 { return m.opened }

// Now is machine time, milliseconds since the Unix epoch.
func (m *Machine) Now() int64 { return m.now }

// Keys is the number of keys, those included whose deadline has passed but that no Entry has removed yet.
func (m *Machine) Keys() uint64 { return m.usage().keys }

// Expiring is the number of keys that have a deadline. (Keys of one hash and one deadline count once: it takes 2^32 keys to
// expect two.)
func (m *Machine) Expiring() uint64 { return uint64(m.deadlines.queue.Len()) }

// Expired is how many keys it has removed because their time had come, since New or Restore.
func (m *Machine) Expired() uint64 { return m.expired }

// Pristine reports whether no client's write was ever applied. The cluster's own (Register, Limit, Remove) don't count.
func (m *Machine) Pristine() bool { return m.writes == 0 }

// NextDeadline is the earliest moment at which an Entry will have something to end, if no Entry is late until then.
func (m *Machine) NextDeadline() (at int64, ok bool) {
	d, ok := m.deadlines.next()
	at = d.deadline
	if lease, any := m.nextLeaseEnd(); any && (!ok || lease < at) {
		return lease, true
	}
	return at, ok
}

// Outcome is what became of one Batch of an Entry.
type Outcome struct {
	Number  Number
	Verdict Verdict
	Results Results // one Result per Op, for Applied and Repeated. Never written again
}

// Verdict is how a Batch's number compared with the largest of its origin. Sent between nodes: append only.
type Verdict uint8

const (
	Applied    Verdict = 1 // larger: applied now
	Repeated   Verdict = 2 // equal: applied before, answered from memory
	Superseded Verdict = 3 // smaller, or equal but of a removed Node: not applied now; what became of it is not known any more
)

// Apply runs one Entry and returns an Outcome per Batch. An error wraps ErrFormat: the Entry is not of this build's
// making, the state is undefined, and the node must stop.
func (m *Machine) Apply(index, term uint64, e Entry) ([]Outcome, error) {
	m.Pass(index)
	before := m.now
	m.now = max(m.now, e.Stamp)
	m.advanceLease(before, e.Kind)
	if e.Kind == Opener {
		m.open(term, e.HashKey)
	}
	m.expire()
	m.ledger.now = m.lease.now
	m.ledger.steps()
	m.sessions.end(m.lease.now)
	outcomes := make([]Outcome, 0, len(e.Batches))
	for _, data := range e.Batches {
		o, err := m.applyBatch(data)
		if err != nil {
			return nil, fmt.Errorf("log index %d: %w", index, err)
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// Pass notes a log index that holds nothing for the Machine, such as a change of members.
func (m *Machine) Pass(index uint64) {
	if index <= m.index {
		panic(fmt.Sprintf("BUG: log index %d after %d", index, m.index))
	}
	m.index = index
}

func (m *Machine) open(term uint64, hashKey [16]byte) {
	m.opened = term
	if m.keyed || m.table.count > 0 || !m.ledger.empty() { // items stand where the old key put them; a leader opens before it proposes any
		return
	}
	m.keyed = true
	m.versions.flush(m.index) // keys are in other buckets from now on
	m.table.hashKey = [2]uint64{
		binary.LittleEndian.Uint64(hashKey[:8]), binary.LittleEndian.Uint64(hashKey[8:]),
	}
	m.ledger.setHashKey(m.table.hashKey)
}

func (m *Machine) applyBatch(data []byte) (Outcome, error) {
	b, err := decodeBatchHead(data)
	if err != nil {
		return Outcome{}, err
	}
	from := m.origin(b.Number.Origin)
	out := Outcome{Number: b.Number, Verdict: from.admit(b.Number)}
	switch out.Verdict {
	case Superseded:
		return out, nil
	case Repeated:
		out.Results = from.results
		return out, nil
	}
	m.ledger.hear(b.Number, from.removed)
	out.Results, err = m.applyGroups(b)
	if err != nil {
		return Outcome{}, err
	}
	from = m.origin(b.Number.Origin) // a Remove in the Batch may have moved the records, or marked this one
	from.done(b.Number, out.Results)
	return out, nil
}

// run is how far a Batch has come.
type run struct {
	from      Number // of the Batch
	results   Results
	group     []byte // the group that is being applied, and what follows it
	forbidden Code   // why no write of the group may happen, or OK
	aborted   Code   // why nothing of the group is applied, or OK
	alone     bool   // the group has one Op
	limits    Limits // that were in force when the Batch began
	roomy     bool   // the whole Batch surely fits into those
	weighed   bool   // whether readsPaid is known
	readsPaid bool
}

// paid reports whether the reads of the group that is being applied have their room in the Results.
func (r *run) paid() bool {
	if !r.weighed {
		r.weighed, r.readsPaid = true, paid(r.group)
	}
	return r.readsPaid
}

// most is how many bytes of Results there may be before an old value is refused.
func (r *run) most() int {
	if r.alone {
		return MaxResults
	}
	return mostResults
}

func (m *Machine) applyGroups(b Batch) (Results, error) {
	r := run{from: b.Number, results: make(Results, 0, 4*b.Ops), limits: m.limits}
	r.roomy = r.limits.hold(m.usage(), b.Ops, b.Ops, len(b.Groups))
	d := decoder{rest: b.Groups}
	ops := 0
	for len(d.rest) > 0 {
		r.group = d.rest
		n := d.group()
		if d.once.Given() {
			ops += m.applyOnce(&d, &r, n)
		} else {
			ops += m.applyGroup(&d, &r, n, OK)
		}
	}
	if d.failed || ops != b.Ops {
		return nil, fmt.Errorf("%w: batch %d of %s", ErrFormat, b.Number.Sequence, b.Number.Origin)
	}
	return r.results, nil
}

// applyGroup applies the group of n Ops whose head d has taken, or if refused is not OK, answers that to each. It returns how
// many Ops it has taken.
func (m *Machine) applyGroup(d *decoder, r *run, n int, refused Code) (ops int) {
	r.forbidden, r.aborted, r.alone, r.weighed = OK, refused, n == 1, false
	if refused == OK && d.conditions != nil {
		r.aborted = m.unmet(d.conditions, r.group, r.from)
	}
	if refused == OK && (!r.roomy || m.limits != r.limits) { // the group before may have set others
		r.forbidden = m.foresee(r.group, r.from)
	}
	var op Op
	for ; ops < n; ops++ {
		d.op(&op)
		if d.failed {
			break
		}
		r.results = appendResult(r.results, m.apply(&op, r))
	}
	return ops
}

// Query answers groups of reads as of now (which may be before machine time; machine time counts then) and appends one
// Result per Op to dst. settled is false if some key's deadline lies between machine time and now: a linearizable answer
// must then wait until an Entry with a stamp of at least now is applied. Ops that write are answered WrongType, and so are
// those of a group with a Once, and what is left of a group that can't be decoded; those of a group with a condition that does not hold by machine time, Aborted.
func (m *Machine) Query(dst Results, groups []byte, now int64) (results Results, settled bool) {
	now = max(now, m.now)
	settled = true
	d := decoder{rest: groups}
	var op Op
	for len(d.rest) > 0 {
		n := d.group()
		once, aborted := d.once.Given(), d.conditions != nil && m.unmet(d.conditions, nil, Number{}) != OK
		for ; n > 0; n-- {
			d.op(&op)
			if d.failed || once || op.Kind.Writes() {
				dst = appendResult(dst, Result{Code: WrongType})
				continue
			}
			if aborted {
				dst = appendResult(dst, Result{Code: Aborted})
				continue
			}
			r, ok := m.read(&op, now)
			settled = settled && ok
			dst = appendResult(dst, r)
		}
	}
	return dst, settled
}

const digestKey0, digestKey1 = 0x7472756563, 0x6f756e74 // fixed: digests of different clusters may be compared, too

// Digest is a sum over everything that the Machine holds, in no particular order: equal after equal logs, whatever
// snapshots lie between. It visits every key.
func (m *Machine) Digest() uint64 {
	const k0, k1 = digestKey0, digestKey1
	var sum uint64
	var buf []byte
	add := func(block byte, body []byte) { sum += siphash.Hash(k0, k1+uint64(block), body) }
	m.table.ascend(0, func(_ uint64, key []byte, it item) bool {
		buf = appendItem(buf[:0], key, it)
		add(blockItems, buf)
		return true
	})
	for i := range m.origins {
		add(m.origins[i].block(), m.origins[i].append(nil))
	}
	m.sessions.seats.Scan(func(held seat) bool {
		buf = held.session.append(buf[:0], held.id)
		add(blockSession, buf)
		return true
	})
	for i := range m.nodes {
		add(blockNode, m.nodes[i].appendBlock(nil))
	}
	if m.limited {
		add(blockLimits, m.limits.append(nil))
	}
	if m.lease != (leaseClock{}) {
		add(blockLease, m.lease.append(nil))
	}
	m.ledger.digest(add)
	add(blockHead, m.head().append(nil))
	return sum + m.versions.digest(k0, k1+blockVersions)
}
