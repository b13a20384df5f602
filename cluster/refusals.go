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
