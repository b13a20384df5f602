package workload

import (
	"context"

	"github.com/truecount/truecount/internal/history"
)

const (
	most  = 20 // that a stock takes
	asked = 6  // the most that anybody buys at once
)

// trader buys from a stock that must never be below zero, and fills it, never beyond the most that it takes.
func trader(keys *lineage) func(ctx context.Context, c *client) {
	return func(ctx context.Context, c *client) {
		for c.pause(ctx) {
			op := history.Op{Key: keys.key(&c.crowd.keys), Kind: history.IncrIf}
			n := 1 + c.rng.Int64N(asked)
			var command []any
			switch c.rng.IntN(5) {
			case 0: // GET
				op.Kind = history.Get
			case 1:
				op.If, op.Operand, op.Arg = "GE", n, -n
			case 2:
				op.If, op.Operand, op.Arg = "LE", most-n, n
			case 3: // the same by other means
				op.If, op.Operand, op.Arg = "GE", n, -n
				command = []any{"INCREX", op.Key, "BYINT", -n, "LBOUND", 0}
			default:
				op.If, op.Operand, op.Arg = "LE", most-n, n
				command = []any{"INCREX", op.Key, "BYINT", n, "UBOUND", most}
			}
			outcome, answer := c.do(op, command...)
			if outcome == history.Unknown && op.Kind != history.Get {
				keys.spoil(op.Key)
			}
			if answer.Int < 0 || answer.Int > most {
				c.crowd.complain(c.node.Name, "the stock %s, of 0 to %d, has %d", op.Key, most, answer.Int)
			}
		}
	}
}
