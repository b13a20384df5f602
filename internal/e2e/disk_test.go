//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// diskSize has room for some segments of wal's log, of 64 MiB each, and for the low-water mark.
const diskSize = 400 << 20

// disk is an ext4 of its own, in a file behind a loop device.
type disk struct {
	path   string // where it is mounted
	filler string // a file on it that takes the room away
}

// newDisk makes an empty disk that is unmounted when the test ends, after the nodes that were made later are killed. Where
// that can't be done the test is skipped.
func newDisk(t *testing.T) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount", "fsfreeze", "fallocate"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed (apt-get install e2fsprogs util-linux mount)")
		}
	}
	dir := t.TempDir()
	image, path := filepath.Join(dir, "image"), filepath.Join(dir, "disk")
	file, err := os.Create(image)
	if err == nil {
		err = file.Truncate(diskSize)
		file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	system(t, "mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", image)
	if out, err := exec.Command("mount", "-o", "loop", image, path).CombinedOutput(); err != nil {
		t.Skipf("no loop device to mount: %v: %s", err, out)
	}
	t.Cleanup(func() { system(t, "umount", path) }) // which frees the loop device, too
	return &disk{path, filepath.Join(path, "filler")}
}

// system runs a command of the machine, and wants success.
func system(t *testing.T, command string, args ...string) {
	t.Helper()
	if out, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v: %s", command, strings.Join(args, " "), err, out)
	}
}

// onDisks is newCluster with a disk for each node.
func onDisks(t *testing.T, n int, flags ...string) (cluster, map[*process]*disk) {
	t.Helper()
	var all []*disk
	for range n {
		all = append(all, newDisk(t))
	}
	c, disks := newNodes(t, n, flags...), map[*process]*disk{}
	for i, p := range c {
		p.dir, disks[p] = filepath.Join(all[i].path, "data"), all[i]
	}
	c.start(t)
	return c, disks
}

func (d *disk) free(t *testing.T) int64 {
	t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.path, &fs); err != nil {
		t.Fatal(err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}

// fill takes room until no more than so many bytes are free; 0: until nothing is.
func (d *disk) fill(t *testing.T, leave int64) {
	t.Helper()
	const slack = 1 << 20 // what ext4 needs for the filler itself
	if leave == 0 {
		os.WriteFile(d.filler+"-rest", make([]byte, d.free(t)), 0o600) // ends with "no space left on device"
		return
	}
	taken := int64(0)
	if info, err := os.Stat(d.filler); err == nil {
		taken = info.Size()
	}
	system(t, "fallocate", "-l", fmt.Sprint(taken+d.free(t)-leave+slack), d.filler)
}

// clear gives back what fill has taken.
func (d *disk) clear(t *testing.T) {
	t.Helper()
	for _, file := range []string{d.filler, d.filler + "-rest"} {
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// freeze makes every write to the disk wait until thaw, or until the test ends.
func (d *disk) freeze(t *testing.T) {
	t.Helper()
	system(t, "fsfreeze", "-f", d.path)
	t.Cleanup(func() { exec.Command("fsfreeze", "-u", d.path).Run() }) // before the node is killed: it could not end
}

func (d *disk) thaw(t *testing.T) {
	t.Helper()
	system(t, "fsfreeze", "-u", d.path)
}
