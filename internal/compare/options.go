package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// options are what the command line says.
type options struct {
	truecount string // the binary; it also makes the load that redis-benchmark can't
	base      string // another one to compare with, or none
	ours      bool   // truecount bench for all, not only where redis-benchmark can't
	cases     []Case
	rounds    int
	procs     int  // GOMAXPROCS of each Truecount node; 0: Go's default
	memory    bool // with a Redis that keeps nothing
	spread    bool // with clients at all nodes at once
	json      string
	dir       string
	port      int
}

// Bounds of options.
const (
	maxRounds = 100
	maxProcs  = 1024
)

// Values of --generator.
const (
	redisGenerator = "redis-benchmark"
	benchGenerator = "bench"
)

func parseOptions(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.truecount, "truecount", "bin/truecount", "the `binary` to measure, and whose bench makes load")
	flags.StringVar(&o.base, "base", "", "another truecount `binary`, such as an older build, to compare with in the same rounds")
	generator := flags.String("generator", redisGenerator, "redis-benchmark or bench, which is truecount bench; for WAIT it is always bench")
	shapes := flags.String("cases", "1x1,50x1,200x1,500x1,50x64", "`clients x pipeline`, by comma")
	keys := flags.String("keys", "hot,uniform", "hot (one key), uniform (100,000 of them) or both")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds; what is shown are medians of them")
	flags.IntVar(&o.procs, "procs", nodeShare(), "`cores` that each Truecount node may use (GOMAXPROCS); 0 leaves Go's default")
	flags.BoolVar(&o.memory, "memory", false, "measure a Redis without append-only file, too")
	flags.BoolVar(&o.spread, "spread", false, "measure Truecount with clients at all nodes, too")
	flags.StringVar(&o.json, "json", "", "write every turn to this `file`")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`folder` on a disk, for the servers' data; removed at the end")
	flags.IntVar(&o.port, "port", 24379, "the first of some 30 `ports` to listen at")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	}
	if o.ours = *generator == benchGenerator; !o.ours && *generator != redisGenerator {
		return o, fmt.Errorf("--generator: %q is neither %s nor %s", *generator, redisGenerator, benchGenerator)
	}
	if o.rounds < 1 || o.rounds > maxRounds {
		return o, fmt.Errorf("--rounds: %d is not between 1 and %d", o.rounds, maxRounds)
	}
	if o.procs < 0 || o.procs > maxProcs {
		return o, fmt.Errorf("--procs: %d is not between 0 and %d", o.procs, maxProcs)
	}
	if o.port < 1 || o.port > 65535-portsUsed {
		return o, fmt.Errorf("--port: %d is not between 1 and %d", o.port, 65535-portsUsed)
	}
	if o.cases, err = parseCases(*shapes, *keys); err != nil {
		return o, err
	}
	return o, o.absolute()
}

// nodeShare is a node's share of this machine's cores.
func nodeShare() int { return max(1, runtime.NumCPU()/clusterSize) }

// absolute makes paths that hold for servers with another working directory.
func (o *options) absolute() (err error) {
	for _, path := range []*string{&o.truecount, &o.base, &o.dir} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	for _, binary := range []string{o.truecount, o.base} {
		if _, err := os.Stat(binary); binary != "" && errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("there is no %s: make build, or name a binary", binary)
		}
	}
	return checkDisk(o.dir)
}
