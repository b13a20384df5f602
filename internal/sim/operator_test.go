package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// operator changes members as people do: through any node, repeating what was neither made nor refused, and giving up at
// times. It may be refused with reason: too few voters would answer, the name is taken, the only voter must lead.
type operator struct {
	*memberRun
	rng       *rand.Rand
	undecided map[string]bool // server ids whose removal was asked for and may still come
	last      int             // number of the newest host
	port      int             // newest port of a host that moved
}

const (
	mostMembers = 6
	mostHosts   = 14
	tryTime     = 2 * time.Second // of one try
	tryFor      = 6 * time.Second // of all tries, before it gives up
)

func (o *operator) work() {
	o.last = 1
	for time.Now().Before(o.end) {
		members := o.members()
		if len(members) == 0 {
			o.rest(100 * time.Millisecond)
			continue
		}
		o.redirect(members)
		some := members[o.rng.IntN(len(members))]
		many := len(members) >= mostMembers || o.last >= mostHosts
		what := o.rng.IntN(12)
		if len(members) < 3 {
			what = o.rng.IntN(8) // so that there are enough for the rest
		}
		switch {
		case what <= 4 && !many:
			o.join([]string{"empty", "replica", "pristine", "invited", "empty"}[what])
		case what <= 6 && len(members) > 1:
			o.remove(some.ServerID)
		case what == 7 && len(members) > 1:
			o.leave(some.ID)
		case what == 8:
			target := some.ID
			if o.rng.IntN(2) == 0 {
				target = ""
			}
			o.until("transfer to "+target, o.anybody, func(n *cluster.Node, ctx context.Context) error { return n.TransferTo(ctx, target) })
		case what == 9 && len(members) > 1:
			o.replace(some.ID)
		case what == 10 && !raceDetector:
			o.move(some.ID)
		}
		o.rest(time.Duration(o.rng.IntN(500)) * time.Millisecond)
	}
}

// redirect sends clients to those who are members by now, and only to them.
func (o *operator) redirect(members []fsm.Member) {
	for _, m := range members {
		if o.isMember(m.ID) {
			o.serve(m.ID)
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for id, name := range o.gone {
		if !slices.ContainsFunc(members, func(m fsm.Member) bool { return m.ID == name && m.ServerID != id }) {
			o.abandonLocked(name)
		}
	}
}

// until repeats a change at nodes that who names, until it is made or refused.
func (o *operator) until(what string, who func() string, f func(*cluster.Node, context.Context) error) error {
	o.note("%s ...", what)
	err := errors.New("nobody to ask")
	for limit := time.Now().Add(tryFor); time.Now().Before(limit); o.rest(50 * time.Millisecond) {
		name := who()
		node := o.nodeOf(name)
		if node == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), tryTime)
		err = f(node, ctx)
		cancel()
		if errors.Is(err, cluster.ErrReopen) {
			o.Reopen(name)
			err = nil
		}
		if err == nil || errors.Is(err, fsm.ErrRefused) {
			break
		}
	}
	o.note("%s: %v", what, err)
	return err
}

func (o *operator) nodeOf(name string) *cluster.Node {
	if name == "" {
		return nil
	}
	return o.Node(name)
}

// anybody is a host that clients go to.
func (o *operator) anybody() string { return o.pick(o.rng, &o.serving) }

// mainLeader is the node with the longest history, among those that lead: others are clusters of their own.
func (r *memberRun) mainLeader() (leader *cluster.Node) {
	var highest uint64
	for _, name := range r.Names() {
		n := r.Node(name)
		if n == nil {
			continue
		}
		s := n.Local()
		if s.Role == fsm.Leader && !s.Pristine && s.Term >= highest {
			leader, highest = n, s.Term
		}
	}
	return leader
}

func (o *operator) members() []fsm.Member {
	if leader := o.mainLeader(); leader != nil {
		return leader.Local().Members
	}
	return nil
}

// join lets a new host in.
func (o *operator) join(how string) {
	o.last++
	name := fmt.Sprintf("n%d", o.last)
	if _, err := o.open(name, Host{Founder: how == "pristine" || how == "invited", Nonvoter: how == "replica"}); err != nil {
		o.T.Errorf("start of %s: %v", name, err)
		return
	}
	o.mu.Lock()
	o.hosts = append(o.hosts, name)
	o.mu.Unlock()
	if how == "invited" {
		o.invite(name)
	} else {
		o.joinNow(name, how)
	}
	if o.isMember(name) {
		o.serve(name)
	}
}

func (o *operator) joinNow(name, how string) error {
	return o.until("join of "+name+", "+how, func() string { return name },
		func(n *cluster.Node, ctx context.Context) error {
			if n.Local().Leader != nil && len(n.Local().Members) > 1 {
				return nil // the answer was lost
			}
			return n.Join(ctx, o.peer(o.anybody()))
		})
}

func (o *operator) invite(name string) {
	o.until("invitation of "+name, o.anybody, func(n *cluster.Node, ctx context.Context) error {
		if guest := o.nodeOf(name); guest != nil && o.isMember(name) && len(guest.Local().Members) != 1 {
			return nil
		}
		if s := n.Local(); len(s.Members) == 0 || s.Pristine {
			return errors.New("not a good host")
		}
		return n.Invite(ctx, o.peer(name))
	})
}

