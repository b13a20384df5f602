package history

import (
	"cmp"
	"slices"
	"time"
)

// part is what the search decides at once: a key, or the keys that MULTIs tie together.
type part struct {
	keys  []*keyView
	moves []move
}

// name is the keys', for messages.
func (p *part) name() string {
	name := p.keys[0].name
	for _, k := range p.keys[1:] {
		name += ", " + k.name
	}
	return name
}

// ops are all requests of the part, in order of call.
func (p *part) ops() (ops []*Op) {
	for _, k := range p.keys {
		ops = append(ops, k.ops...)
	}
	slices.SortStableFunc(ops, func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) })
	return ops
}

// parts are those that need a search, the ones with the fewest Ops first.
func (v *view) parts() (all []*part) {
	tied := v.ties()
	together := make(map[*keyView][]*keyView)
	for _, k := range v.keys {
		together[tied[k]] = append(together[tied[k]], k)
	}
	for _, k := range v.keys {
		if len(k.ops) == 0 || k.counter() || tied[k] != k {
			continue
		}
		p := &part{keys: together[k]}
		v.fill(p)
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b *part) int { return cmp.Compare(len(a.moves), len(b.moves)) })
	return all
}

// ties finds the first key of those that MULTIs tie together, for each.
func (v *view) ties() map[*keyView]*keyView {
	first := make(map[*keyView]*keyView, len(v.keys))
	var root func(k *keyView) *keyView
	root = func(k *keyView) *keyView {
		if first[k] == nil || first[k] == k {
			first[k] = k
			return k
		}
		first[k] = root(first[k])
		return first[k]
	}
	groups := make(map[int64]*keyView)
	for _, k := range v.keys {
		root(k)
		if !k.grouped {
			continue
		}
		for _, op := range k.ops {
			if other := groups[op.Group]; op.Group != 0 && other != nil {
				first[root(k)] = root(other)
			} else if op.Group != 0 {
				groups[op.Group] = k
			}
		}
	}
	for _, k := range v.keys {
		first[k] = root(k)
	}
	return first
}

// fill gives the part its moves.
func (v *view) fill(p *part) {
	cells := make(map[string]int, len(p.keys))
	for i, k := range p.keys {
		cells[k.name] = i
	}
	groups := make(map[int64]int)
	ops := p.ops()
	last := int64(0) // what comes after this stamp, nobody saw
	for self, op := range ops {
		s := opStep{op: op, cell: cells[op.Key], self: self + 1, sign: v.ranks[op]}
		if op.Outcome == Done {
			last = max(last, op.Return)
		}
		at, known := groups[op.Group]
		if op.Group == 0 || !known {
			groups[op.Group] = len(p.moves)
			p.moves = append(p.moves, move{steps: []opStep{s}, call: twice(op.Call), ret: twice(op.end())})
			continue
		}
		m := &p.moves[at]
		m.steps = append(m.steps, s)
		if op.Outcome == Done && (m.ret == never || twice(op.Return) > m.ret) {
			m.ret = twice(op.Return)
		}
	}
	for self, op := range ops {
		if op.Kind == Set && op.TTL > 0 {
			if m := (move{kind: expiry, cell: cells[op.Key], set: self + 1}); v.comes(&m, op.At, op.TTL-v.early, last) {
				p.moves = append(p.moves, m)
			}
		}
	}
	for i, k := range p.keys {
		for _, name := range k.instances() {
			p.moves = append(p.moves, v.deaths(k, i, name, last)...)
		}
	}
}

func twice(stamp int64) int64 {
	if stamp == never {
		return never
	}
	return 2 * stamp
}

// comes gives the move its place behind the moment after+length, and reports whether anybody could see it.
func (v *view) comes(m *move, after, length time.Duration, last int64) bool {
	stamp := v.clock.before(after + shortest(length))
	m.call, m.ret = twice(stamp)+1, never
	return stamp < last
}

// shortest is how long a length of the Machine's time takes at least on a clock that doesn't drift: it slides by 0.1 %, and counts
// milliseconds.
func shortest(length time.Duration) time.Duration {
	return max(0, length-length/500-5*time.Millisecond)
}

// instances are those that may have a slice of the key.
func (k *keyView) instances() (names []string) {
	for _, op := range k.ops {
		switch op.Kind {
		case ICIncr, ICSet, ICSetSlice, ICIncrIf:
			names = append(names, op.Instance)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// deaths are the ends that the instance's lease may have come to as the key sees it, and the returns that may have followed.
// A sign of life is followed by an end unless another was surely given before the lease was over.
func (v *view) deaths(k *keyView, cell int, name string, last int64) (moves []move) {
	if v.lease <= 0 {
		return nil
	}
	signs := v.signs[name]
	for rank, s := range signs {
		over := s.At + shortest(v.lease)
		if renewed(signs[rank+1:], over) {
			continue
		}
		m := move{kind: death, cell: cell, instance: name, sign: rank + 1}
		if !v.comes(&m, s.At, v.lease, last) {
			continue
		}
		moves = append(moves, m)
		for _, o := range signs { // elsewhere; what k sees itself is among its requests
			if elsewhere := o.Key != k.name || o.Kind == ICBeat || o.Outcome == Unknown; elsewhere && (o.Outcome == Unknown || o.End >= over) {
				moves = append(moves, move{kind: comeback, cell: cell, instance: name, call: max(twice(o.Call), m.call), ret: never})
				break
			}
		}
	}
	return moves
}

// renewed reports whether one of the signs, which are in order of call, has surely had its effect by the moment.
func renewed(signs []*Op, moment time.Duration) bool {
	for _, o := range signs {
		if o.At > moment {
			return false
		}
		if o.Outcome == Done && !o.reads() && o.End <= moment {
			return true
		}
	}
	return false
}

// timeline tells stamps from moments: of calls, and of returns.
type timeline []event

type event struct {
	stamp  int64
	moment time.Duration // never before that of an earlier stamp
}

func newTimeline(ops []Op) timeline {
	t := make(timeline, 0, 2*len(ops))
	for i := range ops {
		t = append(t, event{ops[i].Call, ops[i].At})
		if ops[i].Outcome == Done {
			t = append(t, event{ops[i].Return, ops[i].End})
		}
	}
	slices.SortFunc(t, func(a, b event) int { return cmp.Compare(a.stamp, b.stamp) })
	for i := range t[:max(0, len(t)-1)] {
		t[i+1].moment = max(t[i+1].moment, t[i].moment)
	}
	return t
}

// before is the last stamp before a moment.
func (t timeline) before(moment time.Duration) int64 {
	at, _ := slices.BinarySearchFunc(t, moment, func(e event, m time.Duration) int { return cmp.Compare(e.moment, m) })
	if at == 0 {
		return 0
	}
	return t[at-1].stamp
}
