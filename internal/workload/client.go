package workload

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/internal/history"
)

const (
	dialTime   = time.Second
	answerTime = 2500 * time.Millisecond // a node answers within 2 s, if only with an error
	afterNo    = 50 * time.Millisecond   // before the next try, where one failed

	shortStay, longStay = 5 * time.Second, 20 * time.Second // at a node
)

var errCut = errors.New("the client has hung up")

// client asks one node until that fails, then another. One goroutine uses it.
type client struct {
	crowd *Crowd
	rng   *rand.Rand
	think time.Duration
	level history.Level
	at    int // counts the nodes that it went to
	node  Node
	conn  redis.Conn // nil: it has none
	id    int        // of the connection
	until time.Time  // then it goes to another node, so that those that were away have clients again

	restless bool // its node could not do what it was asked: the next operation goes to another
}

// reply is what came for one command; its err is of no interest but to sorted.
type reply struct {
	value any
	err   error
}

// pause thinks for a while, and reports whether there is still something to do.
func (c *client) pause(ctx context.Context) bool {
	return rest(ctx, time.Duration((0.5+c.rng.Float64())*float64(c.think)))
}

// rest reports whether d passed before ctx ended.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// connected sees to it that there is a connection, and pauses if there can't be one.
func (c *client) connected() bool {
	if c.conn != nil && c.conn.Err() == nil && !c.restless && time.Now().Before(c.until) {
		return true
	}
	c.hangUp()
	nodes := c.crowd.options.Nodes()
	if c.at == 0 {
		c.at = c.rng.IntN(len(nodes))
	}
	c.at++
	if c.dial(nodes[c.at%len(nodes)]) {
		return true
	}
	c.hangUp()
	rest(context.Background(), afterNo)
	return false
}

// dial opens a connection to a node that answers, at the client's level.
func (c *client) dial(node Node) bool {
	o := &c.crowd.options
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	defer cancel()
	conn, err := redis.DialContext(ctx, "tcp", node.Addr, redis.DialPassword(o.Password),
		redis.DialWriteTimeout(dialTime), redis.DialReadTimeout(answerTime), redis.DialContextFunc(o.Dial))
	if err != nil {
		return false
	}
	c.conn, c.node, c.id, c.restless = conn, node, int(c.crowd.ids.Add(1)), false
	c.until = time.Now().Add(shortStay + time.Duration(c.rng.Int64N(int64(longStay-shortStay))))
	level := "STRONG"
	if c.level == history.Stale {
		level = "STALE"
	}
	_, err = conn.Do("CONSISTENCY", level) // answered by whoever is behind a proxy: what is sent to nobody is better not sent
	return err == nil
}

func (c *client) hangUp() {
	if c.conn != nil {
		c.conn.Close() // whatever it says: nothing more is expected of it
		c.conn = nil
	}
}

// send writes commands at once. Whether it worked is seen by receive.
func (c *client) send(commands ...[]any) {
	for _, command := range commands {
		if c.conn.Send(command[0].(string), command[1:]...) != nil {
			return
		}
	}
	_ = c.conn.Flush() // the connection remembers the error
}

// receive reads the next reply. When that is none, the client is to go elsewhere.
func (c *client) receive() reply {
	if c.conn == nil {
		return reply{err: errCut}
	}
	value, err := c.conn.Receive()
	var refusal redis.Error
	switch {
	case err == nil:
	case !errors.As(err, &refusal):
		c.hangUp()
	default:
		if outcome, _, _ := sorted(err); outcome != history.Done {
			c.restless = c.rng.IntN(2) == 0 // the others wait until there is a leader again
		}
	}
	return reply{value, err}
}

// do performs an operation, by the command that it stands for or by another that means the same. An operation that could not be sent
// is not recorded, and NotApplied.
func (c *client) do(op history.Op, command ...any) (history.Outcome, history.Reply) {
	if !c.connected() {
		return history.NotApplied, history.Reply{}
	}
	if len(command) == 0 {
		command = words(op)
	}
	op.Client, op.Node = c.id, c.node.Name
	call := c.crowd.options.Recorder.Begin(op)
	c.send(command)
	return c.end(call, op, c.receive())
}

// end records what came of an operation.
func (c *client) end(call *history.Call, op history.Op, r reply) (history.Outcome, history.Reply) {
	if r.err != nil {
		outcome, code, explained := sorted(r.err)
		if !explained {
			c.crowd.complain(op.Node, "unexplained error: %v: %v", words(op)[0], r.err)
		}
		answer := history.Reply{Code: code}
		switch outcome {
		case history.Done:
			call.Done(answer)
		case history.NotApplied:
			call.NotApplied()
		default:
			call.Unknown()
		}
		return outcome, answer
	}
	answer, ok := understand(op, r.value)
	if !ok {
		c.crowd.complain(op.Node, "unexplained reply: %v: %v", words(op)[0], r.value)
		call.Unknown()
		return history.Unknown, history.Reply{}
	}
	call.Done(answer)
	if op.Kind != history.Get && op.Kind != history.ICGet {
		c.crowd.acknowledged.Add(1)
	}
	return history.Done, answer
}
