//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

var leaseInstances = flag.Int("leases", 0, "instances to load before what dying ones cost the clients is measured; 0: skip that")

const (
	slicesEach  = 10    // counters that an instance adds to
	sharedBy    = 10    // instances add to each counter, where counters are shared
	loaders     = 6     // connections that load
	loadedEach  = 50    // commands in a pipeline of theirs
	atOnce      = 2_000 // in one of those who are to die in one moment
	loadedLease = 30 * time.Second
	beatSteps   = 100            // in a third of a lease
	longLease   = 24 * time.Hour // of those who are there while others die
)

// What the death of many instances costs the clients of plain counters, as figures: they depend on the machine, so nothing is
// asserted of them. `make leases` measures with 100,000 instances that have ten slices each.
func TestTheCountingGoesOnWhileInstancesDie(t *testing.T) {
	if *leaseInstances == 0 {
		t.Skip("a measurement: make leases")
	}
	for _, s := range []standing{
		{"counters of ten instances", *leaseInstances * slicesEach / sharedBy},
		{"a counter for each slice", *leaseInstances * slicesEach},
	} {
		t.Run(s.name, func(t *testing.T) {
			// A machine that is busy elects nobody meanwhile.
			c := newCluster(t, 3, "--snapshot-bytes", "8MiB", "--heartbeat", "1s", "--election", "1s", "--lease", "1s")
			s.load(t, c)
			c.timeRestart(t)
			if s.counters > *leaseInstances {
				return // one is enough
			}
			for _, dying := range []int{1_000, 10_000} {
				for _, meanwhile := range []crowd{
					{"nobody counts", 0, time.Hour},
					{"50 clients count every 20 ms", 50, 20 * time.Millisecond},
					{"50 clients count as fast as they can", 50, 0},
				} {
					t.Run(fmt.Sprintf("%d die while %s", dying, meanwhile.name), func(t *testing.T) { c.measureDeaths(t, s, dying, meanwhile) })
				}
			}
		})
	}
}

// standing is who is there while others die, and stays.
type standing struct {
	name     string
	counters int
}

// keys returns the counters of instance number i.
func (s standing) keys(i int) []string {
	var keys []string
	for j := range slicesEach {
		keys = append(keys, fmt.Sprint("counter-", (i+j*10_007)%s.counters))
		if s.counters == *leaseInstances*slicesEach {
			keys[j] = fmt.Sprint("counter-", i*slicesEach+j)
		}
	}
	return keys
}

func (s standing) load(t *testing.T, c cluster) {
	before, began := c.memory(t), time.Now()
	var loaded atomic.Int64
	stop := make(chan struct{})
	var heartbeats int
	var running sync.WaitGroup
	running.Go(func() { heartbeats = c.beat(t, &loaded, stop) })
	c.load(t, *leaseInstances, loadedEach, func(i int) []any { return s.adding(instanceName(i), i) }, func(n int) { loaded.Add(int64(n)) })
	took := time.Since(began)
	close(stop)
	running.Wait()
	n := *leaseInstances * slicesEach
	t.Logf("%d slices of %d instances in %d counters, in %v, with %d heartbeats meanwhile", n, *leaseInstances, s.counters,
		took.Round(time.Second/10), heartbeats)
	c.load(t, *leaseInstances, loadedEach, func(i int) []any {
		return []any{"IC.HEARTBEAT", instanceName(i), "TTL", longLease.Milliseconds()}
	}, func(int) {})
	after := c.memory(t)
	t.Logf("before %v", before)
	t.Logf("loaded %v: used bytes %d a slice", after, (after.used-before.used)/int64(n))
}

