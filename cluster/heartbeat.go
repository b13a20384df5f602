package cluster

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"
)

// SetHeartbeatHandler lets raft handle a heartbeat at once, beside its main goroutine, only where that changes nothing: where
// the node follows in the heartbeat's term already, or knows of a later one. The library would let it depose a leader whose
// main goroutine is about to append: the entry gets a term in which this node does not lead, under an index and term that the
// one who leads uses for another entry, and replicas differ for ever (hashicorp/raft issue 695). Any other heartbeat waits for
// the message that a new leader sends first, and that raft's main goroutine handles.
func (t gatedTransport) SetHeartbeatHandler(handle func(raft.RPC)) {
	t.NetworkTransport.SetHeartbeatHandler(func(rpc raft.RPC) {
		beat, ok := rpc.Command.(*raft.AppendEntriesRequest)
		for tries := 0; ok && !t.settled(beat.Term); tries++ {
			if tries == heartbeatTries {
				rpc.Respond(nil, errNotFollowing)
				return
			}
			select {
			case <-time.After(heartbeatPause):
			case <-t.ended:
				return
			}
		}
		handle(rpc)
	})
}

const (
	heartbeatPause = 2 * time.Millisecond // between two looks
	heartbeatTries = 25
)

var errNotFollowing = errors.New("a heartbeat came before anything else of its term")

// settled reports whether a heartbeat of this term changes neither term nor role.
func (t gatedTransport) settled(term uint64) bool {
	r := t.running.Load()
	if r == nil {
		return false
	}
	own := r.CurrentTerm()
	return own > term || own == term && r.State() == raft.Follower
}
