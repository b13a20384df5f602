package history

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// MaxSteps is the most steps that the search tries for one key. A step remembers a bit per Op, so with 1,000 Ops that is about half
// a GB at worst.
const MaxSteps = 1 << 21

// search decides one key with any Ops, by trying orders. Its cost is exponential in what overlaps, and unknowns overlap
// everything after them.
func search(ops []Op, limit time.Duration) error {
	history := make([]porcupine.Operation, len(ops))
	unknowns := 0
	for i := range ops {
		if ops[i].Outcome != Done {
			unknowns++
		}
		history[i] = porcupine.Operation{ClientId: ops[i].Client, Input: &ops[i], Call: ops[i].Call, Return: ops[i].end()}
	}
	undecided := fmt.Errorf("%w: %d operations, %d of them unknown, are too many to search in time", ErrUndecided, len(ops), unknowns)
	if limit <= 0 { // for porcupine, 0 is no limit
		return undecided
	}
	var steps atomic.Int64
	switch porcupine.CheckOperationsTimeout(model(&steps), history, limit) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		if steps.Load() <= MaxSteps {
			return fmt.Errorf("%w: no order explains these %d operations:%s", ErrViolation, len(ops), excerpt(ops))
		}
	}
	return undecided
}

// excerpt lists the first Ops of a history for a message, one per line.
func excerpt(ops []Op) (text string) {
	const most = 40
	for i := range ops {
		if i == most {
			return text + fmt.Sprintf("\n\tand %d more", len(ops)-most)
		}
		text += "\n\t" + ops[i].String()
	}
	return text
}

// model is one key as porcupine sees it: a state is a Reply, what a Get would answer. Beyond MaxSteps it refuses every step,
// so that the search runs dry.
func model(steps *atomic.Int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return Nil() },
		StepContext: func(_ context.Context, state, input, _ any) (bool, any) {
			if steps.Add(1) > MaxSteps {
				return false, state
			}
			return step(state.(Reply), input.(*Op))
		},
		Hash: func(state any) uint64 { return uint64(state.(Reply).Int) },
	}
}

// step is the sequential counter: whether op may come next in this state with the answer it got, and the state after it.
func step(state Reply, op *Op) (bool, Reply) {
	answered := op.Outcome == Done
	switch op.Kind {
	case Get:
		return !answered || op.Reply == state, state
	case Set:
		return true, Int(op.Arg)
	case Del:
		existed := Int(0)
		if state.Present {
			existed = Int(1)
		}
		return !answered || op.Reply == existed, Nil()
	}
	if overflows(state.Int, op.Arg) { // refused, and nothing has changed: no number can be the answer
		return !answered, state
	}
	sum := Int(state.Int + op.Arg)
	return !answered || op.Reply == sum, sum
}

func overflows(a, b int64) bool {
	return b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b
}
