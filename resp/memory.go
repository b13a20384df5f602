package resp

import "strconv"

var memoryCommands = []command{
	{name: "memory", arity: -2, summary: "A container for commands about memory.", subs: []command{
		{name: "memory|doctor", arity: 2, local: memoryDoctor, stale: true, summary: "Says in sentences what memory is used for.", reply: "verbatim string"},
		{name: "memory|purge", arity: 2, local: memoryPurge, stale: true, summary: "Does nothing: the Go runtime gives memory back by itself.", reply: "OK"},
		{name: "memory|stats", arity: 2, local: memoryStats, stale: true, summary: "Tells what memory is used for.", reply: "map: names and bytes, or counts"},
		{name: "memory|usage", arity: -3, flags: "readonly", keys: secondKey, parse: parseMemoryUsage,
			syntax: "key [SAMPLES count]", summary: "Tells what a key counts for in the used bytes.", reply: "integer: bytes; or null"},
		{name: "memory|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
}

// MEMORY DOCTOR
func memoryDoctor(s *session, w *writer, _ [][]byte) {
	st := s.door.cluster.Local()
	used, total := memory()
	limit := "there is no limit (max-bytes)"
	if st.MaxBytes > 0 {
		limit = "the limit, max-bytes, is " + humanBytes(st.MaxBytes)
	}
	w.Verbatim("The keys take " + humanBytes(st.UsedBytes) + " as the cluster counts it; " + limit +
		". This process uses " + humanBytes(used) + " and has " + humanBytes(total) + " from the system; buffers of clients hold " +
		humanBytes(uint64(max(0, s.door.held.Load()))) + ".\n")
}

// MEMORY PURGE
func memoryPurge(_ *session, w *writer, _ [][]byte) { w.OK() }

// MEMORY STATS: those of Redis's names for which we have a number.
func memoryStats(s *session, w *writer, _ [][]byte) {
	st := s.door.cluster.Local()
	used, total := memory()
	each := uint64(0)
	if st.Keys > 0 {
		each = st.UsedBytes / st.Keys
	}
	w.Map(7)
	for _, line := range []struct {
		name string
		n    uint64
	}{
		{"peak.allocated", max(used, s.door.peak.Load())},
		{"total.allocated", used},
		{"clients.normal", uint64(max(0, s.door.held.Load()))},
		{"keys.count", st.Keys},
		{"keys.bytes-per-key", each},
		{"dataset.bytes", st.UsedBytes},
	} {
		w.BulkString(line.name)
		w.Int(int64(line.n))
	}
	w.BulkString("fragmentation")
	ratio := strconv.AppendFloat(nil, float64(total)/float64(max(used, 1)), 'f', 2, 64)
	w.Double(ratio)
}
