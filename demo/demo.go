package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const (
	dataPrefix = "truecount-demo-" // of the folder in the system's place for temporary files
	startTime  = 20 * time.Second  // for the nodes to become a cluster; two are usual
	startTick  = 20 * time.Millisecond
	killTime   = 2 * time.Second // for killed processes to end
)

// Bounds of Options.
const (
	MinRate = 10
	MaxRate = 1000
)

// Options say what Run shall run. Out, Executable and Program are required.
type Options struct {
	Nodes      int // 1, 3 or 5
	Port       int // the first of the nodes' RESP ports; others are taken if these are not free
	Rate       int // increments a second in all, MinRate to MaxRate
	Mode       Mode
	Out        io.Writer
	Executable string // file to run as EXECUTABLE serve …
	Program    string // how the user calls it, for lines to try
	RedisCLI   string // how he calls redis-cli; empty: he can't
}

// Run starts the nodes, counts, and tells on Out what happens, until ctx ends or somebody says stop through a Control.
// Nothing is left then: no process, no data. The error is one line; increments that are lost or doubled at the end are one.
func Run(ctx context.Context, options Options) error {
	if err := options.check(); err != nil {
		return err
	}
	place, err := takePlace()
	if err != nil {
		return err
	}
	defer place.leave() // in case of an error; later it does nothing
	port, taken, err := freePorts(options.Port, options.Nodes)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", dataPrefix)
	if err != nil {
		return err
	}
	if err := place.note(dir); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}

	s := newStage(options, newNodes(options.Nodes, port, dir), dir)
	var stop call
	failed := s.open(ctx)
	if failed == nil && ctx.Err() == nil {
		stop, failed = s.play(ctx, place, notice(taken, port, options.Nodes))
	}
	s.killAll()
	if failed != nil {
		return fmt.Errorf("%w; what the nodes said is in %s, until the next demo starts", failed, dir)
	}
	err = os.RemoveAll(dir)
	if s.server != nil {
		s.server.shut()
		place.leave()
		s.close(stop)
		if wrong := s.check.end.fault(); wrong != nil {
			return wrong
		}
	}
	return err
}

func (o Options) check() error {
	switch {
	case o.Nodes != 1 && o.Nodes != 3 && o.Nodes != 5:
		return fmt.Errorf("--nodes %d: give 1, 3 or 5", o.Nodes)
	case o.Rate < MinRate || o.Rate > MaxRate:
		return fmt.Errorf("--rate %d: give %d to %d increments a second", o.Rate, MinRate, MaxRate)
	case o.Port < 1 || o.Port > maxPort:
		return fmt.Errorf("--port %d: give a port up to %d", o.Port, maxPort-peerOffset-o.Nodes+1)
	}
	return nil
}

// notice says why the ports are others than the user asked for.
func notice(taken string, port, nodes int) string {
	switch {
	case taken == "":
		return ""
	case nodes == 1:
		return fmt.Sprintf("(%s: using %d)", taken, port)
	}
	return fmt.Sprintf("(%s: using %d to %d)", taken, port, port+nodes-1)
}

// open starts the nodes and waits until all of them vote and know their leader.
func (s *stage) open(ctx context.Context) error {
	for _, n := range s.nodes {
		if err := n.start(s.forker, s.Executable, s.exits); err != nil {
			return err
		}
	}
	limit := time.NewTimer(startTime)
	defer limit.Stop()
	tick := time.NewTicker(startTick)
	defer tick.Stop()
	for {
		err := s.whole(ctx)
		if err == nil {
			break
		}
		select {
		case <-tick.C:
		case e := <-s.exits:
			e.node.alive = false
			return fmt.Errorf("%s has ended at its start (%s): %s", e.node.id, ending(e.state), e.node.lastLine())
		case <-limit.C:
			return fmt.Errorf("the nodes have not become a cluster within %v: %w", startTime, err)
		case <-ctx.Done():
			return nil
		}
	}
	for _, n := range s.nodes {
		n.open.Store(true)
	}
	return nil
}

// whole returns nil when all nodes are voters that know their leader.
func (s *stage) whole(ctx context.Context) error {
	for _, n := range s.nodes {
		status, err := askStatus(ctx, n.addr)
		if err != nil {
			return fmt.Errorf("%s: %w", n.id, err)
		}
		if status.Leader == nil {
			return fmt.Errorf("%s knows no leader", n.id)
		}
		voters := 0
		for _, m := range status.Members {
			if m.Voter {
				voters++
			}
		}
		if voters != len(s.nodes) {
			return fmt.Errorf("%s sees %d of %d voters", n.id, voters, len(s.nodes))
		}
	}
	return nil
}

func askStatus(ctx context.Context, addr string) (fsm.Status, error) {
	var status fsm.Status
	l, err := dial(ctx, addr)
	if err != nil {
		return status, err
	}
	defer l.close()
	text, err := redis.Bytes(l.ask(ctx, "TRUECOUNT", "STATUS"))
	if err != nil {
		return status, err
	}
	return status, json.Unmarshal(text, &status)
}

// play is the demo between its start and its end. The error is a socket that can't be opened; stop is the call of who
// asked for the end, if somebody did.
func (s *stage) play(ctx context.Context, place *place, notice string) (stop call, err error) {
	socket, err := serve(filepath.Join(place.dir, socketName), s.calls)
	if err != nil {
		return call{}, err
	}
	s.server = socket

	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var watching, writing sync.WaitGroup
	for i := range s.nodes {
		watching.Go(func() { s.watch.run(running, i) })
	}
	s.awaitSights()
	s.introduce(notice)

	s.ledger = newLedger()
	writers, stopWriters := context.WithCancel(running)
	defer stopWriters()
	pace := time.Second * time.Duration(len(s.nodes)) / time.Duration(s.Rate)
	for i := range s.nodes {
		w := &writer{home: i, doors: s.doors, pace: pace, phase: pace * time.Duration(i) / time.Duration(len(s.nodes)), ledger: s.ledger}
		writing.Go(func() { w.run(writers) })
	}
	stop = s.run(ctx)
	s.screen.end()
	stopWriters()
	writing.Wait()
	s.lastCheck()
	cancel()
	watching.Wait()
	return stop, nil
}

// killAll kills what lives. The data is temporary: there is nothing to finish.
func (s *stage) killAll() {
	limit := time.NewTimer(killTime)
	defer limit.Stop()
	for _, n := range s.nodes {
		if n.alive {
			n.process.Kill()
		}
	}
	for _, n := range s.nodes {
		for n.alive {
			select {
			case e := <-s.exits:
				e.node.alive = e.life != e.node.lives
			case <-limit.C:
				return // it hangs in the kernel; it will die
			}
		}
	}
	s.forker.close()
}

// close answers everybody who still waits, the one who asked for the end with the last figures.
func (s *stage) close(stop call) {
	f := *s.check.end
	s.screen.tell(stoppedEvent{stamped(typeStopped), f, f.NotCompared == ""})
	for _, e := range s.episodes {
		if e.reply != nil {
			e.reply <- answer{Error: errStopping}
		}
	}
	if stop.answer != nil {
		status := s.status()
		stop.answer <- answer{Status: &status}
	}
	go func() {
		for c := range s.calls {
			c.answer <- answer{Error: errStopping}
		}
	}()
	s.server.wait()
	close(s.calls)
}

const errStopping = "the demo is stopping"
