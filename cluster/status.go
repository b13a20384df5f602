package cluster

import (
	"cmp"
	"encoding/json"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// Local is what this node knows without asking anybody.
func (n *Node) Local() fsm.Status {
	to, known := n.route()
	s := fsm.Status{
		ID:           n.identity().Name,
		Role:         n.role(),
		Term:         to.term,
		CommitIndex:  n.raft.CommitIndex(),
		AppliedIndex: n.replica.mark.index.Load(),
		Members:      []fsm.Member{},
		Version:      n.config.Version,
		ServerID:     n.id.ID,
		RESP:         n.config.RESP,
		Peer:         n.port.Addr().String(),
		Pristine:     n.replica.pristine(),
		Warnings:     []string{},
	}
	voters := 0
	s.Keys, s.Expires, s.Expired = n.replica.keys()
	used, limits, _ := n.replica.room()
	s.UsedBytes, s.MaxBytes, s.MaxKeys = used, limits.Bytes, limits.Keys
	s.MaxInstances, s.MaxSessions, s.Lease = cmp.Or(limits.Instances, fsm.DefaultInstances),
		cmp.Or(limits.Sessions, fsm.DefaultSessions), cmp.Or(limits.Lease, fsm.DefaultLease)
	s.Instances, s.Sessions, s.OnceHits, s.OnceRefused = n.replica.clients()
	if r := n.space.room(); r.known {
		s.DiskFree, s.DiskLow = &r.free, r.low
	}
	registry := map[string]fsm.Node{}
	for _, node := range n.replica.registry() {
		registry[node.ID] = node
	}
	for _, server := range n.servers() {
		id := string(server.ID)
		m := fsm.Member{Address: fsm.Address{ID: nameOf(id), RESP: registry[id].RESP, Peer: string(server.Address)},
			ServerID: id, Voter: server.Suffrage == raft.Voter, Nonvoter: registry[id].Nonvoter, Role: fsm.Follower}
		if m.Voter {
			voters++
		} else {
			m.Role = fsm.Nonvoter
		}
		if known && to.id == id {
			m.Role = fsm.Leader
			s.Leader = &m.Address
		}
		s.Members = append(s.Members, m)
	}
	if voters == 2 {
		s.Warnings = append(s.Warnings, twoVoters)
	}
	if n.gone.Load() {
		s.Warnings = append(s.Warnings, n.removal())
	}
	return s
}

// Digest is a sum over everything that this replica holds, and the log index that it stands for: two nodes with equal
// indexes and different sums have come apart. It visits every key, and nothing is applied meanwhile.
func (n *Node) Digest() (sum, index uint64) { return n.replica.digest() }

func (n *Node) role() fsm.Role {
	if n.gone.Load() {
		return fsm.Removed
	}
	voter := false
	for _, s := range n.servers() {
		if string(s.ID) == n.id.ID {
			voter = s.Suffrage == raft.Voter
		}
	}
	if !voter {
		return fsm.Nonvoter // also while it has not joined, or has not got the Entry by which it did
	}
	switch n.raft.State() {
	case raft.Leader:
		return fsm.Leader
	case raft.Candidate:
		return fsm.Candidate
	}
	return fsm.Follower
}

// Describe asks the leader what it knows of the members, and calls done within about twice the patience: with null for
// what only the leader could know, if it does not answer.
func (n *Node) Describe(done func(fsm.Status)) {
	n.wg.Go(func() { done(n.described()) })
}

func (n *Node) described() fsm.Status {
	if n.raft.State() == raft.Leader {
		return n.surveyed()
	}
	s := n.Local()
	to, known := n.route()
	if !known || to.id == n.id.ID {
		return s
	}
	got := make(chan fsm.Status, 1)
	n.port.Link(transport.Control, to.addr).Call(methodStatus, nil, func(reply []byte, err error) {
		var theirs fsm.Status
		if err != nil || json.Unmarshal(reply, &theirs) != nil {
			theirs = fsm.Status{}
		}
		got <- theirs
	})
	var theirs fsm.Status
	select {
	case theirs = <-got:
	case <-after(n.ctx, 2*patience):
	}
	if theirs.Role != fsm.Leader {
		return s
	}
	s.Members, s.CanLose = theirs.Members, theirs.CanLose
	return s
}

// surveyed is a leader's Status, with what the members say of themselves.
func (n *Node) surveyed() fsm.Status {
	s := n.Local()
	if s.Role != fsm.Leader {
		return s
	}
	found := n.survey(patience)
	voters, reachable := 0, 0
	for i, server := range n.servers() {
		if i >= len(s.Members) || s.Members[i].Peer != string(server.Address) {
			break // the members changed in between: what is unknown stays null
		}
		e, answered := found[string(server.ID)]
		m := &s.Members[i]
		m.Reachable = &answered
		if answered {
			lag := s.CommitIndex - min(e.applied, s.CommitIndex)
			m.Lag = &lag
			if e.disk.space != spaceUnknown {
				low := e.disk.space == spaceLow
				m.LowDisk = &low
			}
		}
		if m.Voter {
			voters++
			if answered {
				reachable++
			}
		}
	}
	s.CanLose = max(0, reachable-(voters/2+1))
	return s
}