// beat lets each instance that is loaded say thrice in a lease that it lives, and returns how often that was.
func (c cluster) beat(t *testing.T, loaded *atomic.Int64, stop chan struct{}) (beats int) {
	conn := c[1].client(t)
	tick := time.NewTicker(loadedLease / 3 / beatSteps)
	defer tick.Stop()
	for step := 0; ; step++ {
		select {
		case <-stop:
			return beats
		case <-tick.C:
		}
		known := int(loaded.Load())
		first := known * (step % beatSteps) / beatSteps
		some := known*(step%beatSteps+1)/beatSteps - first
		if err := pipelined(conn, some, func(i int) []any { return []any{"IC.HEARTBEAT", instanceName(first + i)} }); err != nil {
			t.Error(err)
			return beats
		}
		beats += some
	}
}

// adding is one step of instance number i: 1 to each of its counters.
func (s standing) adding(name string, i int) []any {
	args := []any{"IC.MINCRBY", name}
	for _, key := range s.keys(i) {
		args = append(args, key, 1)
	}
	return args
}

func instanceName(i int) string { return fmt.Sprintf("instance-%08d", i) }

// load gives n commands in pipelines, to all nodes; done is told how many are answered.
func (c cluster) load(t *testing.T, n, each int, command func(i int) []any, done func(n int)) {
	t.Helper()
	var running sync.WaitGroup
	for l := range loaders {
		conn := c[l%len(c)].client(t)
		running.Go(func() {
			for first := l * each; first < n; first += loaders * each {
				some := min(each, n-first)
				if err := pipelined(conn, some, func(i int) []any { return command(first + i) }); err != nil {
					t.Error(err)
					return
				}
				done(some)
			}
		})
	}
	running.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// pipelined gives commands in one pipeline, and wants no errors, in lists neither.
func pipelined(conn redis.Conn, n int, command func(i int) []any) error {
	for i := range n {
		args := command(i)
		if err := conn.Send(args[0].(string), args[1:]...); err != nil {
			return err
		}
	}
	if err := conn.Flush(); err != nil {
		return err
	}
	for range n {
		reply, err := conn.Receive()
		if err != nil {
			return err
		}
		if list, ok := reply.([]any); ok {
			for _, item := range list {
				if err, ok := item.(redis.Error); ok {
					return err
				}
			}
		}
	}
	return nil
}

// memory is what the nodes take.
type memory struct {
	resident []int // MiB of each node
	heap     []int // MiB of each that are in use, garbage among them
	used     int64 // bytes, as max-bytes counts them
}

func (m memory) String() string {
	return fmt.Sprintf("resident %v MiB, heap %v MiB", m.resident, m.heap)
}

func (c cluster) memory(t *testing.T) (m memory) {
	t.Helper()
	for _, p := range c {
		status, err := p.status()
		if err != nil {
			t.Fatal(err)
		}
		m.used = int64(status.UsedBytes)
		info, err := redis.String(p.client(t).Do("INFO", "memory"))
		if err != nil {
			t.Fatal(err)
		}
		_, text, _ := strings.Cut(info, "used_memory:")
		var heap int
		if _, err := fmt.Sscan(text, &heap); err != nil {
			t.Fatal(err)
		}
		m.resident, m.heap = append(m.resident, residentMiB(t, p)), append(m.heap, heap>>20)
	}
	return m
}

// timeRestart tells how large the newest images are, and how long a killed follower takes until it is ready and has caught up.
func (c cluster) timeRestart(t *testing.T) {
	t.Helper()
	for _, p := range c {
		if lines := imageLine.FindAllString(p.output.String(), -1); len(lines) > 0 {
			t.Logf("%s: %s", p.name, lines[len(lines)-1])
		}
	}
	p := c.without(c.leader(t))[0]
	p.kill(t)
	from := time.Now()
	p.start(t)
	p.waitReady(t)
	ready := time.Since(from)
	c.waitWhole(t)
	t.Logf("%s is ready %v after it was started, whole after %v; it takes %d MiB", p.name, ready.Round(time.Millisecond),
		time.Since(from).Round(time.Millisecond), residentMiB(t, p))
}
