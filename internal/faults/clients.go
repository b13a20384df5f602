package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/truecount/truecount/internal/history"
)

const severings = 5

// sever ends all connections of clients, a few times.
type sever struct{}

func (sever) name() string              { return "clients-cut-off" }
func (sever) available(*cluster) string { return "" }

func (sever) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	at, cut := c.clock(), 0
	for range severings {
		for _, n := range c.nodes {
			cut += n.host.door.lines.sever()
		}
		wait(ctx, between(rng, 10*time.Millisecond, time.Second))
	}
	if cut == 0 {
		return nil, errBusy // other faults have left nobody to cut off
	}
	return &injury{
		fault: history.Fault{Target: "all clients", At: at}, hold: time.Millisecond,
		heal: func(context.Context) (string, error) { return fmt.Sprintf("%d connections reset", cut), nil },
	}, nil
}

// loseReplies lets requests in and no replies out, at one node.
type loseReplies struct{}

func (loseReplies) name() string              { return "replies-lost" }
func (loseReplies) available(*cluster) string { return "" }

func (loseReplies) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, anyone)
	if n == nil {
		return nil, errBusy
	}
	d := n.host.door
	at, before := c.clock(), d.swallow.Load()
	d.mute.Store(true)
	return &injury{
		fault:   history.Fault{Target: "clients of " + n.name, Leader: leads, At: at},
		targets: []*node{n}, hold: between(rng, 500*time.Millisecond, 4*time.Second),
		heal: func(ctx context.Context) (string, error) {
			c.proven(ctx, func() bool { return d.swallow.Load() > before })
			d.lines.sever()
			d.mute.Store(false)
			if lost := d.swallow.Load() - before; lost > 0 {
				return fmt.Sprintf("%d bytes of replies lost", lost), nil
			}
			return "", nil
		},
	}, nil
}
