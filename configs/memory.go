package configs

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// assumedMemory stands in where the system's memory is not known.
const assumedMemory Size = 4 << 30

// Memory is what the system says of the memory for this process. 0: it says nothing.
type Memory struct {
	Machine Size // all that the machine has
	Limit   Size // the least limit of the process's cgroups
}

// usable is how much memory the process may use.
func (m Memory) usable() Size {
	if m.Machine == 0 && m.Limit == 0 {
		return assumedMemory
	}
	return least(m.Machine, m.Limit)
}

// mostForClients bounds ForClients: whoever reads and sends as one should takes a few KiB.
const mostForClients = 256 << 20

// ForClients is how much of the memory the buffers of all clients' connections may take: an eighth, but not more than 256 MiB.
func (m Memory) ForClients() Size { return min(m.usable()/8, mostForClients) }

// least is the lesser of two, of which 0 says nothing.
func least(a, b Size) Size {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// linuxMemory reads /proc and /sys, which root holds. A limit of a cgroup (version 2 or 1) holds for those below it, so all
// up to the root count. In a container without a cgroup namespace the path is the host's, and not there: what is mounted as
// the root is then the container's own.
func linuxMemory(root fs.FS) Memory {
	m := Memory{Machine: memTotal(readText(root, "proc/meminfo"))}
	for line := range strings.Lines(readText(root, "proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			m.Limit = least(m.Limit, leastLimit(root, "sys/fs/cgroup", fields[2], "memory.max"))
		case slices.Contains(strings.Split(fields[1], ","), "memory"):
			m.Limit = least(m.Limit, leastLimit(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	return m
}

// leastLimit looks at the cgroup and all above it.
func leastLimit(root fs.FS, mount, group, file string) Size {
	var limit Size
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		n, err := strconv.ParseUint(strings.TrimSpace(readText(root, path.Join(mount, dir, file))), 10, 63) // or "max"
		if err == nil {
			limit = least(limit, Size(n))
		}
		if dir == "/" {
			return limit
		}
	}
}

// memTotal finds the line "MemTotal:  24053692 kB".
func memTotal(meminfo string) Size {
	for line := range strings.Lines(meminfo) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			n, err := strconv.ParseUint(fields[1], 10, 64)
			if err == nil && n <= math.MaxInt64/1024 {
				return Size(n) * 1024
			}
		}
	}
	return 0
}

// readText is a file's content, or nothing.
func readText(root fs.FS, name string) string {
	content, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(content)
}
