//go:build e2e

package e2e

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/truecount/truecount/internal/disk"
)

// diskSize has room for some segments of wal's log, of 64 MiB each, and for the low-water mark.
const diskSize = 400 << 20

// newDisk makes an empty disk that is removed when the test ends, after the nodes that were made later are killed. Where that
// can't be done the test is skipped.
func newDisk(t *testing.T) *disk.Disk {
	t.Helper()
	if reason := disk.Missing(); reason != "" {
		t.Skip(reason)
	}
	d, err := disk.New(t.TempDir(), diskSize)
	if errors.Is(err, disk.ErrMount) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, d.Remove()) })
	return d
}

// must wants what is done to a disk to succeed.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// onDisks is newCluster with a disk for each node.
func onDisks(t *testing.T, n int, flags ...string) (cluster, map[*process]*disk.Disk) {
	t.Helper()
	var all []*disk.Disk
	for range n {
		all = append(all, newDisk(t))
	}
	c, disks := newNodes(t, n, flags...), map[*process]*disk.Disk{}
	for i, p := range c {
		p.dir, disks[p] = filepath.Join(all[i].Path, "data"), all[i]
	}
	c.start(t)
	return c, disks
}

// freeze makes every write to a disk wait until Thaw, or until the test ends.
func freeze(t *testing.T, d *disk.Disk) {
	t.Helper()
	must(t, d.Freeze())
	t.Cleanup(func() { _ = d.Thaw() }) // before the node is killed: it could not end
}
