package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// A node joins a cluster by asking on the Join stream, which is open to strangers. Three ways lead there:
//
//	an empty directory, told to join: it asks, and notes durably whose member it is              join, belongTo
//	a pristine cluster of one: it takes no more writes, asks, and once it is accepted notes
//	  the new cluster and, in the same write, that what it has of the old one must go            giveUp
//	either, asked by a member of the cluster to do so                                             handleInvite
//	a member that has lost the others: it asks any of them, and so tells them where it is         astray
//
// The note is what makes giving up safe: before it the node is what it was (and the other cluster has a member that never
// answers, until it asks again or is removed); after it, every start begins by wiping what the note says.

// Join asks the node whose peer port is at addr to let this one in, and returns nil once it is a member (a non-voter at
// first), or ErrReopen. A member that finds no leader may ask those of its cluster again. An error that wraps fsm.ErrRefused
// is final; after any other one may ask again, there or elsewhere. While a node asks that is a cluster of its own, it takes
// no writes.
func (n *Node) Join(ctx context.Context, addr string) error {
	select { // or somebody could join the cluster that this node is about to give up
	case n.changes <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("join at %s: other changes of members are under way", addr)
	case <-n.ctx.Done():
		return errClosing
	}
	n.joining.Store(true)
	err := n.joinNow(ctx, addr)
	if !errors.Is(err, ErrReopen) { // else for ever
		n.joining.Store(false)
		<-n.changes
	}
	return err
}

func (n *Node) joinNow(ctx context.Context, addr string) error {
	if !n.Joined() || n.astray() {
		cluster, via, err := n.askToJoin(ctx, addr)
		if err != nil {
			return err
		}
		return n.belongTo(cluster, via)
	}
	if err := n.expendable(); err != nil {
		return err
	}
	return n.giveUp(ctx, addr)
}

// astray reports whether this node is one of several members and has no leader: it may know no address any more at which one
// of the others is, nor they one of its own. Then it may ask again, anybody of its cluster.
func (n *Node) astray() bool {
	servers := n.servers()
	alone := len(servers) == 1 && string(servers[0].ID) == n.id.ID
	return !alone && !n.gone.Load() && !n.contact.lost().IsZero()
}

// expendable says why this node can't leave its cluster for another one, if so.
func (n *Node) expendable() error {
	servers := n.servers()
	switch {
	case n.gone.Load():
		return fmt.Errorf("%w: %s", fsm.ErrRefused, n.removal())
	case len(servers) != 1 || string(servers[0].ID) != n.id.ID:
		return fmt.Errorf("%w: node %s is one of the %d members of its cluster", fsm.ErrRefused, n.id.Name, len(servers))
	case !n.replica.pristine():
		keys, _, _ := n.replica.keys()
		return fmt.Errorf("%w: node %s has been counted with (it holds %d keys)", fsm.ErrRefused, n.id.Name, keys)
	}
	return nil
}

// giveUp leaves this node's own cluster of one for the one at addr.
func (n *Node) giveUp(ctx context.Context, addr string) error {
	if err := n.awaitReady(ctx); err != nil {
		return fmt.Errorf("join at %s: %w", addr, err)
	}
	lift, err := n.leader.fence(ctx, "this node is joining another cluster")
	if err != nil {
		return err
	}
	if err := n.expendable(); err != nil { // nothing can be written from here on
		lift()
		return err
	}
	cluster, via, err := n.askToJoin(ctx, addr)
	if err != nil {
		lift()
		return err
	}
	id := n.identity()
	if cluster == id.Cluster {
		lift()
		return fmt.Errorf("%w: %s is this node itself", fsm.ErrRefused, addr)
	}
	id.Cluster, id.Via, id.Founder, id.Nonvoter, id.Wipe = cluster, via, false, n.config.Nonvoter, true
	if err := failing(n.fail, "store which cluster this node belongs to", saveIdentity(n.stable, id)); err != nil {
		return err // the node ends
	}
	n.logger.Info("joined another cluster, and give up the own one, which nobody has written to", "through", via)
	return ErrReopen
}

