package fsm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

const randomInstanceSteps = 800

// As the test of plain keys: one Machine is compared with the model, one goes through images, and late images are brought up
// to them. Beside Entries full of Ops there are quiet times: seconds in which some instances and origins live and others are
// silent, the hours of parking, the day of a tombstone.
func TestRandomInstanceCountersEndAsInTheModelWhateverIsSnapshotted(t *testing.T) {
	playSeeds(t, 4, func(t *testing.T, seed uint64) map[string]int {
		p := newInstancePlay(t, seed)
		p.run()
		return p.seen
	}, "verdict 1", "verdict 2", "verdict 3", "aborted", "overflow", "stale-epoch", "wrong-type", "full-keys", "full-bytes", "full-instances",
		"parked", "returned", "cut", "broken", "unbound", "orphaned", "tombstone ended")
}

// instancePlay is a random history: what happens to two Machines and to the model.
type instancePlay struct {
	t               *testing.T
	rnd             *rand.Rand
	tr              *instanceTraffic
	napkin          *instanceModel
	plain, restored *Machine
	late            *lateImage
	seen            map[string]int
	last            string // what the last Entry held, and what it was answered
	crowded         bool   // lives may begin anew in another order than the model's, which knows no steps: pages are not compared as they stand
}

func newInstancePlay(t *testing.T, seed uint64) *instancePlay {
	rnd := rand.New(rand.NewPCG(seed, 0))
	p := &instancePlay{t: t, rnd: rnd, napkin: newInstanceModel(), plain: New(), restored: New(), seen: map[string]int{}}
	p.tr = newInstanceTraffic(rnd, p.napkin)
	p.napkin.seen = p.seen
	opener := p.tr.tick(0)
	opener.Kind, opener.HashKey = Opener, [16]byte{1}
	p.step(opener, nil)
	p.napkin.plain.flushed = 1
	return p
}

func (p *instancePlay) run() {
	for step := range randomInstanceSteps {
		switch n := p.rnd.IntN(400); {
		case step == randomInstanceSteps/2:
			key := p.tr.key()
			p.alone(Op{Kind: Limit, Value: LimitOp(Limits{}).Value})
			p.alone(Op{Kind: Delete, Key: key}, Op{Kind: ICSet, Key: key, Instance: p.tr.name()}, Op{Kind: ICDelete, Key: key})
			p.pass(modelDay / 1500)
		case n < 12:
			origins, names := p.rnd.IntN(len(p.tr.origins)+1), p.rnd.IntN(instanceNames+1)
			for range p.rnd.IntN(60) {
				p.step(p.tr.calm(origins, names))
			}
		case n < 15:
			p.pass(modelHour / 1500 / (1 + p.rnd.IntN(3)))
		default:
			p.step(p.tr.entry())
		}
		p.compare()
	}
}

// pass is time without anything else, in which all that is due is done.
func (p *instancePlay) pass(entries int) {
	p.t.Helper()
	for range entries {
		p.quiet(p.tr.tick(1500))
		for steps := 0; p.leftOver(); steps++ {
			p.mayStep(steps)
			p.quiet(p.tr.tick(0))
		}
	}
}

// mayStep fails if there is no end of what is left over.
func (p *instancePlay) mayStep(steps int) {
	p.t.Helper()
	if steps > drainSteps {
		at, _ := p.plain.NextDeadline()
		p.t.Fatalf("index %d: machine time %d, and still something is due at %d\n%s", p.tr.index, p.plain.Now(), at, p.napkin)
	}
}

// leftOver reports whether an Entry has left work to the next one.
func (p *instancePlay) leftOver() bool {
	at, ok := p.plain.NextDeadline()
	return ok && at <= p.plain.Now()
}

// quiet is step without images.
func (p *instancePlay) quiet(e Entry) {
	p.t.Helper()
	p.apply(e, nil)
	if p.late != nil {
		p.late.since = append(p.late.since, e)
	}
}

// step applies an Entry, and makes images in between.
func (p *instancePlay) step(e Entry, batches []modelBatch) {
	p.t.Helper()
	p.apply(e, batches)
	if p.rnd.IntN(20) == 0 {
		p.restored = throughImage(p.t, p.restored.Freeze())
	}
	p.late = p.late.follow(p.t, e, p.tr.index, p.rnd, p.plain, p.restored)
}

// apply gives an Entry to all of them, whose answers must be the same.
func (p *instancePlay) apply(e Entry, batches []modelBatch) {
	p.t.Helper()
	outcomes := applyBoth(p.t, p.tr.index, e, p.plain, p.restored)
	before := p.napkin.plain.now
	verdicts, results := p.napkin.apply(e.Stamp, batches)
	p.last = sayBatches(batches, results)
	for i, o := range outcomes {
		got := modelResults(p.t, o.Results)
		if o.Number != batches[i].number || o.Verdict != verdicts[i] || !slices.Equal(got, results[i]) {
			p.t.Fatalf("index %d, machine time %d to %d, lease clock %d, %s\n%s", p.tr.index, before, p.napkin.plain.now, p.napkin.clock,
				difference(batches[i], got, results[i]), p.napkin)
		}
		p.seen[fmt.Sprint("verdict ", o.Verdict)]++
		for _, answer := range got {
			p.seen[strings.TrimRight(answer, "0123456789")]++
		}
	}
}

