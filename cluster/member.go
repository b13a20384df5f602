package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// ErrRefused: the cluster does not take this node, and asking again will not help.
var ErrRefused = errors.New("refused")

// A node that wants to join asks a member's Join stream; the leader registers it, adds it to raft's configuration as a
// non-voter, and answers with the cluster's id. tend lets it vote once it has caught up. One change at a time: simultaneous
// joins queue.
type joinRequest struct {
	ID, Name, RESP, Peer, Version string
}

type joinReply struct {
	Cluster string // accepted: the cluster's id
	Refused string // never
	Retry   string // not now, or not here
}

const (
	changeTimeout = 5 * time.Second         // for raft to take up a change of members
	queueTimeout  = 1500 * time.Millisecond // for the changes in front of it; the one who asks waits little longer
	tendEvery     = 200 * time.Millisecond  // how often caught-up nodes are looked for
	surveyEvery   = time.Second             // how often the clock is slewed
	promoteLag    = 64                      // Entries that a non-voter may lag and still be let vote
)

// Join asks the node whose peer port is at addr to let this one in, and returns once it is a member (a non-voter at
// first). An error that wraps ErrRefused is final; after any other one may ask again, there or elsewhere.
func (n *Node) Join(ctx context.Context, addr string) error {
	if n.Joined() {
		return nil
	}
	me := n.self()
	question, err := json.Marshal(joinRequest{me.ID, me.Name, me.RESP, me.Peer, me.Version})
	if err != nil {
		return err
	}
	type result struct {
		data []byte
		err  error
	}
	got := make(chan result, 1)
	n.port.Link(transport.Join, addr).Call(methodJoin, question, func(data []byte, err error) { got <- result{data, err} })
	var r result
	select {
	case r = <-got:
	case <-ctx.Done():
		return fmt.Errorf("join at %s: no answer", addr)
	}
	var reply joinReply
	if r.err == nil {
		r.err = json.Unmarshal(r.data, &reply)
	}
	switch {
	case r.err != nil:
		return fmt.Errorf("join at %s: %w", addr, r.err)
	case reply.Refused != "":
		return fmt.Errorf("%w by the cluster at %s: %s", ErrRefused, addr, reply.Refused)
	case reply.Cluster == "":
		return fmt.Errorf("join at %s: %s", addr, reply.Retry)
	}
	return n.belongTo(reply.Cluster)
}

// belongTo notes, durably, which cluster this node is a member of.
func (n *Node) belongTo(cluster string) error {
	id := n.identity()
	id.Cluster = cluster
	if err := failing(n.fail, "store which cluster this node belongs to", saveIdentity(n.stable, id)); err != nil {
		return err
	}
	n.idMu.Lock()
	defer n.idMu.Unlock()
	n.id.Cluster = cluster // the rest is read without the lock
	return nil
}

func (n *Node) handleJoin(from string, method byte, payload []byte, reply func([]byte)) {
	var question joinRequest
	if method != methodJoin || json.Unmarshal(payload, &question) != nil || question.ID != from {
		data, _ := json.Marshal(joinReply{Refused: errWire.Error()})
		reply(data)
		return
	}
	n.wg.Go(func() {
		data, _ := json.Marshal(n.admitMember(question)) // plain data: it can't fail
		reply(data)
	})
}

