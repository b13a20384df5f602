//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gomodule/redigo/redis"
)

// Of each disk minFree must be free: more than that is when a node starts, and lowSpace is between that and its half.
const (
	minFree  = "100MiB"
	lowSpace = 80 << 20
)

func TestAFullDiskCostsItsOwnClientsTheirWritesAndNobodyElse(t *testing.T) {
	for _, role := range []string{"a follower", "the leader"} {
		t.Run(role, func(t *testing.T) {
			c, disks := onDisks(t, 3, "--min-free", minFree)
			poor := c.leader(t)
			if role == "a follower" {
				poor = c.without(poor)[0]
			}
			others := c.without(poor)
			l := startLoad(t, "hits", 2, others...)
			l.waitAcked(t, aroundAKill)

			must(t, disks[poor].Fill(lowSpace))
			others.waitLeads(t)
			poor.wantNoSpace(t, "this node is low on disk space")
			if _, err := redis.Int64(poor.client(t).Do("GET", "hits:0")); err != nil {
				t.Errorf("a strong read where the disk is low: %v", err)
			}
			l.waitAcked(t, aroundAKill)

			must(t, disks[poor].Fill(0))
			eventually(t, poor.name+" sees that nothing is free", func() error {
				status, err := poor.status()
				if err == nil && (status.DiskFree == nil || *status.DiskFree > 1<<20 || !status.DiskLow) {
					err = fmt.Errorf("low: %t, free: %v", status.DiskLow, status.DiskFree)
				}
				return err
			})
			l.waitAcked(t, aroundAKill)
			poor.wantNoSpace(t, "this node is low on disk space")
			poor.wantStaleRead(t)

			must(t, disks[poor].Clear())
			poor.waitCounts(t)
			l.waitAcked(t, aroundAKill)
			l.end()
			l.wantNoErrors(t)
			c.waitWhole(t)
			for key, n := range l.acknowledged(t) {
				c.wantCount(t, key, n)
			}
		})
	}
}

func TestTwoFullDisksOfThreeStopTheWritesAndNotTheReads(t *testing.T) {
	c, disks := onDisks(t, 3, "--min-free", minFree)
	leader := c.leader(t)
	value, err := redis.Int64(leader.client(t).Do("INCR", "hits"))
	if err != nil || value != 1 {
		t.Fatalf("INCR: %d, %v", value, err)
	}
	poor := cluster{leader, c.without(leader)[0]}
	for _, p := range poor {
		must(t, disks[p].Fill(lowSpace))
	}
	for _, p := range c {
		p.wantNoSpace(t, "disk space")
	}
	c.without(poor[0]).without(poor[1])[0].wantNoSpace(t, "too few nodes of the cluster have disk space")
	c.wantCount(t, "hits", 1) // strong reads
	for _, p := range poor {
		must(t, disks[p].Clear())
	}
	for _, p := range c {
		p.waitCounts(t)
	}
	c.wantCount(t, "refused", int64(len(c))) // of all that were tried there
}

// waitLeads waits until one of the nodes leads.
func (c cluster) waitLeads(t *testing.T) {
	t.Helper()
	eventually(t, "one of the others leads", func() error {
		status, err := c[0].status()
		if err == nil && (status.Leader == nil || c.byName(status.Leader.ID) == nil) {
			err = fmt.Errorf("%s follows %v", c[0].name, status.Leader)
		}
		return err
	})
}

// wantNoSpace waits until an increment of "refused" is refused, which is not applied then.
func (p *process) wantNoSpace(t *testing.T, words string) {
	t.Helper()
	client := p.client(t)
	eventually(t, p.name+" refuses writes", func() error {
		_, err := client.Do("INCRBY", "refused", 0)
		if refusal := redis.Error(""); !errors.As(err, &refusal) || !strings.HasPrefix(string(refusal), "MISCONF ") ||
			!strings.Contains(string(refusal), words) {
			return fmt.Errorf("it answers %v", err)
		}
		return nil
	})
}

// wantStaleRead wants what is known there, however old.
func (p *process) wantStaleRead(t *testing.T) {
	t.Helper()
	client := p.client(t)
	if _, err := client.Do("CONSISTENCY", "STALE"); err != nil {
		t.Error(err)
	}
	if _, err := redis.Int64(client.Do("GET", "hits:0")); err != nil {
		t.Errorf("a stale read at %s: %v", p.name, err)
	}
}

// waitCounts waits until an increment of "refused" is applied.
func (p *process) waitCounts(t *testing.T) {
	t.Helper()
	client := p.client(t)
	eventually(t, p.name+" counts", func() error {
		_, err := client.Do("INCR", "refused")
		return err
	})
}
