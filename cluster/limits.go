package cluster

import (
	"fmt"

	"github.com/truecount/truecount/fsm"
)

// Limits are what this node would have the cluster limited to (fsm.Limits). They count only while it leads: the
// configuration of whoever leads is the cluster's, so all nodes should have the same. The zero value wants nothing.
type Limits struct {
	Bytes Limit
	Keys  Limit
}

// Limit is one wanted limit. Given: it is what the operator said, and holds whenever this node leads. Not given: Value is a
// first default, for a cluster that never had any limits, and never overrides what was set since; 0 wants nothing.
type Limit struct {
	Value uint64 // 0: no limit
	Given bool
}

// wanted are the limits to be in force instead of those that are; change is false if they are right.
func (l Limits) wanted(now fsm.Limits, set bool) (then fsm.Limits, change bool) {
	then = fsm.Limits{Bytes: l.Bytes.wanted(now.Bytes, set), Keys: l.Keys.wanted(now.Keys, set)}
	first := !set && (l.Bytes.Given || l.Keys.Given) // also none, if given: else another leader's default could come after it
	return then, then != now || first
}

func (l Limit) wanted(now uint64, set bool) uint64 {
	if l.Given || !set && l.Value != 0 {
		return l.Value
	}
	return now
}

// keepLimits proposes the limits that this node wants, if others are in force. It waits for the answer, so one proposal is
// under way at a time; whatever becomes of it, the next look tells.
func (n *Node) keepLimits() {
	_, now, set := n.replica.room()
	then, change := n.config.Limits.wanted(now, set)
	if !change {
		return
	}
	if err := n.write(fsm.LimitOp(then)); err != nil {
		n.logger.Debug("limits not set yet", "reason", err)
		return
	}
	n.logger.Info(fmt.Sprintf("limits are now %s, were %s", describeLimits(then), describeLimits(now)))
}

func describeLimits(l fsm.Limits) string {
	bytes, keys := "none", "none"
	if l.Bytes > 0 {
		bytes = fmt.Sprintf("%d (%s)", l.Bytes, mebibytes(l.Bytes))
	}
	if l.Keys > 0 {
		keys = fmt.Sprint(l.Keys)
	}
	return "max-bytes " + bytes + ", max-keys " + keys
}

// room is what the keys take, and the limits in force. set is false if there never were any.
func (r *replica) room() (used uint64, limits fsm.Limits, set bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limits, set = r.machine.Limits()
	return r.machine.UsedBytes(), limits, set
}
