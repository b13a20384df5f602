package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Where the systems listen, from --port on.
const (
	redisPort     = 0
	waitPort      = 1 // and its two replicas
	memoryPort    = 4
	truecountPort = 10
	basePort      = 20
	portsUsed     = 30

	waitReplicas = 2
)

// Names of the rows.
const (
	redisName   = "Redis, fsync always"
	waitName    = "Redis, fsync always, 2 replicas, WAIT 1"
	memoryName  = "Redis, in memory"
	leaderName  = "Truecount, at the leader"
	followName  = "Truecount, at a follower"
	spreadName  = "Truecount, at all three"
	baseLeader  = "base, at the leader"
	baseFollow  = "base, at a follower"
	always      = "always"
	installHint = "(Debian: apt install redis-server; it has redis-benchmark in redis-tools)"
)

// bench is all that runs while figures are taken.
type bench struct {
	dir      string
	systems  []system
	entrants []entrant
	notes    []string // what is missing, and why
}

// openBench starts every system that can be started, and leaves none behind if it fails.
func openBench(ctx context.Context, o options) (b *bench, err error) {
	b = &bench{}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return b, err
	}
	if b.dir, err = os.MkdirTemp(o.dir, "compare-"); err != nil {
		return b, err
	}
	ours := truecountBench{o.truecount}
	var standard Generator = ours
	if !o.ours {
		standard = b.findBenchmark(ours)
	}
	if err := b.addRedis(ctx, o, standard, ours); err != nil {
		return b, err
	}
	return b, b.addTruecount(ctx, o, standard, ours)
}

// findBenchmark is redis-benchmark or, where there is none, ours.
func (b *bench) findBenchmark(ours Generator) Generator {
	path, err := exec.LookPath("redis-benchmark")
	if err != nil {
		b.notes = append(b.notes, "redis-benchmark is not installed, so all load is truecount bench's "+installHint)
		return ours
	}
	return redisBenchmark{path}
}

// addRedis takes the generator of most rows, and ours for the others.
func (b *bench) addRedis(ctx context.Context, o options, standard, ours Generator) error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		b.notes = append(b.notes, "redis-server is not installed, so there is nothing to compare with "+installHint)
		return nil
	}
	start := func(name string, port, replicas int, sync string) (*redisSystem, error) {
		s, err := startRedis(ctx, b.dir, name, path, o.port+port, replicas, sync)
		b.systems = append(b.systems, s)
		return s, err
	}
	single, err := start("redis", redisPort, 0, always)
	if err != nil {
		return err
	}
	replicated, err := start("redis-wait", waitPort, waitReplicas, always)
	if err != nil {
		return err
	}
	b.add(entrant{name: redisName, system: single, generator: standard, addresses: single.primary})
	if o.memory {
		memory, err := start("redis-memory", memoryPort, 0, "")
		if err != nil {
			return err
		}
		b.add(entrant{name: memoryName, system: memory, generator: standard, addresses: memory.primary})
	}
	b.add(entrant{name: redisName, system: single, generator: ours, addresses: single.primary})
	b.add(entrant{name: waitName, system: replicated, generator: ours, wait: 1, addresses: replicated.primary})
	return nil
}

// addTruecount takes the generator of most rows, and ours for the others.
func (b *bench) addTruecount(ctx context.Context, o options, standard, ours Generator) error {
	start := func(name, path string, port int) (*truecountSystem, error) {
		s, err := startTruecount(ctx, b.dir, name, path, o.port+port, o.procs)
		b.systems = append(b.systems, s)
		return s, err
	}
	s, err := start("truecount", o.truecount, truecountPort)
	if err != nil {
		return err
	}
	b.add(entrant{name: leaderName, system: s, generator: standard, addresses: s.leader})
	b.add(entrant{name: followName, system: s, generator: standard, addresses: s.follower})
	b.add(entrant{name: leaderName, system: s, generator: ours, addresses: s.leader})
	if o.spread {
		b.add(entrant{name: spreadName, system: s, generator: ours, addresses: s.all})
	}
	if o.base == "" {
		return nil
	}
	base, err := start("base", o.base, basePort)
	if err != nil {
		return err
	}
	b.add(entrant{name: baseLeader, system: base, generator: standard, addresses: base.leader})
	b.add(entrant{name: baseFollow, system: base, generator: standard, addresses: base.follower})
	return nil
}

// add takes an entrant, unless it is there already: both generators may be ours.
func (b *bench) add(e entrant) {
	for _, other := range b.entrants {
		if other.String() == e.String() {
			return
		}
	}
	b.entrants = append(b.entrants, e)
}

// check asks all systems whether they are what the tables say.
func (b *bench) check() error {
	for _, s := range b.systems {
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) versions() (all []string, err error) {
	for _, s := range b.systems {
		version, err := s.version()
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("%s: %s", filepath.Base(s.servers()[0].dir), version))
	}
	return all, nil
}

// close kills every server and removes what they wrote.
func (b *bench) close() {
	for _, s := range b.systems {
		for _, p := range s.servers() {
			p.stop()
		}
	}
	if b.dir != "" {
		os.RemoveAll(b.dir)
	}
}