// isMember reports whether the leader knows this host's present directory as a member's, and the host knows it, too.
func (o *operator) isMember(name string) bool {
	n := o.nodeOf(name)
	if n == nil {
		return false
	}
	s := n.Local()
	return (len(s.Members) > 1 || !s.Pristine) && slices.ContainsFunc(o.members(), func(m fsm.Member) bool { return m.ServerID == s.ServerID })
}

func (o *operator) remove(serverID string) error {
	err := o.until("removal of "+serverID, o.anybody, func(n *cluster.Node, ctx context.Context) error { return n.Remove(ctx, serverID) })
	if err == nil {
		o.removed(serverID)
	}
	o.undecided[serverID] = err != nil && !errors.Is(err, fsm.ErrRefused)
	return err
}

func (o *operator) removed(serverID string) {
	name := serverID[:strings.LastIndexByte(serverID, '-')]
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone[serverID] = name
	o.abandonLocked(name)
}

// abandonLocked sends no clients to a host any more, if there is another.
func (o *operator) abandonLocked(name string) {
	if len(o.serving) > 1 {
		o.serving = slices.DeleteFunc(o.serving, func(s string) bool { return s == name })
	}
}

func (o *operator) leave(name string) {
	n := o.nodeOf(name)
	if n == nil {
		return
	}
	id := n.Local().ServerID
	err := o.until(name+" leaves", func() string { return name }, (*cluster.Node).Leave)
	if err != nil {
		o.undecided[id] = !errors.Is(err, fsm.ErrRefused)
		return
	}
	o.removed(id)
	if o.claim(name) { // its program ends
		o.Crash(name)
		if o.rng.IntN(2) == 0 {
			o.restart(name)
		}
	}
}

// canLose reports whether one disk may be lost now, and a majority of the voters has theirs: all agree on at least three, and
// none is about to be removed.
func (o *operator) canLose() bool {
	voters, agreed := o.agreed()
	return agreed && voters >= 3 && !slices.ContainsFunc(o.members(), func(m fsm.Member) bool { return o.undecided[m.ServerID] })
}

// agreed counts the voters, if all members know each other, each at its present address, and answer.
func (o *operator) agreed() (voters int, ok bool) {
	members := o.members()
	votes := map[string]bool{}
	for _, m := range members {
		votes[m.ServerID] = m.Voter
	}
	for _, m := range members {
		n := o.nodeOf(m.ID)
		if n == nil || n.Removal() != nil {
			return 0, false
		}
		s := n.Local()
		if s.ServerID != m.ServerID || m.Peer != o.peer(m.ID) || s.Leader == nil || len(s.Members) != len(members) {
			return 0, false
		}
		// Raft gives no vote to who is no voter as far as it knows: who has not heard of a promotion can elect nobody who was promoted.
		if slices.ContainsFunc(s.Members, func(own fsm.Member) bool { return own.Voter != votes[own.ServerID] }) {
			return 0, false
		}
		if m.Voter {
			voters++
		}
	}
	return voters, true
}

// replace puts a host with an empty disk in the place of one.
func (o *operator) replace(name string) {
	n := o.nodeOf(name)
	if n == nil || !o.canLose() || !o.claim(name) {
		return
	}
	id := n.Local().ServerID
	o.note("disk of %s is lost", name)
	o.mu.Lock()
	o.abandonLocked(name)
	o.mu.Unlock()
	o.Crash(name)
	o.Wipe(name)
	o.restart(name)
	if err := o.joinNow(name, "wiped"); err == nil {
		o.fail("a wiped disk joins under its old name")
	}
	if o.remove(id) == nil && o.joinNow(name, "wiped") == nil && o.isMember(name) {
		o.serve(name)
	}
}

// move starts a host again under another address.
func (o *operator) move(name string) {
	if _, agreed := o.agreed(); !agreed || !o.claim(name) {
		return // who moves one after the other moves nobody before all know where the last one is
	}
	o.port++
	o.note("%s moves to port %d", name, 20000+o.port)
	o.Crash(name)
	o.Move(name, fmt.Sprintf(":%d", 20000+o.port))
	o.restart(name)
}

// finish does what was given up while there were faults: members whose directory is lost, or who never learned that they
// were let in, are removed or join again; who was not let in joins.
func (o *operator) finish() {
	o.eventually("a leader of the cluster", func() bool { return o.mainLeader() != nil })
	o.rest(2 * time.Second)      // so that those who were let in can have heard of it
	hosts := map[string]string{} // server id of those that run
	for _, name := range o.Names() {
		hosts[o.Node(name).Local().ServerID] = name
	}
	for _, m := range o.members() {
		name, runs := hosts[m.ServerID]
		switch {
		case !runs:
			if err := o.remove(m.ServerID); err != nil {
				o.fail("removal of %s, whose disk is gone: %v", m.ServerID, err)
			}
		case o.Node(name).Local().Leader == nil || len(o.Node(name).Local().Members) <= 1 && len(o.members()) > 1:
			if err := o.joinNow(name, "again"); err != nil {
				o.fail("%s can't finish its join: %v", name, err)
			}
		}
	}
	o.eventually("every member runs, is one as far as it knows itself, and votes if it shall", func() bool {
		members := o.members()
		for _, m := range members {
			n := o.nodeOf(m.ID)
			if n == nil || n.Local().ServerID != m.ServerID || n.Removal() != nil || len(n.Local().Members) != len(members) || m.Voter == m.Nonvoter {
				return false
			}
		}
		return len(members) > 0
	})
}
