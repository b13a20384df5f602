package fsm

import (
	"fmt"
	"math/big"
	"path"
	"slices"
	"strconv"
)

// group is model.group for both sorts of counters.
func (m *instanceModel) group(conditions []Condition, ops []Op) (answers []string) {
	whole := false
	for _, c := range conditions {
		if c.Whole {
			whole = true
			continue
		}
		_, found := m.plain.keys[string(c.Key)]
		found = found || m.exists(string(c.Key))
		if c.Missing && found || !c.Missing && max(m.plain.changed[string(c.Key)], m.plain.flushed) > c.Index {
			return slices.Repeat([]string{"aborted"}, len(ops))
		}
	}
	before := m.copy()
	m.plain.refused = ""
	for _, op := range ops {
		answer := m.one(op)
		answers = append(answers, answer)
		if no := refusalIn(answer, m.plain.refused); whole && op.Kind.Writes() && no != "" {
			m.restore(before)
			m.plain.refused = ""
			return slices.Repeat([]string{no}, len(ops))
		}
	}
	if m.plain.refused == "" {
		return answers
	}
	refused := m.plain.refused
	m.restore(before)
	m.plain.refused, m.readOnly = "", true
	if name := string(ops[0].Instance); len(ops) == 1 && m.instances[name].serial != 0 {
		m.renew(name, string(ops[0].Key)) // it lives, whatever becomes of what it wants
	}
	for i, op := range ops {
		if answers[i] = refused; !op.Kind.Writes() {
			answers[i] = m.one(op)
		}
	}
	m.readOnly = false
	return answers
}

// one runs one Op and says its Result as describeModel does.
func (m *instanceModel) one(op Op) string {
	if op.Kind >= ICGet && op.Kind <= Unbind {
		return m.instanceOp(op)
	}
	key := string(op.Key)
	switch op.Kind {
	case Remove:
		s := m.sources[key]
		if !s.gone {
			s.gone, s.removed = true, m.clock
		}
		m.sources[key] = s
		return ""
	case Flush:
		m.dropAll()
	case Size:
		keys, _ := m.plain.room()
		return strconv.Itoa(keys)
	case Rename, Copy:
		if _, found := m.plain.keys[key]; m.exists(key) || found && m.exists(string(op.Value.Text)) {
			return "wrong-type"
		}
	}
	if !m.exists(key) {
		return m.plain.one(op)
	}
	switch op.Kind {
	case Delete:
		m.remove(key)
		return "1"
	case Persist:
		return "0"
	case Exists, TTL, Deadline, Inspect:
		return m.plainRead(op)
	case Limit, LimitAll, Version, Flush:
		return m.plain.one(op)
	}
	return "wrong-type"
}

// plainRead answers a read of a plain kind on an instance counter.
func (m *instanceModel) plainRead(op Op) string {
	switch op.Kind {
	case Exists:
		return "1"
	case TTL, Deadline:
		return "-1"
	case Inspect:
		return fmt.Sprintf("[4 0 %d]", m.costOf(string(op.Key)))
	}
	return "wrong-type"
}

// read answers as of now, leaving no trace.
func (m *instanceModel) read(op Op, now int64) (answer string, settled bool) {
	key := string(op.Key)
	switch {
	case op.Kind == ICGet, op.Kind == ICSlices:
		_, settled := m.plain.read(Op{Kind: Exists, Key: op.Key}, now)
		switch {
		case op.Kind == ICGet:
			return m.get(op, now), settled
		case settled:
			return m.instanceOp(op), settled
		}
		return m.page(key), settled // the plain key is over by then
	case op.Kind.Writes():
		return "wrong-type", true
	case op.Kind == Size:
		return m.one(op), true
	case m.exists(key):
		return m.plainRead(op), true
	}
	return m.plain.read(op, now)
}

// get is what ICGet answers, as of a moment when a plain key may have ended.
func (m *instanceModel) get(op Op, now int64) string {
	key, name := string(op.Key), string(op.Instance)
	if it, found := m.plain.keys[key]; found && (it.deadline == 0 || it.deadline > now) {
		return "wrong-type"
	}
	total, _, _ := m.sums(key)
	return fmt.Sprintf("[%d %d %d %d]", total, m.mine(key, name), m.epoch(key), m.sign(key, name))
}

// sign is what the door is told to do for an instance that reads.
func (m *instanceModel) sign(key, name string) Sign {
	in, found := m.instances[name]
	at := m.find(key, name)
	switch {
	case name == "" || !found:
		return SignNone
	case m.life(name) == Leaving || m.life(name) == Gone || at >= 0 && m.slices[at].parked:
		return SignNow
	case m.life(name) == Bound:
		return SignNone
	case in.bare || (in.deadline-m.clock)*3 <= m.lease(in)*2:
		return SignDue
	}
	return SignNone
}

