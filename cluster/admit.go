package cluster

import (
	"errors"
	"fmt"
	"sync"

	"github.com/truecount/truecount/transport"
)

// Whom the peer port listens to, of those who know the secret (transport has checked that):
//
//	Join            everybody: the answer tells them the cluster's id
//	all others      the same cluster, never who was removed from it, nor itself, and
//	Batches         members. They are sent to who leads, who knows the members
//	Raft, Control   members; the leader that this node follows; while it knows no leader, guests
//
// A guest is a node that is no member as far as this one knows. A node that was away may know none of today's members, and
// must yet listen to their leader, or it would never hear that they are members; and once that leads, to its further
// connections, or its heartbeats would get through and its log would not.
//
// That is safe: a guest has the secret and could as well join, and raft itself believes a member no more than a guest. What
// the rule keeps out is the node that has no business here: removed and not aware of it, restored from a copy, of a cluster
// with the same id. It can't disturb a healthy cluster, for there every node knows a leader: it refuses the guest, and
// dismissGuests ends, within a tick, what the guest opened before. Nothing legitimate is kept out for longer than raft takes
// to notice that a leader is gone: a majority that elects a leader has the log in which it is a member, and raft, too, denies
// its vote to others while it knows a leader.

// admitPeer is the rule above. The error is the refusal, in words for the peer.
func (n *Node) admitPeer(stream transport.Stream, from transport.Identity) error {
	id := n.identity()
	switch {
	case n.raft == nil || n.ctx.Err() != nil:
		return errors.New("shutting down")
	case stream == transport.Join:
		return nil
	case id.Cluster == "" || id.Cluster != from.Cluster:
		return fmt.Errorf("node %s is not of your cluster", id.Name)
	case from.Node == id.ID: // at the address of another member, or a copy of the directory
		return fmt.Errorf("node %s listens here itself", from.Node)
	case n.isMember(from.Node):
		return nil // also while its removal is under way: its vote may be needed for that
	case n.isOut(from.Node): // one that is only marked may lead those who don't know of its removal yet: it is a guest
		return fmt.Errorf("%s was removed from the cluster", from.Node)
	}
	if stream != transport.Batches {
		leader, known := n.route()
		if (!known || leader.id == from.Node) && n.guests.add(from.Node) {
			return nil
		}
	}
	return fmt.Errorf("%s is not a member as far as node %s knows", from.Node, id.Name)
}

// dismissGuests ends the connections of guests once a leader is known. The leader itself remains a guest until this node has
// the Entry that made it a member.
func (n *Node) dismissGuests() {
	guests := n.guests.list()
	if len(guests) == 0 {
		return
	}
	leader, known := n.route()
	if !known {
		return
	}
	for _, id := range guests {
		switch {
		case n.isMember(id):
			n.guests.remove(id)
		case leader.id != id:
			n.guests.remove(id) // first: one that is admitted meanwhile is a guest again
			n.port.Drop(id)
			n.logger.Info("peer dismissed: it is not a member", "id", id)
		}
	}
}

func (n *Node) isMember(id string) bool {
	for _, s := range n.servers() {
		if string(s.ID) == id {
			return true
		}
	}
	return false
}

// maxGuests bounds those who are admitted without being members. All members of a large cluster may be unknown at once.
const maxGuests = 64

// guests are the ids of those who were admitted without being members. The zero value is empty.
type guests struct {
	mu  sync.Mutex
	ids map[string]struct{}
}

// add reports whether there is room.
func (g *guests) add(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.ids[id]; !known && len(g.ids) >= maxGuests {
		return false
	}
	if g.ids == nil {
		g.ids = map[string]struct{}{}
	}
	g.ids[id] = struct{}{}
	return true
}

func (g *guests) remove(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.ids, id)
}

func (g *guests) list() (ids []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.ids {
		ids = append(ids, id)
	}
	return ids
}
