package workload

import (
	"context"
	"strconv"

	"github.com/truecount/truecount/internal/history"
)

const (
	pipeKeys     = 10
	pipelineSize = 100
)

// pipeline sends a hundred increments at once. One in five times it hangs up before it has read all the replies, or any.
func pipeline(ctx context.Context, c *client) {
	for c.pause(ctx) {
		if !c.connected() {
			continue
		}
		ops, calls := make([]history.Op, pipelineSize), make([]*history.Call, pipelineSize)
		commands := make([][]any, pipelineSize)
		first := c.crowd.ids.Add(pipelineSize) - pipelineSize // they overlap: each is a Client to the history
		for i := range ops {
			key := "pipe:" + strconv.Itoa(c.rng.IntN(pipeKeys))
			ops[i] = history.Op{Client: int(first) + i + 1, Node: c.node.Name, Kind: history.Incr, Key: key, Arg: 1}
			commands[i] = words(ops[i])
			calls[i] = c.crowd.options.Recorder.Begin(ops[i])
		}
		listen := pipelineSize
		switch c.rng.IntN(10) {
		case 0:
			listen = 0
		case 1:
			listen = c.rng.IntN(pipelineSize)
		}
		c.send(commands...)
		for i := range calls {
			if i == listen {
				c.hangUp()
			}
			c.end(calls[i], ops[i], c.receive())
		}
	}
}
