package cluster

import (
	"errors"
	"io"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// A leader whose disk hangs can't append anything, and still leads: its heartbeats need no disk, so its followers stay
// loyal and nobody else is elected (hashicorp/raft issue 503). So it falls silent: what would keep the followers loyal is
// held back until the write has returned, and they elect another.
//
//	keepWatch   every tick: the oldest write under way
//	  silenceRule.judge   half the limit: ask the voters for a trial, a small write and how their disks do
//	                      the limit, and a majority's disks were faster: silence until that write has returned
//	                      leadership lost by it: the limit doubles
//	  silence             gatedTransport waits; leader.offer refuses; route follows whom the others follow
//	  fatalHang           the node ends
//
// A follower whose disk hangs does no harm. Leader or not, a node whose disk hangs asks the others whom they follow, for the
// sake of its clients: raft's main goroutine soon waits for the disk, and may learn of no new leader.

// silence holds back what keeps followers loyal.
type silence struct {
	mu     sync.Mutex
	over   chan struct{} // closed when the silence ends; nil: there is none
	closed bool          // for good: nothing waits any more
	heard  target        // who leads as the others say, while raft is stuck in the disk; zero: not asked
}

func (s *silence) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over == nil && !s.closed {
		s.over = make(chan struct{})
	}
}

func (s *silence) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		close(s.over)
		s.over = nil
	}
}

// close ends the silence for good.
func (s *silence) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
}

func (s *silence) on() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over != nil
}

// wait returns when there is no silence. Waiting is better than an error: raft would retry at growing intervals, and go on
// with the longest one, 10 s, when the disk is back.
func (s *silence) wait() {
	for {
		s.mu.Lock()
		over := s.over
		s.mu.Unlock()
		if over == nil {
			return
		}
		<-over
	}
}

// hear notes who leads as the others say.
func (s *silence) hear(leader target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = leader
}

// elsewhere is who leads as the others say, if it is in a later term than raft knows of.
func (s *silence) elsewhere(term uint64) (target, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.heard, s.heard.term > term
}

// gatedTransport is raft's transport, with a silence in front of everything by which a leader shows that it lives, without
// commit indexes that are not durable here (parallel.go), and with failures that last until who is away is back (absence.go).
// What it embeds has the library's own in it, not an interface: raft looks for optional ones, and would do without them and
// without a word.
type gatedTransport struct {
	namedTransport
	silence  *silence
	log      *parallelLog
	absences *absences
	running  *atomic.Pointer[raft.Raft] // nil until raft runs
	ended    <-chan struct{}            // closed with the node
}

var (
	_ raft.Transport   = gatedTransport{}
	_ raft.WithPreVote = gatedTransport{}
	_ raft.WithClose   = gatedTransport{}
)

func (t gatedTransport) AppendEntries(id raft.ServerID, to raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	t.silence.wait()
	err := t.namedTransport.AppendEntries(id, to, t.log.durably(args), resp)
	if err != nil && !isHeartbeat(args) {
		args.Entries = nil // raft makes new ones; these may be many, and an absence is long
		t.absences.await(raft.Server{ID: id, Address: to}, args.Term)
	}
	return err
}

func (t gatedTransport) InstallSnapshot(id raft.ServerID, to raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	t.silence.wait()
	err := t.NetworkTransport.InstallSnapshot(id, to, args, resp, data)
	if err != nil {
		if image, open := data.(io.Closer); open {
			image.Close() // raft closes it, too, but late: a file that newer ones have replaced keeps its space
		}
		t.absences.await(raft.Server{ID: id, Address: to}, args.Term)
	}
	return err
}

func (t gatedTransport) AppendEntriesPipeline(id raft.ServerID, to raft.ServerAddress) (raft.AppendPipeline, error) {
	pipeline, err := t.NetworkTransport.AppendEntriesPipeline(id, to)
	if err != nil {
		return nil, err // always, with noPipeline
	}
	return gatedPipeline{pipeline, t.silence, t.log}, nil
}

