package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// workload is something that clients do, one step after the other. Lax counting will be a row of workloads.
type workload struct {
	name  string
	start func(c *client) (step func()) // what one client does, with a memory of its own
}

func workloads() []workload {
	return []workload{
		{"hot", hot},
		{"mixed", mixed},
		{"groups", groups},
		{"floor", floor},
		{"expiry", expiry},
		{"instances", countOfInstances},
		{"once", onceOnly},
		{"owned", owned},
		{"family", families},
	}
}

func workloadNames() (names []string) {
	for _, w := range workloads() {
		names = append(names, w.name)
	}
	return names
}

const expiringKeys = "exp:"

// client is one that goes from host to host. Its number in the history is that of its connection: another after each that broke.
type client struct {
	*trial
	*rand.Rand
	row    int
	host   string
	life   *life // of the host, when the connection was made
	number int
	seen   uint64 // the index of the last write on this connection
}

// client takes steps until there is nothing to begin any more.
func (r *trial) client(i int, name string, rng *rand.Rand) {
	c := &client{trial: r, Rand: rng, row: i}
	at := slices.IndexFunc(workloads(), func(w workload) bool { return w.name == name })
	step := workloads()[at].start(c)
	for c.going() {
		if rng.IntN(8) == 0 {
			c.life = nil // goes elsewhere
		}
		step()
		c.rest(within(rng, c.plan.setup.think))
	}
}

// going reports whether something may be begun.
func (r *trial) going() bool {
	select {
	case <-r.idle:
		return false
	default:
		return !r.broken()
	}
}

// connect makes a new connection if there is none, or the process at its other end is not that of before.
func (c *client) connect() {
	c.Cluster.mu.Lock()
	defer c.Cluster.mu.Unlock()
	if c.life != nil && c.Cluster.hosts[c.host].life == c.life && !c.life.isDead() {
		return
	}
	c.host, c.seen = c.trial.hosts[c.IntN(len(c.trial.hosts))], 0
	c.life = c.Cluster.hosts[c.host].life
	c.trial.mu.Lock()
	defer c.trial.mu.Unlock()
	c.conns++
	c.number = c.conns
}

// send lets the connected host do ops as one group, and records what came of each. ok: they are answered.
func (c *client) send(once fsm.Once, ops ...history.Op) (replies []history.Reply, outcome history.Outcome) {
	c.connect()
	group := int64(0)
	if len(ops) > 1 {
		group = c.groups.Add(1)
	}
	request := &fsm.Request{Level: fsm.Strong}
	var wanted []fsm.Op
	writes := false
	calls := make([]*history.Call, len(ops))
	for i, op := range ops {
		wanted = append(wanted, opOf(op))
		writes = writes || wanted[i].Kind.Writes() || op.Kind == history.ICGet // proposed, it is a sign of life, as a door would see to
		if op.Level == history.Stale {
			request.Level, request.MinIndex = fsm.Stale, c.seen
		}
	}
	request.AddIf(fsm.Terms{Once: once}, wanted...)
	for i, op := range ops {
		op.Client, op.Node, op.Group = c.number, c.host, group
		if once.Given() {
			op.Token = fmt.Sprintf("%s/%d", once.Session[:], once.Sequence)
		}
		calls[i] = c.recorder.Begin(op)
	}
	hand := (*cluster.Node).Read
	if writes {
		hand = (*cluster.Node).Propose
	}
	return c.record(c.whole(c.ask(c.host, request, hand), len(ops)), ops, calls)
}

// whole is an anomaly if an answer has not one Result for each Op.
func (c *client) whole(a Answer, ops int) Answer {
	if a.Err == nil && len(a.Results) != ops {
		a.Err = fmt.Errorf("%w: %d results for %d Ops", fsm.ErrUnknown, len(a.Results), ops)
		c.anomaly("answers", "%s: %v", c.host, a.Err)
	}
	return a
}

// record notes what came of a group.
func (c *client) record(a Answer, ops []history.Op, calls []*history.Call) (replies []history.Reply, outcome history.Outcome) {
	outcome = outcomeFor(a)
	if a.Index > c.seen {
		c.seen = a.Index
	}
	if outcome != history.Done {
		c.life = nil // clients go elsewhere after an error
	}
	for i, call := range calls {
		switch outcome {
		case history.Unknown:
			call.Unknown()
		case history.NotApplied:
			call.NotApplied()
		default:
			reply := replyOf(ops[i].Kind, a.Results[i])
			replies = append(replies, reply)
			call.Done(reply)
		}
	}
	if outcome == history.Done {
		c.noteAnswers(ops)
	}
	if len(a.Results) > 0 && slices.Contains([]fsm.Code{fsm.OnceMismatch, fsm.NoSession, fsm.OnceDone}, a.Results[0].Code) {
		c.anomaly("once", "%v, in a window of a session that is open: %v", a.Results[0].Code, ops[0])
	}
	return replies, outcome
}

func (r *trial) noteAnswers(ops []history.Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered++
	for _, op := range ops {
		if op.Kind == history.Incr || op.Kind == history.ICIncr {
			r.acknowledged++
		}
	}
}

// outcomeFor is what a client knows of a group.
func outcomeFor(a Answer) history.Outcome {
	switch {
	case errors.Is(a.Err, fsm.ErrUnknown):
		return history.Unknown
	case a.Err != nil:
		return history.NotApplied
	}
	switch a.Results[0].Code {
	case fsm.NoSession, fsm.OnceDone: // it is not known any more whether it was done, or what it answered
		return history.Unknown
	case fsm.Aborted, fsm.FullBytes, fsm.FullKeys, fsm.FullInstances, fsm.FullSessions:
		return history.NotApplied
	}
	return history.Done
}

// rotor hands out keys that are not used for long: what is checked by a search must be short.
type rotor struct {
	mu       sync.Mutex
	prefix   string
	number   int
	uses     int
	unknowns int
	most     int
}

func (r *trial) rotor(prefix string, most int) *rotor {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shared[prefix] == nil {
		r.shared[prefix] = &rotor{prefix: prefix, most: most}
	}
	return r.shared[prefix]
}

// key is the key to use now.
func (o *rotor) key() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.uses++; o.uses > o.most || o.unknowns > 4 {
		o.number, o.uses, o.unknowns = o.number+1, 1, 0
	}
	return fmt.Sprintf("%s:%d", o.prefix, o.number)
}

func (o *rotor) note(outcome history.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if outcome == history.Unknown {
		o.unknowns++
	}
}

// span is a time of a client's life, at this trial's pace.
func (c *client) span(shortest, longest time.Duration) time.Duration {
	by := time.Duration(c.plan.setup.pace)
	return shortest*by + within(c.Rand, (longest-shortest)*by)
}
