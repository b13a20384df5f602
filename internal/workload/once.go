package workload

import (
	"context"
	"fmt"
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
)

// promise is a command with a token: however often it is given, it happens once, and its answer is the same.
type promise struct {
	op       history.Op
	session  string
	sequence int
}

func (p promise) words() []any {
	return append([]any{"ONCE", p.session, p.sequence}, words(p.op)...)
}

// onceUser gives each command under a token until the answer is definite, at one node after the other.
func onceUser(ctx context.Context, c *client) {
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
		p.op = history.Op{Kind: history.Incr, Key: "once:" + strconv.Itoa(c.rng.IntN(onceKeys)), Arg: 1}
		p.op.Token = fmt.Sprintf("%s/%d", session, sequence)
		if c.rng.IntN(cutOne) == 0 {
			c.cut(p)
			if c.rng.IntN(abandonedOne) == 0 {
				c.crowd.adopt(p)
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
			c.do(late.op, late.words()...) // an answer must be the first one's; none is needed
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

// cut gives a command and hangs up.
func (c *client) cut(p promise) {
	if !c.connected() {
		return
	}
	p.op.Client, p.op.Node = c.id, c.node.Name
	call := c.crowd.options.Recorder.Begin(p.op)
	c.send(p.words())
	c.hangUp()
	call.Unknown()
}

// keep gives a command until its answer is definite.
func (c *client) keep(p promise) {
	for {
		if outcome, _ := c.do(p.op, p.words()...); outcome == history.Done {
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

// adopt takes a promise that its client will not keep: Stop does.
func (c *Crowd) adopt(p promise) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, p)
}
