package disk

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const (
	// shutdown is ext4's and XFS's ioctl _IOR('X', 125, __u32), and keepLog has it end the file system as it is: neither data
	// nor the journal are written any more.
	shutdown = 0x8004587d
	keepLog  = 2

	haltPatience = 10 * time.Second
	haltPoll     = time.Millisecond
)

// CutPower makes the disk forget what was not synced, and fail every further call. Whoever writes to it has to be halted; see
// Halt. It is of use again after Remount.
func (d *Disk) CutPower() error {
	dir, err := os.Open(d.Path)
	if err != nil {
		return err
	}
	defer dir.Close()
	how := uint32(keepLog)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), shutdown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("shutdown of %s: %w", d.Path, errno)
	}
	return nil
}

// Halt stops a process and returns when each of its threads stands still: none is in a call that may yet return. SIGCONT lets it
// go on, SIGKILL ends it.
func Halt(pid int) error {
	if pid <= 0 { // to the kernel these are groups, ours among them
		return fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(haltPatience); ; time.Sleep(haltPoll) {
		thread, err := moving(pid)
		if err != nil || thread == "" {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d is not stopped after %v: %s", pid, haltPatience, thread)
		}
	}
}

// moving names a thread that is not stopped; empty: all are.
func moving(pid int) (string, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return "", err
	}
	if len(threads) == 0 {
		return "", fmt.Errorf("process %d: %w", pid, os.ErrProcessDone)
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // it has ended since
		}
		if err != nil {
			return "", err
		}
		// The name is in parentheses and may hold anything; the state comes behind it.
		state := stat[bytes.LastIndexByte(stat, ')')+1:]
		if len(state) < 2 || !strings.ContainsRune("TtZX", rune(state[1])) {
			return path, nil
		}
	}
	return "", nil
}
