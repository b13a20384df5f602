package fsm

import (
	"fmt"
	"testing"
)

const (
	crowdKeys  = MaxSteps * 6 / 5
	crowdNames = 5
	drainSteps = 30
)

// What one Entry can't finish is done in the next ones. The model knows no such bound: so after each Entry that may begin much,
// others follow that bring no time. Meanwhile each total is the sum of its slices, and images are as good as ever; in the end all
// is as in the model.
func TestCrowdsDieReturnAndAreClearedInBoundedStepsAndEndAsInTheModel(t *testing.T) {
	playSeeds(t, 2, func(t *testing.T, seed uint64) map[string]int {
		p := newInstancePlay(t, seed)
		p.crowded = true
		p.rise()
		for range 25 {
			p.crowd()
		}
		return p.seen
	}, "left over", "parked", "returned", "cut")
}

// rise is a crowd of two that dies, returns and is cleared: what every run must have met.
func (p *instancePlay) rise() {
	p.t.Helper()
	for n := range 2 {
		p.alone(p.many(func(key []byte) Op { return Op{Kind: ICAdd, Key: key, Instance: p.tr.nth(n), Amount: 1} })...)
	}
	for range 25 {
		p.settle(p.tr.tick(1500))
	}
	p.compare()
	for n := range 2 {
		p.alone(Op{Kind: Heartbeat, Instance: p.tr.nth(n)})
	}
	p.compare()
	p.alone(Op{Kind: ClearInstance, Instance: p.tr.nth(0)})
	p.compare()
}

// crowd is one thing that happens to many slices, and what follows from it.
func (p *instancePlay) crowd() {
	p.t.Helper()
	name := fmt.Appendf(nil, "i%d", p.rnd.IntN(crowdNames))
	switch p.rnd.IntN(12) {
	case 0, 1, 2:
		p.alone(p.many(func(key []byte) Op { return Op{Kind: ICAdd, Key: key, Instance: name, Amount: p.rnd.Int64N(9) - 4} })...)
	case 3: // many on few keys, whose eras then end
		key := fmt.Appendf(nil, "k%d", p.rnd.IntN(3))
		var ops []Op
		for n := range 1500 {
			ops = append(ops, Op{Kind: ICAdd, Key: key, Instance: fmt.Appendf(nil, "of many %d", n), Amount: 1})
		}
		p.alone(ops...)
		p.alone(Op{Kind: []Kind{ICSet, ICDelete, Flush}[p.rnd.IntN(3)], Key: key, Instance: name, Amount: 5})
	case 4:
		p.alone(Op{Kind: ClearInstance, Instance: name})
	case 5:
		p.alone(Op{Kind: Bind, Instance: name, Amount: 1, Flags: []Flags{0, Fresh}[p.rnd.IntN(2)]})
	case 6:
		p.alone(Op{Kind: Unbind, Instance: name, Amount: 1, Value: IntValue(p.rnd.Int64N(2000))})
	case 7:
		p.alone(Op{Kind: ICGet, Key: p.tr.key(), Instance: name})
	case 8:
		p.alone(Op{Kind: Heartbeat, Instance: name, Amount: []int64{0, 3000, 60_000}[p.rnd.IntN(3)]})
	case 9:
		p.alone(p.many(func(key []byte) Op {
			return Op{Kind: []Kind{ICDelete, ICSet}[p.rnd.IntN(2)], Key: key, Instance: name, Amount: 1}
		})...)
	case 10:
		for range 1 + p.rnd.IntN(25) {
			p.settle(p.tr.tick(1500))
		}
	default:
		if p.rnd.IntN(4) == 0 {
			p.pass(modelHour / 1500)
		}
	}
	p.compare()
}

// many is an Op on each of some keys in a row.
func (p *instancePlay) many(op func(key []byte) Op) (ops []Op) {
	from := p.rnd.IntN(crowdKeys)
	for n := range crowdKeys {
		ops = append(ops, op(fmt.Appendf(nil, "k%d", (from+n)%crowdKeys)))
	}
	return ops[:crowdKeys/2+p.rnd.IntN(crowdKeys/2+1)]
}

// alone applies ops as one group, and lets what they began come to its end.
func (p *instancePlay) alone(ops ...Op) {
	p.t.Helper()
	b := p.tr.seal("n1", [][]Op{ops}, make([][]Condition, 1))
	p.settle(p.tr.pack([]modelBatch{b}), b)
}

// settle applies an Entry, and then others of the same moment.
func (p *instancePlay) settle(e Entry, batches ...modelBatch) {
	p.t.Helper()
	p.step(e, batches)
	for steps := 0; p.leftOver(); steps++ {
		p.mayStep(steps)
		p.seen["left over"]++
		checkMachine(p.t, p.plain)
		if a, b := p.plain.Digest(), p.restored.Digest(); a != b {
			p.t.Fatalf("index %d: digest %x, and %x after images", p.tr.index, a, b)
		}
		p.viewOf(p.plain)
		p.step(p.tr.tick(0), nil)
	}
}

// Those whose leases ended first go first, however many slices they have; those who were there first return first.
func TestTheDeadLeaveByTheirDeadlinesAndReturnByTheirAge(t *testing.T) {
	p := newInstancePlay(t, 1)
	const slices = MaxSteps * 3 / 5
	add := func(name string) {
		var ops []Op
		for n := range slices {
			ops = append(ops, Op{Kind: ICAdd, Key: fmt.Appendf(nil, "%s-%d", name, n), Instance: []byte(name), Amount: 1})
		}
		p.alone(ops...)
	}
	add("b")
	p.step(p.tr.tick(200), nil)
	add("a")
	p.step(p.tr.tick(200), nil)
	p.alone(Op{Kind: Heartbeat, Instance: []byte("b")})
	for p.plain.lease.now+1500 < p.napkin.instances["b"].deadline {
		p.step(p.tr.tick(100), nil)
	}
	p.apply(p.tr.tick(1500), nil)
	parked := func(name string) (count int) {
		for n := range slices {
			p.walk(p.plain, Op{Kind: ICSlices, Key: fmt.Appendf(nil, "%s-%d", name, n)}, 4, func(f []Value) {
				if Life(f[2].Int) == Parked {
					count++
				}
			})
		}
		return count
	}
	if a, b := parked("a"), parked("b"); a != slices || b == 0 || b > MaxSteps-slices {
		t.Errorf("after an Entry %d of the first and %d of the second are parked", a, b)
	}
	p.apply(p.tr.tick(0), nil)
	if a, b := parked("a"), parked("b"); a != slices || b != slices {
		t.Errorf("after two Entries %d of the first and %d of the second are parked", a, b)
	}
	p.compare()

	heartbeats := []Op{{Kind: Heartbeat, Instance: []byte("a")}, {Kind: Heartbeat, Instance: []byte("b")}}
	batch := p.tr.seal("n1", [][]Op{heartbeats}, make([][]Condition, 1))
	p.apply(p.tr.pack([]modelBatch{batch}), []modelBatch{batch})
	p.apply(p.tr.tick(0), nil)
	if a, b := parked("a"), parked("b"); b != 0 || a != 2*slices-MaxSteps {
		t.Errorf("after an Entry %d of the older and %d of the younger are parked still", b, a)
	}
	p.settle(p.tr.tick(0))
	p.compare()
}
