package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// places are keys between which a few things are moved. Each thing is at one place, with the deadline that it began with.
type places struct {
	*troubled
	keys   []string
	things map[string]int64 // by what the key holds: its deadline
}

func TestRenamedAndCopiedKeysNeitherVanishNorDoubleUnderChaos(t *testing.T) {
	eachTrouble(t, func(r *troubled) {
		p := &places{troubled: r, things: map[string]int64{}}
		for i := range 10 {
			p.keys = append(p.keys, fmt.Sprintf("place-%d", i))
		}
		things := []string{"a text", "12", "1.5", "another text", "-7"}
		var begin []fsm.Op
		for i, thing := range things {
			begin = append(begin, set(p.keys[i], thing, int64(i)*1e9), op(fsm.Deadline, p.keys[i], 0)) // far beyond what a clock may jump
		}
		a := r.must(append(begin, set("begun", "1", 0))...)
		for i, thing := range things {
			p.things[thing] = a.int(2*i + 1)
		}
		r.suffer(func(_ int, rng *rand.Rand) { p.step(rng) })
		p.look(r.must(p.looks()...))
	})
}

func (p *places) looks() (ops []fsm.Op) {
	for _, key := range p.keys {
		ops = append(ops, op(fsm.Get, key, 0), op(fsm.Deadline, key, 0))
	}
	return ops
}

// look asserts that all things are there, once, as they were.
func (p *places) look(a Answer) {
	found := map[string]int64{}
	for i := 0; i < 2*len(p.keys); i += 2 {
		if v := a.Results[i].Value; v.Kind != fsm.Nil {
			if _, twice := found[text(v)]; twice {
				p.fail("%q is at two places", text(v))
			}
			found[text(v)] = a.int(i + 1)
		}
	}
	if !maps.Equal(found, p.things) {
		p.fail("the things are %v, they were %v", found, p.things)
	}
}

func (p *places) step(rng *rand.Rand) {
	first := rng.IntN(len(p.keys))
	from, to := p.keys[first], p.keys[(first+1+rng.IntN(len(p.keys)-1))%len(p.keys)]
	switch rng.IntN(7) {
	case 0:
		if a, ok := p.group(rng, fsm.Strong, nil, p.looks()...); ok {
			p.look(a)
		}
	case 1: // a replica that has just started may not even know that there are things
		stale := append(p.looks(), op(fsm.Exists, "begun", 0))
		if a, ok := p.group(rng, fsm.Stale, nil, stale...); ok && a.int(len(stale)-1) == 1 {
			p.look(a)
		}
	case 2: // a copy takes the place of a rename
		read, ok := p.group(rng, fsm.Strong, nil, fsm.Op{Kind: fsm.Version}, op(fsm.Exists, from, 0))
		if !ok || read.int(1) == 0 {
			return
		}
		a, ok := p.group(rng, fsm.Strong, append(missing(to), unchanged(read.int(0), from)...),
			move(fsm.Copy, from, to, 0), op(fsm.Delete, from, 0))
		if ok && (a.int(0) != 1 || a.int(1) != 1) {
			p.fail("a copy from %s, where something is, to %s, where nothing is: %d, %d", from, to, a.int(0), a.int(1))
		}
	case 3: // round about, by a place of its own that is free before and after
		p.group(rng, fsm.Strong, nil, move(fsm.Rename, from, "aside", 0), move(fsm.Rename, to, from, 0), move(fsm.Rename, "aside", to, 0))
	default:
		a, ok := p.group(rng, fsm.Strong, nil, move(fsm.Rename, from, to, fsm.NX), op(fsm.Exists, from, 0), op(fsm.Exists, to, 0))
		moved := ok && a.Results[0].Code == fsm.OK && a.int(0) == 1
		if moved && (a.int(1) != 0 || a.int(2) != 1) {
			p.fail("after a rename, %d are at %s and %d at %s", a.int(1), from, a.int(2), to)
		}
	}
}
