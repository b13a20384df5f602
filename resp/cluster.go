package resp

import "github.com/truecount/truecount/fsm"

// Cluster is the other side of the door.
type Cluster interface {
	// Propose takes writes, and the reads that ride with them, to be applied in one step. It never blocks. Request.Done is
	// called exactly once, later, from another goroutine.
	Propose(*fsm.Request)
	// Read takes groups of reads only, to be answered at Request.Level. Otherwise it is as Propose.
	Read(*fsm.Request)
	// Local is what this node knows by itself, at once.
	Local() fsm.Status
	// Describe asks the leader what it knows of everybody. done is called exactly once, later, from another goroutine,
	// within some 300 ms.
	Describe(done func(fsm.Status))
	// Digest sums up all that this node holds. done is called exactly once, later, from another goroutine.
	Digest(done func(sum, index uint64))
	// Change makes a change of members. done is called exactly once, later, from another goroutine, within some 20 s: with
	// nil when it is made, else with an error that wraps fsm.ErrRefused, fsm.ErrNotApplied or fsm.ErrUnknown.
	Change(c fsm.Change, done func(error))
	// Removal is why this node answers nothing but what it is: it was removed from its cluster. Nil while it was not.
	Removal() error
	// Observe has sink told of every change of a key that this node applies, whoever asked for it, from now on; nil: no more.
	// sink is called with locks of the cluster held: it must neither block nor call the Cluster.
	Observe(sink func(fsm.Event))
}