// RequestPreVote asks for nothing while this node is silent: it would win, and then wait for its disk again.
func (t gatedTransport) RequestPreVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	if t.silence.on() {
		return errSilent
	}
	return t.namedTransport.RequestPreVote(id, to, args, resp)
}

// RequestVote asks for nothing while this node is silent.
func (t gatedTransport) RequestVote(id raft.ServerID, to raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	if t.silence.on() {
		return errSilent
	}
	return t.namedTransport.RequestVote(id, to, args, resp)
}

var errSilent = errors.New("this node's disk does not answer")

// Close lets go what waits.
func (t gatedTransport) Close() error {
	t.silence.close()
	return t.NetworkTransport.Close()
}

type gatedPipeline struct {
	raft.AppendPipeline
	silence *silence
	log     *parallelLog
}

func (p gatedPipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	p.silence.wait()
	return p.AppendPipeline.AppendEntries(p.log.durably(args), resp)
}

// silenceRule decides when a leader falls silent. It changes nothing by itself: its times are arguments.
type silenceRule struct {
	limit time.Duration // how long a write may take
	lost  time.Time     // when leadership was last lost by silence
	write time.Time     // when the write began for which this node is silent; zero: it is not
	term  uint64        // of the leadership that may be lost by silence; 0: it was, or was not
	ended time.Time     // when the silence of that term ended
}

const (
	shortestLimit = 300 * time.Millisecond
	longestLimit  = 10 * time.Second
	quietTime     = time.Minute // without a leadership lost by silence, after which the limit is the shortest again
	keptTime      = time.Second // who still leads so long after its silence has not lost leadership by it
)

// diskReport is what the rule looks at.
type diskReport struct {
	now     time.Time
	write   time.Time // when the oldest awaited write began; zero: none is under way
	leading bool
	term    uint64
	voters  int
	faster  int // voters that say that their disks were faster; see faster
}

// judge reports whether the others are to be asked how they do, and whether this node is to be silent.
func (r *silenceRule) judge(d diskReport) (ask, silent bool) {
	if !r.write.IsZero() && !d.write.Equal(r.write) {
		r.write, r.ended = time.Time{}, d.now
	}
	switch {
	case r.term == 0:
	case !d.leading || d.term != r.term:
		r.limit, r.lost, r.term = min(2*r.limit, longestLimit), d.now, 0
	case r.write.IsZero() && d.now.Sub(r.ended) >= keptTime:
		r.term = 0
	}
	if r.term == 0 && d.now.Sub(r.lost) >= quietTime {
		r.limit = shortestLimit
	}
	if d.write.IsZero() {
		return false, false
	}
	pending := d.now.Sub(d.write)
	if r.write.IsZero() && d.leading && pending >= r.limit && 2*d.faster > d.voters {
		r.write, r.term = d.write, d.term
	}
	return pending >= r.limit/2, !r.write.IsZero()
}

// faster counts the voters whose disks do better than this node's: they have finished a trial since its write began, and
// neither that, nor what they are waiting for, nor more than one in four of their last writes took half as long as this node's has by
// now. This node is none of them, nor is who does not answer or does not say. So disks that are all slow keep their leader,
// which matters: an election needs several writes within its time-out, and ends never if a disk takes longer than that. A
// voter's hang that is over does not count: it would keep a leader whose disk hangs now for twice as long as that took.
func faster(voters []raft.Server, trials map[string]echo, pending time.Duration) (count int) {
	for _, v := range voters {
		if e, finished := trials[string(v.ID)]; finished && e.disk.known && 2*max(e.disk.pending, e.disk.slow) < pending {
			count++
		}
	}
	return count
}

// keepWatch looks after the disk until the node ends.
func (n *Node) keepWatch() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var rule silenceRule
	var asked inquiry
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if hung := n.watch.oldest(false); hung.age(now) >= fatalHang {
			n.fail(hangs(hung, now))
		}
		oldest := n.watch.oldest(true)
		report := diskReport{now: now, write: oldest.since, leading: n.raft.State() == raft.Leader, term: n.raft.CurrentTerm()}
		if asked.open {
			voters := n.voters()
			report.voters, report.faster = len(voters), faster(voters, asked.finished(), oldest.age(now))
		}
		ask, silent := rule.judge(report)
		n.keepSilent(silent, oldest)
		if !ask {
			n.silence.hear(target{})
		}
		asked.keep(ask, now, report.leading && !silent, n)
	}
}

