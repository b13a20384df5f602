package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// A member that is removed is told so by its own log if it is alive, by the others if it was not. From then on it answers
// nobody, and says why. It can't come back: a server id that was removed is refused for ever, so that no vote and no Batch of
// its past can be taken for one of today.
//
//	standAside      it is marked: no more reads and writes. As a voter it is still counted, so it goes on voting: with two
//	                voters, or one of four down, nothing could be committed without it, not even the end of its membership
//	becomeRemoved   a configuration without it is committed: its directory notes that, and its raft ends
//
// In between it asks the others every tend: those who leave a configuration are not told when it is committed.

// Removal is why this node can answer nothing: it was removed from its cluster. Nil if it was not.
func (n *Node) Removal() error {
	if !n.gone.Load() {
		return nil
	}
	return fmt.Errorf("%w: %s", fsm.ErrNotApplied, n.removal())
}

func (n *Node) removal() string {
	return fmt.Sprintf("node %s was removed from its cluster: use another member, or let it join again with an empty directory", n.id.Name)
}

// standAside refuses clients from now on, if this node is marked; but not if nobody else could answer them: two leaders, one
// after the other, may have marked all voters. Then the last one stays until another voter has joined.
func (n *Node) standAside() {
	gone := n.out.Load() || n.replica.removed(n.id.ID) && n.hasHeir()
	if was := n.gone.Swap(gone); gone && !was {
		n.logger.Warn(n.removal())
	}
}

// hasHeir reports whether a voter stays.
func (n *Node) hasHeir() bool {
	return slices.ContainsFunc(n.voters(), func(s raft.Server) bool { return !n.replica.removed(string(s.ID)) })
}

// becomeRemoved makes the node what it was told to be. Its raft ends: it must not ask for votes any more.
func (n *Node) becomeRemoved() error {
	id := n.identity()
	id.Removed = true
	if err := failing(n.fail, "store that this node was removed", saveIdentity(n.stable, id)); err != nil {
		return err
	}
	if !n.out.Swap(true) {
		n.standAside()
		n.raft.Shutdown() // Close waits for it
	}
	return nil
}

// isOut reports whether the removal of the node with this server id is done: it is marked, and the configuration is
// committed that it is not in.
func (n *Node) isOut(id string) bool {
	if !n.replica.removed(id) {
		return false
	}
	servers, known := n.settled()
	return known && !slices.ContainsFunc(servers, func(s raft.Server) bool { return string(s.ID) == id })
}

// settled are the members in the newest configuration that this node knows to be committed: one it has applied, or else that
// of the image it began with.
func (n *Node) settled() (servers []raft.Server, known bool) {
	if c := n.replica.configured.Load(); c != nil {
		return c.Servers, true
	}
	images, err := n.images.List() // the newest first
	if err != nil || len(images) == 0 {
		return nil, false
	}
	return images[0].Configuration.Servers, true
}

// wasRemoved asks the node at addr whether the removal of this one is done.
func (n *Node) wasRemoved(ctx context.Context, addr string) (removed bool, err error) {
	err = n.ask(ctx, transport.Join, addr, methodRemoved, nil, &removed)
	return removed, err
}

// refuse answers a Request of a node that was removed.
func (n *Node) refuse(r *fsm.Request) {
	r.Err = n.Removal()
	go r.Done(r) // not from within: the caller may hold what Done needs
}
