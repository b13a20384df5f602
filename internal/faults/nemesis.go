package main

import (
	"context"
	"math/rand/v2"

	"github.com/truecount/truecount/internal/history"
)

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
	fault   history.Fault // Kind and At are filled in by whoever called inflict, if they are empty
	targets []*node       // taken; given back after heal
	// heal undoes it and returns the proof that it has acted, or empty. It is called once, always, and does its work also when
	// ctx has ended: what is left undone harms the next.
	heal func(ctx context.Context) (effect string, err error)
}

// arsenal is every nemesis there is, in the order of the report.
func arsenal() []nemesis {
	return []nemesis{}
}
