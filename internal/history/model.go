package history

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
)

// MaxSteps is the most steps that the search tries for one key. A step remembers a bit per Op, so with 1,000 Ops that is about half
// a GB at worst.
const MaxSteps = 1 << 21

// search decides one part with any Ops, by trying orders. Its cost is exponential in what overlaps, and unknowns overlap
// everything after them.
func (p *part) search(limit time.Duration) error {
	unknowns := 0
	for i := range p.moves {
		if p.moves[i].ret == never {
			unknowns++
		}
	}
	undecided := fmt.Errorf("%w: %d operations, %d of them unknown, are too many to search in time", ErrUndecided, len(p.moves), unknowns)
	if limit <= 0 { // for porcupine, 0 is no limit
		return undecided
	}
	var steps atomic.Int64
	switch porcupine.CheckOperationsTimeout(p.model(&steps), p.history(), limit) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		if steps.Load() <= MaxSteps {
			return fmt.Errorf("%w: no order explains these %d operations", ErrViolation, len(p.moves))
		}
	}
	return undecided
}

// history is the part as porcupine takes it.
func (p *part) history() []porcupine.Operation {
	history := make([]porcupine.Operation, len(p.moves))
	for i := range p.moves {
		m := &p.moves[i]
		history[i] = porcupine.Operation{ClientId: m.client(), Input: m, Call: m.call, Return: m.ret}
	}
	return history
}

// model is the part as porcupine sees it: a state is a []cell, one per key. Beyond MaxSteps it refuses every step, so that the
// search runs dry.
func (p *part) model(steps *atomic.Int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return make([]cell, len(p.keys)) },
		StepContext: func(_ context.Context, state, input, _ any) (bool, any) {
			if steps.Add(1) > MaxSteps {
				return false, state
			}
			return input.(*move).step(state.([]cell))
		},
		Equal: func(a, b any) bool {
			for i, c := range a.([]cell) {
				if !c.equal(b.([]cell)[i]) {
					return false
				}
			}
			return true
		},
		Hash: func(state any) (hash uint64) {
			for _, c := range state.([]cell) {
				hash = hash*31 + uint64(c.value)
				for _, s := range c.shares {
					hash = hash*31 + uint64(s.amount)
				}
			}
			return hash
		},
		DescribeOperation: func(input, _ any) string { return input.(*move).String() },
		DescribeState: func(state any) (text string) {
			for i, c := range state.([]cell) {
				text += p.describe(i, c)
			}
			return text
		},
	}
}

func (p *part) describe(i int, c cell) string {
	if len(c.shares) == 0 {
		return fmt.Sprintf("%s: %v\n", p.keys[i].name, c.reply())
	}
	text := fmt.Sprintf("%s: %d in epoch %d", p.keys[i].name, c.total(), c.epoch)
	for _, s := range c.shares {
		text += fmt.Sprintf("; %s %d", s.instance, s.amount)
		if s.parked {
			text += " parked"
		}
	}
	return text + "\n"
}
