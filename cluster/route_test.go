package cluster

import (
	"testing"

	"github.com/hashicorp/raft"
)

// electing is a raft that learns of a new term each time after it was asked who leads, three times.
type electing struct {
	term, asked uint64
	state       raft.RaftState
}

func (e *electing) State() raft.RaftState { return e.state }

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

// A campaign saw two leaders of one term: a node that a transfer had made a candidate named the old one in its new term.
func TestACandidateHasNoLeader(t *testing.T) {
	if to, known := knownLeader(&electing{term: 7, asked: 3, state: raft.Candidate}); known || to.id != "" || to.term != 7 {
		t.Errorf("told %q in term %d, want none in term 7", to.id, to.term)
	}
}
