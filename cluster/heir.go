package cluster

import (
	"context"
	"fmt"

	"github.com/hashicorp/raft"
)

// Leadership is handed over only to a voter that is fit for it. Not for its sake: raft tries to bring the heir up to date
// first, and takes no Entry meanwhile. If the heir's log takes nothing, and raft is asked a second time, that ends only when
// the heir recovers (raft: raft.go, leadershipTransfer sends to triggerDeferErrorCh without a way out).

// unfit says why a member should not be handed leadership now, if so. lasting: waiting a moment will not help.
func (n *Node) unfit(s raft.Server, found map[string]echo) (reason string, lasting bool) {
	name := nameOf(string(s.ID))
	e, answered := found[string(s.ID)]
	commit := n.raft.CommitIndex()
	switch {
	case s.Suffrage != raft.Voter:
		return name + " is a non-voter, and can't lead", true
	case !answered:
		return name + " does not answer, and can't lead", true
	case e.disk.space == spaceLow:
		return name + " is low on disk space, and would not lead for long", true
	case e.disk.pending >= shortestLimit:
		return name + " has a disk that does not answer, and can't lead", true
	case e.applied+promoteLag < commit:
		return fmt.Sprintf("%s is %d entries behind", name, commit-e.applied), false
	}
	return "", false
}

// heir is the fit voter, other than this node, that has applied most.
func (n *Node) heir(found map[string]echo) (best raft.Server, err error) {
	err = fmt.Errorf("%s is the only voter, and must lead", n.id.Name)
	var applied uint64
	for _, s := range n.voters() {
		if string(s.ID) == n.id.ID {
			continue
		}
		if reason, _ := n.unfit(s, found); reason != "" {
			if best.ID == "" {
				err = fmt.Errorf("nobody is fit to lead: %s", reason)
			}
			continue
		}
		if e := found[string(s.ID)]; best.ID == "" || e.applied > applied {
			best, applied, err = s, e.applied, nil
		}
	}
	return best, err
}

// handOver makes s the leader, which must be fit. It returns when this node leads no more.
func (n *Node) handOver(s raft.Server) error {
	n.trans.absences.handed.Store(n.raft.CurrentTerm()) // before: raft may have to wait for what it sends
	return n.await(n.raft.LeadershipTransferToServer(s.ID, s.Address))
}

// transfer hands leadership over: to target, or to who has most of the log.
func (n *Node) transfer(target string) changeReply {
	found := n.survey(patience)
	var to raft.Server
	if target == "" {
		heir, err := n.heir(found)
		switch {
		case len(n.voters()) < 2:
			return changeReply{Refused: err.Error()}
		case err != nil:
			return changeReply{Retry: err.Error()}
		}
		to = heir
	} else {
		s, member := n.member(target)
		if !member {
			return changeReply{Refused: n.noMember(target)}
		}
		if string(s.ID) == n.id.ID {
			return changeReply{}
		}
		switch reason, lasting := n.unfit(s, found); {
		case lasting:
			return changeReply{Refused: reason}
		case reason != "":
			return changeReply{Retry: reason}
		}
		to = s
	}
	if err := n.handOver(to); err != nil {
		return changeReply{Retry: err.Error()}
	}
	n.logger.Info("leadership handed over", "to", nameOf(string(to.ID)))
	return changeReply{}
}

// Transfer hands leadership over to another voter. It returns nil if this node does not lead, or is the only voter.
func (n *Node) Transfer(ctx context.Context) error {
	if n.raft.State() != raft.Leader || len(n.voters()) < 2 {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		heir, err := n.heir(n.survey(patience))
		if err == nil {
			err = n.handOver(heir)
		}
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
