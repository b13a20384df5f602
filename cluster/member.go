package cluster

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// makeChange is the leader's side of a change of members. One at a time: simultaneous ones queue.
func (n *Node) makeChange(q changeRequest) changeReply {
	switch {
	case q.Kind == changeJoin && q.ID == n.id.ID && n.Joined():
		return changeReply{Cluster: n.identity().Cluster} // it has asked itself, and finds that out
	case q.Kind == changeJoin && q.ID > n.id.ID && n.joining.Load():
		// If two nodes join each other, one of them must not wait for the other.
		return changeReply{Retry: fmt.Sprintf("node %s is itself joining a cluster", n.id.Name)}
	}
	if q.Kind == changeJoin || q.Kind == changeMove {
		n.heardOf(q.ID, q.Peer)
	}
	select {
	case n.changes <- struct{}{}:
		defer func() { <-n.changes }()
	case <-after(n.ctx, queueTimeout):
		return changeReply{Retry: "other changes of members are under way"}
	}
	if _, ready := n.leader.ready(); !ready {
		r := changeReply{Retry: "this node does not lead at the moment"}
		if to, known := n.route(); known && to.id != n.id.ID {
			r.Leader = to.addr
		}
		return r
	}
	switch q.Kind {
	case changeJoin, changeMove:
		return n.admit(q)
	case changeRemove:
		return n.remove(q.Target)
	case changeTransfer:
		return n.transfer(q.Target)
	}
	return changeReply{Refused: fmt.Sprintf("unknown change %q: the leader runs an older build", q.Kind)}
}

// admit makes a node a member, or notes a member's new address.
func (n *Node) admit(q changeRequest) changeReply {
	if err := CheckName(q.Name); err != nil || nameOf(q.ID) != q.Name {
		return changeReply{Refused: fmt.Sprintf("%q is not an id that a node named %q can have", q.ID, q.Name)}
	}
	if q.Cluster != "" && q.Cluster != n.identity().Cluster {
		return changeReply{Refused: fmt.Sprintf("node %q is a member of another cluster", q.Name)}
	}
	if n.replica.removed(q.ID) {
		return changeReply{Refused: fmt.Sprintf("the data directory of node %q belongs to a member that was removed: "+
			"let it join with an empty one (--dir)", q.Name)}
	}
	known := false
	for _, s := range n.servers() {
		id := string(s.ID)
		switch {
		case id == q.ID && string(s.Address) == q.Peer:
			return changeReply{Cluster: n.identity().Cluster}
		case id == q.ID:
			known = true
		case nameOf(id) == q.Name:
			return changeReply{Refused: fmt.Sprintf("another data directory is a member under the name %q: "+
				"remove that member first (truecount remove %s), or choose another --id", q.Name, id)}
		case string(s.Address) == q.Peer:
			return changeReply{Refused: fmt.Sprintf("member %q has the peer address %s: remove that member first "+
				"(truecount remove %s), or choose another --peer", nameOf(id), q.Peer, id)}
		}
	}
	if q.Kind == changeMove && !known {
		return changeReply{Retry: fmt.Sprintf("%s is not a member as far as node %s knows", q.ID, n.id.Name)}
	}
	// Of a voter this changes the address only. Before the registry knows it, nobody lets it vote: see promote.
	if err := n.await(n.raft.AddNonvoter(raft.ServerID(q.ID), raft.ServerAddress(q.Peer), 0, changeTimeout)); err != nil {
		return changeReply{Retry: err.Error()}
	}
	node := fsm.Node{ID: q.ID, Name: q.Name, RESP: q.RESP, Peer: q.Peer, Version: q.Version, Nonvoter: q.Nonvoter}
	if err := n.write(fsm.RegisterOp(node)); err != nil {
		n.logger.Debug("registration is left to the node itself", "id", q.Name, "reason", err)
	}
	switch {
	case known:
		n.logger.Info("member has moved", "id", q.Name, "peer", q.Peer, "resp", q.RESP)
	case q.Nonvoter:
		n.logger.Info("member joined, never to vote", "id", q.Name, "peer", q.Peer, "resp", q.RESP)
	default:
		n.logger.Info("member joined, as a non-voter until it has caught up", "id", q.Name, "peer", q.Peer, "resp", q.RESP)
	}
	return changeReply{Cluster: n.identity().Cluster}
}

