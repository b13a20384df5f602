package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/truecount/truecount/internal/disk"
	"github.com/truecount/truecount/internal/history"
)

const (
	diskSize  = 512 << 20 // of each node: room for some segments of a log, of 64 MiB each
	diskFree  = "100MiB"  // the low-water mark of nodes on disks
	diskScant = 80 << 20  // between the mark and its half, where a node refuses clients' writes and keeps its log going
	diskNames = "truecount-disks-"
	diskEnd   = "truecount: disk: " // how the last line begins of a node that ends itself over its disk
)

// mountDisks gives each node a disk of its own, before the first start. The reason why not is what a nemesis says that needs one.
func (c *cluster) mountDisks() {
	removeOldDisks()
	c.disks = map[*node]*disk.Disk{}
	if c.noDisks = disk.Missing(); c.noDisks != "" {
		return
	}
	root, err := os.MkdirTemp("", diskNames+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		c.noDisks = err.Error()
		return
	}
	c.diskRoot = root
	for _, n := range c.nodes {
		folder := filepath.Join(root, n.name)
		err := os.Mkdir(folder, 0o700)
		if err == nil {
			c.disks[n], err = disk.New(folder, diskSize)
		}
		if err != nil {
			c.noDisks = err.Error()
			c.removeDisks()
			return
		}
	}
	for n, d := range c.disks {
		n.dir = filepath.Join(d.Path, n.name)
		n.flags = append(n.flags, "--min-free", diskFree)
	}
}

// keepDisks copies what is on the disks to where data directories of nodes without disks are. The nodes must not run.
func (c *cluster) keepDisks() error {
	var errs []error
	for n := range c.disks {
		to := filepath.Join(c.folder, n.name)
		errs = append(errs, os.RemoveAll(to), os.CopyFS(to, os.DirFS(n.dir)))
	}
	return errors.Join(errs...)
}

// removeDisks is of use after the nodes' end, and does nothing the second time.
func (c *cluster) removeDisks() {
	if c.diskRoot == "" {
		return
	}
	_ = disk.RemoveUnder(c.diskRoot) // what is still mounted is tried again by the next run
	os.RemoveAll(c.diskRoot)
	clear(c.disks)
	c.diskRoot = ""
}

// removeOldDisks removes what killed runs have left.
func removeOldDisks() {
	roots, _ := filepath.Glob(filepath.Join(os.TempDir(), diskNames+"*"))
	for _, root := range roots {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(root), diskNames), "-")
		if pid, err := strconv.Atoi(text); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			if disk.RemoveUnder(root) == nil {
				os.RemoveAll(root)
			}
		}
	}
}

// onDisks is the part of nemeses that need a disk for each node.
type onDisks struct{}

func (onDisks) available(c *cluster) string { return c.noDisks }

// diskFull takes the room of a node's disk, and gives it back.
type diskFull struct{ onDisks }

func (diskFull) name() string { return "disk-full" }

func (diskFull) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, anyone)
	if n == nil {
		return nil, errBusy
	}
	at, d, full := c.clock(), c.disks[n], n.said(diskEnd)
	if err := d.Fill(diskScant); err != nil {
		c.give(n)
		return nil, errors.Join(err, d.Clear())
	}
	effect := ""
	c.proven(ctx, func() bool {
		s, err := n.status(ctx)
		if err == nil && s.DiskLow && s.DiskFree != nil {
			effect = fmt.Sprintf("the node says that its disk is low: %d MiB", *s.DiskFree>>20)
		}
		return effect != ""
	})
	var err error
	if effect != "" && rng.IntN(2) == 0 {
		n.expectEnd()
		err = d.Fill(0)
		effect += ", then nothing"
	}
	return &injury{
		fault: history.Fault{Target: n.name, Leader: leads, At: at}, targets: []*node{n},
		heal: func(ctx context.Context) (string, error) {
			err := errors.Join(err, d.Clear())
			if n.said(diskEnd) == full {
				n.expectLife()
				return effect, err
			}
			err = errors.Join(err, n.waitExit(endTime), n.start()) // its log had to grow just then
			return effect + "; it ended, and said so", err
		},
	}, nil
}

// diskFreeze lets every write of a node wait, up to twice as long as clients do, and shorter than the node does.
type diskFreeze struct {
	onDisks
	kind string
	whom who
}

func (f diskFreeze) name() string { return f.kind }

func (f diskFreeze) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	n, leads := c.take(ctx, rng, f.whom)
	if n == nil {
		return nil, errBusy
	}
	at, d := c.clock(), c.disks[n]
	probe, err := os.Create(filepath.Join(d.Path, "probe"))
	if err == nil {
		err = d.Freeze()
	}
	if err != nil {
		c.give(n)
		return nil, err
	}
	waited := make(chan time.Duration, 1)
	go func() { // a write of our own shows that writes wait
		began := time.Now()
		_, err := probe.Write([]byte("probe"))
		if err == nil {
			err = probe.Sync()
		}
		probe.Close()
		if err != nil {
			began = time.Now()
		}
		waited <- time.Since(began)
	}()
	hold := between(rng, 200*time.Millisecond, 10*time.Second)
	return &injury{
		fault: history.Fault{Target: n.name, Leader: leads, At: at}, targets: []*node{n}, hold: hold,
		heal: func(context.Context) (string, error) {
			if err := d.Thaw(); err != nil {
				return "", err
			}
			took := <-waited
			if took < hold/2 {
				return "", nil
			}
			return fmt.Sprintf("a write waited %v", took.Round(time.Millisecond)), nil
		},
	}, nil
}
