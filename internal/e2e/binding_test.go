//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// grace is the default of bind-grace.
const grace = time.Second

// bind is a connection to which an instance of the counter's own name is bound, that holds instanceShare.
func (p *process) bind(t *testing.T, name string) redis.Conn {
	t.Helper()
	conn := p.client(t)
	if _, err := conn.Do("IC.BIND", name); err != nil {
		t.Fatalf("IC.BIND %s at %s: %v", name, p.name, err)
	}
	if _, err := conn.Do("IC.SETSLICE", name, name, instanceShare); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestABoundInstanceEndsWithItsConnectionUnlessItComesBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, shortLeases...)
	over, back := c[1].bind(t, "over"), c[1].bind(t, "back")
	c[2].bind(t, "stays")
	kept, stays, left := c.watch(t, "back", "STALE", instanceShare), c.watch(t, "stays", "STALE", instanceShare), c.watch(t, "over", "STALE", instanceShare)
	bound := time.Now()
	waitUntil(t, bound.Add(shortLease+time.Second)) // a lease has passed without a sign
	closed := time.Now()
	over.Close()
	back.Close()
	c[2].bind(t, "back")
	left.wantLeft(t, len(c), closed.Add(grace), time.Now().Add(grace+deathDelay))
	for name, at := range left.left {
		t.Logf("%s: %v after the end of the connection", name, at.Sub(closed).Round(10*time.Millisecond))
	}
	waitUntil(t, closed.Add(shortLease+time.Second)) // a lease has passed
	kept.wantKept(t, len(c))
	stays.wantKept(t, len(c))
}

// A connection that its node takes along into death, or into its stop, is no farewell.
func TestInstancesOfADyingNodeKeepTheirWholeLease(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*process, *testing.T){
		"kill -9": (*process).kill,
		"SIGTERM": (*process).terminate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3, shortLeases...)
			dying := c.without(c.leader(t))[0]
			others := c.without(dying)
			dying.bind(t, "over")
			dying.bind(t, "back")
			kept, left := others.watch(t, "back", "STALE", instanceShare), others.watch(t, "over", "STALE", instanceShare)
			bound := time.Now()
			waitUntil(t, bound.Add(shortLease+time.Second)) // a lease has passed
			killed := time.Now()
			end(dying, t)
			down := time.Now()
			waitUntil(t, killed.Add(shortLease/2)) // half a lease has passed
			others[1].bind(t, "back")
			// A node is known to be silent for rebirth before its connections count as gone.
			left.wantLeft(t, len(others), killed.Add(shortLease), down.Add(shortLease+rebirth+deathDelay))
			for name, at := range left.left {
				t.Logf("%s: %v after the end of the node", name, at.Sub(down).Round(10*time.Millisecond))
			}
			dying.start(t)
			c.waitVoters(t)
			waitUntil(t, time.Now().Add(shortLease+time.Second)) // once more
			kept.wantKept(t, len(others))
		})
	}
}
