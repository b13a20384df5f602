package history

import (
	"math/rand/v2"
	"testing"
	"time"
)

// naive is a plain counter and an instance counter, as simple as can be: no epoch is learnt, nothing is parked.
type naive struct {
	value  int64
	there  bool
	slices map[string]int64
	epoch  int64
}

func (n *naive) total() (sum int64) {
	for _, amount := range n.slices {
		sum += amount
	}
	return sum
}

// do carries an Op out, and answers.
func (n *naive) do(op Op) (r Reply) {
	if op.Kind >= ICIncr {
		return n.account(op)
	}
	r = Reply{Present: true, Old: n.value}
	switch op.Kind {
	case Get:
		return Reply{Int: n.value, Present: n.there}
	case Del:
		if n.there {
			r.Int = 1
		}
		n.value, n.there, r.Old = 0, false, 0
		return r
	case Incr:
		n.value, n.there, r.Old = n.value+op.Arg, true, 0
	case Set:
		n.value, n.there = op.Arg, true
		return Nil()
	case IncrIf:
		if r.Applied = n.value < op.Operand; r.Applied {
			n.value, n.there = n.value+op.Arg, true
		}
	case SetIf:
		if r.Applied = n.value < op.Operand; r.Applied {
			n.value, n.there = op.Arg, true
		}
	case Cas:
		r.Int = n.value
		if n.value == op.Operand {
			n.value, n.there = op.Arg, true
		}
		return r
	}
	r.Int = n.value
	return r
}

func (n *naive) account(op Op) Reply {
	r := Reply{Present: true, Old: n.total(), OldMine: n.slices[op.Instance]}
	if op.Epoch != 0 && op.Epoch != n.epoch {
		return Reply{Code: "STALEEPOCH"}
	}
	switch op.Kind {
	case ICIncr:
		n.slices[op.Instance] += op.Arg
	case ICSet:
		n.epoch++
		n.slices = map[string]int64{op.Instance: op.Arg}
	case ICSetSlice:
		n.slices[op.Instance] = op.Arg
	case ICDelSlice:
		delete(n.slices, op.Instance)
	case ICDel:
		if len(n.slices) > 0 {
			n.epoch++
			n.slices = map[string]int64{}
		}
	case ICIncrIf:
		if r.Applied = r.Old < op.Operand; r.Applied {
			n.slices[op.Instance] += op.Arg
		}
	}
	r.Int, r.Mine, r.Epoch = n.total(), n.slices[op.Instance], n.epoch
	return r
}

// randomOp is on a plain key, or on an instance counter.
func randomOp(rng *rand.Rand, n *naive) Op {
	op := Op{Kind: Incr + Kind(rng.IntN(7)), Key: "k", Arg: rng.Int64N(5) - 1, If: "LT", Operand: rng.Int64N(6)}
	if rng.IntN(2) == 0 {
		op.Kind, op.Key, op.Instance = ICIncr+Kind(rng.IntN(7)), "ic", string(rune('a'+rng.IntN(3)))
		if op.Kind == ICIncr && rng.IntN(3) == 0 {
			op.Epoch = max(0, n.epoch-rng.Int64N(2))
		}
	}
	return op
}

// play lets clients work at once, event by event, and loses some replies.
func play(rng *rand.Rand) (ops []Op) {
	type client struct {
		op               Op
		running, applied bool
	}
	n := &naive{slices: map[string]int64{}, epoch: 1}
	clients := make([]client, 3)
	for stamp := int64(1); len(ops) < 30; stamp++ {
		c := &clients[rng.IntN(len(clients))]
		switch {
		case !c.running:
			*c = client{op: randomOp(rng, n), running: true}
			c.op.Call = stamp
		case !c.applied && rng.IntN(3) > 0:
			c.op.Reply, c.applied = n.do(c.op), true
		case c.applied:
			c.op.Outcome, c.op.Return = Done, stamp
			if rng.IntN(12) == 0 {
				c.op.Outcome, c.op.Reply, c.op.Return = Unknown, Reply{}, 0
			}
			ops, c.running = append(ops, c.op), false
		}
	}
	for _, c := range clients {
		if c.op.Reply = (Reply{}); c.running {
			ops = append(ops, c.op)
		}
	}
	return ops
}

func TestRandomHistoriesOfEverythingPassUntilSomebodyLies(t *testing.T) {
	const histories = 600
	rng := rand.New(rand.NewPCG(5, 5))
	caught := 0
	for i := range histories {
		ops := play(rng)
		if err := Check(ops, time.Minute); err != nil {
			t.Fatalf("history %d: %v", i, err)
		}
		liar := &ops[rng.IntN(len(ops))]
		switch {
		case liar.Outcome != Done || liar.Kind == Set || liar.Reply.Code != "":
			continue
		case liar.Kind == ICDel || liar.Kind >= IncrIf && rng.IntN(2) == 0 && liar.Kind != Cas && liar.Kind != ICGet:
			liar.Reply.Old, liar.Reply.OldMine, liar.Reply.Mine = liar.Reply.Old+20, liar.Reply.OldMine+20, liar.Reply.Mine+20
		default:
			liar.Reply.Int, liar.Reply.Present = liar.Reply.Int+20, true
		}
		if err := Check(ops, time.Minute); err == nil {
			t.Fatalf("history %d: not caught: %v", i, *liar)
		}
		caught++
	}
	t.Logf("%d histories, %d lies caught", histories, caught)
}
