//go:build e2e

package e2e

import (
	"fmt"
	"math"
	"strconv"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// cluster is some nodes that belong together.
type cluster []*process

// newCluster starts n nodes at once, all but the first with --join, and waits until the cluster is whole.
func newCluster(t *testing.T, n int, flags ...string) cluster {
	t.Helper()
	c := newNodes(t, n, flags...)
	c.start(t)
	return c
}

// newNodes is newCluster before its start.
func newNodes(t *testing.T, n int, flags ...string) cluster {
	t.Helper()
	c := cluster{newProcess(t, "n1", flags...)}
	for i := 2; i <= n; i++ {
		c = append(c, newProcess(t, "n"+strconv.Itoa(i), append([]string{"--join", c[0].resp}, flags...)...))
	}
	return c
}

// start starts all nodes, and waits until the cluster is whole.
func (c cluster) start(t *testing.T) {
	t.Helper()
	for _, p := range c {
		p.start(t)
	}
	c.waitWhole(t)
}

// waitWhole waits until every node knows the leader, who sees all of them as voters, reachable and without lag.
func (c cluster) waitWhole(t *testing.T) {
	t.Helper()
	c.waitMembers(t, 0)
}

// waitVoters is waitWhole under load, when there is always some lag.
func (c cluster) waitVoters(t *testing.T) {
	t.Helper()
	c.waitMembers(t, math.MaxUint64)
}

func (c cluster) waitMembers(t *testing.T, maxLag uint64) {
	t.Helper()
	eventually(t, "the cluster is whole", func() error {
		for _, p := range c {
			if err := c.checkMembers(p, maxLag); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
		return nil
	})
}

func (c cluster) checkMembers(p *process, maxLag uint64) error {
	status, err := p.status()
	if err != nil {
		return err
	}
	if status.Leader == nil || len(status.Members) != len(c) {
		return fmt.Errorf("leader %v, %d members", status.Leader, len(status.Members))
	}
	for _, m := range status.Members {
		switch {
		case !m.Voter:
			return fmt.Errorf("%s is no voter yet", m.ID)
		case m.Reachable == nil || !*m.Reachable:
			return fmt.Errorf("%s is not reachable", m.ID)
		case m.Lag == nil || *m.Lag > maxLag:
			return fmt.Errorf("%s lags", m.ID)
		}
	}
	if want := (len(c) - 1) / 2; status.CanLose != want {
		return fmt.Errorf("can lose %d, want %d", status.CanLose, want)
	}
	return nil
}

// leader waits until the running nodes agree on a running leader.
func (c cluster) leader(t *testing.T) *process {
	t.Helper()
	var leader *process
	eventually(t, "the nodes agree on a leader", func() error {
		leader = nil
		for _, p := range c {
			if !p.running() {
				continue
			}
			status, err := p.status()
			if err != nil {
				return err
			}
			if status.Leader == nil {
				return fmt.Errorf("%s knows no leader", p.name)
			}
			if leader != nil && leader.name != status.Leader.ID {
				return fmt.Errorf("%s follows %s, another %s", p.name, status.Leader.ID, leader.name)
			}
			if leader = c.byName(status.Leader.ID); leader == nil || !leader.running() {
				return fmt.Errorf("%s follows %s, which is down", p.name, status.Leader.ID)
			}
		}
		return nil
	})
	return leader
}

func (c cluster) byName(name string) *process {
	for _, p := range c {
		if p.name == name {
			return p
		}
	}
	return nil
}

// without returns the other nodes.
func (c cluster) without(p *process) cluster {
	var others cluster
	for _, other := range c {
		if other != p {
			others = append(others, other)
		}
	}
	return others
}

// wantCount compares a key's value, read strongly at every node.
func (c cluster) wantCount(t *testing.T, key string, want int64) {
	t.Helper()
	for _, p := range c {
		got, err := redis.Int64(p.client(t).Do("GET", key))
		if err != nil || got != want {
			t.Errorf("GET %s at %s: %d, %v, want %d", key, p.name, got, err, want)
		}
	}
}
