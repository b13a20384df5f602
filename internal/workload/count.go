package workload

import (
	"context"
	"strconv"

	"github.com/truecount/truecount/internal/history"
)

const (
	hotKeys  = 2
	manyKeys = 1000
)

// countHot adds 1 to keys that everybody adds to, and reads them now and then.
func countHot(ctx context.Context, c *client) { c.count(ctx, "hot:", hotKeys) }

// countMany does so on a thousand keys.
func countMany(ctx context.Context, c *client) { c.count(ctx, "many:", manyKeys) }

func (c *client) count(ctx context.Context, prefix string, keys int) {
	for c.pause(ctx) {
		key := prefix + strconv.Itoa(c.rng.IntN(keys))
		switch c.rng.IntN(20) {
		case 0, 1, 2:
			c.do(history.Op{Kind: history.Get, Key: key})
		case 3:
			c.attempt(key)
		default:
			c.do(history.Op{Kind: history.Incr, Key: key, Arg: 1})
		}
	}
}

// attempt reads with STATE: what the node says is CONSISTENT is a strong read, and the rest promises nothing.
func (c *client) attempt(key string) {
	if !c.connected() {
		return
	}
	op := history.Op{Client: c.id, Node: c.node.Name, Kind: history.Get, Key: key}
	call := c.crowd.options.Recorder.Begin(op)
	c.send([]any{"GET", key, "STATE"})
	r := c.receive()
	if pair, ok := r.value.([]any); ok && len(pair) == 2 {
		switch state, _ := pair[1].([]byte); string(state) {
		case "CONSISTENT":
			r.value = pair[0]
		case "INCONSISTENT":
			call.Unknown()
			return
		}
	}
	c.end(call, op, r)
}

// readStale reads what its node has, mostly, and counts now and then: on one connection that never goes back.
func readStale(ctx context.Context, c *client) {
	c.level = history.Stale
	for c.pause(ctx) {
		key := "many:" + strconv.Itoa(c.rng.IntN(manyKeys/50)) // few enough to be met again
		if c.rng.IntN(2) == 0 {
			key = "hot:" + strconv.Itoa(c.rng.IntN(hotKeys))
		}
		if c.rng.IntN(5) == 0 {
			c.do(history.Op{Kind: history.Incr, Key: key, Arg: 1})
		} else {
			c.do(history.Op{Kind: history.Get, Key: key, Level: history.Stale})
		}
	}
}
