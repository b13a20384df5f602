package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// gatePatience is how long a request waits for the node to open, before it is refused.
const gatePatience = 1500 * time.Millisecond

// gate stands between the door and a node that is still reading its directory, which may take seconds, or is being opened
// anew: the door answers PING, HELLO, INFO and STATUS at any moment, and what needs the node waits for it. Requests that
// wait are as many as connections, at most.
type gate struct {
	closed fsm.Status             // what can be said without the node
	change func(fsm.Change) error // makes one; it may take its time

	node atomic.Pointer[cluster.Node] // nil: closed

	mu     sync.Mutex
	opened chan struct{} // closed when node is set
	sink   func(fsm.Event)
}

func newGate(closed fsm.Status, change func(fsm.Change) error) *gate {
	return &gate{closed: closed, change: change, opened: make(chan struct{})}
}

// open lets everything through to the node.
func (g *gate) open(node *cluster.Node) {
	g.mu.Lock()
	defer g.mu.Unlock()
	node.Observe(g.sink)
	g.node.Store(node)
	close(g.opened)
}

// shut keeps everything from the node, which it returns, until open is called again.
func (g *gate) shut() *cluster.Node {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.opened = make(chan struct{})
	return g.node.Swap(nil)
}

// wait returns the node when it is open, or nil when ctx has ended.
func (g *gate) wait(ctx context.Context) *cluster.Node {
	for {
		if node := g.node.Load(); node != nil {
			return node
		}
		g.mu.Lock()
		opened := g.opened
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return nil
		}
	}
}

// Propose passes writes on.
func (g *gate) Propose(r *fsm.Request) { g.pass(r, (*cluster.Node).Propose) }

// Read passes reads on.
func (g *gate) Read(r *fsm.Request) { g.pass(r, (*cluster.Node).Read) }

func (g *gate) pass(r *fsm.Request, to func(*cluster.Node, *fsm.Request)) {
	if node := g.node.Load(); node != nil {
		to(node, r)
		return
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), gatePatience)
		defer cancel()
		if node := g.wait(ctx); node != nil {
			to(node, r)
			return
		}
		r.Err = errNotOpen
		r.Done(r)
	}()
}

var errNotOpen = fmt.Errorf("%w: this node is still reading its data directory", fsm.ErrNotApplied)

// Local is the node's; before it is open, what can be said without it.
func (g *gate) Local() fsm.Status {
	if node := g.node.Load(); node != nil {
		return node.Local()
	}
	return g.closed
}

// Describe is the node's; before it is open, the same as Local.
func (g *gate) Describe(done func(fsm.Status)) {
	if node := g.node.Load(); node != nil {
		node.Describe(done)
		return
	}
	go func() { done(g.closed) }()
}

// Digest is the node's; before it is open, that of nothing.
func (g *gate) Digest(done func(sum, index uint64)) {
	go func() {
		if node := g.node.Load(); node != nil {
			done(node.Digest())
			return
		}
		done(0, 0)
	}()
}

// Change makes a change of members.
func (g *gate) Change(c fsm.Change, done func(error)) {
	go func() { done(g.change(c)) }()
}

// Removal is why the node answers nothing; nil while it is not open.
func (g *gate) Removal() error {
	if node := g.node.Load(); node != nil {
		return node.Removal()
	}
	return nil
}

// Observe passes what the node applies to sink, also when it is opened later or anew.
func (g *gate) Observe(sink func(fsm.Event)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sink = sink
	if node := g.node.Load(); node != nil {
		node.Observe(sink)
	}
}
