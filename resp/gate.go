package resp

import (
	"sync"

	"github.com/truecount/truecount/fsm"
)

// Fairness in the cluster. It takes Requests in the order in which they come, a Batch at a time. If every connection with a
// long pipeline handed over all it has, whoever has one command to send would wait for a Batch of each of them. So light units
// go to the cluster at once, and of heavy ones only as many as fill a Batch are there at a time; the others wait here, in
// order. A quarter of it, while anybody sends light ones: they wait for what is on its way and for their own.
const (
	lightOps    = 16              // a unit of more is heavy, and one whose reads look at more keys
	lightBytes  = 8 << 10         // encoded; and so is one of more bytes
	lightWeight = 4 * fsm.MaxText // and one whose answers may have more that a Batch must have room for

	heavyOps   = fsm.MaxBatchOps // of heavy units in the cluster at a time; one that is larger goes alone
	heavyTight = heavyOps / 4    // while there are light ones
	tightFor   = 25 * heavyOps   // Ops of heavy units behind the last light one, until it is forgotten

	bytesPerOp  = 32                       // a Batch is full with 4,000 Ops or 128 KiB
	weightPerOp = fsm.MaxWeight / heavyOps // or with answers of so much for each of them
)

// gate is how units get to the cluster.
type gate struct {
	cluster Cluster

	mu      sync.Mutex
	passed  int     // weight of heavy units in the cluster
	heavy   int     // how many there are, and how many wait
	waiting []*unit // bounded by the connections: each has one unit on its way
	behind  int     // weight of heavy units that passed since the last light one, up to tightFor
}

// pass hands a unit over, now or later. It never blocks. Call done when the cluster is done with the unit. calm says that the
// last unit of the same session was light: else this one may be the rest of a pipeline.
func (g *gate) pass(u *unit, calm bool) {
	ops, bytes, weight := max(u.request.Ops, u.reads), len(u.request.Groups), u.request.Weight
	if ops <= lightOps && bytes <= lightBytes && weight <= lightWeight {
		u.weight = 0
		if calm {
			g.mu.Lock()
			g.behind = 0
			g.mu.Unlock()
		}
		g.hand(u)
		return
	}
	u.weight = max(ops, bytes/bytesPerOp, weight/weightPerOp)
	g.mu.Lock()
	g.heavy++
	passes := len(g.waiting) == 0 && g.admit(u)
	if !passes {
		g.waiting = append(g.waiting, u)
	}
	g.mu.Unlock()
	if passes {
		g.hand(u)
	}
}

// done makes room for others.
func (g *gate) done(u *unit) {
	if u.weight == 0 {
		return
	}
	g.mu.Lock()
	g.heavy--
	g.passed -= u.weight
	u.weight = 0
	n := 0
	for n < len(g.waiting) && g.admit(g.waiting[n]) {
		n++
	}
	next := g.waiting[:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	g.mu.Unlock()
	for _, u := range next {
		g.hand(u)
	}
}

// admit counts a unit that may pass. Needs the lock.
func (g *gate) admit(u *unit) bool {
	if g.passed > 0 && g.passed+u.weight > g.room() {
		return false
	}
	g.passed += u.weight
	g.behind = min(g.behind+u.weight, tightFor)
	return true
}

func (g *gate) room() int {
	if g.behind < tightFor {
		return heavyTight
	}
	return heavyOps
}

func (g *gate) hand(u *unit) {
	if u.writes > 0 {
		g.cluster.Propose(&u.request)
		return
	}
	g.cluster.Read(&u.request)
}

// share is what a unit may hold, so that all heavy ones are equal and fill the room together. The least keeps pipelines of
// so many commands whole.
type share struct{ ops, bytes, reads int }

const (
	leastUnitOps   = 64
	leastUnitBytes = 8 << 10
)

// share is a unit's at this moment.
func (g *gate) share() share {
	g.mu.Lock()
	defer g.mu.Unlock()
	ops := max(leastUnitOps, g.room()/max(1, g.heavy))
	return share{ops: ops, bytes: max(leastUnitBytes, min(maxUnitBytes, ops*bytesPerOp)), reads: min(maxUnitReads, ops)}
}
