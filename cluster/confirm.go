package cluster

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/transport"
)

// A linearizable read needs an index that covers every write acknowledged before the read began. The leader's commit index
// is one, if it was still the leader then. The proof is the term echo (after thesis section 6.4, without its clock):
//
//	1. the leader notes its term T, in which its Opener is applied, and its commit index
//	2. a majority of the voters of its latest configuration, each asked after that, is still in term T
//	3. it still leads in T
//
// A node stores a higher term before it votes or campaigns in it. So if a majority was in T after the read began, nobody
// had been elected in a later term before it began, and nobody else can have acknowledged anything.
//
// A follower that asks for an index gives its own term with the question, and counts as one of the majority; with three
// voters, the asker and the leader are enough. Each round counts only the answers to its own questions.

// confirmed is what a round proves.
type confirmed struct {
	index uint64 // reads that apply at least this much are linearizable
	stamp int64  // the leader's present time
}

var (
	errNoLeader = errors.New("no leader is known")
	errNotReady = errors.New("not the leader, or not ready yet")
)

// confirm asks for a confirmed index: of itself if this node leads, else of the leader. settle asks for an Entry, too.
func (n *Node) confirm(ctx context.Context, settle bool) (confirmed, error) {
	type reply struct {
		confirmed
		err error
	}
	got := make(chan reply, 1)
	done := func(c confirmed, err error) { got <- reply{c, err} }
	term, ready := n.leader.ready()
	if ready {
		n.confirmAsLeader(n.id.ID, term, settle, done)
	} else if err := n.askLeader(term, settle, done); err != nil {
		return confirmed{}, err
	}
	select {
	case r := <-got:
		return r.confirmed, r.err
	case <-ctx.Done():
		return confirmed{}, errors.New("no answer from the leader, or from enough voters")
	}
}

func (n *Node) askLeader(term uint64, settle bool, done func(confirmed, error)) error {
	to, known := n.route()
	if !known {
		return errNoLeader
	}
	if to.id == n.id.ID {
		return errNotReady
	}
	n.port.Link(transport.Control, to.addr).Call(methodReadIndex, appendIndexQuery(nil, term, settle), func(reply []byte, err error) {
		if err != nil {
			done(confirmed{}, err)
			return
		}
		done(decodeConfirmed(reply))
	})
	return nil
}

// confirmAsLeader runs a round for asker, whose term was askerTerm when it asked. done is called once, perhaps from within.
func (n *Node) confirmAsLeader(asker string, askerTerm uint64, settle bool, done func(confirmed, error)) {
	term, ready := n.leader.ready()
	if !ready {
		done(confirmed{}, errNotReady)
		return
	}
	if settle {
		n.leader.needEntry()
	}
	known := map[string]bool{n.id.ID: true}
	if askerTerm == term {
		known[asker] = true
	}
	r := &echoRound{ready: n.leader.ready, clock: n.clock, term: term, index: n.raft.CommitIndex(), done: done}
	r.start(n.voters(), known, n.echo)
}

// echoRound collects the answers to one round's questions.
type echoRound struct {
	ready func() (term uint64, ok bool) // whether this node still leads, and in which term
	clock *clock
	term  uint64
	index uint64
	done  func(confirmed, error)

	mu    sync.Mutex
	need  int // voters still missing
	open  int // questions still open
	limit *time.Timer
	over  bool
}

// start asks those voters that are not known to be in the term. known may name others than voters: they don't count.
func (r *echoRound) start(voters []raft.Server, known map[string]bool, ask func(voter raft.Server, done func(echo, error))) {
	r.need = len(voters)/2 + 1
	var others []raft.Server
	for _, v := range voters {
		if known[string(v.ID)] {
			r.need--
			continue
		}
		others = append(others, v)
	}
	if r.need <= 0 {
		r.finish(nil)
		return
	}
	r.open = len(others)
	r.mu.Lock() // finish may be early
	r.limit = time.AfterFunc(patience, func() { r.finish(errors.New("too few voters answered in time")) })
	r.mu.Unlock()
	for _, v := range others {
		ask(v, r.take)
	}
}

func (r *echoRound) take(e echo, err error) {
	r.mu.Lock()
	r.open--
	if err == nil && e.term == r.term {
		r.need--
	}
	need, open := r.need, r.open
	r.mu.Unlock()
	switch {
	case need <= 0:
		r.finish(nil)
	case open < need:
		r.finish(errors.New("too few voters are in the leader's term"))
	}
}

