package workload

import (
	"context"
	"fmt"
	"time"
)

// longBond is how long an instance that is bound to a connection may say nothing: longer than its lease.
const longBond = 2 * time.Second

// bond binds instances to connections, and sees to it that what they have counts as long as these are open, whatever they say. That it ends
// with them is seen in the end, by Finals. It is not part of the history: no lease explains when such a slice leaves.
func bond(ctx context.Context, c *client) {
	for c.pause(ctx) {
		c.hangUp() // the instance before this one
		key := c.crowd.keys.fresh("bond")
		name := fmt.Sprintf("b-%016x", c.rng.Uint64())
		if !c.connected() || !c.binds(name) {
			continue
		}
		sum := int64(0)
		for range 3 + c.rng.IntN(20) {
			n := 1 + c.rng.Int64N(9)
			if c.rng.IntN(20) == 0 && !rest(ctx, c.crowd.options.Lease+longBond) {
				return
			}
			if got, ok := c.slice("IC.INCRBY", key, name, n); !ok || !c.holds(key, name, got, sum+n) {
				break
			}
			sum += n
			if !c.pause(ctx) {
				return
			}
		}
	}
}

func (c *client) binds(name string) bool {
	c.send([]any{"IC.BIND", name})
	r := c.receive()
	return r.err == nil && r.value == "OK"
}

// slice gives a command that answers [total, mine, epoch], and returns mine.
func (c *client) slice(command ...any) (mine int64, ok bool) {
	c.send(command)
	r := c.receive()
	n, ok := numbers(r.value)
	if r.err != nil || !ok || len(n) != 3 {
		c.hangUp()
		return 0, false
	}
	return n[1], true
}

// holds complains if a slice is not what it was, and the connection is still open a while later: a node that was away for 5 s has
// lost its bindings, and says so by closing these connections.
func (c *client) holds(key, name string, got, want int64) bool {
	if got == want {
		return true
	}
	rest(context.Background(), time.Second)
	if again, ok := c.slice("IC.GET", key, name); ok {
		c.crowd.complain(c.node.Name, "the slice of %s, bound to an open connection, was %d, then %d, and not %d", key, got, again, want)
	}
	return false
}
