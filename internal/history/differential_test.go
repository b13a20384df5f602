package history

import (
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"
)

// randomHistory runs a few clients against a counter, event by event, with lost replies; then, mostly, tells some lies.
func randomHistory(rng *rand.Rand) []Op {
	type client struct {
		op      Op
		running bool
		applied bool
	}
	clients := make([]client, 1+rng.IntN(4))
	var ops []Op
	value, delta := int64(0), 1+6*rng.Int64N(2)
	for stamp := int64(1); len(ops) < 9 && stamp < 60; stamp++ {
		c := &clients[rng.IntN(len(clients))]
		switch {
		case !c.running:
			c.op = Op{Kind: Incr, Key: "k", Arg: delta, Call: stamp}
			if rng.IntN(3) == 0 {
				c.op = Op{Kind: Get, Key: "k", Call: stamp}
			}
			c.running, c.applied = true, false
		case rng.IntN(6) == 0: // gives up; what was not applied until now never is
			ops = append(ops, c.op)
			c.running = false
		case !c.applied:
			if c.op.Kind == Incr {
				value += delta
			}
			c.op.Reply = Reply{Int: value, Present: value > 0}
			c.applied = true
		default:
			c.op.Outcome, c.op.Return = Done, stamp
			ops = append(ops, c.op)
			c.running = false
		}
	}
	for i := range ops {
		if ops[i].Outcome != Done {
			ops[i].Reply = Nil()
		}
	}
	for range rng.IntN(3) {
		lie(rng, ops)
	}
	return ops
}

func lie(rng *rand.Rand, ops []Op) {
	if len(ops) == 0 {
		return
	}
	op := &ops[rng.IntN(len(ops))]
	if op.Outcome != Done {
		return
	}
	switch rng.IntN(4) {
	case 0:
		op.Reply = Reply{Int: op.Reply.Int - 1, Present: op.Reply.Int > 1 || rng.IntN(8) == 0}
	case 1:
		op.Reply = Int(op.Reply.Int + 1)
	case 2:
		op.Return = op.Call + 1
	case 3:
		op.Outcome, op.Reply = Unknown, Nil()
	}
}

func TestExactAgreesWithPorcupine(t *testing.T) {
	const histories = 20_000
	rng := rand.New(rand.NewPCG(3, 3))
	good, bad, bothWithUnknowns := 0, 0, [2]int{}
	for i := range histories {
		v, err := newView(randomHistory(rng), Header{})
		if err != nil {
			t.Fatal(err)
		}
		if len(v.keys) == 0 {
			good++
			continue
		}
		k := v.keys[0]
		var exactly, others report
		v.checkCounters(&others, &others, &exactly)
		p := &part{keys: v.keys}
		v.fill(p)
		var steps atomic.Int64
		want := porcupine.CheckOperations(p.model(&steps), p.history())
		if verdict := exactly.err(); (verdict == nil) != want {
			t.Fatalf("history %d: porcupine says %v, exact says %v:%s", i, want, verdict, excerpt(v.only(v.keys)))
		}
		if err := others.err(); err != nil && want {
			t.Fatalf("history %d is linearizable, but: %v%s", i, err, excerpt(v.only(v.keys)))
		}
		class := 0
		if want {
			good++
			class = 1
		} else {
			bad++
		}
		if slices.ContainsFunc(k.ops, func(op *Op) bool { return op.Outcome != Done }) {
			bothWithUnknowns[class]++
		}
	}
	t.Logf("%d linearizable, %d not; with unknowns %d not, %d linearizable", good, bad, bothWithUnknowns[0], bothWithUnknowns[1])
	if min(good, bad, bothWithUnknowns[0], bothWithUnknowns[1]) < histories/20 {
		t.Error("too few histories of a class to mean anything")
	}
}
