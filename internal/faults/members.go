package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/internal/history"
)

const (
	transfers   = 5
	trailing    = 10240 // entries that every node keeps behind an image
	unseen      = 2000  // entries at most between the last status and a node's death
	awayLimit   = 50 * time.Second
	awayLeast   = 2 * time.Minute
	joinLimit   = 60 * time.Second
	removeTries = 3
)

// transfer hands leadership around.
type transfer struct{}

func (transfer) name() string              { return "transfers" }
func (transfer) available(*cluster) string { return "" }

func (transfer) inflict(ctx context.Context, c *cluster, _ *rand.Rand) (*injury, error) {
	at, moved, seen := c.clock(), 0, ""
	for range transfers {
		l := c.leader(ctx)
		if l == nil {
			break
		}
		if _, err := l.ask(ctx, changeTime, "TRUECOUNT", "TRANSFER"); err != nil {
			break // while another fault lasts, nobody may be there to take it over
		}
		if now := c.leader(ctx); now != nil && now != l {
			moved++
			seen += fmt.Sprintf(" %s>%s", l.name, now.name)
		}
	}
	if moved == 0 {
		return nil, errBusy
	}
	return &injury{
		fault: history.Fault{Target: "all", Leader: true, At: at}, hold: time.Millisecond,
		heal: func(context.Context) (string, error) { return fmt.Sprintf("%d moves:%s", moved, seen), nil },
	}, nil
}

// wipe kills a node, loses its disk, takes it out of the cluster by way of another, and lets an empty one join under its name.
type wipe struct{}

func (wipe) name() string              { return "wiped-disk" }
func (wipe) available(*cluster) string { return "" }

func (wipe) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.takeOnly(ctx, rng)
	if n == nil {
		return nil, errBusy
	}
	before, err := n.status(ctx)
	at := c.clock()
	if err != nil || n.kill() != nil {
		c.give(c.nodes...)
		return nil, errBusy
	}
	wiped := n.wipe()
	return &injury{
		fault:   history.Fault{Target: n.name, Leader: leads, At: at},
		targets: c.nodes, hold: between(rng, time.Millisecond, 3*time.Second),
		heal: func(ctx context.Context) (string, error) {
			if wiped != nil {
				return "", wiped
			}
			if err := remove(ctx, c, n); err != nil {
				return "", err
			}
			return rejoin(ctx, c, n, before.ServerID)
		},
	}, nil
}

// leave lets a node leave the cluster, and an empty one join under its name.
type leave struct{}

func (leave) name() string              { return "leave-and-join" }
func (leave) available(*cluster) string { return "" }

func (leave) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.takeOnly(ctx, rng)
	if n == nil {
		return nil, errBusy
	}
	before, err := n.status(ctx)
	if err != nil {
		c.give(c.nodes...)
		return nil, errBusy
	}
	at := c.clock()
	if _, err = n.ask(ctx, changeTime, "TRUECOUNT", "LEAVE"); err == nil {
		err = n.waitExit(endTime)
	}
	if err != nil && n.running() { // if it has ended, only its answer was lost
		c.give(c.nodes...)
		return nil, err
	}
	return &injury{
		fault:   history.Fault{Target: n.name, Leader: leads, At: at},
		targets: c.nodes, hold: between(rng, time.Millisecond, 3*time.Second),
		heal: func(ctx context.Context) (string, error) {
			if err := n.wipe(); err != nil {
				return "", err
			}
			return rejoin(ctx, c, n, before.ServerID)
		},
	}, nil
}

// takeOnly takes all nodes, so that nothing else happens to the members, and chooses one.
func (c *cluster) takeOnly(ctx context.Context, rng *rand.Rand) (n *node, leads bool) {
	if !c.takeAll() {
		return nil, false
	}
	l := c.leader(ctx)
	if l == nil {
		c.give(c.nodes...)
		return nil, false
	}
	n = c.nodes[rng.IntN(len(c.nodes))]
	return n, n == l
}

