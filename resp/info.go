package resp

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"

	"github.com/truecount/truecount/fsm"
)

var serverCommands = []command{
	{name: "time", arity: 1, flags: "fast", local: tellTime,
		summary: "Returns this node's clock.", reply: "array: seconds and microseconds"},
	{name: "info", arity: -1, flags: "loading stale", local: info, stale: true,
		syntax: "[section [section ...]]", summary: "Returns what this node knows of itself.", reply: "verbatim string: lines of name:value, with a heading for each section"},
}

// claimedVersion is the Redis whose commands and texts a client may expect: client libraries switch features on it. Our own
// version has a field of its own.
const claimedVersion = "7.2.4"

// section is one part of INFO.
type section struct {
	name  string
	write func(b *strings.Builder, d *door, st fsm.Status)
}

var sections = []section{
	{"Server", infoServer},
	{"Clients", infoClients},
	{"Memory", infoMemory},
	{"Persistence", infoPersistence},
	{"Stats", infoStats},
	{"Replication", infoReplication},
	{"CPU", infoCPU},
	{"Cluster", infoCluster},
	{"Keyspace", infoKeyspace},
	{"Truecount", infoTruecount},
}

// INFO [section …]; without one, and for default, all and everything: all sections, each once.
func info(s *session, w *writer, args [][]byte) {
	wanted := func(name string) bool {
		name = strings.ToUpper(name)
		return len(args) == 1 || slices.ContainsFunc(args[1:], func(arg []byte) bool {
			return is(arg, name) || is(arg, "DEFAULT") || is(arg, "ALL") || is(arg, "EVERYTHING")
		})
	}
	var b strings.Builder
	st := s.door.cluster.Local()
	for _, part := range sections {
		if !wanted(part.name) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + part.name + "\r\n")
		part.write(&b, s.door, st)
	}
	w.Verbatim(b.String())
}

func infoLine(b *strings.Builder, name string, value any) { fmt.Fprintf(b, "%s:%v\r\n", name, value) }

func infoServer(b *strings.Builder, d *door, _ fsm.Status) {
	now := d.now()
	uptime := int64(now.Sub(d.started).Seconds())
	infoLine(b, "redis_version", claimedVersion)
	infoLine(b, "truecount_version", d.version)
	infoLine(b, "redis_mode", "standalone")
	infoLine(b, "os", runtime.GOOS+" "+runtime.GOARCH)
	infoLine(b, "arch_bits", 32<<(^uint(0)>>63))
	infoLine(b, "process_id", os.Getpid())
	infoLine(b, "tcp_port", d.port.Load())
	infoLine(b, "server_time_usec", now.UnixMicro())
	infoLine(b, "uptime_in_seconds", uptime)
	infoLine(b, "uptime_in_days", uptime/(24*60*60))
	infoLine(b, "config_file", "")
}

func infoClients(b *strings.Builder, d *door, _ fsm.Status) {
	infoLine(b, "connected_clients", d.clients.Load())
	infoLine(b, "maxclients", d.maxClients)
	infoLine(b, "blocked_clients", 0)
}

// infoMemory tells of this process, but for used_memory_dataset and maxmemory, which are the cluster's: what the keys take,
// and the limit of that.
func infoMemory(b *strings.Builder, _ *door, st fsm.Status) {
	sample := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(sample)
	used, total := sample[0].Value.Uint64(), sample[1].Value.Uint64()
	infoLine(b, "used_memory", used)
	infoLine(b, "used_memory_human", fmt.Sprintf("%.2fM", float64(used)/(1<<20)))
	infoLine(b, "used_memory_rss", total)
	infoLine(b, "used_memory_dataset", st.UsedBytes)
	infoLine(b, "maxmemory", st.MaxBytes)
	infoLine(b, "maxmemory_human", fmt.Sprintf("%.2fM", float64(st.MaxBytes)/(1<<20)))
	infoLine(b, "maxmemory_policy", "noeviction")
	infoLine(b, "mem_allocator", "go")
}

func infoPersistence(b *strings.Builder, _ *door, st fsm.Status) {
	infoLine(b, "loading", 0)
	infoLine(b, "aof_enabled", 1)
	if st.DiskFree != nil {
		infoLine(b, "disk_free", *st.DiskFree)
	}
	low := 0
	if st.DiskLow {
		low = 1
	}
	infoLine(b, "disk_low", low)
}

func infoStats(b *strings.Builder, d *door, _ fsm.Status) {
	st := d.stats()
	infoLine(b, "total_connections_received", st.Accepted)
	infoLine(b, "total_commands_processed", st.Commands)
	infoLine(b, "total_net_input_bytes", st.BytesIn)
	infoLine(b, "total_net_output_bytes", st.BytesOut)
	infoLine(b, "rejected_connections", st.Rejected)
}

// infoReplication says master on every node: each takes writes. What else it tells is of the Redis kind of replication.
func infoReplication(b *strings.Builder, _ *door, st fsm.Status) {
	infoLine(b, "role", "master")
	infoLine(b, "connected_slaves", 0)
	infoLine(b, "master_repl_offset", st.AppliedIndex)
}

func infoCPU(b *strings.Builder, _ *door, _ fsm.Status) {
	system, user := cpuSeconds()
	infoLine(b, "used_cpu_sys", fmt.Sprintf("%.6f", system))
	infoLine(b, "used_cpu_user", fmt.Sprintf("%.6f", user))
}

// infoCluster says that clients need no Redis Cluster protocol: any node takes any key.
func infoCluster(b *strings.Builder, _ *door, _ fsm.Status) { infoLine(b, "cluster_enabled", 0) }

func infoKeyspace(b *strings.Builder, _ *door, st fsm.Status) {
	if st.Keys > 0 {
		infoLine(b, "db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", st.Keys, st.Expires))
	}
}

func infoTruecount(b *strings.Builder, _ *door, st fsm.Status) {
	infoLine(b, "node", st.ID)
	infoLine(b, "raft_role", st.Role)
	infoLine(b, "term", st.Term)
	infoLine(b, "commit_index", st.CommitIndex)
	infoLine(b, "applied_index", st.AppliedIndex)
	leader := ""
	if st.Leader != nil {
		leader = st.Leader.ID
	}
	infoLine(b, "leader", leader)
	infoLine(b, "used_bytes", st.UsedBytes)
	infoLine(b, "max_bytes", st.MaxBytes)
	infoLine(b, "max_keys", st.MaxKeys)
	infoLine(b, "members", len(st.Members))
	for i, m := range st.Members {
		infoLine(b, fmt.Sprintf("member%d", i),
			fmt.Sprintf("id=%s,resp=%s,peer=%s,voter=%t,role=%s", m.ID, m.RESP, m.Peer, m.Voter, m.Role))
	}
}
