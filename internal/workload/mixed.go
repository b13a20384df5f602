package workload

import (
	"context"

	"github.com/truecount/truecount/internal/history"
)

// mixed does everything that plain keys can, with small numbers, so that conditions hold and fail.
func mixed(keys *lineage) func(ctx context.Context, c *client) {
	return func(ctx context.Context, c *client) {
		for c.pause(ctx) {
			op := c.anything(keys.key(&c.crowd.keys))
			if outcome, _ := c.do(op); outcome == history.Unknown && op.Kind != history.Get {
				keys.spoil(op.Key)
			}
		}
	}
}

// anything is an operation on a plain key.
func (c *client) anything(key string) history.Op {
	op := history.Op{Key: key, Arg: c.rng.Int64N(9) - 4}
	switch c.rng.IntN(10) {
	case 0, 1, 2:
		op.Kind = history.Incr
	case 3, 4, 5:
		op.Kind, op.Arg = history.Get, 0
	case 6:
		op.Kind = history.Set
	case 7:
		if op.Kind, op.Arg = history.Del, 0; c.rng.IntN(3) > 0 {
			op.Kind = history.Get
		}
	case 8:
		op.Kind, op.Operand = history.Cas, c.rng.Int64N(5)-2
	default:
		op.If, op.Operand = c.comparator(), c.rng.Int64N(5)-2
		if op.Kind = history.IncrIf; c.rng.IntN(2) == 0 {
			op.Kind = history.SetIf
		}
	}
	return op
}

func (c *client) comparator() history.Comparator {
	all := []history.Comparator{"EQ", "NE", "LT", "LE", "GT", "GE", "ANY"}
	return all[c.rng.IntN(len(all))]
}
