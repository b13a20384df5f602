package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/disk"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without its process: arguments in, exit code out (0 or 1).
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	err := faults(ctx, args, stdout, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil && ctx.Err() != nil:
		fmt.Fprintln(stderr, "faults: interrupted")
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "faults:", err)
		return 1
	}
	return 0
}

var errBroken = errors.New("there are anomalies, or the run proves nothing")

// faults breaks clusters of all sizes, and reports.
func faults(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseOptions(args, stderr)
	if err != nil {
		return err
	}
	list, err := o.chosen()
	if err != nil {
		return err
	}
	if o.list {
		return listAll(stdout, o, list)
	}
	if o.binary == "" {
		if o.binary, err = build(ctx, o.out); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "faults: seed %d, results in %s\n", o.seed, o.out)
	var all []*outcome
	for _, n := range o.nodes {
		out, err := campaignOf(ctx, o, n, list, stderr)
		if out != nil {
			all = append(all, out)
			out.write(stdout)
		}
		if err != nil {
			return err
		}
	}
	if !lastLine(stdout, all) {
		return errBroken
	}
	return nil
}

// build compiles the program to be broken.
func build(ctx context.Context, folder string) (string, error) {
	path := filepath.Join(folder, "truecount")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/truecount/truecount/cmd/truecount")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// openNetwork is the best network that can be had, or the one that is wanted.
func openNetwork(kind string, n int) (network, error) {
	if kind == "loopback" {
		return newLoopback(n, "the nodes share the loopback (--net loopback)")
	}
	if kind == "proxy" {
		return newProxies(n, "--net proxy")
	}
	t, err := newTun(n)
	switch {
	case err == nil:
		return t, nil
	case kind == "tun":
		return nil, err
	}
	p, bad := newProxies(n, err.Error())
	if bad == nil {
		return p, nil
	}
	return newLoopback(n, "the nodes share the loopback, because "+errors.Join(err, bad).Error())
}

// listAll tells what can be done here.
func listAll(w io.Writer, o options, list []nemesis) error {
	for _, n := range o.nodes {
		net, err := openNetwork(o.net, n)
		if err != nil {
			return err
		}
		c := &cluster{net: net, nodes: make([]*node, n), folder: o.out, began: time.Now(), length: o.duration / time.Duration(len(o.nodes))}
		c.noDisks = disk.Missing()
		if _, err := earlier(context.Background()); err != nil {
			c.noOlder = err.Error()
		}
		for _, nem := range list {
			why := nem.available(c)
			if why == "" {
				why = "yes"
			} else {
				why = "NOT RUN: " + why
			}
			fmt.Fprintf(w, "%d nodes, network %s: %-18s %s\n", n, net.name(), nem.name(), why)
		}
		net.close()
	}
	return nil
}
