package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Machine is what the figures depend on. What can't be told is "?".
type Machine struct {
	Cores       int      `json:"cores"`
	CPU         string   `json:"cpu"`
	Kernel      string   `json:"kernel"`
	FileSystem  string   `json:"file_system"`
	Go          string   `json:"go"`
	Versions    []string `json:"versions"` // of the systems
	FlushBefore Flush    `json:"flush_before"`
	FlushAfter  Flush    `json:"flush_after"`
	LoadBefore  string   `json:"load_before"` // averages of 1, 5 and 15 minutes
	LoadAfter   string   `json:"load_after"`
}

func describeMachine(dir string) Machine {
	return Machine{
		Cores: runtime.NumCPU(), Go: runtime.Version(), FileSystem: fileSystem(dir), LoadBefore: loadAverage(),
		CPU:    fieldOf(readText("/proc/cpuinfo"), "model name"),
		Kernel: orUnknown(readText("/proc/sys/kernel/ostype") + " " + readText("/proc/sys/kernel/osrelease")),
	}
}

func readText(path string) string {
	text, _ := os.ReadFile(path)
	return strings.TrimSpace(string(text))
}

func orUnknown(s string) string {
	if strings.TrimSpace(s) == "" {
		return "?"
	}
	return s
}

func fieldOf(text, name string) string {
	for line := range strings.Lines(text) {
		if before, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(before) == name {
			return strings.TrimSpace(value)
		}
	}
	return "?"
}

func loadAverage() string {
	fields := strings.Fields(readText("/proc/loadavg"))
	if len(fields) < 3 {
		return "?"
	}
	return strings.Join(fields[:3], " ")
}

// fileSystem is the type of what is mounted at dir or above it.
func fileSystem(dir string) string {
	kind, longest := "?", -1
	for line := range strings.Lines(readText("/proc/self/mounts")) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		mount := fields[1]
		inside := mount == "/" || dir == mount || strings.HasPrefix(dir, mount+"/")
		if inside && len(mount) >= longest { // what is mounted later hides what was there
			kind, longest = fields[2], len(mount)
		}
	}
	return kind
}

// checkDisk refuses folders that are only memory.
func checkDisk(dir string) error {
	if kind := fileSystem(dir); kind == "tmpfs" || kind == "ramfs" {
		return fmt.Errorf("%s is memory (%s), where syncing costs nothing: give --dir a folder on a disk", dir, kind)
	}
	return nil
}

// Bounds of the flush meter.
const (
	flushSize = 4 << 10
	flushTime = time.Second
)

// Flush is how long a disk takes to keep 4 KiB more of a growing file.
type Flush struct {
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
}

// measureFlush appends and syncs for a second.
func measureFlush(dir string) (Flush, error) {
	path := filepath.Join(dir, "flush")
	f, err := os.Create(path)
	if err != nil {
		return Flush{}, err
	}
	defer os.Remove(path)
	defer f.Close()
	block := make([]byte, flushSize)
	var took []time.Duration
	for start := time.Now(); time.Since(start) < flushTime; {
		began := time.Now()
		_, err := f.Write(block)
		if err := errors.Join(err, dataSync(f)); err != nil {
			return Flush{}, err
		}
		took = append(took, time.Since(began))
	}
	return Flush{milliseconds(quantileOf(took, 0.5)), milliseconds(quantileOf(took, 0.99))}, nil
}

// diskFlushes is how many flushes the disk under dir has made so far, for everybody. Not every disk needs any, and not every
// one counts them: 0 then.
func diskFlushes(dir string) uint64 {
	var stat syscall.Stat_t
	if syscall.Stat(dir, &stat) != nil {
		return 0
	}
	dev := uint64(stat.Dev)
	device := fmt.Sprintf("/sys/dev/block/%d:%d", dev>>8&0xfff|dev>>32&^0xfff, dev&0xff|dev>>12&^0xff)
	if readText(device+"/partition") != "" {
		device += "/.." // flushes are those of the whole disk
	}
	return parseFlushes(readText(device + "/stat"))
}

// parseFlushes reads field 16 of a block device's statistics.
func parseFlushes(stat string) uint64 {
	fields := strings.Fields(stat)
	if len(fields) < 16 {
		return 0
	}
	n, _ := strconv.ParseUint(fields[15], 10, 64)
	return n
}
