// Package disk is a test kit: disks for one node each, to be filled, frozen, and to lose their power. Each is an ext4 in a file
// behind a loop device, so it takes root.
//
//	New(dir, size)          makes one and mounts it at Disk.Path
//	Fill, Clear             no room, and room again
//	Freeze, Thaw            every write waits
//	CutPower                what was not synced is gone: Halt the process first, then kill it, then Remount
//	Remove, RemoveUnder     undo everything, also what a killed run has left
//
// Why Halt: with a live writer the kernel may let an fsync return success whose data a power cut at that moment loses (3 of 100
// cuts). That is the trick's fault and not the disk's; with the process stopped first it has never been seen.
package disk

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ErrMount is of New where the machine lets nobody mount, as many containers do.
var ErrMount = errors.New("no loop device to mount")

// Disk is one mounted disk.
type Disk struct {
	Path  string // where it is mounted
	image string // the file that it is in
}

// Missing is why there can be no disks here; empty: nothing is missing.
func Missing() string {
	if runtime.GOOS != "linux" {
		return "only Linux has them"
	}
	if os.Geteuid() != 0 {
		return "only root may mount"
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount", "fsfreeze", "fallocate"} {
		if _, err := exec.LookPath(tool); err != nil {
			return tool + " is not installed (apt-get install e2fsprogs util-linux mount)"
		}
	}
	return ""
}

// New makes an empty disk of that size in dir, which should be empty: a file "image", mounted at "disk".
func New(dir string, size int64) (*Disk, error) {
	d := &Disk{Path: filepath.Join(dir, "disk"), image: filepath.Join(dir, "image")}
	file, err := os.Create(d.image)
	if err != nil {
		return nil, err
	}
	err = errors.Join(file.Truncate(size), file.Close(), os.Mkdir(d.Path, 0o700))
	if err == nil {
		err = run("mkfs.ext4", "-q", "-F", "-m", "0", "-J", "size=4", d.image)
	}
	if err != nil {
		return nil, err
	}
	if err := d.mount(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMount, err)
	}
	return d, nil
}

func (d *Disk) mount() error { return run("mount", "-o", "loop", d.image, d.Path) }

// Free is the room that is left, in bytes.
func (d *Disk) Free() (int64, error) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(d.Path, &fs)
	return int64(fs.Bavail) * int64(fs.Bsize), err
}

func (d *Disk) filler() string { return filepath.Join(d.Path, "filler") }

// Fill takes room until no more than so many bytes are free; 0: until nothing is.
func (d *Disk) Fill(leave int64) error {
	const slack = 1 << 20 // what ext4 needs for the filler itself
	free, err := d.Free()
	if err != nil {
		return err
	}
	if leave == 0 {
		err := os.WriteFile(d.filler()+"-rest", make([]byte, free), 0o600)
		if err == nil || errors.Is(err, syscall.ENOSPC) {
			return nil
		}
		return err
	}
	taken := int64(0)
	if info, err := os.Stat(d.filler()); err == nil {
		taken = info.Size()
	}
	return run("fallocate", "-l", fmt.Sprint(taken+free-leave+slack), d.filler())
}

// Clear gives back what Fill has taken.
func (d *Disk) Clear() error {
	for _, file := range []string{d.filler(), d.filler() + "-rest"} {
		if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// Freeze makes every write wait until Thaw. Nothing else can be done to the disk meanwhile, and its process can't end.
func (d *Disk) Freeze() error { return run("fsfreeze", "-f", d.Path) }

// Thaw ends Freeze.
func (d *Disk) Thaw() error { return run("fsfreeze", "-u", d.Path) }

// Remount takes the disk away and brings it back, as the next start of the machine would. No process may use it.
func (d *Disk) Remount() error {
	if err := d.unmount(); err != nil {
		return err
	}
	return d.mount()
}

func (d *Disk) unmount() error { return run("umount", d.Path) } // which frees the loop device, too

// Remove unmounts the disk and removes its file.
func (d *Disk) Remove() error {
	if err := d.unmount(); err != nil {
		return err
	}
	return errors.Join(os.Remove(d.Path), os.Remove(d.image))
}

// RemoveUnder unmounts all disks below dir that a killed run has left there, frozen ones too. Their files stay.
func RemoveUnder(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	var all []error
	for line := range bytes.Lines(mounts) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "/dev/loop") || !strings.HasPrefix(fields[1], filepath.Clean(dir)+"/") {
			continue
		}
		_ = run("fsfreeze", "-u", fields[1]) // most are not frozen
		all = append(all, run("umount", fields[1]))
	}
	return errors.Join(all...)
}

func run(command string, args ...string) error {
	if out, err := exec.Command(command, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", command, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