// awaitReady waits until this node leads and may propose, as one alone does soon after its start.
func (n *Node) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		if _, ready := n.leader.ready(); ready {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errNotReady
		case <-n.ctx.Done():
			return errClosing
		}
	}
}

// askToJoin asks at addr, and where that sends it.
func (n *Node) askToJoin(ctx context.Context, addr string) (cluster, via string, err error) {
	me := n.self()
	q := changeRequest{ID: me.ID, Name: me.Name, RESP: me.RESP, Peer: me.Peer, Version: me.Version, Nonvoter: me.Nonvoter}
	if n.astray() {
		q.Cluster = n.identity().Cluster
	}
	reply, err := n.askMember(ctx, transport.Join, addr, q)
	if err == nil && reply.Leader != "" && reply.Leader != addr {
		addr = reply.Leader
		reply, err = n.askMember(ctx, transport.Join, addr, q)
	}
	switch {
	case err != nil:
		return "", "", err // it names addr
	case reply.Refused != "":
		return "", "", fmt.Errorf("%w by the cluster at %s: %s", fsm.ErrRefused, addr, reply.Refused)
	case reply.Cluster == "":
		return "", "", fmt.Errorf("join at %s: %s", addr, reply.Retry)
	}
	return reply.Cluster, addr, nil
}

// belongTo notes, durably, which cluster this node is a member of, and through whom.
func (n *Node) belongTo(cluster, via string) error {
	id := n.identity()
	id.Cluster, id.Via, id.Nonvoter = cluster, via, n.config.Nonvoter
	if err := failing(n.fail, "store which cluster this node belongs to", saveIdentity(n.stable, id)); err != nil {
		return err
	}
	n.idMu.Lock()
	defer n.idMu.Unlock()
	n.id.Cluster, n.id.Via, n.id.Nonvoter = cluster, via, n.config.Nonvoter // the rest is read without the lock
	return nil
}

// Invite asks the node whose peer port is at addr to join this node's cluster. It returns nil when that node has joined.
func (n *Node) Invite(ctx context.Context, addr string) error {
	if !n.Joined() {
		return fmt.Errorf("%w: node %s belongs to no cluster yet", fsm.ErrRefused, n.id.Name)
	}
	var reply changeReply
	if err := n.ask(ctx, transport.Join, addr, methodInvite, n.wayTo(), &reply); err != nil {
		return fmt.Errorf("inviting %s: %w", addr, err)
	}
	switch {
	case reply.Refused != "":
		return fmt.Errorf("%w by %s: %s", fsm.ErrRefused, addr, reply.Refused)
	case reply.Retry != "":
		return fmt.Errorf("inviting %s: %s", addr, reply.Retry)
	}
	return nil
}

// wayTo is the peer address at which to join this node's cluster.
func (n *Node) wayTo() string {
	if to, known := n.route(); known {
		return to.addr
	}
	return n.port.Addr().String()
}

// handleJoin answers strangers: who asks to be let in, who asks us to come, who asks whether it was removed.
func (n *Node) handleJoin(from string, method byte, payload []byte, reply func([]byte)) {
	var do func() any
	var question changeRequest
	var addr string
	switch {
	case method == methodJoin && json.Unmarshal(payload, &question) == nil && question.ID == from && question.Kind == changeJoin:
		do = func() any { return n.makeChange(question) }
	case method == methodInvite && json.Unmarshal(payload, &addr) == nil:
		do = func() any { return n.invited(addr) }
	case method == methodRemoved:
		do = func() any { return n.isOut(from) }
	default:
		do = func() any { return changeReply{Refused: errWire.Error()} }
	}
	n.wg.Go(func() {
		data, _ := json.Marshal(do()) // plain data: it can't fail
		reply(data)
	})
}

// invited lets the program bring this node into the cluster at addr: only it can open the node anew.
func (n *Node) invited(addr string) changeReply {
	if n.config.Invited == nil {
		return changeReply{Refused: fmt.Sprintf("node %s takes no invitations", n.id.Name)}
	}
	if err := n.config.Invited(addr); err != nil {
		return changeReply{Refused: err.Error()}
	}
	return changeReply{}
}
