package sim

import (
	"fmt"
	"slices"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// Answer is what a client of a node got.
type Answer struct {
	Results  []fsm.Result
	Index    uint64
	Verified bool
	Err      error // wraps fsm.ErrNotApplied or fsm.ErrUnknown
}

// Do runs Ops as one group at a node: proposed if one of them writes, else read at level. A crash of
// the node before the answer makes it unknown; a node that is down refuses.
func (c *Cluster) Do(name string, level fsm.Level, ops ...fsm.Op) Answer {
	return c.DoIf(name, level, nil, ops...)
}

// DoIf is Do for a group that is carried out only if all conditions hold: else every Result is Aborted.
func (c *Cluster) DoIf(name string, level fsm.Level, conditions []fsm.Condition, ops ...fsm.Op) Answer {
	return c.DoOn(name, level, fsm.Terms{Conditions: conditions}, ops...)
}

// DoOn is Do for a group that is carried out on terms.
func (c *Cluster) DoOn(name string, level fsm.Level, terms fsm.Terms, ops ...fsm.Op) Answer {
	r := &fsm.Request{Level: level}
	r.AddIf(terms, ops...)
	if slices.ContainsFunc(ops, func(op fsm.Op) bool { return op.Kind.Writes() }) {
		return c.ask(name, r, (*cluster.Node).Propose)
	}
	return c.ask(name, r, (*cluster.Node).Read)
}

// Speak proposes nothing at a node: it says that the node is there.
func (c *Cluster) Speak(name string) Answer {
	return c.ask(name, &fsm.Request{}, (*cluster.Node).Propose)
}

func (c *Cluster) ask(name string, r *fsm.Request, hand func(*cluster.Node, *fsm.Request)) Answer {
	c.mu.Lock()
	h := c.hosts[name]
	node, alive := h.node, h.life
	c.mu.Unlock()
	if node == nil {
		return Answer{Err: fmt.Errorf("%w: %s is down", fsm.ErrNotApplied, name)}
	}
	done := make(chan struct{})
	r.Done = func(*fsm.Request) { close(done) }
	hand(node, r)
	<-done
	if alive.isDead() {
		return Answer{Err: fmt.Errorf("%w: %s crashed", fsm.ErrUnknown, name)}
	}
	a := Answer{Index: r.Index, Verified: r.Verified, Err: r.Err}
	for rest := r.Results; ; {
		result, ok := rest.Next()
		if !ok {
			return a
		}
		a.Results = append(a.Results, result)
	}
}

// Incr adds to a counter and returns its new value.
func (c *Cluster) Incr(name, key string, by int64) (int64, error) {
	a := c.Do(name, fsm.Strong, fsm.Op{Kind: fsm.Incr, Key: []byte(key), Amount: by})
	if a.Err != nil {
		return 0, a.Err
	}
	return a.Results[0].Value.Int, nil
}

// Get reads a counter; a missing one is 0.
func (c *Cluster) Get(name, key string) (int64, error) {
	a := c.Do(name, fsm.Strong, fsm.Op{Kind: fsm.Get, Key: []byte(key)})
	if a.Err != nil {
		return 0, a.Err
	}
	return a.Results[0].Value.Int, nil
}
