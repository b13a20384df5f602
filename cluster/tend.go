package cluster

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

const (
	tendEvery   = 200 * time.Millisecond // how often what nobody waits for is looked after
	surveyEvery = time.Second            // how often the clock is slewed, and a lost node asks whether it was removed
	promoteLag  = 64                     // Entries that a non-voter may lag and still be let vote

	movePatience = 3 * time.Second // without a leader, before a node doubts that the members know its address
)

// tender looks after what nobody waits for. Its fields are the memory of its own loop.
type tender struct {
	*Node
	surveyed time.Time         // when the members were last asked
	asked    time.Time         // when this node last asked whether it was removed
	two      time.Time         // since when there are two voters; zero: there are not
	warned   bool              // of that
	known    map[string]string // peer addresses of the members, by server id, a turn ago
	stuck    string            // why the members could not be told this node's new address
}

// tend runs until the node ends.
//
//	removedYet       learns that this node was removed: from its own Machine, or from others
//	forget           closes the connections of and to those that are members no more
//	registerSelf     keeps this node's line in the registry true
//	moveSelf         tells the leader when this node's peer address is another one than the members dial
//	as leader:
//	  finishRemovals   of a leader that died in between
//	  keepLimits       the Machine's limits are those of its configuration
//	  slew, promote    with what the members say of themselves
func (n *Node) tend() {
	t := &tender{Node: n, known: map[string]string{}}
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
		if !n.Joined() || t.removedYet() {
			continue
		}
		t.forget()
		if !n.gone.Load() {
			t.registerSelf()
		}
		t.moveSelf()
		t.lead()
	}
}

func (t *tender) lead() {
	if _, ready := t.leader.ready(); !ready {
		return
	}
	t.finishRemovals()
	t.keepLimits()
	t.countVoters()
	newcomers := t.newcomers()
	if len(newcomers) == 0 && time.Since(t.surveyed) < surveyEvery {
		return
	}
	t.surveyed = time.Now()
	found := t.survey(patience)
	if times, majority := t.wallsOf(found); majority {
		t.clock.slew(times)
	}
	t.promote(newcomers, found)
}

// removedYet reports whether this node is a member no more. Others are asked, who know for ever: when this node is marked, and
// when there has been no leader for a while.
func (t *tender) removedYet() bool {
	if t.out.Load() {
		return true
	}
	if !t.gone.Load() {
		lost := t.contact.lost()
		if lost.IsZero() || time.Since(lost) < surveyEvery || time.Since(t.asked) < surveyEvery {
			return false
		}
	}
	t.asked = time.Now()
	if t.isOut(t.id.ID) || t.askWhetherRemoved() {
		t.becomeRemoved() // its error ends the node
	}
	return t.out.Load()
}

func (t *tender) askWhetherRemoved() bool {
	ctx, cancel := context.WithTimeout(t.ctx, patience)
	defer cancel()
	for _, addr := range t.waysIn() {
		if removed, err := t.wasRemoved(ctx, addr); removed && err == nil {
			return true
		}
	}
	return false
}

// forget closes the connections of members that were removed, and those to addresses at which there is no member any more.
func (t *tender) forget() {
	now := map[string]string{}
	for _, s := range t.servers() {
		now[string(s.ID)] = string(s.Address)
	}
	for id, addr := range t.known {
		if now[id] == addr {
			continue
		}
		t.port.Forget(addr)
		if t.replica.removed(id) {
			t.port.Drop(id)
		}
	}
	t.known = now
}

// moveSelf tells the leader this node's peer address, if the members know another one; or if they may do so, because nobody
// has found this one for a while: what it asked for under an earlier address may have been made late.
func (t *tender) moveSelf() {
	me, lost, known := t.self(), t.contact.lost(), ""
	for _, s := range t.servers() {
		if string(s.ID) == me.ID {
			known = string(s.Address)
		}
	}
	moved := known != "" && known != me.Peer // it may also have got nothing yet since it was let in
	if !moved && (lost.IsZero() || time.Since(lost) < movePatience) {
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, answerTimeout)
	defer cancel()
	err := t.change(ctx, changeRequest{Kind: changeMove, ID: me.ID, Name: me.Name, RESP: me.RESP, Peer: me.Peer,
		Version: me.Version, Nonvoter: me.Nonvoter})
	if err != nil && moved && t.stuck != err.Error() {
		t.stuck = err.Error()
		t.logger.Warn("the members know this node under another peer address", "was", known, "is", me.Peer, "reason", err)
	}
}

// registerSelf keeps this node's line in the registry as it is now.
func (t *tender) registerSelf() {
	if !t.contact.lost().IsZero() {
		return
	}
	me, listed := t.self(), false
	for _, known := range t.replica.registry() {
		if known == me {
			return
		}
		listed = listed || known.ID == me.ID
	}
	if err := t.write(fsm.RegisterOp(me)); err != nil && !listed {
		t.logger.Warn("this node could not register itself yet", "error", err)
	}
}

// finishRemovals takes those out of the configuration that the Machine says are removed.
func (t *tender) finishRemovals() {
	for _, s := range t.servers() {
		if !t.replica.removed(string(s.ID)) {
			continue
		}
		if r := t.makeChange(changeRequest{Kind: changeRemove, Target: string(s.ID)}); !r.made() {
			t.logger.Warn("a removal is not finished yet", "id", nameOf(string(s.ID)), "reason", r.Refused+r.Retry)
		}
	}
}

// countVoters warns of two voters, once each time, when they are there to stay.
func (t *tender) countVoters() {
	switch two := len(t.voters()) == 2; {
	case !two:
		t.two, t.warned = time.Time{}, false
	case t.two.IsZero():
		t.two = time.Now()
	case !t.warned && time.Since(t.two) > twoVotersPatience:
		t.warned = true
		t.logger.Warn(twoVoters)
	}
}

// newcomers are the non-voters that shall vote. One that the registry doesn't know yet is not: what it shall be is not
// known.
func (t *tender) newcomers() (waiting []raft.Server) {
	shall := map[string]bool{}
	for _, node := range t.replica.registry() {
		shall[node.ID] = !node.Nonvoter
	}
	for _, s := range t.servers() {
		if s.Suffrage != raft.Voter && shall[string(s.ID)] {
			waiting = append(waiting, s)
		}
	}
	return waiting
}

// promote lets those newcomers vote that have caught up.
func (t *tender) promote(newcomers []raft.Server, found map[string]echo) {
	for _, s := range newcomers {
		e, answered := found[string(s.ID)]
		if !answered || e.applied+promoteLag < t.raft.CommitIndex() {
			continue
		}
		select {
		case t.changes <- struct{}{}:
		case <-t.ctx.Done():
			return
		}
		if now, member := t.member(string(s.ID)); !member || now.Address != s.Address || t.replica.removed(string(s.ID)) {
			<-t.changes
			continue // removed, or moved, since it was asked
		}
		err := t.await(t.raft.AddVoter(s.ID, s.Address, 0, changeTimeout))
		<-t.changes
		if err != nil {
			t.logger.Warn("member can't become a voter yet", "id", nameOf(string(s.ID)), "error", err)
			continue
		}
		t.logger.Info("member votes", "id", nameOf(string(s.ID)))
	}
}
