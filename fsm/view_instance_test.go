package fsm

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// What can be seen of a Machine by walking its pages, as sorted lines, and what the model says of itself.

// view is what viewOf should find.
func (m *instanceModel) view() string {
	var lines []string
	for _, s := range m.slices {
		if m.counts(s) {
			name, life, left := m.describe(s)
			lines = append(lines, fmt.Sprintf("slice %s %q %d, %d for %d", s.key, name, s.amount, life, left))
		}
	}
	for _, key := range m.keys() {
		total, _, _ := m.sums(key)
		lines = append(lines, fmt.Sprintf("counter %s = %d in %d", key, total, m.epoch(key)))
	}
	for name, in := range m.instances {
		if !in.orphan {
			lines = append(lines, fmt.Sprintf("instance %s %d, %d of %d ms, %d slices",
				name, m.life(name), max(in.deadline-m.clock, 0), m.lease(in), m.count(name)))
		}
	}
	for key := range m.plain.keys {
		lines = append(lines, "plain "+key)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// describe is what a page of slices says of s.
func (m *instanceModel) describe(s modelSlice) (name string, life Life, left int64) {
	in, name, life := m.instances[s.instance], s.instance, m.life(s.instance)
	ends := in.deadline
	if s.parked && life != Gone { // of those, it is when all ends
		ends += modelHour
	}
	if s.parked {
		life = Parked
	}
	if in.orphan {
		name = ""
	}
	return name, life, max(ends-m.clock, 0)
}

// page is all slices of a key, by the age of their instances.
func (m *instanceModel) page(key string) string {
	var found []modelSlice
	for _, s := range m.slices {
		if s.key == key && m.counts(s) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b modelSlice) int { return m.instances[a.instance].serial - m.instances[b.instance].serial })
	text := "[0"
	for _, s := range found {
		name, life, left := m.describe(s)
		text += fmt.Sprintf(" %q %d %d %d", name, s.amount, life, left)
	}
	return text + "]"
}

// next is when, in machine time, something ends.
func (m *instanceModel) next() (at int64, ok bool) {
	at = math.MaxInt64
	for _, in := range m.instances {
		at = min(at, in.deadline)
	}
	for _, c := range m.counters {
		if c.ends != 0 {
			at = min(at, c.ends)
		}
	}
	switch {
	case at <= m.clock: // the next Entry does it, whatever the clock does meanwhile
		at = m.plain.now
	case at != math.MaxInt64:
		at = max(m.plain.now, m.standUntil) + at - m.clock
	}
	for name, in := range m.instances {
		if in.orphan || in.returning && slices.ContainsFunc(m.slices, func(s modelSlice) bool { return s.instance == name && s.parked }) {
			at = m.plain.now
		}
	}
	for _, it := range m.plain.keys {
		if it.deadline != 0 {
			at = min(at, it.deadline)
		}
	}
	return at, at != math.MaxInt64
}

func (m *instanceModel) count(name string) (count int) {
	for _, s := range m.slices {
		if s.instance == name {
			count++
		}
	}
	return count
}

// viewOf walks m by pages of a random size. Of each counter the unparked slices must sum up to the total.
func (p *instancePlay) viewOf(m *Machine) string {
	p.t.Helper()
	var lines []string
	p.walk(m, Op{Kind: Scan}, 2, func(f []Value) {
		if f[0].Int != int64(InstanceCounter) {
			lines = append(lines, "plain "+string(f[1].Text))
			return
		}
		lines = append(lines, p.counter(m, f[1].Text)...)
	})
	p.walk(m, Op{Kind: ICInstances}, 5, func(f []Value) {
		lines = append(lines, fmt.Sprintf("instance %s %d, %d of %d ms, %d slices", f[0].Text, f[1].Int, f[2].Int, f[3].Int, f[4].Int))
	})
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// counter is the lines of one counter.
func (p *instancePlay) counter(m *Machine, key []byte) (lines []string) {
	p.t.Helper()
	sum := int64(0)
	p.walk(m, Op{Kind: ICSlices, Key: key}, 4, func(f []Value) {
		lines = append(lines, fmt.Sprintf("slice %s %q %d, %d for %d", key, f[0].Text, f[1].Int, f[2].Int, f[3].Int))
		if Life(f[2].Int) != Parked {
			sum += f[1].Int
		}
	})
	got := p.ask(m, Op{Kind: ICGet, Key: key})
	if got[0].Int != sum {
		p.t.Fatalf("index %d: the total of %s is %d, its slices sum up to %d", p.tr.index, key, got[0].Int, sum)
	}
	return append(lines, fmt.Sprintf("counter %s = %d in %d", key, got[0].Int, got[2].Int))
}

// walk takes all pages of op, each of fields values.
func (p *instancePlay) walk(m *Machine, op Op, fields int, visit func([]Value)) {
	p.t.Helper()
	op.Value = IntValue(1 + p.rnd.Int64N(5))
	for pages := 0; ; pages++ {
		page := p.ask(m, op)
		for row := range slices.Chunk(page[1:], fields) {
			visit(row)
		}
		if op.Amount = page[0].Int; op.Amount == 0 {
			return
		}
		if pages > 10_000 {
			p.t.Fatalf("index %d: a walk of %s without an end", p.tr.index, op.Kind)
		}
	}
}

// ask is the List that a Query answers.
func (p *instancePlay) ask(m *Machine, op Op) (values []Value) {
	p.t.Helper()
	results, _ := m.Query(nil, AppendGroup(nil, []Op{op}), 0)
	r, ok := results.Next()
	if !ok || r.Code != OK || r.Value.Kind != List {
		p.t.Fatalf("index %d: %s %s answers %v %s", p.tr.index, op.Kind, op.Key, r.Code, describeValue(r.Value))
	}
	vs := r.Value.List()
	for v, ok := vs.Next(); ok; v, ok = vs.Next() {
		values = append(values, v)
	}
	return values
}

// String is all that the model knows of instance counters.
func (m *instanceModel) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "model: lease clock %d, floor %d, highest %d, limits %+v\n", m.clock, m.floor, m.highest, m.plain.limits)
	for key, c := range m.counters {
		fmt.Fprintf(&b, "  counter %s: %+v\n", key, c)
	}
	for _, s := range m.slices {
		fmt.Fprintf(&b, "  slice %+v\n", s)
	}
	for _, name := range m.names() {
		fmt.Fprintf(&b, "  instance %s: %+v", name, m.instances[name])
		if bound := m.instances[name].bound; bound != nil {
			fmt.Fprintf(&b, " bound %+v", *bound)
		}
		b.WriteByte('\n')
	}
	for origin, s := range m.sources {
		fmt.Fprintf(&b, "  origin %s: %+v\n", origin, s)
	}
	return b.String()
}