// admitMember is the leader's side of a join.
func (n *Node) admitMember(q joinRequest) joinReply {
	select {
	case n.changes <- struct{}{}:
		defer func() { <-n.changes }()
	case <-after(n.ctx, queueTimeout):
		return joinReply{Retry: "other changes of members are under way"}
	}
	if _, ready := n.leader.ready(); !ready {
		return joinReply{Retry: "this node does not lead at the moment"}
	}
	if err := CheckName(q.Name); err != nil || nameOf(q.ID) != q.Name {
		return joinReply{Refused: fmt.Sprintf("%q is not an id that a node named %q can have", q.ID, q.Name)}
	}
	servers := n.servers()
	for _, s := range servers {
		if string(s.ID) == q.ID && string(s.Address) == q.Peer {
			return joinReply{Cluster: n.identity().Cluster}
		}
		if string(s.ID) != q.ID && nameOf(string(s.ID)) == q.Name {
			return joinReply{Refused: fmt.Sprintf("another data directory is a member under the name %q: "+
				"remove that member first, or choose another --id", q.Name)}
		}
		if string(s.ID) != q.ID && string(s.Address) == q.Peer {
			return joinReply{Refused: fmt.Sprintf("member %q has the peer address %s: choose another --peer", nameOf(string(s.ID)), q.Peer)}
		}
	}
	if err := n.register(fsm.Node{ID: q.ID, Name: q.Name, RESP: q.RESP, Peer: q.Peer, Version: q.Version}); err != nil {
		return joinReply{Retry: err.Error()}
	}
	future := n.raft.AddNonvoter(raft.ServerID(q.ID), raft.ServerAddress(q.Peer), 0, changeTimeout)
	if err := n.await(future); err != nil {
		return joinReply{Retry: err.Error()}
	}
	n.logger.Info("member joined, as a non-voter until it has caught up", "id", q.Name, "peer", q.Peer, "resp", q.RESP)
	return joinReply{Cluster: n.identity().Cluster}
}

// tend looks after what nobody waits for, until the node ends.
func (n *Node) tend() {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	var surveyed time.Time
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
		n.registerSelf()
		if _, ready := n.leader.ready(); !ready {
			continue
		}
		newcomers := n.nonvoters()
		if len(newcomers) == 0 && time.Since(surveyed) < surveyEvery {
			continue
		}
		surveyed = time.Now()
		found := n.survey(patience)
		if times, majority := n.wallsOf(found); majority {
			n.clock.slew(times)
		}
		n.promote(newcomers, found)
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

func (n *Node) nonvoters() (waiting []raft.Server) {
	for _, s := range n.servers() {
		if s.Suffrage != raft.Voter {
			waiting = append(waiting, s)
		}
	}
	return waiting
}

// promote lets those non-voters vote that have caught up.
func (n *Node) promote(newcomers []raft.Server, found map[string]echo) {
	for _, s := range newcomers {
		e, answered := found[string(s.ID)]
		if !answered || e.applied+promoteLag < n.raft.CommitIndex() {
			continue
		}
		n.changes <- struct{}{}
		err := n.await(n.raft.AddVoter(s.ID, s.Address, 0, changeTimeout))
		<-n.changes
		if err != nil {
			n.logger.Warn("member can't become a voter yet", "id", nameOf(string(s.ID)), "error", err)
			continue
		}
		n.logger.Info("member votes", "id", nameOf(string(s.ID)))
	}
}

// registerSelf keeps this node's line in the registry as it is now.
func (n *Node) registerSelf() {
	if !n.Joined() || !n.contact.lost().IsZero() {
		return
	}
	me := n.self()
	for _, known := range n.replica.registry() {
		if known == me {
			return
		}
	}
	if err := n.register(me); err != nil {
		n.logger.Warn("this node could not register itself yet", "error", err)
	}
}

// register puts a node into the registry and waits until it is there.
func (n *Node) register(node fsm.Node) error {
	done := make(chan struct{})
	request := &fsm.Request{Done: func(*fsm.Request) { close(done) }}
	request.Add(fsm.RegisterOp(node))
	n.Propose(request)
	<-done // every Request is answered within maxWait
	if request.Err != nil {
		return request.Err
	}
	if r, ok := request.Results.Next(); !ok || r.Code != fsm.OK {
		return fmt.Errorf("registration of %s: %s", node.Name, r.Code)
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
	return fsm.Node{ID: id.ID, Name: id.Name, RESP: n.config.RESP, Peer: n.port.Addr().String(), Version: n.config.Version}
}

func (n *Node) identity() identity {
	n.idMu.Lock()
	defer n.idMu.Unlock()
	return n.id
}