// remove takes a dead node out by way of the others, one of which leads before long.
func remove(ctx context.Context, c *cluster, n *node) error {
	var err error
	for range removeTries {
		err = c.until(ctx, joinLimit, func() error {
			if c.leader(ctx) == nil {
				return fmt.Errorf("no node leads")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if l := c.leader(ctx); l != nil {
			if _, err = l.ask(ctx, changeTime, "TRUECOUNT", "REMOVE", n.name); err == nil || c.gone(ctx, n) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s could not be removed: %w", n.name, err)
}

// gone reports whether the leader does not know a node.
func (c *cluster) gone(ctx context.Context, n *node) bool {
	l := c.leader(ctx)
	if l == nil {
		return false
	}
	s, err := l.status(ctx)
	if err != nil {
		return false
	}
	for _, m := range s.Members {
		if m.ID == n.name {
			return false
		}
	}
	return true
}

// rejoin starts an empty node and waits until all are members again. The proof is its new identity.
func rejoin(ctx context.Context, c *cluster, n *node, before string) (effect string, err error) {
	if err := n.start(); err != nil {
		return "", err
	}
	if err := c.whole(ctx); err != nil {
		return "", fmt.Errorf("after an empty %s was started: %w", n.name, err)
	}
	s, err := n.status(ctx)
	if err != nil || before == "" || s.ServerID == before {
		return "", err
	}
	return before + " gone, joined as " + s.ServerID, nil
}

// away kills a follower for so long that the others have forgotten the log it needs, and it must take an image.
type away struct{}

func (away) name() string { return "away-for-an-image" }

func (away) available(c *cluster) string {
	switch {
	case c.length < awayLeast:
		return fmt.Sprintf("takes up to a minute: a cluster must be loaded for %v at least", awayLeast)
	case slices.Contains(c.flags, "wal"):
		return "the WAL store (--log-store wal) can read 64 MiB of log behind an image, its last segment; bolt forgets"
	}
	return ""
}

func (away) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.claim(&c.someAway) {
		return nil, errBusy
	}
	defer c.release(&c.someAway)
	n, _ := c.take(ctx, rng, follower)
	if n == nil {
		return nil, errBusy
	}
	last := c.lastIndex(ctx)
	at := c.clock()
	if last == 0 || n.kill() != nil {
		c.give(n)
		return nil, errBusy
	}
	if c.until(ctx, awayLimit, func() error { return c.forgotten(ctx, last+unseen) }) != nil {
		err := n.start() // the machine is too slow today
		c.give(n)
		return nil, errors.Join(errBusy, err)
	}
	said := len(n.output())
	return &injury{
		fault: history.Fault{Target: n.name, At: at}, targets: []*node{n}, hold: time.Millisecond,
		heal: func(ctx context.Context) (string, error) {
			if err := n.start(); err != nil {
				return "", err
			}
			err := c.whole(ctx)
			return imageTaken(n.output()[said:]), err
		},
	}, nil
}

// imageTaken finds, in what a node has said since its start, the image that it got from the leader: one that it loads and has
// made since.
func imageTaken(output []byte) string {
	const made, loaded = "creating new snapshot: path=", "image loaded: index="
	for rest := output; ; {
		_, path, found := bytes.Cut(rest, []byte(made))
		if !found {
			return ""
		}
		path, rest, _ = bytes.Cut(path, []byte("\n"))
		parts := strings.Split(filepath.Base(string(path)), "-") // term-index-time.tmp
		if len(parts) == 3 && bytes.Contains(rest, []byte(loaded+parts[1]+" ")) {
			return "took an image of index " + parts[1] + " from the leader"
		}
	}
}

// written is what a node says of an image that it has made itself.
const written = "image written: index="

// lastIndex is how far the log goes that anybody knows to be committed. A node's own status would not do: one that has just
// started has a longer log than it has applied.
func (c *cluster) lastIndex(ctx context.Context) (last uint64) {
	for _, n := range c.nodes {
		if s, err := n.status(ctx); err == nil {
			last = max(last, s.AppliedIndex, s.CommitIndex)
		}
	}
	return last
}

// forgotten is nil when the leader has written an image that is more than the trailing entries after an index. Meanwhile it
// makes entries: the load alone would take too long.
func (c *cluster) forgotten(ctx context.Context, index uint64) error {
	l := c.leader(ctx)
	if l == nil {
		return fmt.Errorf("no node leads")
	}
	if err := l.pump(ctx); err != nil {
		return err
	}
	if image := l.lastImage(); image <= index+trailing {
		return fmt.Errorf("the last image of %s is of index %d, %d is needed", l.name, image, index+trailing)
	}
	return nil
}

// pump makes some hundred entries, one after the other.
func (n *node) pump(ctx context.Context) error {
	conn, err := n.dial(ctx, askTime)
	if err != nil {
		return err
	}
	defer conn.Close()
	for range 300 {
		if _, err := conn.Do("INCR", pumpKey); err != nil {
			return err
		}
	}
	return nil
}

// lastImage is the index of the newest image that a node says it has written.
func (n *node) lastImage() (index uint64) {
	text := n.output()
	if i := bytes.LastIndex(text, []byte(written)); i >= 0 {
		fmt.Sscan(string(text[i+len(written):]), &index) // of a line that is being written, 0
	}
	return index
}

// pumpKey is counted with by nobody else, and is in no history.
const pumpKey = "faults:pump"
