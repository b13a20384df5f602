package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// kill is kill -9 of one node, which stays dead for a while.
type kill struct {
	kind string
	whom who
}

func (k kill) name() string              { return k.kind }
func (k kill) available(*cluster) string { return "" }

func (k kill) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, k.whom)
	if n == nil {
		return nil, errBusy
	}
	at := c.clock()
	if err := n.kill(); err != nil {
		c.give(n)
		return nil, err
	}
	ended := ""
	if n.ending() == killedWord {
		ended = killedWord
	}
	return &injury{
		fault:   history.Fault{Target: n.name, Leader: leads, At: at},
		targets: []*node{n}, hold: between(rng, 0, 6*time.Second) + time.Millisecond,
		heal: func(context.Context) (string, error) { return ended, n.start() },
	}, nil
}

// killAll kills all nodes at once, and starts them again in any order.
type killAll struct{}

func (killAll) name() string              { return "kill-all" }
func (killAll) available(*cluster) string { return "" }

func (killAll) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.takeAll() {
		return nil, errBusy
	}
	at := c.clock()
	for _, n := range c.nodes {
		n.signal(syscall.SIGKILL)
	}
	ended, errs := 0, []error{}
	for _, n := range c.nodes {
		errs = append(errs, n.waitExit(endTime))
		if n.ending() == killedWord {
			ended++
		}
	}
	return &injury{
		fault:   history.Fault{Target: "all", Leader: true, At: at},
		targets: c.nodes, hold: between(rng, 0, 2*time.Second) + time.Millisecond,
		heal: func(context.Context) (string, error) {
			for _, i := range rng.Perm(len(c.nodes)) {
				errs = append(errs, c.nodes[i].start())
			}
			if ended < len(c.nodes) {
				return "", errors.Join(errs...)
			}
			return fmt.Sprintf("%d × %s", ended, killedWord), errors.Join(errs...)
		},
	}, nil
}

// pause stops one process, longer than elections and leases last or shorter.
type pause struct {
	kind string
	whom who
}

func (p pause) name() string              { return p.kind }
func (p pause) available(*cluster) string { return "" }

func (p pause) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, p.whom)
	if n == nil {
		return nil, errBusy
	}
	at := c.clock()
	if err := n.signal(syscall.SIGSTOP); err != nil {
		c.give(n)
		return nil, err
	}
	pid := n.pid()
	return &injury{
		fault:   history.Fault{Target: n.name, Leader: leads, At: at},
		targets: []*node{n}, hold: between(rng, 100*time.Millisecond, 10*time.Second),
		heal: func(context.Context) (string, error) {
			effect := ""
			if state := processState(pid); state == "T" {
				effect = "state T in /proc"
			}
			return effect, n.signal(syscall.SIGCONT)
		},
	}, nil
}

// processState is the letter of the kernel for what a process is doing; empty: unknown.
func processState(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

// restart ends and starts all nodes, one after the other, as an upgrade does.
type restart struct{}

func (restart) name() string              { return "rolling-restart" }
func (restart) available(*cluster) string { return "" }

func (restart) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.takeAll() {
		return nil, errBusy
	}
	in := &injury{fault: history.Fault{Target: "all", Leader: true, At: c.clock()}, targets: c.nodes, hold: time.Millisecond}
	done, err := rollOver(ctx, c, rng, func(*node) {})
	in.heal = func(context.Context) (string, error) {
		if done < len(c.nodes) && err == nil {
			return "", nil
		}
		return fmt.Sprintf("%d ended with 0 after SIGTERM and came back", done), err
	}
	return in, nil
}

// rollOver ends each node by SIGTERM, changes it, and starts it; the next when the cluster is whole again. It returns how
// many ended well; those that it has come to run at the end.
func rollOver(ctx context.Context, c *cluster, rng *rand.Rand, change func(*node)) (done int, err error) {
	for _, i := range rng.Perm(len(c.nodes)) {
		n := c.nodes[i]
		if err := n.terminate(); err != nil {
			return done, errors.Join(err, n.start())
		}
		good := n.unexpected() == ""
		change(n)
		if err := n.start(); err != nil {
			return done, err
		}
		if err := c.whole(ctx); err != nil {
			return done, fmt.Errorf("after %s came back: %w", n.name, err)
		}
		if good {
			done++
		}
	}
	return done, nil
}
