//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const (
	readRounds = 300
	refusals   = 100
	// refusalTime is the promise: without a majority, a clear error within two seconds.
	refusalTime = 2 * time.Second
)

func strongCount(t *testing.T, p *process, key string) int64 {
	t.Helper()
	value, err := redis.Int64(p.client(t).Do("GET", key))
	if err != nil {
		t.Fatalf("GET %s at %s: %v", key, p.name, err)
	}
	return value
}

func TestWrittenHereReadThereIsNeverStale(t *testing.T) {
	c := newCluster(t, 3)
	var clients []redis.Conn
	for _, p := range c {
		clients = append(clients, p.client(t))
	}
	for round := range readRounds {
		here, there := round%len(c), (round+1+round/len(c)%2)%len(c)
		written, err := redis.Int64(clients[here].Do("INCR", "hits"))
		if err != nil {
			t.Fatalf("INCR at %s: %v", c[here].name, err)
		}
		read, err := redis.Int64(clients[there].Do("GET", "hits"))
		if err != nil {
			t.Fatalf("GET at %s: %v", c[there].name, err)
		}
		if written != int64(round+1) || read != written {
			t.Fatalf("round %d: wrote %d at %s, then read %d at %s", round+1, written, c[here].name, read, c[there].name)
		}
	}
}

func TestWithoutAMajorityNothingIsInvented(t *testing.T) {
	c := newCluster(t, 3)
	last := c.leader(t)
	client := last.client(t)
	for _, command := range []string{"INCR", "GET"} { // the read waits until it is applied everywhere it must be
		if value, err := redis.Int64(client.Do(command, "hits")); err != nil || value != 1 {
			t.Fatalf("%s: %d, %v", command, value, err)
		}
	}
	for _, p := range c.without(last) {
		p.kill(t)
	}
	last.waitLeaderless(t)

	wantRefusal(t, last, "INCR", "hits")
	wantRefusal(t, last, "GET", "hits")
	wantState(t, last, "1", "INCONSISTENT")
	stale := last.client(t)
	if _, err := stale.Do("CONSISTENCY", "STALE"); err != nil {
		t.Fatal(err)
	}
	if value, err := redis.Int64(stale.Do("GET", "hits")); err != nil || value != 1 {
		t.Errorf("a stale read without a majority: %d, %v, want 1", value, err)
	}

	second := c.without(last)[0]
	second.start(t)
	eventually(t, "two of three count again", func() error {
		_, err := last.client(t).Do("INCR", "hits")
		return err
	})
	wantState(t, last, "2", "CONSISTENT")
}

// After a refusal the rest of a pipeline is refused, too. But a client that waits for each reply sends no pipeline.
func TestARefusalEndsWithItsCommand(t *testing.T) {
	c := newCluster(t, 2)
	last := c.leader(t)
	c.without(last)[0].kill(t)
	last.waitLeaderless(t)
	client := last.client(t)
	for round := range refusals {
		if _, err := client.Do("INCR", "hits"); err == nil || !strings.HasPrefix(err.Error(), "CLUSTERDOWN ") {
			t.Fatalf("round %d: INCR without a majority: %v, want CLUSTERDOWN", round, err)
		}
		if pong, err := redis.String(client.Do("PING")); err != nil || pong != "PONG" {
			t.Fatalf("round %d: PING after a refusal: %q, %v", round, pong, err)
		}
	}
}

// waitLeaderless waits until the node knows that it has no leader. A write that comes earlier is handed to the log of a
// leader that knows no better, and its outcome is unknown.
func (p *process) waitLeaderless(t *testing.T) {
	t.Helper()
	eventually(t, p.name+" knows that it has no leader", func() error {
		status, err := p.status()
		if err == nil && (status.Leader != nil || status.Role == fsm.Leader) {
			err = fmt.Errorf("it is %s, leader %v", status.Role, status.Leader)
		}
		return err
	})
}

// wantRefusal wants CLUSTERDOWN in time.
func wantRefusal(t *testing.T, p *process, command string, args ...any) {
	t.Helper()
	client := p.client(t)
	start := time.Now()
	reply, err := client.Do(command, args...)
	took := time.Since(start)
	if err == nil || !strings.HasPrefix(err.Error(), "CLUSTERDOWN ") {
		t.Errorf("%s without a majority: %v, %v, want CLUSTERDOWN", command, reply, err)
	}
	if took > refusalTime {
		t.Errorf("%s without a majority: answered after %v, want at most %v", command, took, refusalTime)
	}
}

func wantState(t *testing.T, p *process, value, state string) {
	t.Helper()
	got, err := redis.Strings(p.client(t).Do("GET", "hits", "STATE"))
	if want := []string{value, state}; err != nil || !slices.Equal(got, want) {
		t.Errorf("GET hits STATE: %q, %v, want %q", got, err, want)
	}
}
