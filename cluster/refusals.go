package cluster

import (
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/transport"
)

// refusals knows which peers refuse this node's raft, and says so once it lasts. Without it a member with a wrong secret
// would only wait for a leader: what raft itself says comes with every attempt, and is left out of the log for that.
type refusals struct {
	logger hclog.Logger

	mu   sync.Mutex
	open map[string]refusal // by address; raft dials members only, so there are few
}

// refusal is what a peer has answered to every attempt since then.
type refusal struct {
	reason string
	since  time.Time
	said   bool
}

// refusalTime is how long a peer refuses before it is said: one that is being stopped, or has yet to learn of a new member,
// does so for a moment.
const refusalTime = 3 * time.Second

// note takes in how an attempt to reach a peer has ended.
func (r *refusals) note(addr string, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !errors.Is(err, transport.ErrRefused) {
		delete(r.open, addr)
		return
	}
	one := r.open[addr]
	if one.reason != err.Error() {
		one = refusal{reason: err.Error(), since: now}
	}
	if !one.said && now.Sub(one.since) >= refusalTime {
		one.said = true
		r.logger.Warn("a member refuses this node", "peer", addr, "reason", one.reason)
	}
	r.open[addr] = one
}

// noteDamage is told of a connection that was ended because its bytes were changed on their way. Each time the number has doubled
// it is said: one is worth a look at the network, a thousand of them are no thousand lines.
func (n *Node) noteDamage(peer string, err error) {
	if total := n.damaged.Add(1); total&(total-1) == 0 {
		n.logger.Warn("a connection between nodes was ended, and is made anew", "peer", peer, "reason", err, "so far", total)
	}
}

// Damaged is how many connections with other nodes this node has ended because bytes were changed on their way here.
func (n *Node) Damaged() uint64 { return n.damaged.Load() }