// remove takes a member out. The Machine is told first: so the member itself learns of it from its own log, if it is
// alive, and a leader that dies in between leaves a note to the next one, whose tend finishes it.
func (n *Node) remove(target string) changeReply {
	s, found := n.member(target)
	switch {
	case !found && n.replica.removed(target):
		return changeReply{}
	case !found:
		return changeReply{Refused: n.noMember(target)}
	case string(s.ID) == n.id.ID && len(n.servers()) == 1:
		return changeReply{Refused: fmt.Sprintf("%s is the only member: stop it and delete its directory instead", n.id.Name)}
	}
	if err := n.survivable(s); err != nil {
		return changeReply{Refused: err.Error()}
	}
	if string(s.ID) == n.id.ID {
		if r := n.transfer(""); !r.made() {
			return r
		}
		return changeReply{Retry: "handing over leadership first"}
	}
	if !n.replica.removed(string(s.ID)) {
		if err := n.write(fsm.RemoveOp(string(s.ID))); err != nil {
			return changeReply{Retry: err.Error()}
		}
	}
	if err := n.await(n.raft.RemoveServer(s.ID, 0, changeTimeout)); err != nil {
		return changeReply{Retry: err.Error()}
	}
	n.logger.Info("member removed", "id", nameOf(string(s.ID)), "server", string(s.ID))
	return changeReply{}
}

// survivable says why the voters that are left without s could not go on counting, if so. Raft counts by the new
// configuration at once, so a majority of it must answer now.
func (n *Node) survivable(s raft.Server) error {
	if s.Suffrage != raft.Voter {
		return nil
	}
	found := n.survey(patience)
	left, answered, silent := 0, 0, []string{}
	for _, v := range n.voters() {
		if v.ID == s.ID {
			continue
		}
		left++
		if _, ok := found[string(v.ID)]; ok {
			answered++
		} else {
			silent = append(silent, nameOf(string(v.ID)))
		}
	}
	switch name := nameOf(string(s.ID)); {
	case left == 0:
		return fmt.Errorf("%s is the only voter: let another one join first", name)
	case answered <= left/2:
		return fmt.Errorf("without %s only %d of %d voters would answer, and writes would stop: bring back or remove %s first",
			name, answered, left, strings.Join(silent, ", "))
	}
	return nil
}

// member finds a member by server id or name.
func (n *Node) member(target string) (raft.Server, bool) {
	for _, s := range n.servers() {
		if string(s.ID) == target || nameOf(string(s.ID)) == target {
			return s, true
		}
	}
	return raft.Server{}, false
}

func (n *Node) noMember(target string) string {
	var names []string
	for _, s := range n.servers() {
		names = append(names, nameOf(string(s.ID)))
	}
	return fmt.Sprintf("no member %q: the members are %s", target, strings.Join(names, ", "))
}

// endChanges waits, but not beyond limit, for the end of the change under way, and lets no other begin: raft may never answer
// one that is committed while it stops. That of a node that joins another cluster needs nothing of raft.
func (n *Node) endChanges(limit time.Duration) {
	if n.joining.Load() {
		return
	}
	select {
	case n.changes <- struct{}{}:
	case <-time.After(limit):
	}
}

// await waits for one of raft's futures, but not beyond the node's end: raft may never answer it then.
func (n *Node) await(future raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- future.Error() }()
	select {
	case err := <-done:
		return err
	case <-n.ctx.Done():
		return errClosing
	}
}

// write has an Op of the node's own applied.
func (n *Node) write(op fsm.Op) error {
	done := make(chan struct{})
	request := &fsm.Request{Done: func(*fsm.Request) { close(done) }}
	request.Add(op)
	n.proposer.propose(request) // not Propose, which may refuse its clients' writes
	<-done                      // every Request is answered within maxWait
	if request.Err != nil {
		return request.Err
	}
	if r, ok := request.Results.Next(); !ok || r.Code != fsm.OK {
		return errors.New(r.Code.String())
	}
	return nil
}

// nameOf is what operators call the node with this raft server id: the id without its digits.
func nameOf(id string) string {
	if end := strings.LastIndexByte(id, '-'); end > 0 {
		return id[:end]
	}
	return id
}

// self is this node's line in the registry.
func (n *Node) self() fsm.Node {
	id := n.identity()
	return fsm.Node{ID: id.ID, Name: id.Name, RESP: n.config.RESP, Peer: n.port.Addr().String(), Version: n.config.Version,
		Nonvoter: n.config.Nonvoter}
}

func (n *Node) identity() identity {
	n.idMu.Lock()
	defer n.idMu.Unlock()
	return n.id
}

// twoVoters is worse than one: both must be up. It is normal while members join and leave.
const twoVoters = "2 voters: both must be up for anything to be counted; let a third one join, or remove one"

const twoVotersPatience = 10 * time.Second
