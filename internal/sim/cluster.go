// Package sim runs whole clusters in virtual time (testing/synctest): real Nodes, hashicorp/raft included, over a network in
// memory and disks that lose what was not synced.
//
//	New ─ Cluster.Start(name)             a founder, or one that joins through those who run
//	    Do, DoIf(name, conditions, ops)   one Request at that node, and its answer; Speak: one of nothing
//	    Crash, Restart                    process death: connections break, unsynced writes are gone
//	    Net.Cut, Shape, Break, Heal …     the network's faults (internal/memnet)
//	    Skew, Drift, Strobe, Pass         a wall clock that jumps, runs fast, jumps for ever (wall.go); time that passes
//	    Freeze, Stall, Slow, Fail, SetFree, Damage  disks that hang, are slow, fail, are full, lie (trouble.go)
//	    Stop                              ends all; synctest fails the test if anything is left running
//
// Rules. Everything must be made and used inside one synctest bubble. A crashed node's goroutines are ended in the
// background; it can neither dial nor be dialed, and what it still answers counts as unknown. Faults come from a seeded
// source, but the Go scheduler and raft's own jitter are not seeded: a failure is repeated by running its seed often.
//
// Tests: this is the test kit; its users are beside it. campaign_test.go is make sim: trials without end, drawn from seeds.
//
//	setup_test.go, schedule_test.go     what a seed decides: the configuration, and what goes wrong when
//	nemesis_test.go, cut_, mender_      how that is done, and the proof that it had an effect
//	workload_test.go, traffic_          what clients do, recorded as history.Ops
//	trial_test.go                       one run; history.Verify judges it
//	shrink_test.go                      faults that a failing trial can do without
package sim

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/memnet"
)

// Cluster is a set of hosts, each with a disk and at times a running Node. Its fields may be set before the first Start.
type Cluster struct {
	T         testing.TB
	Net       *memnet.Network
	Rand      *rand.Rand
	Latency   time.Duration          // of a disk write; default 200 µs
	Timing    cluster.Timing         // of the Nodes
	Snapshots cluster.SnapshotPolicy // of the Nodes
	Secret    []byte                 // of the Nodes
	Limits    cluster.Limits         // of the Nodes started from now on
	Files     string                 // a directory for real stores; empty: disks in memory
	LogStore  string                 // of real stores: cluster.Config.LogStore

	// Observe is told of every change that a Node applies: see cluster.Node.Observe. Nil: nobody is.
	Observe func(name string, e fsm.Event)

	// Fatal is told when a Node ends itself; the process is still running. Nil: the test fails.
	Fatal func(name string, err error)

	mu    sync.Mutex
	hosts map[string]*Host
	over  bool           // Stop has begun: nothing starts any more
	wg    sync.WaitGroup // crashed Nodes that are being taken down
}

// Host is a place where a Node can run.
type Host struct {
	Name     string
	Founder  bool
	Nonvoter bool
	at       string // host of its peer address: its own name, but for Swap
	port     string // of its peer address
	node     *cluster.Node
	life     *life
	disk     *disk
	wall     wall
	free     uint64 // bytes of the disk
}

// life is one process: from Start to Crash or Stop.
type life struct {
	mu   sync.Mutex
	dead bool
}

func (l *life) isDead() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.dead }

// die ends the life, and reports whether it was one. Whoever ended it closes its Node.
func (l *life) die() (was bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, l.dead = !l.dead, true
	return was
}

const peerPort = ":17379"

// New returns a Cluster without hosts, whose faults follow seed.
func New(t testing.TB, seed uint64) *Cluster {
	rng := rand.New(rand.NewPCG(seed, 0))
	return &Cluster{T: t, Net: memnet.New(rand.New(rand.NewPCG(seed, 1))), Rand: rng, Latency: 200 * time.Microsecond,
		Secret: []byte("the secret of a simulated cluster"),
		hosts:  map[string]*Host{}}
}

// StartThree starts n1, and n2 and n3 that join it, and waits until all three vote.
func (c *Cluster) StartThree() {
	c.T.Helper()
	c.Start("n1", true)
	for _, name := range []string{"n2", "n3"} {
		c.Start(name, false)
		c.Join(name, "n1")
	}
	c.WaitFor("three voters", 10*time.Second, func() bool {
		voters := 0
		for _, m := range c.Node("n1").Local().Members {
			if m.Voter {
				voters++
			}
		}
		return voters == 3
	})
}

// Start starts a host's Node on its disk; a new host gets an empty one. A founder begins as a cluster of one.
func (c *Cluster) Start(name string, founder bool) *cluster.Node {
	c.T.Helper()
	return c.start(name, Host{Founder: founder})
}

// StartNonvoter starts a Node on an empty disk that shall never vote.
func (c *Cluster) StartNonvoter(name string) *cluster.Node {
	c.T.Helper()
	return c.start(name, Host{Nonvoter: true})
}

func (c *Cluster) start(name string, fresh Host) *cluster.Node {
	c.T.Helper()
	node, err := c.open(name, fresh)
	if err != nil && !errors.Is(err, errCrashed) {
		c.T.Fatal(err)
	}
	return node
}

