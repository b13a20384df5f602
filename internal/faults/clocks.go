package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/internal/history"
)

const (
	farthest  = 300 * time.Second // that a wall clock is wrong
	plainly   = 10 * time.Second  // wrong by so much is proof
	clockTick = 50 * time.Millisecond
	driftRate = 100 // times too fast or too slow
)

// clockFile is where a node reads how wrong its wall clock is.
func (c *cluster) clockFile(n *node) string { return filepath.Join(c.folder, n.name+".clock") }

// shift makes a node's wall clock wrong. The file is renamed into place: the node reads all of it or none.
func (n *node) shift(by time.Duration) error {
	if err := os.WriteFile(n.clock+".new", fmt.Append(nil, by.Milliseconds()), 0o600); err != nil {
		return err
	}
	return os.Rename(n.clock+".new", n.clock)
}

// shifted is how wrong a node's wall clock is, by its own word.
func (n *node) shifted(ctx context.Context) (time.Duration, error) {
	parts, err := redis.Int64s(n.ask(ctx, askTime, "TIME"))
	if err != nil {
		return 0, err
	}
	if len(parts) != 2 {
		return 0, fmt.Errorf("%s: TIME answers %v", n.name, parts)
	}
	return time.Until(time.Unix(parts[0], parts[1]*1000)), nil
}

// wrongClock makes the wall clock of one node wrong, or those of all: no member's word on the time may end a key early.
type wrongClock struct {
	kind  string
	all   bool
	again bool // at is asked again each clockTick; else the clock jumps once
	// at is how wrong it is so long after the beginning.
	at func(rng *rand.Rand, since time.Duration) time.Duration
}

func clocks() []nemesis {
	jump := func(rng *rand.Rand, _ time.Duration) time.Duration { return farthest * time.Duration(2*rng.IntN(2)-1) }
	return []nemesis{
		wrongClock{kind: "clock-jump", at: jump},
		wrongClock{kind: "clock-jump-all", all: true, at: jump},
		wrongClock{kind: "clock-strobe", again: true, at: func(rng *rand.Rand, _ time.Duration) time.Duration {
			return time.Duration(rng.Int64N(int64(2*farthest))) - farthest
		}},
		wrongClock{kind: "clock-drift", again: true, at: func(_ *rand.Rand, since time.Duration) time.Duration {
			return min(farthest, since*driftRate)
		}},
	}
}

func (w wrongClock) name() string              { return w.kind }
func (w wrongClock) available(*cluster) string { return "" }

func (w wrongClock) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	targets, fault := c.nodes, history.Fault{Target: "all", Leader: true, At: c.clock()}
	if !w.all {
		n, leads := c.take(ctx, rng, anyone)
		if n == nil {
			return nil, errBusy
		}
		targets, fault = []*node{n}, history.Fault{Target: n.name, Leader: leads, At: fault.At}
	} else if !c.takeAll() {
		return nil, errBusy
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	hold := between(rng, time.Second, 8*time.Second) // now: behind the first turn, rng is the clock's
	began := time.Now()
	turn := func() (err error) {
		for _, n := range targets {
			err = errors.Join(err, n.shift(w.at(rng, time.Since(began))))
		}
		return err
	}
	err := turn()
	go func() {
		tick := time.NewTicker(clockTick)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				stopped <- err
				return
			case <-tick.C:
				if w.again {
					err = errors.Join(err, turn())
				}
			}
		}
	}()
	return &injury{fault: fault, targets: targets, hold: hold,
		heal: func(ctx context.Context) (string, error) {
			effect := plainlyShifted(ctx, targets)
			close(stop)
			err := <-stopped
			for _, n := range targets {
				err = errors.Join(err, n.shift(0))
			}
			return effect, err
		}}, nil
}

// plainlyShifted asks nodes how wrong they are, a few times, for a clock that strobes may be nearly right just then. The proof is
// their answer, and empty if one was never plainly wrong.
func plainlyShifted(ctx context.Context, nodes []*node) string {
	text := ""
	for _, n := range nodes {
		off, err := n.shifted(ctx)
		for range 3 {
			if err == nil && off.Abs() >= plainly {
				break
			}
			wait(ctx, clockTick)
			off, err = n.shifted(ctx)
		}
		if err != nil || off.Abs() < plainly {
			return ""
		}
		text += fmt.Sprintf(" %s %+d s", n.name, int(off.Seconds()))
	}
	return "wrong by" + text
}
