//go:build e2e

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

var leaseInstances = flag.Int("leases", 0, "instances to load before what dying ones cost the clients is measured; 0: skip that")

const (
	slicesEach    = 10 // counters that an instance adds to
	sharedBy      = 10 // instances add to each counter, where counters are shared
	loaders       = 6  // connections that load
	loadedEach    = 50 // commands in a pipeline of theirs
	loadedLease   = 30 * time.Second
	beatSteps     = 100             // in a third of a lease
	longLease     = 24 * time.Hour  // of those who are there while others die
	deathRounds   = 3               // while others let the machine alone
	deathTries    = 12              // if they don't
	dyingLease    = 5 * time.Second // so long is the time before the death, with warm-up
	deathWarmUp   = 1500 * time.Millisecond
	deathMargin   = 3 * time.Millisecond // before the time in which the slices were seen to go: what was asked then waits for the first of them
	deathClients  = 50
	plainCounters = 100_000
	dyingKey      = "dying" // a counter to which every dying instance adds 1
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
				t.Run(fmt.Sprintf("%d die while clients count as fast as they can", dying), func(t *testing.T) { c.measureDeaths(t, s, dying, 0) })
				t.Run(fmt.Sprintf("%d die while clients count every %v", dying, pace), func(t *testing.T) { c.measureDeaths(t, s, dying, pace) })
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
	c.load(t, *leaseInstances, func(i int) []any { return s.adding(instanceName(i), i) }, func(n int) { loaded.Add(int64(n)) })
	took := time.Since(began)
	close(stop)
	running.Wait()
	n := *leaseInstances * slicesEach
	t.Logf("%d slices of %d instances in %d counters, in %v, with %d heartbeats meanwhile", n, *leaseInstances, s.counters,
		took.Round(time.Second/10), heartbeats)
	c.load(t, *leaseInstances, func(i int) []any {
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

// load gives n commands in pipelines, to all nodes.
func (c cluster) load(t *testing.T, n int, command func(i int) []any, done func(n int)) {
	t.Helper()
	var running sync.WaitGroup
	for l := range loaders {
		conn := c[l%len(c)].client(t)
		running.Go(func() {
			for first := l * loadedEach; first < n; first += loaders * loadedEach {
				some := min(loadedEach, n-first)
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
	lives := strings.Count(p.output.String(), p.name+" ready: ")
	from := time.Now()
	p.start(t)
	p.waitReady(t, lives+1)
	ready := time.Since(from)
	c.waitWhole(t)
	t.Logf("%s is ready %v after it was started, whole after %v; it takes %d MiB", p.name, ready.Round(time.Millisecond),
		time.Since(from).Round(time.Millisecond), residentMiB(t, p))
}

// deaths is what was seen of one round.
type deaths struct {
	from, to time.Duration // since the start: nothing was gone yet; all was gone
	entries  uint64
}

// sort appends those samples that began while the instances went, and those before.
func (d deaths) sort(samples []sample, before, during *[]sample) {
	for _, s := range samples {
		switch {
		case s.at >= d.from-deathMargin && s.at <= d.to:
			*during = append(*during, s)
		case s.at > deathWarmUp && s.at < d.from:
			*before = append(*before, s)
		}
	}
}

func (c cluster) measureDeaths(t *testing.T, s standing, dying int, pace time.Duration) {
	names := make([]string, dying)
	for i := range names {
		names[i] = fmt.Sprintf("dying-%d-%d", dying, i)
	}
	c.load(t, dying, func(i int) []any { return append(s.adding(names[i], i)[:2*slicesEach], dyingKey, 1) }, func(int) {})
	var before, during, single, singleDuring []sample
	disturbed := 0
	for range deathRounds {
		c.waitQuiet(t)
		b, term := c.bystanders(t), c.term(t)
		plain, ic, d := c.measureDeath(t, names, pace)
		busy := b.cores(t)
		t.Logf("%d slices went within %v, in about %d Entries", dying*slicesEach, (d.to - d.from).Round(time.Millisecond/10), d.entries)
		if elected := c.term(t) - term; elected > 0 || busy > busyBystanders {
			t.Logf("not alone: others used %.1f cores, there were %d elections", busy, elected)
			disturbed++
		}
		d.sort(plain, &before, &during)
		d.sort(ic, &single, &singleDuring)
	}
	if disturbed > 0 {
		t.Logf("%d of %d rounds were disturbed: the figures are worth little", disturbed, deathRounds)
	}
	ratio := func(a, b []sample, q float64) float64 { return float64(quantile(a, q)) / float64(quantile(b, q)) }
	t.Logf("%d clients, INCR: before %v (%d); while they go %v (%d): p50 x %.2f, p99 x %.2f", deathClients, quantiles(before), len(before),
		quantiles(during), len(during), ratio(during, before, 0.5), ratio(during, before, 0.99))
	t.Logf("one client, IC.INCRBY: before %v (%d); while they go %v (%d): p50 x %.2f, p99 x %.2f", quantiles(single), len(single),
		quantiles(singleDuring), len(singleDuring), ratio(singleDuring, single, 0.5), ratio(singleDuring, single, 0.99))
	c.load(t, dying, func(i int) []any { return []any{"IC.CLEARINSTANCE", names[i]} }, func(int) {})
}

// measureDeath lets all of them live once more, for dyingLease, and loads the cluster until all are dead. With a pace an increment's
// time counts from when it was due.
func (c cluster) measureDeath(t *testing.T, names []string, pace time.Duration) (plain, ic []sample, d deaths) {
	heartbeat := func(i int) []any { return []any{"IC.HEARTBEAT", names[i], "TTL", dyingLease.Milliseconds()} }
	client := c[0].client(t)
	within(t, dyingLease/4, "all of them live", func() error {
		total, err := redis.Int64s(client.Do("IC.GET", dyingKey))
		if err == nil && total[0] != int64(len(names)) {
			err = fmt.Errorf("%d of %d", total[0], len(names))
			c.load(t, len(names), heartbeat, func(int) {})
		}
		return err
	})
	c.load(t, len(names), heartbeat, func(int) {})
	start, stop := time.Now(), make(chan struct{})
	samples := make([][]sample, deathClients+1)
	var running sync.WaitGroup
	for i := range samples {
		conn, rnd := c[i%len(c)].client(t), rand.New(rand.NewPCG(uint64(i), 1))
		args := func() (string, []any) { return "INCR", []any{counterName(nil, rnd.Uint64N(plainCounters))} }
		if i == deathClients {
			args = func() (string, []any) { return "IC.INCRBY", []any{"alive", instanceName(0), 1} }
		}
		running.Go(func() {
			due := time.Duration(rnd.Int64N(int64(max(1, pace))))
			for {
				select {
				case <-stop:
					return
				case <-time.After(due - time.Since(start)):
				}
				if pace == 0 {
					due = time.Since(start)
				}
				command, args := args()
				if _, err := conn.Do(command, args...); err != nil {
					t.Errorf("%s: %v", command, err)
					return
				}
				samples[i] = append(samples[i], sample{due, time.Since(start) - due})
				due += pace
			}
		})
	}
	d = c.seeThemGo(t, start, int64(len(names)))
	close(stop)
	running.Wait()
	return slices.Concat(samples[:deathClients]...), samples[deathClients], d
}

// seeThemGo watches dyingKey at a node, by reads that cost next to nothing.
func (c cluster) seeThemGo(t *testing.T, start time.Time, all int64) (d deaths) {
	conn := c.without(c.leader(t))[0].client(t)
	if _, err := conn.Do("CONSISTENCY", "STALE"); err != nil {
		t.Fatal(err)
	}
	applied := func() uint64 {
		info, err := redis.String(conn.Do("INFO", "raft"))
		if err != nil {
			t.Fatal(err)
		}
		var index uint64
		_, text, _ := strings.Cut(info, "applied_index:")
		if _, err := fmt.Sscan(text, &index); err != nil {
			t.Fatal(err)
		}
		return index
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	var index uint64
	for range tick.C {
		at := time.Since(start)
		total, err := redis.Int64s(conn.Do("IC.GET", dyingKey))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case at > 2*dyingLease+patience:
			t.Fatal(errors.New("they don't die"))
		case total[0] == all:
			d.from = at
			continue
		case index == 0:
			index = applied()
		}
		if total[0] == 0 {
			d.to, d.entries = time.Since(start), applied()-index+1
			return d
		}
	}
	return d
}