// difference says the first Op that was answered otherwise than in the model.
func difference(b modelBatch, got, want []string) string {
	at := 0
	for g, group := range b.groups {
		for _, op := range group {
			if at >= len(got) || at >= len(want) || got[at] != want[at] {
				return fmt.Sprintf("%v: group %d %s if %+v\nOp %s\ngot  %q\nwant %q", b.number, g, sayOps(group), b.conditions[g], sayOps([]Op{op}),
					got[min(at, len(got)):], want[min(at, len(want)):])
			}
			at++
		}
	}
	return fmt.Sprintf("%v: got %q, want %q", b.number, got, want)
}

// sayBatches tells an Entry and its answers.
func sayBatches(batches []modelBatch, results [][]string) string {
	var b strings.Builder
	for i, batch := range batches {
		fmt.Fprintf(&b, "%v answers %q\n", batch.number, results[i])
		for g, group := range batch.groups {
			fmt.Fprintf(&b, "  if %+v: %s\n", batch.conditions[g], sayOps(group))
		}
	}
	return b.String()
}

func sayOps(ops []Op) string {
	var words []string
	for _, op := range ops {
		word := fmt.Sprintf("%s %s %s %d %s", op.Kind, op.Key, op.Instance, op.Amount, describeValue(op.Value))
		if op.Epoch.Given {
			word += fmt.Sprintf(" epoch %d", op.Epoch.Number)
		}
		if op.Compare != 0 {
			word += fmt.Sprintf(" if %d %s", op.Compare, describeValue(op.Than))
		}
		words = append(words, word)
	}
	return strings.Join(words, "; ")
}

// compare looks at all that can be seen of the Machines and of the model between two Entries.
func (p *instancePlay) compare() {
	p.t.Helper()
	checkMachine(p.t, p.plain)
	checkMachine(p.t, p.restored)
	keys, bytes := p.napkin.plain.room()
	if p.plain.Keys() != uint64(keys) || p.plain.UsedBytes() != uint64(bytes) || p.plain.Leasing() != p.napkin.leasing() ||
		p.plain.Instances() != uint64(p.napkin.known()) {
		p.t.Fatalf("index %d: %d keys of %d bytes, %d instances, leasing %v; want %d of %d, %d, %v\n%s", p.tr.index, p.plain.Keys(), p.plain.UsedBytes(),
			p.plain.Instances(), p.plain.Leasing(), keys, bytes, p.napkin.known(), p.napkin.leasing(), p.napkin)
	}
	wantAt, wantOK := p.napkin.next()
	if at, ok := p.plain.NextDeadline(); ok != wantOK || ok && at != wantAt {
		p.t.Fatalf("index %d: machine time %d, next deadline %d %v, want %d %v\n%s", p.tr.index, p.plain.Now(), at, ok, wantAt, wantOK, p.napkin)
	}
	if a, b := p.plain.Digest(), p.restored.Digest(); a != b || p.plain.UsedBytes() != p.restored.UsedBytes() {
		p.t.Fatalf("index %d: digest %x and %d bytes, and %x and %d after images\n%s", p.tr.index,
			a, p.plain.UsedBytes(), b, p.restored.UsedBytes(), p.napkin)
	}
	for _, m := range []*Machine{p.plain, p.restored} {
		if want, got := p.napkin.view(), p.viewOf(m); want != got {
			p.t.Fatalf("index %d, lease clock %d, after %s:\ngot\n%s\nwant\n%s\n%s", p.tr.index, p.napkin.clock, p.last, got, want, p.napkin)
		}
	}
	p.query()
}

// query asks for a few reads as of a moment that may lie ahead.
func (p *instancePlay) query() {
	p.t.Helper()
	now := p.plain.Now() + p.rnd.Int64N(200) - 20
	var ops []Op
	var want []string
	wantSettled := true
	for range 4 {
		op := p.tr.op()
		if p.rnd.IntN(3) > 0 || p.crowded && op.Kind == ICSlices {
			op = Op{Kind: ICGet, Key: p.tr.key(), Instance: p.tr.name()}
		}
		answer, settled := p.napkin.read(op, max(now, p.plain.Now()))
		ops, want, wantSettled = append(ops, op), append(want, answer), wantSettled && settled
	}
	before := p.plain.Digest()
	results, settled := p.plain.Query(nil, AppendGroup(nil, ops), now)
	if got := modelResults(p.t, results); !slices.Equal(got, want) || settled != wantSettled {
		p.t.Fatalf("index %d, query as of %d (machine time %d): %s\ngot  %q %v\nwant %q %v\n%s",
			p.tr.index, now, p.plain.Now(), sayOps(ops), got, settled, want, wantSettled, p.napkin)
	}
	if p.plain.Digest() != before {
		p.t.Fatalf("index %d: a query left a trace", p.tr.index)
	}
}
