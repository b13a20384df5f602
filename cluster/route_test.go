package cluster

import (
	"testing"

	"github.com/hashicorp/raft"
)

// electing is a raft that learns of a new term each time after it was asked who leads, three times.
type electing struct{ term, asked uint64 }

func (e *electing) CurrentTerm() uint64 { return e.term }

func (e *electing) LeaderWithID() (raft.ServerAddress, raft.ServerID) {
	if e.asked++; e.asked <= 3 {
		e.term++
		return "there:1", "old"
	}
	return "here:1", "new"
}

// truecount transfer once said that the old leader led, for a node told his name with the number of the new term.
func TestALeaderIsToldWithHisOwnTerm(t *testing.T) {
	if to, known := knownLeader(&electing{term: 7}); !known || to.id != "new" || to.term != 10 {
		t.Errorf("told %q in term %d, want the one of term 10", to.id, to.term)
	}
}
