package resp

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"

	"github.com/truecount/truecount/fsm"
)

// The sections of INFO that tell of this process.

func infoServer(b *strings.Builder, d *door, _ *fsm.Status) {
	now := d.now()
	uptime := int64(now.Sub(d.started).Seconds())
	executable, _ := os.Executable() // empty if it is not known
	infoLine(b, "redis_version", claimedVersion)
	infoLine(b, "truecount_version", d.version)
	infoLine(b, "redis_mode", d.facade.mode())
	infoLine(b, "os", runtime.GOOS+" "+runtime.GOARCH)
	infoLine(b, "arch_bits", strconv.IntSize)
	infoLine(b, "go_version", runtime.Version())
	infoLine(b, "process_id", os.Getpid())
	infoLine(b, "run_id", d.runID)
	infoLine(b, "tcp_port", d.port.Load())
	infoLine(b, "server_time_usec", now.UnixMicro())
	infoLine(b, "uptime_in_seconds", uptime)
	infoLine(b, "uptime_in_days", uptime/(24*60*60))
	infoLine(b, "executable", executable)
	infoLine(b, "config_file", "")
}

func infoClients(b *strings.Builder, d *door, _ *fsm.Status) {
	infoLine(b, "connected_clients", d.clients.Load())
	infoLine(b, "cluster_connections", 0)
	infoLine(b, "maxclients", d.maxClients.Load())
	infoLine(b, "blocked_clients", 0)
	infoLine(b, "tracking_clients", 0)
}

// memory is what this process has from the system, in bytes.
func memory() (used, total uint64) {
	sample := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/total:bytes"},
	}
	metrics.Read(sample)
	return sample[0].Value.Uint64(), sample[1].Value.Uint64()
}

// systemMemory is the machine's, in bytes; 0 if it is not known. (On Linux; a node in a container sees the machine's.)
func systemMemory() uint64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "MemTotal:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseUint(fields[0], 10, 64)
	return kib << 10
}

// infoMemory tells of this process, but for used_memory_dataset and maxmemory, which are the cluster's: what the keys take,
// and the limit of that. The peak is the largest that was ever told: nobody looks in between.
func infoMemory(b *strings.Builder, d *door, st *fsm.Status) {
	used, total := memory()
	peak := d.peak.Load()
	for used > peak && !d.peak.CompareAndSwap(peak, used) {
		peak = d.peak.Load()
	}
	infoBytes(b, "used_memory", used)
	infoBytes(b, "used_memory_rss", total)
	infoBytes(b, "used_memory_peak", max(peak, used))
	infoLine(b, "used_memory_dataset", st.UsedBytes)
	infoBytes(b, "total_system_memory", d.systemMemory)
	infoBytes(b, "maxmemory", st.MaxBytes)
	infoLine(b, "maxmemory_policy", "noeviction")
	infoLine(b, "mem_clients_normal", d.held.Load())
	infoLine(b, "mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(total)/float64(max(used, 1))))
	infoLine(b, "mem_allocator", "go")
}

// infoPersistence says that everything is on disk, always: a write is acknowledged when it is on a majority's.
func infoPersistence(b *strings.Builder, d *door, st *fsm.Status) {
	infoLine(b, "loading", 0)
	infoLine(b, "async_loading", 0)
	infoLine(b, "rdb_changes_since_last_save", 0)
	infoLine(b, "rdb_bgsave_in_progress", 0)
	infoLine(b, "rdb_last_save_time", d.started.Unix())
	infoLine(b, "rdb_last_bgsave_status", "ok")
	infoLine(b, "aof_enabled", 1)
	infoLine(b, "aof_rewrite_in_progress", 0)
	infoLine(b, "aof_last_bgrewrite_status", "ok")
	written := "ok"
	low := 0
	if st.DiskLow {
		low, written = 1, "err"
	}
	infoLine(b, "aof_last_write_status", written)
	if st.DiskFree != nil {
		infoLine(b, "disk_free", *st.DiskFree)
	}
	infoLine(b, "disk_low", low)
}

func infoStats(b *strings.Builder, d *door, node *fsm.Status) {
	st, rate := d.sinceReset(), d.rates()
	infoLine(b, "total_connections_received", st.Accepted)
	infoLine(b, "total_commands_processed", st.Commands)
	infoLine(b, "instantaneous_ops_per_sec", int64(rate.commands))
	infoLine(b, "total_net_input_bytes", st.BytesIn)
	infoLine(b, "total_net_output_bytes", st.BytesOut)
	infoLine(b, "instantaneous_input_kbps", fmt.Sprintf("%.2f", rate.input/1024))
	infoLine(b, "instantaneous_output_kbps", fmt.Sprintf("%.2f", rate.output/1024))
	infoLine(b, "rejected_connections", st.Rejected)
	infoLine(b, "expired_keys", node.Expired-d.base.Load().expired)
	infoLine(b, "evicted_keys", 0)
	infoLine(b, "pubsub_channels", d.switchboard.size(channels))
	infoLine(b, "pubsub_patterns", d.switchboard.size(patterns))
	infoLine(b, "keyspace_hits", st.hits)
	infoLine(b, "keyspace_misses", st.misses)
	infoLine(b, "total_error_replies", d.errors.total.Load())
	infoLine(b, "client_idle_disconnections", st.timedOut)
	infoLine(b, "client_output_buffer_limit_disconnections", st.Unread)
	infoLine(b, "evicted_clients", st.Overheld)
}

func infoCPU(b *strings.Builder, _ *door, _ *fsm.Status) {
	system, user := cpuSeconds()
	infoLine(b, "used_cpu_sys", fmt.Sprintf("%.6f", system))
	infoLine(b, "used_cpu_user", fmt.Sprintf("%.6f", user))
}

func infoCommandStats(b *strings.Builder, d *door, _ *fsm.Status) {
	for c := range d.table.used() {
		t := c.tally
		calls, micros := t.calls(), t.nanos.Load()/1000
		infoLine(b, "cmdstat_"+c.name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, micros, float64(micros)/float64(max(calls, 1)), t.rejected.Load(), t.failed.Load()))
	}
}

func infoErrorStats(b *strings.Builder, d *door, _ *fsm.Status) {
	d.errors.each(func(code string, n uint64) { infoLine(b, "errorstat_"+code, fmt.Sprintf("count=%d", n)) })
}

func infoLatencyStats(b *strings.Builder, d *door, _ *fsm.Status) {
	for c := range d.table.used() {
		h := c.tally.latency.Load()
		if h == nil {
			continue
		}
		total := h.total()
		if total == 0 {
			continue
		}
		micros := func(percent float64) float64 { return float64(h.percentile(percent, total).Nanoseconds()) / 1000 }
		infoLine(b, "latency_percentiles_usec_"+c.name, fmt.Sprintf("p50=%.3f,p99=%.3f,p99.9=%.3f", micros(50), micros(99), micros(99.9)))
	}
}
