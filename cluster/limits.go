package cluster

import (
	"cmp"
	"fmt"
	"time"

	"github.com/truecount/truecount/fsm"
)

// Limits are what this node would have the cluster limited to (fsm.Limits). They count only while it leads: the
// configuration of whoever leads is the cluster's, so all nodes should have the same. The zero value wants nothing.
type Limits struct {
	Bytes Limit
	Keys  Limit

	Instances Limit // 0: fsm.DefaultInstances
	Sessions  Limit // 0: fsm.DefaultSessions
	Lease     Limit // of instances without one of their own, in milliseconds; 0: fsm.DefaultLease
}

// Limit is one wanted limit. Given: it is what the operator said, and holds whenever this node leads. Not given: Value is a
// first default, for a cluster that never had any limits, and never overrides what was set since; 0 wants nothing.
type Limit struct {
	Value uint64 // 0: no limit
	Given bool
}

// wanted are the limits to be in force instead of those that are; change is false if they are right.
func (l Limits) wanted(now fsm.Limits, set bool) (then fsm.Limits, change bool) {
	then = fsm.Limits{
		Bytes:     l.Bytes.wanted(now.Bytes, set),
		Keys:      l.Keys.wanted(now.Keys, set),
		Instances: unlessDefault(l.Instances.wanted(now.Instances, set), fsm.DefaultInstances),
		Sessions:  unlessDefault(l.Sessions.wanted(now.Sessions, set), fsm.DefaultSessions),
		Lease:     unlessDefault(l.Lease.wanted(now.Lease, set), fsm.DefaultLease),
	}
	first := !set && (l.Bytes.Given || l.Keys.Given) // also none, if given: else another leader's default could come after it
	return then, then != now || first
}

func (l Limit) wanted(now uint64, set bool) uint64 {
	if l.Given || !set && l.Value != 0 {
		return l.Value
	}
	return now
}

// unlessDefault is 0 for what counts without being set. So nothing of it is proposed, which would stop an older program as
// long as it is one of the members (fsm.LimitAll), until an operator wants something else.
func unlessDefault(n, byDefault uint64) uint64 {
	if n == byDefault {
		return 0
	}
	return n
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
	return fmt.Sprintf("max-bytes %s, max-keys %s, max-instances %d, max-sessions %d, dead-instance-threshold %v", bytes, keys,
		cmp.Or(l.Instances, fsm.DefaultInstances), cmp.Or(l.Sessions, fsm.DefaultSessions),
		time.Duration(cmp.Or(l.Lease, fsm.DefaultLease))*time.Millisecond)
}

// room is what the keys take, and the limits in force. set is false if there never were any.
func (r *replica) room() (used uint64, limits fsm.Limits, set bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limits, set = r.machine.Limits()
	return r.machine.UsedBytes(), limits, set
}
