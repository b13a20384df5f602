package demo

import (
	"context"
	"os"
	"slices"
	"time"
)

const (
	tickEvery = 20 * time.Millisecond  // outcomes are looked for so often
	drawEvery = 100 * time.Millisecond // and the counter line is drawn
	quietTime = 3 * time.Second        // without an acknowledgement while nobody is dead: worth a line
	maxExits  = 64                     // ended processes that wait to be noticed
)

// stage is a demo while it runs. All of it belongs to the goroutine of run, but for the ledger, the watch and the nodes'
// open.
type stage struct {
	Options
	nodes    []*node
	doors    []door
	dir      string
	forker   *forker
	ledger   *ledger
	watch    *watch
	screen   *screen
	server   *server
	exits    chan exit
	calls    chan call
	verdicts chan verdict

	sights   []sight // as of this tick; zero: dead, or no answer
	leader   int     // who led last, and in which term; -1: nobody yet
	term     uint64
	usual    float64       // acknowledgements per second when nothing was going on
	calm     time.Duration // since when, for the ledger, nothing is
	episodes []*episode
	check    check
	drawn    time.Time
	quiet    bool
}

func newStage(options Options, nodes []*node, dir string) *stage {
	s := &stage{
		Options:  options,
		nodes:    nodes,
		dir:      dir,
		forker:   newForker(),
		screen:   &screen{out: options.Out, mode: options.Mode, program: options.Program},
		exits:    make(chan exit, maxExits),
		calls:    make(chan call),
		verdicts: make(chan verdict, 1),
		sights:   make([]sight, len(nodes)),
		leader:   -1,
		usual:    float64(options.Rate),
	}
	for _, n := range nodes {
		s.doors = append(s.doors, door{n.id, n.addr, &n.open})
	}
	s.watch = newWatch(s.doors)
	return s
}

// run returns when ctx has ended, or somebody says stop: his call has yet to be answered.
func (s *stage) run(ctx context.Context) (stop call) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return call{}
		case e := <-s.exits:
			s.exited(e)
		case v := <-s.verdicts:
			s.judged(v)
		case c := <-s.calls:
			if c.Do == doStop {
				return c
			}
			s.take(c)
		case <-tick.C:
			s.tick()
		}
	}
}

// tick looks at everything.
func (s *stage) tick() {
	s.look()
	s.followLeader()
	for _, e := range slices.Clone(s.episodes) {
		s.advance(e)
	}
	s.watch.keen.Store(len(s.episodes) > 0)
	s.checkIfDue()
	if now := time.Now(); now.Sub(s.drawn) >= drawEvery {
		s.drawn = now
		s.draw(now)
	}
}

// look takes over what the watch has seen of the processes that live now.
func (s *stage) look() {
	s.sights = s.watch.latest()
	for i, n := range s.nodes {
		if !n.alive || s.sights[i].at.Before(n.since) {
			s.sights[i] = sight{}
			continue
		}
		n.applied = max(n.applied, s.sights[i].applied)
		if s.sights[i].leader != "" {
			n.open.Store(true)
		}
	}
}

// awaitSights waits until every node is seen, so that the first table is complete.
func (s *stage) awaitSights() {
	s.watch.keen.Store(true) // until the first tick
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	unseen := func(v sight) bool { return v.role == "" }
	for limit := time.Now().Add(dialTime); time.Now().Before(limit); <-tick.C {
		s.look()
		if leading(s.sights) >= 0 && !slices.ContainsFunc(s.sights, unseen) {
			break
		}
	}
	if s.leader = leading(s.sights); s.leader >= 0 {
		s.term = s.sights[s.leader].term
	}
}

// followLeader tells who leads when that has changed.
func (s *stage) followLeader() {
	lead := leading(s.sights)
	if lead < 0 || s.sights[lead].term <= s.term {
		return
	}
	again := lead == s.leader
	s.leader, s.term = lead, s.sights[lead].term
	e := leaderEvent{stamp: stamped(typeLeader), Node: s.nodes[lead].id}
	switch {
	case len(s.episodes) > 0:
		after := s.sights[lead].leadFrom.Sub(s.episodes[0].wall).Milliseconds()
		e.AfterMs = &after
	case again:
		return // it was elected anew, and nobody has noticed
	}
	s.screen.tell(e)
}

// draw shows the counter.
func (s *stage) draw(now time.Time) {
	e := countEvent{stamp: stamped(typeCount), Figures: s.figures(now), Waiting: s.alive() < s.needed()}
	var cells []int
	var acked int
	s.ledger.look(func(p *pulse, now time.Duration) {
		e.Rate = p.rate(now, time.Second)
		end := now.Truncate(liveStep)
		cells = p.cells(max(0, end-liveCells*liveStep), end, liveStep)
		acked = p.acks(now-quietTime, now)
		if now < quietTime {
			acked = 1
		}
	})
	e.Now = s.ledger.acknowledged()
	s.screen.count(e, now, cells, float64(s.Rate)*liveStep.Seconds())

	quiet := acked == 0 && !e.Waiting && len(s.episodes) == 0
	if quiet && !s.quiet {
		s.screen.tell(quietEvent{stamped(typeWaiting), s.ledger.waiting()})
	}
	s.quiet = quiet
}

// introduce prints what is there, and what one can do with it.
func (s *stage) introduce(notice string) {
	s.screen.tell(readyEvent{stamped(typeReady), os.Getpid(), s.dir, Key, s.Rate, s.table(), notice, s.RedisCLI})
}

func (s *stage) table() []Node {
	table := make([]Node, len(s.nodes))
	for i, n := range s.nodes {
		table[i] = Node{ID: n.id, RESP: n.addr, Role: s.sights[i].role, PID: n.process.Pid}
		if !n.alive {
			table[i].Role = RoleDead
		}
	}
	return table
}

func (s *stage) status() Status {
	status := Status{PID: os.Getpid(), DataDir: s.dir, Key: Key, Nodes: s.table(), Figures: s.figures(time.Now())}
	s.ledger.look(func(p *pulse, now time.Duration) { status.RatePerSecond = p.rate(now, time.Second) })
	return status
}

// alive is how many nodes could vote, needed how many have to.
func (s *stage) alive() int {
	alive := 0
	for _, n := range s.nodes {
		if n.alive {
			alive++
		}
	}
	return alive
}

func (s *stage) needed() int { return len(s.nodes)/2 + 1 }

// waiting says who is missed.
func (s *stage) waiting() *Waiting {
	w := &Waiting{Needed: s.needed(), Voters: len(s.nodes), Reachable: []string{}, Dead: []string{}}
	for _, n := range s.nodes {
		if n.alive {
			w.Reachable = append(w.Reachable, n.id)
		} else {
			w.Dead = append(w.Dead, n.id)
		}
	}
	return w
}