func (m *instanceModel) instanceOp(op Op) string {
	key, name := string(op.Key), string(op.Instance)
	if op.Kind == ICGet && m.readOnly {
		return m.get(op, m.plain.now)
	}
	if _, known := m.instances[name]; known && op.Kind != Unbind {
		m.renew(name, key)
	}
	switch op.Kind {
	case Heartbeat:
		return m.heartbeat(op, name)
	case ClearInstance:
		return strconv.Itoa(m.cut(name))
	case Bind:
		if op.Flags&Fresh != 0 {
			m.cut(name)
		}
		m.grow(func() { m.need(name) })
		in := m.instances[name]
		in.life, in.bound = Bound, &modelBinding{Number{m.from.Origin, m.from.Incarnation, 0}, op.Amount, m.clock}
		m.instances[name] = in
		return "1"
	case Unbind:
		return m.unbind(op, name)
	case ICClear:
		return m.clear(op)
	}
	if _, plain := m.plain.keys[key]; plain {
		return "wrong-type"
	}
	switch op.Kind {
	case ICSlices:
		return m.page(key)
	case ICGet:
		return m.get(op, m.plain.now)
	case ICDelete:
		total, _, _ := m.sums(key)
		mine := m.mine(key, name)
		m.remove(key)
		return fmt.Sprintf("[%d %d %d]", total, mine, m.epoch(key))
	case SliceDelete:
		mine := m.mine(key, name)
		if at := m.find(key, name); at >= 0 {
			m.removeSlice(m.slices[at])
		}
		total, _, _ := m.sums(key)
		return fmt.Sprintf("[%d %d %d]", total, mine, m.epoch(key))
	case ICAdd, ICSet, SliceSet:
		if op.Epoch.Given && op.Epoch.Number != uint64(m.epoch(key)) {
			return "stale-epoch" + strconv.FormatInt(m.epoch(key), 10)
		}
		if answer := m.store(op, key, name); answer != "" {
			return answer
		}
		total, _, _ := m.sums(key)
		return fmt.Sprintf("[%d %d %d]", total, m.mine(key, name), m.epoch(key))
	}
	return m.storeIf(op, key, name)
}

// storeIf runs the three kinds that compare.
func (m *instanceModel) storeIf(op Op, key, name string) string {
	total, _, _ := m.sums(key)
	mine, compared := m.mine(key, name), total
	if op.Kind == SliceSetIf {
		compared = mine
	}
	holds, code := modelItem{text: strconv.FormatInt(compared, 10)}.compare(op, true)
	if code != "" {
		return code
	}
	if !holds {
		return fmt.Sprintf("[0 %d %d %d %d %d]", total, mine, total, mine, m.epoch(key))
	}
	if answer := m.store(op, key, name); answer != "" {
		return answer
	}
	now, _, _ := m.sums(key)
	return fmt.Sprintf("[1 %d %d %d %d %d]", now, m.mine(key, name), total, mine, m.epoch(key))
}

// store changes an instance's slice of a key as op wants, or says why it can't.
func (m *instanceModel) store(op Op, key, name string) string {
	mine := m.mine(key, name)
	_, plus, minus := m.sums(key)
	next := big.NewInt(op.Amount)
	if op.Kind == ICAdd || op.Kind == ICAddIf {
		next.Add(next, big.NewInt(mine))
	}
	if op.Kind == ICSet || op.Kind == ICSetIf {
		plus, minus = new(big.Int), new(big.Int)
	}
	for _, sum := range []*big.Int{plus, minus} { // what is mine leaves one of them, what becomes mine joins one
		if op.Kind != ICSet && op.Kind != ICSetIf && mine != 0 && (mine > 0) == (sum == plus) {
			sum.Sub(sum, big.NewInt(mine))
		}
		if next.Sign() != 0 && (next.Sign() > 0) == (sum == plus) {
			sum.Add(sum, next)
		}
		if !sum.IsInt64() {
			return "overflow"
		}
	}
	m.grow(func() {
		if op.Kind == ICSet || op.Kind == ICSetIf {
			m.begin(key)
		}
		m.need(name)
		m.putSlice(key, name, next.Int64())
	})
	return ""
}

// begin begins a new era of a key.
func (m *instanceModel) begin(key string) {
	next := m.epoch(key) + 1
	m.counters[key] = modelCounter{epoch: next}
	m.highest = max(m.highest, next)
	m.plain.changed[key] = m.plain.index
	m.sweep()
}

func (m *instanceModel) putSlice(key, name string, amount int64) {
	if !m.exists(key) {
		m.counters[key] = modelCounter{epoch: m.epoch(key)}
		m.plain.changed[key] = m.plain.index
	}
	at := m.find(key, name)
	if at < 0 {
		at = len(m.slices)
		m.slices = append(m.slices, modelSlice{key: key, epoch: m.epoch(key), instance: name})
	}
	m.slices[at].amount = amount
	m.touch(m.slices[at])
}

// remove ends a key, if it is there, in a new era.
func (m *instanceModel) remove(key string) {
	if !m.exists(key) {
		return
	}
	m.begin(key)
	m.bury(key, m.counters[key].epoch)
}

// clear deletes what matches a glob; without one, everything, and what was there is forgotten but for the floor.
func (m *instanceModel) clear(op Op) string {
	glob, count := string(op.Value.Text), 0
	for _, key := range m.keys() {
		if matched, _ := path.Match(glob, key); matched || glob == "" {
			count++
			if glob != "" {
				m.remove(key)
			}
		}
	}
	if glob == "" {
		m.dropAll()
	}
	if glob == "" && count > 0 {
		m.plain.flushed = m.plain.index
	}
	return fmt.Sprintf("[0 %d]", count)
}

func (m *instanceModel) dropAll() {
	if len(m.counters) == 0 {
		return
	}
	m.floor = m.highest + 1
	m.highest = m.floor
	clear(m.counters)
	m.slices = nil
}

// keys are the instance counters that are there, in order.
func (m *instanceModel) keys() (keys []string) {
	for _, s := range m.slices {
		if m.counts(s) {
			keys = append(keys, s.key)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// costOf is what Inspect says that a key takes.
func (m *instanceModel) costOf(key string) int {
	cost := int(costOfCounter([]byte(key)))
	for _, s := range m.slices {
		if s.key == key && m.counts(s) {
			cost += costOfSlice
		}
	}
	return cost
}
