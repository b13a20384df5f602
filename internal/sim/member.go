package sim

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/truecount/truecount/cluster"
)

// Join lets name join through a host that runs.
func (c *Cluster) Join(name, through string) {
	c.T.Helper()
	var err error
	for range 100 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err = c.Node(name).Join(ctx, c.peer(through))
		cancel()
		if errors.Is(err, cluster.ErrReopen) {
			c.Reopen(name)
			return
		}
		if err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	c.T.Fatalf("%s can't join: %v", name, err)
}

// invited is what a program does that runs a Node.
func (c *Cluster) invited(name, peer string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := c.Node(name).Join(ctx, peer)
	if errors.Is(err, cluster.ErrReopen) {
		c.wg.Go(func() { c.Reopen(name) })
		return nil
	}
	return err
}

// Reopen closes a host's Node and starts it again, unless it crashes meanwhile.
func (c *Cluster) Reopen(name string) {
	c.T.Helper()
	c.mu.Lock()
	h := c.hosts[name]
	node := h.node
	if node == nil || !h.life.die() {
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	node.Close()
	c.mu.Lock()
	crashed := h.node != node
	c.mu.Unlock()
	if !crashed {
		c.Start(name, false)
	}
}

// Wipe forgets everything that a host that is down has on its disk.
func (c *Cluster) Wipe(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.hosts[name]
	h.disk = newDisk(h.disk.rng, h.disk.latency)
}

// skipUnderRaceDetector is for tests that move hosts: see raceDetector.
func skipUnderRaceDetector(t testing.TB) {
	if raceDetector {
		t.Skip("the race detector finds a race in hashicorp/raft when an address changes: see race_on.go")
	}
}

// Move gives a host that is down another peer address.
func (c *Cluster) Move(name, port string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hosts[name].port = port
}

// Swap gives two hosts that are down each other's peer addresses. The network's faults go with the addresses.
func (c *Cluster) Swap(a, b string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, other := c.hosts[a], c.hosts[b]
	one.at, other.at = other.at, one.at
	one.port, other.port = other.port, one.port
}

// peer is the peer address of a host.
func (c *Cluster) peer(name string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hosts[name].at + c.hosts[name].port
}

// long is for tests that take minutes of virtual time, and go ways that shorter ones go, too: go test -short leaves them out.
func long(t testing.TB) {
	if testing.Short() {
		t.Skip("long: left out by -short")
	}
}