// inquiry is what a node whose disk hangs asks the others. Only keepWatch uses it, but for what trials and surveys bring.
type inquiry struct {
	open     bool
	surveyed time.Time
	tried    time.Time

	mu     sync.Mutex
	hang   uint64          // counts the inquiries: an answer to an older one is none
	trials map[string]echo // who has finished a trial
}

const (
	askEvery = 100 * time.Millisecond // whom the others follow
	tryEvery = time.Second            // those who have not finished a trial, again
)

// finished is who has finished a trial, and how its disk does.
func (q *inquiry) finished() map[string]echo {
	q.mu.Lock()
	defer q.mu.Unlock()
	return maps.Clone(q.trials)
}

// keep asks what is to be asked now.
func (q *inquiry) keep(open bool, now time.Time, trial bool, n *Node) {
	if open != q.open {
		q.mu.Lock()
		q.hang++
		q.trials = map[string]echo{}
		q.mu.Unlock()
		q.open, q.surveyed, q.tried = open, time.Time{}, time.Time{}
	}
	if !open {
		return
	}
	if now.Sub(q.surveyed) >= askEvery {
		q.surveyed = now
		q.survey(n)
	}
	if trial && now.Sub(q.tried) >= tryEvery {
		q.tried = now
		q.try(n)
	}
}

// survey asks the others whom they follow.
func (q *inquiry) survey(n *Node) {
	servers, hang := n.servers(), q.hang
	n.wg.Go(func() {
		leader := leaderOf(servers, n.survey(askEvery))
		q.mu.Lock()
		defer q.mu.Unlock()
		if hang == q.hang {
			n.silence.hear(leader)
		}
	})
}

// try asks the voters for a trial.
func (q *inquiry) try(n *Node) {
	hang := q.hang
	for _, v := range n.voters() {
		if string(v.ID) == n.id.ID {
			continue
		}
		n.askEcho(v, methodTrial, func(e echo, err error) {
			q.mu.Lock()
			defer q.mu.Unlock()
			if err == nil && hang == q.hang {
				q.trials[string(v.ID)] = e
			}
		})
	}
}

// trial answers an echo as soon as a small write has been made: how long that took is in the echo. One at a time: who asks
// while another is under way hears nothing that counts.
func (n *Node) trial(answered func(echo, bool)) {
	select {
	case n.trials <- struct{}{}:
	default:
		answered(echo{}, false)
		return
	}
	n.wg.Go(func() {
		begun := time.Now()
		err := failing(n.failWrite, storing(trialKey), n.stable.Set(trialKey, []byte{1}))
		<-n.trials
		e := n.ownEcho()
		e.disk.slow = max(e.disk.slow, time.Since(begun))
		answered(e, err == nil)
	})
}

var trialKey = []byte("truecount/trial")

// keepSilent begins or ends the silence.
func (n *Node) keepSilent(silent bool, hanging write) {
	if silent == n.silence.on() {
		return
	}
	if !silent {
		n.silence.end()
		n.logger.Warn("the disk has answered")
		return
	}
	n.silence.begin()
	n.leader.refuse(diskSilent)
	n.logger.Warn("this leader's disk does not answer: it falls silent so that another node takes over",
		"write", hanging.what, "pending", hanging.age(time.Now()))
}

const diskSilent = "the leader's disk does not answer"

// leaderOf is who leads as the others say who have got to the latest term.
func leaderOf(servers []raft.Server, found map[string]echo) (leader target) {
	for _, e := range found {
		for _, s := range servers {
			if string(s.ID) == e.leader && e.term > leader.term {
				leader = target{e.leader, string(s.Address), e.term}
			}
		}
	}
	return leader
}
