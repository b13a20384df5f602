package cluster

import (
	"net"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// A member that was away for a minute would be sent nothing for up to 10 s after its return, and all that time the cluster
// could do without it no better than before: raft pauses before each try, twice as long after each failure, and only a
// success makes the pause short again (raft: replication.go, replicateTo). So a failure is kept from raft until the member
// can be reached. However long an absence is, it is then one failure, and the pause after it is 10 ms.
//
//	gatedTransport.AppendEntries, InstallSnapshot   fail
//	  absences.await                                dials until somebody answers, or raft has no use for it any more
//	raft                                            hears of the failure, and makes a new message
//
// So nothing is sent twice, and nothing late. Heartbeats fail at once: raft sends them beside all else, and its pauses between
// them are short. What fails at a member that can be reached is left to raft's pauses.
type absences struct {
	dial   func(to raft.ServerAddress, timeout time.Duration) (net.Conn, error)
	leads  func(to raft.Server, term uint64) bool // whether raft leads in that term, and has that member at that address
	over   <-chan struct{}                        // closed with the node
	handed atomic.Uint64                          // the last term in which leadership was to be handed over
}

const (
	firstDialPause = 5 * time.Millisecond   // after a dial in vain; then twice as long each time: who joins refuses for a moment
	dialPause      = 100 * time.Millisecond // the longest
	dialTimeout    = time.Second            // of one dial: what the network has lost, TCP alone sends again later and later
)

// await returns when the member can be reached, or nobody wants to know: at the next dial, that is.
//
// In a term in which leadership was to be handed over it does not wait. Meanwhile raft takes no Entry, and where the heir falls
// away twice, that lasts until the message to the heir has failed (heir.go).
func (a *absences) await(to raft.Server, term uint64) {
	for pause := firstDialPause; a.handed.Load() != term && a.leads(to, term); pause = min(2*pause, dialPause) {
		if conn, err := a.dial(to.Address, dialTimeout); err == nil {
			conn.Close()
			return
		}
		select {
		case <-time.After(pause):
		case <-a.over:
			return
		}
	}
}

// isHeartbeat reports whether a message is one of those that raft sends beside all else, by the library's own rule
// (raft: net_transport.go, handleCommand).
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return args.PrevLogEntry == 0 && args.PrevLogTerm == 0 && len(args.Entries) == 0 && args.LeaderCommitIndex == 0
}

// leadsMember reports whether r leads in this term, and its latest configuration has that member at that address. Nil: r has
// not begun.
func leadsMember(r *raft.Raft, to raft.Server, term uint64) bool {
	if r == nil || r.State() != raft.Leader || r.CurrentTerm() != term {
		return false
	}
	latest := r.GetConfiguration()
	return latest.Error() == nil && slices.ContainsFunc(latest.Configuration().Servers, func(s raft.Server) bool {
		return s.ID == to.ID && s.Address == to.Address
	})
}
