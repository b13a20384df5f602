package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// take answers a call, or begins the episode that will.
func (s *stage) take(c call) {
	var err error
	switch c.Do {
	case doStatus:
		s.look()
		status := s.status()
		c.answer <- answer{Status: &status}
	case doKill:
		err = s.kill(c)
	case doStart:
		err = s.start(c)
	default:
		err = fmt.Errorf("the demo can't %q: is it of another version?", c.Do)
	}
	if err != nil {
		c.answer <- answer{Error: err.Error()}
	}
}

// kill kills a node's process. What follows is the same as for one that somebody else has killed: exited.
func (s *stage) kill(c call) error {
	s.look()
	i, err := s.find(c.Node)
	if err != nil {
		return err
	}
	n := s.nodes[i]
	if !n.alive || s.dying(i) != nil {
		return fmt.Errorf("%s is dead already; to bring it back: %s demo start %s", n.id, s.Program, n.id)
	}
	at := time.Now()
	if err := n.process.Kill(); err != nil {
		return fmt.Errorf("%s can't be killed: %w", n.id, err) // it has just died
	}
	e := s.begin(ActKilled, i, at)
	e.reply = c.answer
	e.WasLeader = leading(s.sights) == i
	return nil
}

// start starts a dead node's process.
func (s *stage) start(c call) error {
	i, err := s.find(c.Node)
	if err != nil {
		return err
	}
	n := s.nodes[i]
	if n.alive {
		return fmt.Errorf("%s is running (pid %d); to kill it: %s demo kill %s", n.id, n.process.Pid, s.Program, n.id)
	}
	waited, at := s.alive() < s.needed(), time.Now()
	if err := n.start(s.forker, s.Executable, s.exits); err != nil {
		return err
	}
	e := s.begin(ActStarted, i, at)
	e.reply = c.answer
	e.HadWaited = waited
	s.screen.tell(startedEvent{stamped(typeStarted), n.id, n.process.Pid})
	return nil
}

// find is the index of a node by its id, or of the one that leads.
func (s *stage) find(name string) (int, error) {
	var ids []string
	for i, n := range s.nodes {
		if n.id == name {
			return i, nil
		}
		ids = append(ids, n.id)
	}
	if name != TheLeader {
		return 0, fmt.Errorf("there is no node %q: give %s, or %s", name, strings.Join(ids, ", "), TheLeader)
	}
	if lead := leading(s.sights); lead >= 0 {
		return lead, nil
	}
	if s.alive() < s.needed() {
		return 0, fmt.Errorf("no node leads while %s; name a node", strings.Join(s.waiting().text(s.Program)[:1], ""))
	}
	return 0, fmt.Errorf("no node leads at the moment: try again, or name one")
}

// dying is the episode of a process that was killed and has not ended yet.
func (s *stage) dying(node int) *episode {
	for _, e := range s.episodes {
		if e.Act == ActKilled && e.node == node && !e.ended {
			return e
		}
	}
	return nil
}

// exited takes note of a process that has ended, whoever ended it.
func (s *stage) exited(x exit) {
	n := x.node
	if x.life != n.lives {
		return
	}
	i := s.index(n)
	e := s.dying(i)
	if e == nil { // it was not us
		led := leading(s.sights) == i
		e = s.begin(ActKilled, i, x.at)
		e.WasLeader, e.lossy = led, noticedAfter
	}
	n.alive = false
	n.open.Store(false)
	s.sights[i] = sight{}
	e.ended, e.How = true, ending(x.state)
	if x.state.Exited() {
		e.Said = n.lastLine()
	}
	for _, other := range slices.Clone(s.episodes) {
		if other.Act == ActStarted && other.node == i {
			s.startFailed(other, e.How, n.lastLine())
		}
	}
	s.screen.tell(killedEvent{stamped(typeKilled), e.Node, e.PID, e.WasLeader, e.How, e.Said})
}

func (s *stage) index(n *node) int {
	for i := range s.nodes {
		if s.nodes[i] == n {
			return i
		}
	}
	panic("BUG: a node of another demo")
}
