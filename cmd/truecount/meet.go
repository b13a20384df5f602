package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// changeTime bounds a change of members; joining may need a leader first.
const changeTime = 15 * time.Second

// change makes a change of members that a client of this node has asked for.
func (p *Program) change(c fsm.Change) error {
	ctx, cancel := context.WithTimeout(context.Background(), changeTime)
	defer cancel()
	node := p.gate.wait(ctx)
	if node == nil {
		return errNotOpen
	}
	if err := node.Removal(); err != nil {
		return err
	}
	switch c.Kind {
	case fsm.ChangeJoin:
		return p.meet(ctx, node, c.Target)
	case fsm.ChangeLeave:
		return p.leave(ctx, node)
	case fsm.ChangeRemove:
		return node.Remove(ctx, c.Target)
	case fsm.ChangeTransfer:
		return node.TransferTo(ctx, c.Target)
	}
	return fmt.Errorf("%w: unknown change %d", fsm.ErrRefused, c.Kind)
}

// leave ends the process once the node has left.
func (p *Program) leave(ctx context.Context, node *cluster.Node) error {
	if err := node.Leave(ctx); err != nil {
		return err
	}
	p.leaving.Do(func() { close(p.left) })
	return nil
}

// meet makes this node and the one with the RESP address addr one cluster: the one of the two that nobody has counted with
// joins the other; if that is true of both, this one.
func (p *Program) meet(ctx context.Context, node *cluster.Node, addr string) error {
	them, _, err := p.caller().status(ctx, addr, joinAskTime)
	if err != nil {
		return fmt.Errorf("%w: %w", fsm.ErrNotApplied, err)
	}
	us := node.Local()
	switch {
	case them.ServerID == us.ServerID:
		return fmt.Errorf("%w: %s is this node itself", fsm.ErrRefused, addr)
	case isMember(us, them.ServerID) && isMember(them, us.ServerID):
		return nil
	case node.Joined() && len(us.Members) == 0: // its cluster has not sent it anything yet
		if isMember(them, us.ServerID) {
			return nil
		}
		return fmt.Errorf("%w: %s is joining another cluster", fsm.ErrNotApplied, us.ID)
	case isFree(us) && wayIn(them) != "":
		return p.join(ctx, node, wayIn(them), p.reopen)
	case isFree(them) && len(us.Members) > 0:
		return invite(ctx, node, them)
	case len(us.Members) == 0 && len(them.Members) == 0:
		return fmt.Errorf("%w: neither %s nor %s belongs to a cluster yet", fsm.ErrRefused, us.ID, them.ID)
	}
	return fmt.Errorf("%w: %s, and %s: start one of them with an empty directory, and let it join the other",
		fsm.ErrRefused, stake(us), stake(them))
}

// isFree reports whether a node can join another cluster and nothing is lost by it.
func isFree(s fsm.Status) bool { return len(s.Members) == 0 || len(s.Members) == 1 && s.Pristine }

func isMember(s fsm.Status, serverID string) bool {
	return slices.ContainsFunc(s.Members, func(m fsm.Member) bool { return m.ServerID == serverID })
}

// stake is why a node can't give up what it belongs to.
func stake(s fsm.Status) string {
	switch {
	case len(s.Members) > 1 && s.Pristine:
		return fmt.Sprintf("%s is one of %d members of a cluster", s.ID, len(s.Members))
	case len(s.Members) > 1:
		return fmt.Sprintf("%s is one of %d members of a cluster that holds %s", s.ID, len(s.Members), counted(s.Keys, "counter"))
	}
	return fmt.Sprintf("%s has been counted with and holds %s", s.ID, counted(s.Keys, "counter"))
}

// join makes node a member of the cluster behind a peer address. If it has to be opened anew for that, reopen does it.
func (p *Program) join(ctx context.Context, node *cluster.Node, peer string, reopen func()) error {
	p.joining.Lock()
	defer p.joining.Unlock()
	err := node.Join(ctx, peer)
	switch {
	case errors.Is(err, cluster.ErrReopen):
		reopen()
		return nil
	case err == nil || errors.Is(err, fsm.ErrRefused):
		return err
	}
	return fmt.Errorf("%w: %w", fsm.ErrNotApplied, err)
}

// invited brings the node into the cluster of a member that asks for it. The node waits for the answer, so it can't be
// closed before.
func (p *Program) invited(peer string) error {
	ctx, cancel := context.WithTimeout(context.Background(), changeTime)
	defer cancel()
	return p.join(ctx, p.gate.wait(ctx), peer, func() { go p.reopen() })
}

// invite asks them to join. Their answer may be lost when they open anew; whether they are a member tells.
func invite(ctx context.Context, node *cluster.Node, them fsm.Status) error {
	err := node.Invite(ctx, them.Peer)
	if isMember(node.Local(), them.ServerID) {
		return nil
	}
	if err == nil || errors.Is(err, fsm.ErrRefused) {
		return err
	}
	return fmt.Errorf("%w: %w", fsm.ErrUnknown, err)
}

// reopen closes the node and opens it again, as what its directory now says that it is. Clients stay connected, and wait.
func (p *Program) reopen() {
	if !p.opening.TryLock() {
		return // the program ends; the next start does it
	}
	defer p.opening.Unlock()
	err := p.gate.shut().Close()
	if err == nil {
		err = p.openNode()
	}
	if err != nil {
		p.fail(fmt.Errorf("joined, but could not go on (start it again): %w", err))
	}
}
