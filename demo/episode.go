package demo

import (
	"fmt"
	"slices"
	"time"
)

const (
	episodeTime  = 20 * time.Second       // then it is told what is known
	lookBefore   = 300 * time.Millisecond // shown of the time before an accident
	lookAfter    = 500 * time.Millisecond // and after it is over
	noticedAfter = 100 * time.Millisecond // at most: an accident that somebody else has caused
	calmFrom     = time.Second            // without an episode: the rate is a usual one
	calmUpTo     = 5 * time.Second
)

// episode is a death or a start, until it is clear what came of it: counting goes on as before, or can't. Episodes may
// overlap.
//
//	killed    a leader in a new term, if it led     the usual rate again    figures
//	started   its log is as long as the leader's    if writes had waited:
//	                                                leader and rate         figures
//
// With too few nodes alive, an episode ends at once, or when the started node answers.
type episode struct {
	Outcome
	node  int
	life  int
	wall  time.Time     // when it began
	at    time.Duration // the same, for the pulse
	lossy time.Duration // before it, increments without an answer belong to it
	usual float64
	term  uint64 // in which somebody led before
	ended bool   // the process
	base  uint64 // index up to which the started node had applied the log
	goal  uint64 // index up to which it has to; 0: nobody leads yet

	settled time.Time     // when all was there but the figures; zero: not yet
	reply   chan<- answer // nil: nobody asked
}

// begin adds an episode that began at a moment.
func (s *stage) begin(act string, node int, wall time.Time) *episode {
	n := s.nodes[node]
	e := &episode{node: node, life: n.lives, wall: wall, at: wall.Sub(s.ledger.began), term: s.term, base: n.applied}
	e.Act, e.Node, e.PID, e.UnansweredAt, e.Steps = act, n.id, n.process.Pid, []string{}, []int{}
	before := s.alive()
	if act == ActStarted {
		before--
	}
	if calm := e.at - s.calm; len(s.episodes) == 0 && before >= s.needed() && calm >= calmFrom {
		s.ledger.look(func(p *pulse, _ time.Duration) { s.usual = p.rate(e.at, min(calm, calmUpTo)) })
	}
	e.usual = s.usual
	s.episodes = append(s.episodes, e)
	s.watch.keen.Store(true)
	return e
}

// advance looks whether an episode is over.
func (s *stage) advance(e *episode) {
	switch {
	case e.Act == ActKilled && !e.ended:
		return // the system is about to tell
	case s.alive() < s.needed():
		if e.Act == ActKilled || s.sights[e.node].role != "" {
			s.wait(e, s.waiting())
		}
		return
	case !e.settled.IsZero():
		if time.Since(e.settled) > freshFor {
			s.finish(e) // its figures say that they can't be had
		}
		return
	case time.Since(e.wall) > episodeTime:
		s.wait(e, s.ledger.waiting())
		return
	}
	if s.hasLeader(e) && (e.Act == ActKilled || s.hasCaughtUp(e)) && (e.Act == ActStarted && !e.HadWaited || s.hasRecovered(e)) {
		e.settled = time.Now()
	}
}

// hasLeader looks who has led since the episode began.
func (s *stage) hasLeader(e *episode) bool {
	lead := leading(s.sights)
	if lead < 0 || s.sights[lead].at.Before(e.wall) {
		return false
	}
	e.Leader = s.nodes[lead].id
	if e.Elected = s.sights[lead].term > e.term; e.Elected {
		e.LeaderAfterMs = s.sights[lead].leadFrom.Sub(e.wall).Milliseconds()
	}
	return true
}

// hasCaughtUp looks whether the started node has what was committed when it first could know.
func (s *stage) hasCaughtUp(e *episode) bool {
	if e.goal == 0 {
		e.goal = s.sights[leading(s.sights)].commit
	}
	own := s.sights[e.node]
	if own.leader == "" || own.applied < e.goal {
		return false
	}
	if e.CaughtUpAfterMs == 0 {
		e.CaughtUpAfterMs = max(1, own.at.Sub(e.wall).Milliseconds())
		e.CaughtUpEntries = own.applied - min(e.base, own.applied)
	}
	return true
}

// hasRecovered looks whether counting goes on at the usual rate, and has for long enough to be shown.
func (s *stage) hasRecovered(e *episode) bool {
	recovered := false
	s.ledger.look(func(p *pulse, now time.Duration) {
		at, ok := p.recovered(e.at, now, e.usual)
		if !ok || now < at+lookAfter {
			return
		}
		recovered = true
		e.RecoveredAfterMs = (at - e.at).Milliseconds()
		if e.RecoveredAfterMs > 0 { // who acknowledges leads, even if it was seen a moment later
			e.LeaderAfterMs = min(e.LeaderAfterMs, e.RecoveredAfterMs)
		}
		e.RateAfter = p.rate(now, now-at-dipStep) // the clients who have waited come all at once
	})
	return recovered
}

// finish tells the outcome of an episode whose figures are there, or overdue.
func (s *stage) finish(e *episode) {
	s.measure(e)
	if e.Act == ActKilled || e.HadWaited {
		s.screen.tell(outcomeEvent{stamped(typeRecovered), e.Outcome})
	}
	if e.Act == ActStarted {
		s.screen.tell(outcomeEvent{stamped(typeCaughtUp), e.Outcome})
	}
	s.end(e, answer{Outcome: &e.Outcome})
}

// wait ends an episode that can't end well for now.
func (s *stage) wait(e *episode, w *Waiting) {
	s.measure(e)
	e.Waiting = w
	s.screen.tell(outcomeEvent{stamped(typeWaiting), e.Outcome})
	s.end(e, answer{Outcome: &e.Outcome})
}

// measure fills in what the clients saw.
func (s *stage) measure(e *episode) {
	e.Figures = s.figures(time.Now())
	e.RateBefore = e.usual
	e.UnansweredAt = append(e.UnansweredAt, s.ledger.lossesSince(e.at-e.lossy)...)
	from := max(0, e.at-lookBefore)
	e.StepsFromMs = (from - e.at).Milliseconds()
	s.ledger.look(func(p *pulse, now time.Duration) {
		e.LongestWaitMs = p.longestWait(e.at).Milliseconds()
		e.Steps = append(e.Steps, p.cells(from, now, dipStep)...)
	})
}

// end answers who asked, and forgets the episode.
func (s *stage) end(e *episode, a answer) {
	if e.reply != nil {
		e.reply <- a
	}
	s.episodes = slices.DeleteFunc(s.episodes, func(other *episode) bool { return other == e })
	s.calm = s.ledger.now()
}

// startFailed ends the episode of a node that was started and has ended before it had caught up.
func (s *stage) startFailed(e *episode, how, said string) {
	s.end(e, answer{Error: fmt.Sprintf("%s has ended again (%s): %s; its log: %s", e.Node, how, said, s.nodes[e.node].log)})
}
