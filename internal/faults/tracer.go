package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/history"
)

const (
	syncCalls  = "fsync,fdatasync"
	writeCalls = "pwrite64"
	deadTime   = 15 * time.Second // for a node to end whose disk fails: something is written all the time
)

// traced is the part of nemeses that act on the system calls of a running node.
type traced struct{}

func (traced) available(*cluster) string {
	if _, err := exec.LookPath("strace"); err != nil {
		return "strace is not installed (apt-get install strace)"
	}
	if os.Geteuid() != 0 {
		return "only root may trace a process that runs"
	}
	return ""
}

// tracer is an strace that is attached to a node.
type tracer struct {
	cmd   *exec.Cmd
	trace string // its output: a line for each call
}

// trace attaches strace to a node; what it does to the calls stands behind "inject=calls:".
func (c *cluster) trace(n *node, calls, what string) (*tracer, error) {
	t := &tracer{trace: filepath.Join(c.folder, n.name+".trace")}
	t.cmd = exec.Command("strace", "-f", "-p", strconv.Itoa(n.pid()), "-o", t.trace, "-e", "trace="+calls, "-e", "signal=none",
		"-e", "inject="+calls+":"+what)
	said, err := t.cmd.StderrPipe()
	if err == nil {
		err = t.cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(said).ReadString('\n')
	if !strings.Contains(line, "attached") {
		t.end()
		return nil, errors.New("strace can't attach: " + strings.TrimSpace(line))
	}
	return t, nil
}

// end detaches, and counts the calls that were changed.
func (t *tracer) end() int {
	_ = t.cmd.Process.Signal(syscall.SIGTERM) // it may have ended with the node
	_ = t.cmd.Wait()
	text, _ := os.ReadFile(t.trace)
	os.Remove(t.trace)
	return bytes.Count(text, []byte("(INJECTED)")) + bytes.Count(text, []byte("(DELAYED)"))
}

// slowSync makes each sync of a node take long: a disk that is worn out.
type slowSync struct{ traced }

func (slowSync) name() string { return "disk-slow" }

func (slowSync) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, anyone)
	if n == nil {
		return nil, errBusy
	}
	at, delay := c.clock(), between(rng, 20*time.Millisecond, 400*time.Millisecond)
	t, err := c.trace(n, syncCalls, fmt.Sprintf("delay_exit=%d", delay.Microseconds()))
	if err != nil {
		c.give(n)
		return nil, err
	}
	return &injury{
		fault:   history.Fault{Target: n.name, Leader: leads, At: at, Detail: fmt.Sprintf("%v a sync", delay.Round(time.Millisecond))},
		targets: []*node{n}, hold: between(rng, time.Second, 6*time.Second),
		heal: func(context.Context) (string, error) {
			if calls := t.end(); calls > 0 {
				return fmt.Sprintf("%d syncs took %v longer", calls, delay.Round(time.Millisecond)), nil
			}
			return "", nil
		},
	}, nil
}

// failing makes system calls of a node fail. It must end by itself, and not go on.
type failing struct {
	traced
	kind, calls, fault string
}

func failures() []nemesis {
	return []nemesis{
		failing{kind: "sync-fails", calls: syncCalls, fault: "EIO"},
		failing{kind: "write-fails", calls: writeCalls, fault: "ENOSPC"},
	}
}

func (f failing) name() string { return f.kind }

func (f failing) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, anyone)
	if n == nil {
		return nil, errBusy
	}
	n.expectEnd()
	at, before := c.clock(), n.said(diskEnd)
	t, err := c.trace(n, f.calls, "error="+f.fault)
	if err != nil {
		n.expectLife()
		c.give(n)
		return nil, err
	}
	err = n.waitExit(deadTime)
	calls := t.end()
	effect := ""
	if err == nil && calls > 0 && n.said(diskEnd) > before {
		effect = fmt.Sprintf("%d calls failed, the node ended and said so", calls)
	}
	if err != nil && calls > 0 {
		err = fmt.Errorf("%d calls failed with %s, and the node goes on: %w", calls, f.fault, err)
	} else {
		err = nil // nothing was written: without effect
	}
	return &injury{
		fault: history.Fault{Target: n.name, Leader: leads, At: at, Detail: f.fault}, targets: []*node{n}, hold: time.Millisecond,
		heal: func(context.Context) (string, error) {
			if n.running() {
				n.expectLife()
				return effect, err
			}
			return effect, errors.Join(err, n.start())
		},
	}, nil
}
