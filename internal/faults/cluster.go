package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/disk"
)

const (
	readyLimit = 60 * time.Second // for a cluster to be whole
	pollEvery  = 50 * time.Millisecond
)

// cluster is some nodes on hosts of their own, with a network between them that can be broken.
type cluster struct {
	folder       string // of everything: data in NAME/, output in NAME.log
	nodes        []*node
	net          network
	binary       string
	flags        []string // of every node: the configuration drawn for the run
	password     string
	passwordFile string
	secretFile   string
	seeded       atomic.Bool // the first node has been started alone: from now on every new one joins

	began  time.Time
	length time.Duration // of the run, as planned

	disks    map[*node]*disk.Disk // of each node, or empty
	diskRoot string               // where they are
	noDisks  string               // why there are none
	older    string               // the commit whose build the nodes were started with; empty: the present build
	noOlder  string               // why

	mu       sync.Mutex // guards what follows, and the taken of the nodes
	netTaken bool       // one fault of the network at a time: another would undo it
	someAway bool       // a node is dead until the others have forgotten its log, for which they need a majority
}

// clock is the time since the run began.
func (c *cluster) clock() time.Duration { return time.Since(c.began) }

// who is a choice of targets.
type who int

const (
	anyone who = iota
	leader
	follower
)

// newCluster arranges n nodes and starts nothing.
func newCluster(folder, binary string, n int, net network, flags []string) (*cluster, error) {
	c := &cluster{folder: folder, binary: binary, net: net, flags: flags, password: fmt.Sprintf("%032x", rand.Uint64())}
	c.passwordFile, c.secretFile = filepath.Join(folder, "password"), filepath.Join(folder, "secret")
	for path, text := range map[string]string{c.passwordFile: c.password, c.secretFile: fmt.Sprintf("%064x", rand.Uint64())} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	for i := range n {
		h := net.hosts()[i]
		name := fmt.Sprint("n", i+1)
		c.nodes = append(c.nodes, &node{
			name: name, host: h, addr: h.door.addr(), dir: filepath.Join(folder, name), log: filepath.Join(folder, name+".log"),
			binary: binary, c: c,
		})
		c.nodes[i].clock = c.clockFile(c.nodes[i])
	}
	return c, nil
}

// equip prepares what nemeses of the list need before the first start.
func (c *cluster) equip(ctx context.Context, list []nemesis) {
	c.mountDisks()
	c.noOlder = "it was not asked for"
	if slices.Contains(list, nemesis(upgrade{})) {
		if err := c.startOlder(ctx); err != nil {
			c.noOlder = err.Error()
		}
	}
}

// environ is ours without what would configure the nodes.
func (c *cluster) environ() []string {
	var own []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRUECOUNT_") {
			own = append(own, v)
		}
	}
	return append(own, "GOMAXPROCS=2", "GOTRACEBACK=all")
}

// others are the RESP addresses of all nodes but n, as nodes reach them.
func (c *cluster) others(n *node) string {
	var addrs []string
	for _, o := range c.nodes {
		if o != n {
			addrs = append(addrs, o.host.address(respPort))
		}
	}
	return strings.Join(addrs, ",")
}

// start makes a cluster of all nodes, and waits until it is whole.
func (c *cluster) start(ctx context.Context) error {
	if err := c.nodes[0].start(); err != nil {
		return err
	}
	if err := c.until(ctx, readyLimit, func() error { return c.led(ctx, 1) }); err != nil {
		return err
	}
	c.seeded.Store(true)
	for _, n := range c.nodes[1:] {
		if err := n.start(); err != nil {
			return err
		}
	}
	return c.whole(ctx)
}

// whole waits until all nodes are voters that the leader reaches.
func (c *cluster) whole(ctx context.Context) error {
	return c.until(ctx, readyLimit, func() error { return c.led(ctx, len(c.nodes)) })
}

// led is nil if some node leads and reaches n voters that lag by little.
func (c *cluster) led(ctx context.Context, n int) error {
	l := c.leader(ctx)
	if l == nil {
		return fmt.Errorf("no node leads")
	}
	s, err := l.status(ctx)
	if err != nil {
		return err
	}
	reached := 0
	for _, m := range s.Members {
		if m.Voter && m.Reachable != nil && *m.Reachable && m.Lag != nil && *m.Lag < 1000 {
			reached++
		}
	}
	if reached < n {
		return fmt.Errorf("%s leads and reaches %d of %d voters", l.name, reached, n)
	}
	return nil
}

// leader is the node that leads in the highest term, or nil.
func (c *cluster) leader(ctx context.Context) *node {
	var found *node
	var term uint64
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range c.nodes {
		all.Go(func() {
			if s, err := n.status(ctx); err == nil && s.Role == fsm.Leader {
				mu.Lock()
				defer mu.Unlock()
				if s.Term >= term {
					found, term = n, s.Term
				}
			}
		})
	}
	all.Wait()
	return found
}

// until polls until the condition holds. The error is the last of it.
func (c *cluster) until(ctx context.Context, limit time.Duration, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-tick.C:
		}
	}
}

// take chooses one running node that nobody has taken; nil: there is none. Whether it leads is told at the same time.
func (c *cluster) take(ctx context.Context, rng *rand.Rand, whom who) (n *node, leads bool) {
	l := c.leader(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range rng.Perm(len(c.nodes)) {
		n := c.nodes[i]
		if n.taken || !n.running() || whom == leader && n != l || whom == follower && n == l {
			continue
		}
		n.taken = true
		return n, n == l
	}
	return nil, false
}

// takeAll takes every node, or none.
func (c *cluster) takeAll() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		if n.taken {
			return false
		}
	}
	for _, n := range c.nodes {
		n.taken = true
	}
	return true
}

// give gives nodes back.
func (c *cluster) give(nodes ...*node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range nodes {
		n.taken = false
	}
}

// claim takes what only one fault at a time may have, one of the marks of the cluster, or reports that another has it.
func (c *cluster) claim(mark *bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	free := !*mark
	*mark = true
	return free
}

func (c *cluster) release(mark *bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*mark = false
}

// proofTime is how long a fault goes on that has had no effect yet: what it acts on may be down.
const proofTime = 10 * time.Second

// proven waits for the proof of a fault, for a while.
func (c *cluster) proven(ctx context.Context, seen func() bool) {
	c.until(ctx, proofTime, func() error {
		if !seen() {
			return errUnproven
		}
		return nil
	})
}

var errUnproven = errors.New("no effect has been seen")

// close ends all processes.
func (c *cluster) close() {
	for _, n := range c.nodes {
		n.kill() // one that does not run is what we want
	}
}
