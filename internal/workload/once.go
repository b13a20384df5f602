package workload

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/truecount/truecount/internal/history"
)

const (
	onceKeys     = 4
	longSession  = 24 * 60 * 60 * 1000 // ms: no session ends in a run
	perSession   = 150                 // tokens: all of them stay in the window of 256, so each may be repeated as late as we like
	mostKept     = 1000                // promises of a client that may come again
	lateOne      = 20                  // one in so many commands is repeated late, at another node
	cutOne       = 10                  // of one in so many the first reply is not waited for
	abandonedOne = 4                   // of so many with an unknown outcome one is left until the end of the run
	mostOpen     = 2000                // that are: Stop gives them one after the other
	wholeOne     = 5                   // one in so many is a transaction
)

// promise is a command, or a transaction, with a token: however often it is given, it happens once, and its answer is the same.
type promise struct {
	ops      []history.Op // more than one: a transaction
	session  string
	sequence int
}

func (p promise) words(command ...any) []any {
	return append([]any{"ONCE", p.session, p.sequence}, command...)
}

// onceUser gives each command under a token until the answer is definite, at one node after the other. Its transactions are on
// short-lived keys.
func onceUser(keys *lineage) func(ctx context.Context, c *client) {
	return func(ctx context.Context, c *client) { c.repeat(ctx, keys) }
}

func (c *client) repeat(ctx context.Context, keys *lineage) {
	var kept []promise
	session, sequence := "", perSession
	for c.pause(ctx) {
		if sequence == perSession {
			id, ok := c.openSession()
			if !ok {
				continue
			}
			session, sequence = id, 0
		}
		sequence++
		p := promise{session: session, sequence: sequence}
		p.ops = []history.Op{{Kind: history.Incr, Key: "once:" + strconv.Itoa(c.rng.IntN(onceKeys)), Arg: 1}}
		if c.rng.IntN(wholeOne) == 0 {
			base := keys.key(&c.crowd.keys)
			p.ops = []history.Op{{Kind: history.Incr, Key: base + part(0), Arg: 2}, c.plain(base + part(1))} // ONCE is for writes
		}
		for i := range p.ops {
			p.ops[i].Token = fmt.Sprintf("%s/%d", session, sequence)
		}
		if c.rng.IntN(cutOne) == 0 {
			c.cut(p)
			if c.rng.IntN(abandonedOne) == 0 && c.crowd.adopt(p) {
				continue
			}
		}
		c.keep(p)
		if len(kept) < mostKept {
			kept = append(kept, p)
		} else {
			kept[c.rng.IntN(mostKept)] = p
		}
		if c.rng.IntN(lateOne) == 0 {
			late := kept[c.rng.IntN(len(kept))]
			c.restless = true
			c.give(late) // an answer must be the first one's; none is needed
		}
	}
}

func (c *client) openSession() (id string, ok bool) {
	if !c.connected() {
		return "", false
	}
	c.send([]any{"ONCE", "OPEN", "TTL", longSession})
	r := c.receive()
	bytes, ok := r.value.([]byte)
	if _, _, explained := sorted(r.err); r.err != nil && !explained {
		c.crowd.complain(c.node.Name, "unexplained error: ONCE OPEN: %v", r.err)
	}
	return string(bytes), ok
}

// give gives it once.
func (c *client) give(p promise) history.Outcome {
	if len(p.ops) > 1 {
		return c.transaction(slices.Clone(p.ops), p.words("EXEC")...)
	}
	outcome, _ := c.do(p.ops[0], p.words(words(p.ops[0])...)...)
	return outcome
}

// cut gives it, and hangs up.
func (c *client) cut(p promise) {
	if !c.connected() || len(p.ops) > 1 {
		return
	}
	op := p.ops[0]
	op.Client, op.Node = c.id, c.node.Name
	call := c.crowd.options.Recorder.Begin(op)
	c.send(p.words(words(op)...))
	c.hangUp()
	call.Unknown()
}

// keep gives it until the answer is definite.
func (c *client) keep(p promise) {
	for {
		if c.give(p) == history.Done {
			return
		}
		if c.crowd.dead.Load() {
			c.crowd.unresolved.Add(1)
			return
		}
		c.restless = true
		rest(context.Background(), afterNo)
	}
}

// adopt takes a promise that its client will not keep: Stop does. Beyond mostOpen it takes none.
func (c *Crowd) adopt(p promise) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.open) >= mostOpen {
		return false
	}
	c.open = append(c.open, p)
	return true
}
