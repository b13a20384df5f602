package configs

import (
	"runtime"
	"testing"
	"testing/fstest"
)

const gib Size = 1 << 30

func TestAutoIsAQuarterOfWhatTheProcessMayUse(t *testing.T) {
	for _, test := range []struct {
		memory Memory
		want   Size
	}{
		{Memory{Machine: 8 * gib}, 2 * gib},
		{Memory{Machine: 8 * gib, Limit: 4 * gib}, gib},
		{Memory{Machine: 8 * gib, Limit: 9223372036854771712}, 2 * gib},
		{Memory{Limit: 4 * gib}, gib},
		{Memory{}, gib},
		{Memory{Machine: 8*gib - 1}, 2*gib - 1<<20},
	} {
		if got := (MaxBytes{Auto: true}).Bytes(test.memory); got != test.want {
			t.Errorf("%+v: %v, want %v", test.memory, got, test.want)
		}
	}
	if got := (MaxBytes{Size: 5}).Bytes(Memory{Machine: gib}); got != 5 {
		t.Errorf("a given size became %v", got)
	}
	if got := (MaxBytes{}).Bytes(Memory{Machine: gib}); got != 0 {
		t.Errorf("none became %v", got)
	}
}

func TestTheLeastLimitOfAllCgroupsCounts(t *testing.T) {
	const (
		meminfo = "MemTotal:        8388608 kB\nMemFree:          123456 kB\n"
		v2, v1  = "sys/fs/cgroup/", "sys/fs/cgroup/memory/"
	)
	for name, test := range map[string]struct {
		files map[string]string
		want  Memory
	}{
		"no cgroups": {map[string]string{}, Memory{Machine: 8 * gib}},
		"version 2, no limit": {map[string]string{"proc/self/cgroup": "0::/a.slice\n", v2 + "a.slice/memory.max": "max\n"},
			Memory{Machine: 8 * gib}},
		"version 2": {map[string]string{"proc/self/cgroup": "0::/a.slice\n", v2 + "a.slice/memory.max": "1073741824\n"},
			Memory{Machine: 8 * gib, Limit: gib}},
		"version 2, a limit above": {map[string]string{"proc/self/cgroup": "0::/a.slice/b/c\n", v2 + "a.slice/b/c/memory.max": "4294967296\n",
			v2 + "a.slice/memory.max": "2147483648\n"}, Memory{Machine: 8 * gib, Limit: 2 * gib}},
		"version 2 in a container": {map[string]string{"proc/self/cgroup": "0::/\n", v2 + "memory.max": "1073741824\n"},
			Memory{Machine: 8 * gib, Limit: gib}},
		"version 2, a path outside": {map[string]string{"proc/self/cgroup": "0::/../b\n", v2 + "memory.max": "1073741824\n"},
			Memory{Machine: 8 * gib, Limit: gib}},
		"version 1": {map[string]string{"proc/self/cgroup": "5:cpu,memory:/docker/1\n1:cpu:/\n", v1 + "docker/1/memory.limit_in_bytes": "1073741824\n",
			v1 + "memory.limit_in_bytes": "9223372036854771712\n"}, Memory{Machine: 8 * gib, Limit: gib}},
		"version 1 in a container that shows the host's path": {map[string]string{"proc/self/cgroup": "5:memory:/docker/1\n",
			v1 + "memory.limit_in_bytes": "1073741824\n"}, Memory{Machine: 8 * gib, Limit: gib}},
		"both": {map[string]string{"proc/self/cgroup": "4:memory:/a\n0::/a\n", v1 + "a/memory.limit_in_bytes": "2147483648\n",
			v2 + "unified/a/memory.max": "1\n"}, Memory{Machine: 8 * gib, Limit: 2 * gib}},
		"nonsense": {map[string]string{"proc/self/cgroup": "\n:\n0::\nx\n", v2 + "memory.max": "-1\n"}, Memory{Machine: 8 * gib}},
	} {
		root := fstest.MapFS{"proc/meminfo": {Data: []byte(meminfo)}}
		for file, text := range test.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := linuxMemory(root); got != test.want {
			t.Errorf("%s: machine %v, limit %v, want %v and %v", name, got.Machine, got.Limit, test.want.Machine, test.want.Limit)
		}
	}
	if got := linuxMemory(fstest.MapFS{}); got != (Memory{}) {
		t.Errorf("an empty root: %+v", got)
	}
}

func TestTheMemoryOfThisMachineIsRead(t *testing.T) {
	memory := ReadMemory()
	if runtime.GOOS == "linux" && memory.Machine < 64<<20 {
		t.Errorf("%+v", memory)
	}
}

func TestClientsBuffersGetAnEighthOfASmallMachine(t *testing.T) {
	for memory, want := range map[Memory]Size{
		{Machine: 8 << 30}: 256 << 20, {Machine: 8 << 30, Limit: 256 << 20}: 32 << 20, {}: 256 << 20,
	} {
		if got := memory.ForClients(); got != want {
			t.Errorf("%+v: %v, want %v", memory, got, want)
		}
	}
}
