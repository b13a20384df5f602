package cluster

import (
	"context"
	"fmt"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// A member that is removed is told so by its own log if it is alive, by the others if it was not, and notes it in its
// directory. From then on it takes no part in anything, and says so to everybody. It can't come back: a server id that was
// removed is refused for ever, so that no vote and no Batch of its past can be taken for one of today.

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

// becomeRemoved makes the node what it was told to be. Its raft ends: it must not ask for votes any more.
func (n *Node) becomeRemoved() error {
	id := n.identity()
	id.Removed = true
	if err := failing(n.fail, "store that this node was removed", saveIdentity(n.stable, id)); err != nil {
		return err
	}
	if n.gone.Swap(true) {
		return nil
	}
	n.logger.Warn(n.removal())
	n.raft.Shutdown() // Close waits for it
	return nil
}

// wasRemoved asks the node at addr whether this one was removed.
func (n *Node) wasRemoved(ctx context.Context, addr string) (removed bool, err error) {
	err = n.ask(ctx, transport.Join, addr, methodRemoved, nil, &removed)
	return removed, err
}

// refuse answers a Request of a node that was removed.
func (n *Node) refuse(r *fsm.Request) {
	r.Err = n.Removal()
	go r.Done(r) // not from within: the caller may hold what Done needs
}
