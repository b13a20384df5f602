package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/truecount/truecount/internal/history"
)

var errBusy = errors.New("no node is free for it") // of inflict: nothing was done, and nothing is wrong

// nemesis does one kind of harm to a cluster, and undoes it.
type nemesis interface {
	// name is the kind in reports: kill, pause, cut-one-way …
	name() string
	// available says why it can't be done to this cluster on this machine; empty: it can.
	available(c *cluster) string
	// inflict does it, to targets of its own choice, which it takes with c.take. An error says that it could not, and that all
	// is as it was. It may take its time, and must end soon after ctx does.
	inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error)
}

// injury is a harm that has been done and lasts.
type injury struct {
	fault   history.Fault // Kind, End and Effect are filled in by whoever called inflict
	targets []*node       // taken; given back after heal
	hold    time.Duration // until heal; 0: the campaign draws it
	// heal undoes it and returns the proof that it has acted, or empty. It is called once, always, and does its work also when
	// ctx has ended: what is left undone harms the next.
	heal func(ctx context.Context) (effect string, err error)
}

// arsenal is every nemesis there is, in the order of the report.
func arsenal() []nemesis {
	list := []nemesis{
		kill{"kill-leader", leader}, kill{"kill-follower", follower}, killAll{},
		pause{"pause-leader", leader}, pause{"pause-follower", follower},
		restart{}, transfer{}, wipe{}, leave{}, away{},
		cut{"cut-minority", minority}, cut{"cut-leader", isolated}, cut{"cut-bridge", bridge}, cut{"cut-ring", ring},
		cut{"deaf", deaf}, cut{"mute", mute}, cut{"cut-link", oneLink},
		flap{}, spoil{"lossy", lossy}, spoil{"doubled", doubled}, spoil{"slow-link", slow}, spoil{"narrow-link", narrow},
		spoil{"reset-link", resets},
		sever{}, loseReplies{},
		diskFull{}, diskFreeze{kind: "disk-hang-leader", whom: leader}, diskFreeze{kind: "disk-hang-follower", whom: follower},
		slowSync{}, upgrade{},
	}
	return slices.Concat(list, failures(), powerCuts(), clocks())
}

// between draws a duration, the shorter ones more often.
func between(rng *rand.Rand, low, high time.Duration) time.Duration {
	f := rng.Float64()
	return low + time.Duration(f*f*float64(high-low))
}
