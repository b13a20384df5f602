package workload

import (
	"context"

	"github.com/truecount/truecount/internal/history"
)

const groupKeys = 3 // that transactions of one kind work on

// group makes transactions on two or three keys, and reads these keys between them.
func group(keys *lineage) func(ctx context.Context, c *client) {
	return func(ctx context.Context, c *client) {
		for c.pause(ctx) {
			base := keys.key(&c.crowd.keys)
			if c.rng.IntN(3) == 0 {
				c.do(history.Op{Kind: history.Get, Key: base + part(c.rng.IntN(groupKeys))})
				continue
			}
			ops := make([]history.Op, 2+c.rng.IntN(groupKeys-1))
			for i, at := range c.rng.Perm(groupKeys)[:len(ops)] {
				ops[i] = c.plain(base + part(at))
			}
			if c.transaction(ops) == history.Unknown {
				keys.spoil(base)
			}
		}
	}
}

func part(i int) string { return ":" + string(rune('a'+i)) }

func (c *client) plain(key string) history.Op {
	op := history.Op{Key: key, Kind: history.Incr, Arg: 1 + c.rng.Int64N(5)}
	switch c.rng.IntN(6) {
	case 0:
		op.Kind, op.Arg = history.Get, 0
	case 1:
		op.Kind = history.Set
	case 2:
		op.Kind, op.Arg = history.Del, 0
	}
	return op
}

// transaction performs operations in one step, or none of them. EXEC may be another command that does the same.
func (c *client) transaction(ops []history.Op, exec ...any) history.Outcome {
	if !c.connected() {
		return history.NotApplied
	}
	if len(exec) == 0 {
		exec = []any{"EXEC"}
	}
	commands := [][]any{{"MULTI"}}
	number := c.crowd.groups.Add(1)
	calls := make([]*history.Call, len(ops))
	for i := range ops {
		ops[i].Client, ops[i].Node, ops[i].Group = c.id, c.node.Name, number
		calls[i] = c.crowd.options.Recorder.Begin(ops[i])
		commands = append(commands, words(ops[i]))
	}
	c.send(append(commands, exec)...)
	var last reply
	for range len(commands) + 1 {
		last = c.receive()
	}
	answers, _ := last.value.([]any)
	if last.err == nil && len(answers) != len(ops) {
		c.crowd.complain(c.node.Name, "unexplained reply: EXEC of %d commands: %v", len(ops), last.value)
		answers = make([]any, len(ops))
	}
	outcome := history.Unknown
	for i, call := range calls {
		r := last
		if r.err == nil {
			r.value = answers[i]
			if err, ok := answers[i].(error); ok {
				r = reply{err: err}
			}
		}
		outcome, _ = c.end(call, ops[i], r)
	}
	return outcome
}
