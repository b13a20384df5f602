package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/disk"
	"github.com/truecount/truecount/internal/history"
)

// powerCut takes the power of one node, of a majority or of all at once: what their disks were not told to sync is gone.
type powerCut struct {
	onDisks
	kind  string
	count func(nodes int) int
}

func powerCuts() []nemesis {
	return []nemesis{
		powerCut{kind: "power-one", count: func(int) int { return 1 }},
		powerCut{kind: "power-majority", count: func(n int) int { return n/2 + 1 }},
		powerCut{kind: "power-all", count: func(n int) int { return n }},
	}
}

func (p powerCut) name() string { return p.kind }

func (p powerCut) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	leader := c.leader(ctx)
	if !c.takeAll() {
		return nil, errBusy
	}
	var victims []*node
	var names string
	leads := false
	for _, i := range rng.Perm(len(c.nodes))[:p.count(len(c.nodes))] {
		victims = append(victims, c.nodes[i])
		names += " " + c.nodes[i].name
		leads = leads || c.nodes[i] == leader
	}
	at := c.clock()
	for _, n := range victims {
		if err := disk.Halt(n.pid()); err != nil {
			for _, n := range victims {
				_ = n.signal(syscall.SIGCONT) // those that were not halted don't mind
			}
			c.give(c.nodes...)
			return nil, err
		}
	}
	gone, err := cutPower(c, victims)
	return &injury{
		fault:   history.Fault{Target: names[1:], Leader: leads, At: at},
		targets: c.nodes, hold: between(rng, 0, 2*time.Second) + time.Millisecond,
		heal: func(context.Context) (string, error) {
			for _, i := range rng.Perm(len(victims)) {
				err = errors.Join(err, victims[i].start())
			}
			if gone < len(victims) {
				return "", err
			}
			return fmt.Sprintf("%d files that were not synced are gone", gone), err
		},
	}, nil
}

// cutPower cuts the power of halted nodes, and counts the disks that have forgotten their canary.
func cutPower(c *cluster, victims []*node) (gone int, err error) {
	for _, n := range victims { // nobody syncs any more, so nothing but the cut can decide about the canary
		err = errors.Join(err, writeCanary(c.disks[n]), c.disks[n].CutPower())
	}
	for _, n := range victims {
		err = errors.Join(err, n.kill(), c.disks[n].Remount())
		if _, missing := os.Stat(canary(c.disks[n])); os.IsNotExist(missing) {
			gone++
		}
	}
	return gone, err
}

func canary(d *disk.Disk) string { return filepath.Join(d.Path, "canary") }

// writeCanary writes what a power cut must take away: a file that nobody syncs, written just before.
func writeCanary(d *disk.Disk) error { return os.WriteFile(canary(d), make([]byte, 4096), 0o600) }
