package resp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/truecount/truecount/fsm"
)

var serverCommands = []command{
	{name: "time", arity: 1, flags: "loading stale fast", local: tellTime,
		summary: "Returns this node's clock; deadlines end by the cluster's.", reply: "array: seconds and microseconds"},
	{name: "info", arity: -1, flags: "loading stale", local: info, stale: true,
		syntax: "[section [section ...]]", summary: "Returns what this node knows of itself.", reply: "verbatim string: lines of name:value, with a heading for each section"},
	{name: "role", arity: 1, flags: "noscript loading stale fast", local: role, stale: true,
		summary: "Says master, as every node takes writes, and names the other members.", reply: "array: master; the log index applied here; for each other member its host, port, and that index"},
	{name: "lastsave", arity: 1, flags: "loading stale fast", local: lastSave, stale: true,
		summary: "Tells since when this process runs: nothing has to be saved.", reply: "integer: seconds since 1970"},
	{name: "lolwut", arity: -1, flags: "readonly fast", local: lolwut, stale: true, syntax: "[VERSION version]",
		summary: "Tells the version.", reply: "verbatim string"},
}

// claimedVersion is the Redis whose commands and texts a client may expect: client libraries switch features on it. Our own
// version has a field of its own.
const claimedVersion = "7.2.4"

// section is one part of INFO, in Redis's order, and ours behind.
type section struct {
	name  string
	more  bool // only if it is asked for, or all are
	write func(b *strings.Builder, d *door, st *fsm.Status)
}

var sections = []section{
	{name: "Server", write: infoServer},
	{name: "Clients", write: infoClients},
	{name: "Memory", write: infoMemory},
	{name: "Persistence", write: infoPersistence},
	{name: "Stats", write: infoStats},
	{name: "Replication", write: infoReplication},
	{name: "CPU", write: infoCPU},
	{name: "Modules", write: func(*strings.Builder, *door, *fsm.Status) {}},
	{name: "Commandstats", more: true, write: infoCommandStats},
	{name: "Errorstats", write: infoErrorStats},
	{name: "Latencystats", more: true, write: infoLatencyStats},
	{name: "Cluster", write: infoCluster},
	{name: "Keyspace", write: infoKeyspace},
	{name: "Raft", write: infoRaft},
	{name: "Truecount", write: infoTruecount},
}

// wanted reports whether INFO with these arguments has the section.
func (part *section) wanted(args [][]byte) bool {
	name := strings.ToUpper(part.name)
	return len(args) == 0 && !part.more || slices.ContainsFunc(args, func(arg []byte) bool {
		return is(arg, name) || is(arg, "DEFAULT") && !part.more || is(arg, "ALL") || is(arg, "EVERYTHING")
	})
}

// INFO [section …]: each section once, in our order. One that isn't there is no error.
func info(s *session, w *writer, args [][]byte) {
	if err := tooManyNames(args[1:]); err != nil {
		w.Error(err.Error())
		return
	}
	var b strings.Builder
	st := s.door.cluster.Local()
	for _, part := range sections {
		if !part.wanted(args[1:]) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + part.name + "\r\n")
		part.write(&b, s.door, &st)
	}
	w.Verbatim(b.String())
}

func infoLine(b *strings.Builder, name string, value any) { fmt.Fprintf(b, "%s:%v\r\n", name, value) }

// infoBytes writes a number of bytes, and once more for people.
func infoBytes(b *strings.Builder, name string, n uint64) {
	infoLine(b, name, n)
	infoLine(b, name+"_human", humanBytes(n))
}

// humanBytes is Redis's form.
func humanBytes(n uint64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	size, units := float64(n), "BKMGTP"
	for size >= 1024 && len(units) > 1 {
		size, units = size/1024, units[1:]
	}
	return fmt.Sprintf("%.2f%c", size, units[0])
}

// LASTSAVE
func lastSave(s *session, w *writer, _ [][]byte) { w.Int(s.door.started.Unix()) }

// LOLWUT [VERSION version]
func lolwut(s *session, w *writer, _ [][]byte) {
	w.Verbatim("Truecount " + s.door.version + ", for clients of Redis ver. " + claimedVersion + "\n")
}