// open starts a host's Node, or says why that can't be.
func (c *Cluster) open(name string, fresh Host) (*cluster.Node, error) {
	c.mu.Lock()
	h := c.hosts[name]
	if h == nil {
		h = &Host{Name: name, Founder: fresh.Founder, Nonvoter: fresh.Nonvoter, at: name, port: peerPort, free: allFree,
			disk: newDisk(rand.New(rand.NewPCG(c.Rand.Uint64(), 2)), c.Latency)}
		c.hosts[name] = h
	}
	if h.life != nil && !h.life.isDead() {
		c.mu.Unlock()
		return nil, errRuns
	}
	alive := &life{dead: c.over}
	h.node, h.life = nil, alive
	stores, dir, at, port := h.disk.stores, "", h.at, h.port
	c.mu.Unlock()
	listener, err := c.Net.Listen(at + port)
	if err != nil {
		alive.die()
		return nil, err
	}
	if c.Files != "" {
		stores, dir = nil, filepath.Join(c.Files, name)
	}
	node, err := cluster.Open(cluster.Config{
		Dir: dir, Name: name, RESP: name + ":7379", Listener: listener, Bootstrap: h.Founder, Nonvoter: h.Nonvoter, Version: "sim",
		Invited: func(peer string) error { return c.invited(name, peer) },
		Timing:  c.Timing, Snapshots: c.Snapshots, Secret: c.Secret, Limits: c.Limits, Stores: stores, LogStore: c.LogStore, Logger: c.logger(name),
		Wall:  func() time.Time { return c.wallOf(h) },
		Space: func() (free, total uint64, err error) { return c.space(h) },
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			if alive.isDead() {
				return nil, net.ErrClosed
			}
			return c.Net.Dial(ctx, at, addr)
		},
		Fatal: func(err error) {
			switch {
			case alive.isDead():
			case c.Fatal != nil:
				c.Fatal(name, err)
			default:
				c.T.Errorf("%s ended itself: %v", name, err)
			}
		},
	})
	if err != nil {
		alive.die()
		listener.Close()
		return nil, err
	}
	if c.Observe != nil {
		node.Observe(func(e fsm.Event) { c.Observe(name, e) })
	}
	c.mu.Lock()
	crashed := alive.isDead()
	if !crashed {
		h.node = node
	}
	c.mu.Unlock()
	if crashed {
		node.Close()
		return nil, errCrashed
	}
	return node, nil
}

var (
	errCrashed = errors.New("sim: crashed while it was opened")
	errRuns    = errors.New("sim: it runs already, or is being opened")
)

// logger writes nothing, unless SIM_LOG is set in the environment of who debugs: a passing run should be silent.
func (c *Cluster) logger(name string) hclog.Logger {
	if !verbose() {
		return hclog.NewNullLogger()
	}
	return hclog.New(&hclog.LoggerOptions{Name: name, Level: hclog.Debug, Output: testWriter{c.T}, TimeFormat: "05.000"})
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p[:max(0, len(p)-1)])
	return len(p), nil
}

// Node is the Node that runs on a host; nil if none does.
func (c *Cluster) Node(name string) *cluster.Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hosts[name].node
}

// Names are the hosts on which a Node runs, in no particular order.
func (c *Cluster) Names() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, h := range c.hosts {
		if h.node != nil {
			names = append(names, name)
		}
	}
	return names
}

// Leader is the host whose Node leads, as far as itself knows; empty if none does. A deposed leader may still think so:
// the one with the highest term is taken.
func (c *Cluster) Leader() (leader string) {
	var highest uint64
	for _, name := range c.Names() {
		node := c.Node(name)
		if node == nil {
			continue // it has crashed since
		}
		if s := node.Local(); s.Role == fsm.Leader && s.Term >= highest {
			leader, highest = name, s.Term
		}
	}
	return leader
}

// Crash ends the process on a host: its connections break, what its disk had not synced is gone. (Real stores lose nothing,
// but are read anew; Crash then waits until they are closed.)
func (c *Cluster) Crash(name string) {
	c.mu.Lock()
	h := c.hosts[name]
	at := h.at
	node, alive := h.node, h.life.die()
	h.disk = h.disk.crash()
	h.node = nil
	c.mu.Unlock()
	c.Net.Kill(at)
	if node == nil || !alive {
		return // whoever opens or closes it sees to the rest
	}
	if c.Files != "" {
		node.Close()
		return
	}
	c.wg.Go(func() { node.Close() })
}

// Restart starts a crashed host's Node again.
func (c *Cluster) Restart(name string) *cluster.Node {
	c.T.Helper()
	return c.Start(name, false)
}

// RestartAll crashes every host on which a Node runs, then starts them all again.
func (c *Cluster) RestartAll() {
	c.T.Helper()
	names := c.Names()
	for _, name := range names {
		c.Crash(name)
	}
	for _, name := range names {
		c.Restart(name)
	}
}

func (c *Cluster) allHosts() (all []*Host) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, h := range c.hosts {
		all = append(all, h)
	}
	return all
}

// Stop ends all Nodes.
func (c *Cluster) Stop() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	for _, h := range c.allHosts() {
		c.mu.Lock()
		node, alive := h.node, h.life.die()
		h.node = nil
		c.mu.Unlock()
		c.Thaw(h.Name)
		if node != nil && alive {
			c.wg.Go(func() { node.Close() })
		}
	}
	c.Net.Heal()
	c.wg.Wait()
}

// WaitFor polls until ok, and fails the test if that takes longer than limit.
func (c *Cluster) WaitFor(what string, limit time.Duration, ok func() bool) {
	c.T.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.T.Fatalf("no %s within %v", what, limit)
		}
	}
}
