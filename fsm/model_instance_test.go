package fsm

import (
	"cmp"
	"maps"
	"math/big"
	"slices"
	"strconv"
)

// instanceModel is a Machine with instance counters as one would write it on a napkin: a list of slices, walked as a whole for
// every sum; nothing is counted twice, and nothing is bounded by steps. Plain keys are in a model.
type instanceModel struct {
	plain *model

	clock      int64 // of leases
	standUntil int64 // in machine time: the clock stands still until then

	counters  map[string]modelCounter
	instances map[string]modelInstance
	slices    []modelSlice
	serial    int
	floor     int64 // the epoch of a key that nothing is known of
	highest   int64
	sources   map[string]modelSource // by origin

	seen map[string]int // what has happened; nil: nobody asks

	from     Number // of the Batch that is being applied
	readOnly bool   // of a group that is not applied only the reads are answered, and leave no trace
}

// modelCounter is a key that is there, or, if it ends, a tombstone.
type modelCounter struct{ epoch, ends int64 }

type modelSlice struct {
	key      string
	epoch    int64
	instance string
	amount   int64
	parked   bool
}

type modelInstance struct {
	serial    int // in which order they came
	own       int64
	deadline  int64
	life      Life
	bare      bool // what it has at its deadline is removed, not parked
	returning bool // with the next Entry, what is parked comes back
	orphan    bool // what is left of a name that was given a new life: its slices end with the next Entry
	bound     *modelBinding
}

type modelBinding struct {
	from  Number // but for its Sequence
	token int64
	since int64
}

// modelSource is what bindings ask of an origin: when its last Batch came, since when its incarnation is there, when its last
// silence was 5 s long, and when it was removed.
type modelSource struct {
	incarnation                   uint64
	heard, began, lapsed, removed int64
	gone                          bool
}

const (
	modelHour  = 3_600_000
	modelDay   = 24 * modelHour
	modelHush  = 5_000 // milliseconds of silence that end a binding
	modelGrain = 100
)

func newInstanceModel() *instanceModel {
	m := &instanceModel{counters: map[string]modelCounter{}, instances: map[string]modelInstance{}, sources: map[string]modelSource{}}
	m.plain = &model{keys: map[string]modelItem{}, changed: map[string]uint64{}, origins: map[string]modelOrigin{}, beside: m.room}
	return m
}

// copy is what a group starts from, to come back to.
func (m *instanceModel) copy() *instanceModel {
	c := *m
	p := *m.plain
	p.keys, p.changed = maps.Clone(p.keys), maps.Clone(p.changed)
	c.plain, c.counters, c.instances, c.slices = &p, maps.Clone(m.counters), maps.Clone(m.instances), slices.Clone(m.slices)
	c.sources = maps.Clone(m.sources)
	return &c
}

func (m *instanceModel) restore(c *instanceModel) {
	p := m.plain // its room is asked of m
	*m = *c
	*p = *c.plain
	m.plain = p
}

// apply runs an Entry.
func (m *instanceModel) apply(stamp int64, batches []modelBatch) (verdicts []Verdict, results [][]string) {
	before, running := m.plain.now, m.leasing()
	m.plain.apply(stamp, nil)
	m.advance(before, m.plain.now, running)
	m.end()
	for _, b := range batches {
		known := m.plain.origins[b.number.Origin]
		source := m.sources[b.number.Origin]
		switch {
		case b.number == known.number && !source.gone:
			verdicts, results = append(verdicts, Repeated), append(results, known.results)
		case !b.number.After(known.number):
			verdicts, results = append(verdicts, Superseded), append(results, nil)
		default:
			m.from = b.number
			m.hear(b.number)
			var answers []string
			for i, group := range b.groups {
				answers = append(answers, m.group(b.conditions[i], group)...)
			}
			m.plain.origins[b.number.Origin] = modelOrigin{b.number, answers}
			verdicts, results = append(verdicts, Applied), append(results, answers)
		}
	}
	return verdicts, results
}

// note counts what has happened.
func (m *instanceModel) note(what string) {
	if m.seen != nil {
		m.seen[what]++
	}
}

// sweep forgets slices of eras that are over.
func (m *instanceModel) sweep() {
	m.slices = slices.DeleteFunc(m.slices, func(s modelSlice) bool { return !m.counts(s) })
}

