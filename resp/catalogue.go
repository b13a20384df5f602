package resp

import (
	"fmt"
	"strings"
)

var catalogueCommands = []command{
	{name: "command", arity: -1, flags: "loading stale", local: describeCommands, stale: true,
		summary: "Describes all commands.", reply: "array: the command table", cost: "O(N), N commands", subs: []command{
			{name: "command|count", arity: 2, summary: "Tells how many commands there are.", reply: "integer", local: countCommands, stale: true},
			{name: "command|docs", arity: -2, syntax: "[command-name [command-name ...]]", summary: "Documents commands.", reply: "map: names and what is documented of them", local: documentCommands, stale: true},
			{name: "command|info", arity: -2, syntax: "[command-name [command-name ...]]", summary: "Describes commands.", reply: "array: rows of the command table, or null", local: describeSomeCommands, stale: true},
			{name: "command|help", arity: 2, summary: "Lists the subcommands.", reply: "array: lines", local: helpLines(
				"COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
				"(no subcommand)",
				"    Return details about all commands.",
				"COUNT",
				"    Return the total number of commands in this server.",
				"DOCS [<command-name> ...]",
				"    Return documentation details about commands: none yet.",
				"INFO [<command-name> ...]",
				"    Return details about multiple commands.",
				"HELP",
				"    Prints this help.")},
		}},
}

// COMMAND: the table, for clients that look up where the keys are.
func describeCommands(s *session, w *writer, _ [][]byte) {
	rows := s.door.table.rows
	w.Array(len(rows))
	for i := range rows {
		rows[i].describe(w)
	}
}

// maxNames bounds the names of one COMMAND INFO: the reply has hundreds of bytes for each.
const maxNames = 1024

// COMMAND INFO [name …]
func describeSomeCommands(s *session, w *writer, args [][]byte) {
	if len(args) == 2 {
		describeCommands(s, w, nil)
		return
	}
	if len(args)-2 > maxNames {
		w.Error(fmt.Sprintf("ERR more than %d names", maxNames))
		return
	}
	w.Array(len(args) - 2)
	for _, arg := range args[2:] {
		var lower [maxName]byte
		c := s.door.table.byName[string(lowered(lower[:0], arg))]
		if c == nil {
			w.NullArray()
			continue
		}
		c.describe(w)
	}
}

// COMMAND COUNT
func countCommands(s *session, w *writer, _ [][]byte) { w.Int(int64(len(s.door.table.rows))) }

// COMMAND DOCS: none, which clients take as "no hints".
func documentCommands(_ *session, w *writer, _ [][]byte) { w.Map(0) }

// describe writes the ten fields of Redis 7; categories, tips, key specifications and subcommands are empty.
func (c *command) describe(w *writer) {
	w.Array(10)
	w.BulkString(c.name)
	w.Int(int64(c.arity))
	flags := strings.Fields(c.flags)
	w.Set(len(flags))
	for _, flag := range flags {
		w.Simple(flag)
	}
	w.Int(int64(c.keys.first))
	w.Int(int64(c.keys.last))
	w.Int(int64(c.keys.step))
	for range 4 {
		w.Array(0)
	}
}
