package main

import (
	"fmt"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// gatePatience is how long a request waits for the node to open, before it is refused.
const gatePatience = 1500 * time.Millisecond

// gate stands between the door and a node that is still reading its directory, which may take seconds: the door answers
// PING, HELLO, INFO and STATUS from its first moment, and what needs the node waits for it. Requests that wait are as many
// as connections, at most.
type gate struct {
	id, version string
	opened      chan struct{}
	node        *cluster.Node // once opened is closed
}

func newGate(id, version string) *gate {
	return &gate{id: id, version: version, opened: make(chan struct{})}
}

// open lets everything through to the node. It is called once.
func (g *gate) open(node *cluster.Node) {
	g.node = node
	close(g.opened)
}

func (g *gate) isOpen() bool {
	select {
	case <-g.opened:
		return true
	default:
		return false
	}
}

// Propose passes writes on.
func (g *gate) Propose(r *fsm.Request) { g.pass(r, (*cluster.Node).Propose) }

// Read passes reads on.
func (g *gate) Read(r *fsm.Request) { g.pass(r, (*cluster.Node).Read) }

func (g *gate) pass(r *fsm.Request, to func(*cluster.Node, *fsm.Request)) {
	if g.isOpen() {
		to(g.node, r)
		return
	}
	go func() {
		select {
		case <-g.opened:
			to(g.node, r)
		case <-time.After(gatePatience):
			r.Err = fmt.Errorf("%w: this node is still reading its data directory", fsm.ErrNotApplied)
			r.Done(r)
		}
	}()
}

// Local is the node's; before it is open, what can be said without it.
func (g *gate) Local() fsm.Status {
	if g.isOpen() {
		return g.node.Local()
	}
	return fsm.Status{ID: g.id, Role: fsm.Nonvoter, Members: []fsm.Member{}, Version: g.version}
}

// Describe is the node's; before it is open, the same as Local.
func (g *gate) Describe(done func(fsm.Status)) {
	if g.isOpen() {
		g.node.Describe(done)
		return
	}
	go func() { done(g.Local()) }()
}