// removeSlice ends s. The key ends with its last one, and its epoch is remembered.
func (m *instanceModel) removeSlice(s modelSlice) {
	at := slices.Index(m.slices, s)
	m.slices = slices.Delete(m.slices, at, at+1)
	if !m.counts(s) {
		return
	}
	if !s.parked {
		m.touch(s)
	}
	if !m.exists(s.key) {
		m.bury(s.key, s.epoch)
	}
}

// bury makes a tombstone, unless the floor says the same.
func (m *instanceModel) bury(key string, epoch int64) {
	m.counters[key] = modelCounter{epoch, m.clock + modelDay}
	m.plain.changed[key] = m.plain.index
	if epoch == m.floor {
		delete(m.counters, key)
	}
}

// touch notes for WATCH that a total may have changed.
func (m *instanceModel) touch(s modelSlice) {
	if m.counts(s) {
		m.plain.changed[s.key] = m.plain.index
	}
}

// counts reports whether s is of its key's present era.
func (m *instanceModel) counts(s modelSlice) bool {
	c, found := m.counters[s.key]
	return found && c.ends == 0 && c.epoch == s.epoch
}

func (m *instanceModel) exists(key string) bool {
	return slices.ContainsFunc(m.slices, func(s modelSlice) bool { return s.key == key && m.counts(s) })
}

// holds reports whether an instance has slices that count, or would.
func (m *instanceModel) holds(name string) bool {
	return slices.ContainsFunc(m.slices, func(s modelSlice) bool { return s.instance == name && m.counts(s) })
}

func (m *instanceModel) epoch(key string) int64 {
	if c, found := m.counters[key]; found {
		return c.epoch
	}
	return m.floor
}

// sums are the total of a key, and all that is positive and all that is negative in it, what is parked included.
func (m *instanceModel) sums(key string) (total int64, plus, minus *big.Int) {
	plus, minus = new(big.Int), new(big.Int)
	for _, s := range m.slices {
		switch {
		case s.key != key || !m.counts(s):
			continue
		case s.amount > 0:
			plus.Add(plus, big.NewInt(s.amount))
		default:
			minus.Add(minus, big.NewInt(s.amount))
		}
		if !s.parked {
			total += s.amount
		}
	}
	return total, plus, minus
}

// mine is the slice that counts for an instance; of nobody and of what is parked, 0.
func (m *instanceModel) mine(key, name string) int64 {
	if at := m.find(key, name); at >= 0 && !m.slices[at].parked {
		return m.slices[at].amount
	}
	return 0
}

func (m *instanceModel) find(key, name string) int {
	return slices.IndexFunc(m.slices, func(s modelSlice) bool {
		return name != "" && s.key == key && s.instance == name && m.counts(s)
	})
}

// lease is an instance's own, or the limit's, or 30 s.
func (m *instanceModel) lease(in modelInstance) int64 {
	return cmp.Or(in.own, int64(m.plain.limits.Lease), 30_000)
}

func roundUp(at int64) int64 { return (at + modelGrain - 1) / modelGrain * modelGrain }

func (m *instanceModel) names() []string { return slices.Sorted(maps.Keys(m.instances)) }

func (m *instanceModel) byDeadline() []string {
	return slices.SortedFunc(maps.Keys(m.instances), func(a, b string) int {
		x, y := m.instances[a], m.instances[b]
		return cmp.Or(cmp.Compare(x.deadline, y.deadline), cmp.Compare(x.serial, y.serial))
	})
}

// room is what instance counters take of it.
func (m *instanceModel) room() (keys, bytes int) {
	for key := range m.counters {
		if m.exists(key) {
			keys++
		}
		bytes += int(costOfCounter([]byte(key)))
	}
	for name, in := range m.instances {
		bytes += costOfInstance
		if !in.orphan {
			bytes += int(costOfName(name))
		}
	}
	return keys, bytes + len(m.slices)*costOfSlice
}

// known is how many names there are.
func (m *instanceModel) known() (count int) {
	for _, in := range m.instances {
		if !in.orphan {
			count++
		}
	}
	return count
}

// grow is model.grow, and minds the number of instances, too.
func (m *instanceModel) grow(change func()) {
	if m.plain.limits == (Limits{}) {
		change() // nobody counts
		return
	}
	before, refused := m.known(), m.plain.refused
	m.plain.grow(change)
	limit := m.plain.limits.Instances
	if refused == "" && limit != 0 && m.known() > before && m.known() > int(limit) {
		m.plain.refused = "full-instances" + strconv.FormatUint(limit, 10)
	}
}