func (r *echoRound) finish(err error) {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	r.over = true
	if r.limit != nil {
		r.limit.Stop()
	}
	r.mu.Unlock()
	if err == nil {
		if term, ready := r.ready(); !ready || term != r.term {
			err = errNotReady
		}
	}
	if err != nil {
		r.done(confirmed{}, err)
		return
	}
	r.done(confirmed{index: r.index, stamp: r.clock.stamp()}, nil)
}

// echo is what a member says of itself, read when it is asked: its term, how far it has applied, its wall clock; how its
// disk does, whom it follows, and who it is. Older builds don't say the last three.
type echo struct {
	term    uint64
	applied uint64
	wall    int64 // milliseconds since the Unix epoch
	disk    diskEcho
	leader  string // server id; empty: none is known
	id      string // server id of who answers
}

// diskEcho is how a member's disk does.
type diskEcho struct {
	known   bool
	pending time.Duration // of the oldest write under way
	slow    time.Duration // see writes.slow; or the trial that this answers, if that took longer
	space   spaceState
}

func (n *Node) ownEcho() echo {
	to, _ := knownLeader(n.raft)
	e := echo{term: to.term, applied: n.replica.mark.index.Load(), wall: n.config.Wall().UnixMilli(), leader: to.id, id: n.id.ID}
	e.disk.pending, e.disk.slow = n.watch.report()
	e.disk.known, e.disk.space = true, n.space.state()
	return e
}

func (n *Node) echo(s raft.Server, done func(echo, error)) { n.askEcho(s, methodEcho, done) }

// askEcho is for every question that is answered by an echo. An echo counts for who says it, not for who is asked: another
// member may listen at the address by now (see namedTransport).
func (n *Node) askEcho(s raft.Server, method byte, done func(echo, error)) {
	n.port.Link(transport.Control, string(s.Address)).Call(method, nil, func(reply []byte, err error) {
		var e echo
		if err == nil {
			e, err = decodeEcho(reply)
		}
		if err == nil {
			err = answeredBy(s.ID, s.Address, e.id)
		}
		if err != nil {
			e = echo{}
		}
		done(e, err)
	})
}

// survey asks all members and waits for their echoes, at most for limit. This node's own is among them.
func (n *Node) survey(limit time.Duration) map[string]echo {
	found := map[string]echo{n.id.ID: n.ownEcho()}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range n.servers() {
		if id := string(s.ID); id != n.id.ID {
			wg.Add(1)
			n.echo(s, func(e echo, err error) {
				defer wg.Done()
				if err == nil {
					mu.Lock()
					found[id] = e
					mu.Unlock()
				}
			})
		}
	}
	all := make(chan struct{})
	go func() { wg.Wait(); close(all) }() // ends with the last call: every call ends
	select {
	case <-all:
	case <-time.After(limit):
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(found) // answers may still come
}

// walls are the wall clocks of the voters, if a majority of them answers.
func (n *Node) walls() ([]int64, bool) { return n.wallsOf(n.survey(patience)) }

func (n *Node) wallsOf(found map[string]echo) (times []int64, majority bool) {
	voters := n.voters()
	for _, v := range voters {
		if e, ok := found[string(v.ID)]; ok {
			times = append(times, e.wall)
		}
	}
	return times, len(times) > len(voters)/2
}

// servers are the members in raft's latest configuration, committed or not.
func (n *Node) servers() []raft.Server {
	future := n.raft.GetConfiguration()
	if future.Error() != nil {
		return nil
	}
	return future.Configuration().Servers
}

func (n *Node) voters() (voters []raft.Server) {
	for _, s := range n.servers() {
		if s.Suffrage == raft.Voter {
			voters = append(voters, s)
		}
	}
	return voters
}

// route is who leads, as far as this node knows. While raft waits for a disk that hangs, the others know better.
func (n *Node) route() (target, bool) {
	to, known := knownLeader(n.raft)
	if other, elsewhere := n.silence.elsewhere(to.term); elsewhere {
		return other, true
	}
	return to, known
}

// knownLeader is the leader that raft knows of in its present term. Raft forgets the old one before it raises the term: read in
// between, the leader of one term would be taken for that of the next. A candidate has no leader; but if a transfer made it one, raft lets
// it hear a last heartbeat of the old one, and takes his name along into its own term.
func knownLeader(r interface {
	CurrentTerm() uint64
	State() raft.RaftState
	LeaderWithID() (raft.ServerAddress, raft.ServerID)
}) (to target, known bool) {
	for {
		term := r.CurrentTerm()
		follows := r.State() != raft.Candidate // read before the name, which raft forgets before it leaves that state
		addr, id := r.LeaderWithID()
		if r.CurrentTerm() == term {
			if !follows {
				return target{term: term}, false
			}
			return target{string(id), string(addr), term}, id != ""
		}
	}
}
