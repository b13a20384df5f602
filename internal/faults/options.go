package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the command line.
type options struct {
	duration time.Duration // under load, of all clusters together
	seed     uint64
	nodes    []int  // sizes of the clusters, one after the other
	net      string // auto, tun, proxy or loopback
	out      string // directory of the results
	binary   string // truecount; empty: it is built
	only     []string
	pace     float64
	keep     bool // data directories, also of a good run
	list     bool
}

func parseOptions(args []string, stderr io.Writer) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVar(&o.duration, "duration", 5*time.Minute, "how long the clusters are loaded and broken, all together")
	flags.Uint64Var(&o.seed, "seed", 0, "seed of the schedule and the configuration; 0: drawn")
	nodes := flags.String("nodes", "3,5", "sizes of the clusters, one after the other: 3, 5 or both")
	flags.StringVar(&o.net, "net", "auto", "network between the nodes: tun, proxy, loopback or auto, the first that can be had")
	flags.StringVar(&o.out, "out", "", "directory of the results; unset: .local/faults/DATE-SEED")
	flags.StringVar(&o.binary, "binary", "", "truecount to be broken; unset: it is built")
	only := flags.String("only", "", "kinds of faults, by comma; unset: all")
	flags.Float64Var(&o.pace, "pace", 1, "load: 1 is about a thousand operations a second")
	flags.BoolVar(&o.keep, "keep", false, "keep the data directories of a good run, too")
	flags.BoolVar(&o.list, "list", false, "list the kinds of faults, and what can't be done here; start no cluster")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	for _, text := range strings.Split(*nodes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n != 3 && n != 5 {
			return o, fmt.Errorf("--nodes %s: give 3, 5 or both", *nodes)
		}
		o.nodes = append(o.nodes, n)
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	if !slices.Contains([]string{"auto", "tun", "proxy", "loopback"}, o.net) {
		return o, fmt.Errorf("--net %s: give tun, proxy, loopback or auto", o.net)
	}
	if least := 10 * time.Second * time.Duration(len(o.nodes)); o.duration < least {
		return o, fmt.Errorf("--duration %v: at least %v, or nothing is proven", o.duration, least)
	}
	if o.seed == 0 {
		o.seed = uint64(rand.Uint32())
	}
	if o.out == "" {
		o.out = filepath.Join(".local", "faults", time.Now().UTC().Format("20060102-150405")+"-"+strconv.FormatUint(o.seed, 10))
	}
	var err error
	o.out, err = filepath.Abs(o.out)
	if err == nil {
		err = os.MkdirAll(o.out, 0o755)
	}
	return o, err
}

// chosen are the nemeses that are wanted.
func (o *options) chosen() ([]nemesis, error) {
	if len(o.only) == 0 {
		return arsenal(), nil
	}
	var list []nemesis
	for _, kind := range o.only {
		found := false
		for _, n := range arsenal() {
			if n.name() == kind {
				list, found = append(list, n), true
			}
		}
		if !found {
			return nil, fmt.Errorf("--only %s: no such kind; --list has them", kind)
		}
	}
	return list, nil
}

// repeat is the command that runs the same schedule again.
func (o *options) repeat(n int, part time.Duration) string {
	text := fmt.Sprintf("go run ./internal/faults --seed %d --nodes %d --duration %v", o.seed, n, part)
	if o.net != "auto" {
		text += " --net " + o.net
	}
	if len(o.only) > 0 {
		text += " --only " + strings.Join(o.only, ",")
	}
	return text
}
