package resp

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/truecount/truecount/fsm"
)

var configCommands = []command{
	{name: "config", arity: -2, flags: "admin", summary: "A container for commands about settings.", subs: []command{
		{name: "config|get", arity: -3, syntax: "parameter [parameter ...]", summary: "Returns the settings that match.", reply: "map: names and values", local: configGet, stale: true},
		{name: "config|help", arity: 2, summary: "Lists the subcommands.", reply: "array: lines", local: helpLines(
			"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
			"GET <pattern>",
			"    Return parameters matching the glob-like <pattern> and their values.",
			"HELP",
			"    Prints this help.")},
	}},
}

// setting is one name that CONFIG GET knows: those that clients and tools ask for. value nil: text.
type setting struct {
	name  string
	text  string
	value func(d *door) string
}

var settings = []setting{
	{name: "appendonly", text: "yes"},
	{name: "bind"},
	{name: "databases", text: "1"},
	{name: "dir"},
	{name: "io-threads", text: "1"},
	{name: "latency-tracking", text: "no"},
	{name: "loglevel", text: "notice"},
	{name: "maxclients", value: func(d *door) string { return strconv.Itoa(d.maxClients) }},
	{name: "maxmemory", value: func(d *door) string { return strconv.FormatUint(d.cluster.Local().MaxBytes, 10) }},
	{name: "maxmemory-policy", text: "noeviction"},
	{name: "notify-keyspace-events"},
	{name: "port", value: func(d *door) string { return strconv.FormatInt(d.port.Load(), 10) }},
	{name: "proto-max-bulk-len", text: strconv.Itoa(fsm.MaxGroup)},
	{name: "replica-read-only", text: "no"},
	{name: "requirepass"}, // never what it is
	{name: "save"},
	{name: "slave-read-only", text: "no"},
	{name: "slowlog-log-slower-than", text: "-1"},
	{name: "slowlog-max-len", text: "0"},
	{name: "tcp-keepalive", text: "15"},
	{name: "timeout", text: "0"},
}

// maxPatterns bounds the patterns of one CONFIG GET, in bytes: each is compared with every name.
const maxPatterns = 4 << 10

// CONFIG GET pattern …; a pattern without special characters is a name, and is answered as it was written.
func configGet(s *session, w *writer, args [][]byte) {
	length := 0
	for _, pattern := range args[2:] {
		length += max(1, len(pattern))
	}
	if length > maxPatterns {
		w.Error(fmt.Sprintf("ERR the patterns are longer than %d bytes", maxPatterns))
		return
	}
	var matched []setting
	for _, known := range settings {
		for _, pattern := range args[2:] {
			if !bytes.ContainsAny(pattern, "*?[") && is(pattern, strings.ToUpper(known.name)) {
				known.name = string(pattern)
				matched = append(matched, known)
				break
			}
			if bytes.ContainsAny(pattern, "*?[") && (glob{pattern, true}).matches([]byte(known.name)) {
				matched = append(matched, known)
				break
			}
		}
	}
	w.Map(len(matched))
	for _, m := range matched {
		w.BulkString(m.name)
		if m.value != nil {
			m.text = m.value(s.door)
		}
		w.BulkString(m.text)
	}
}
