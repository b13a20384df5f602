package resp

import (
	"fmt"
	"strings"

	"github.com/truecount/truecount/fsm"
)

var catalogueCommands = []command{
	{name: "command", arity: -1, flags: "loading stale", local: describeCommands, stale: true,
		summary: "Describes all commands.", reply: "array: the command table", cost: "O(N), N commands", subs: []command{
			{name: "command|count", arity: 2, flags: "loading stale", summary: "Tells how many commands there are.", reply: "integer", local: countCommands, stale: true},
			{name: "command|docs", arity: -2, flags: "loading stale", syntax: "[command-name [command-name ...]]", summary: "Documents commands.", reply: "map: names, and for each its summary, since, group, complexity, arguments, subcommands", cost: "O(N), N commands", local: documentCommands, stale: true},
			{name: "command|info", arity: -2, flags: "loading stale", syntax: "[command-name [command-name ...]]", summary: "Describes commands.", reply: "array: rows of the command table, or null", cost: "O(N), N commands", local: describeSomeCommands, stale: true},
			{name: "command|list", arity: -2, flags: "loading stale", syntax: "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]", summary: "Lists the names of commands and subcommands.", reply: "array: names", cost: "O(N), N commands", local: listCommands, stale: true},
			{name: "command|getkeys", arity: -4, flags: "loading stale", syntax: "command [arg [arg ...]]", summary: "Tells which arguments of a command are keys.", reply: "array: the keys", cost: "O(N), N arguments", local: getKeys, stale: true},
			{name: "command|getkeysandflags", arity: -4, flags: "loading stale", syntax: "command [arg [arg ...]]", summary: "Tells which arguments of a command are keys, and what it does to them.", reply: "array: for each key, itself and flags", cost: "O(N), N arguments", local: getKeysAndFlags, stale: true},
			{name: "command|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
		}},
}

// COMMAND: the table, for clients that look up where the keys are.
func describeCommands(s *session, w *writer, _ [][]byte) {
	rows := s.door.table.rows
	w.Array(len(rows))
	for _, row := range rows {
		row.describe(w)
	}
}

func tooManyNames(names [][]byte) error {
	if len(names) > maxNames {
		return replyError(fmt.Sprintf("ERR more than %d names", maxNames))
	}
	return nil
}

// COMMAND INFO [name …]
func describeSomeCommands(s *session, w *writer, args [][]byte) {
	names := args[2:]
	if len(names) == 0 {
		describeCommands(s, w, nil)
		return
	}
	if err := tooManyNames(names); err != nil {
		w.Error(err.Error())
		return
	}
	w.Array(len(names))
	for _, name := range names {
		c := s.door.table.named(name)
		if c == nil {
			w.NullArray()
			continue
		}
		c.describe(w)
	}
}

// COMMAND COUNT
func countCommands(s *session, w *writer, _ [][]byte) { w.Int(int64(len(s.door.table.rows))) }

// describe writes the ten fields of Redis 7.
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
	categories := c.categories()
	w.Set(len(categories))
	for _, category := range categories {
		w.Simple("@" + category)
	}
	w.Set(0) // tips
	c.describeKeys(w)
	w.Set(len(c.subs))
	for i := range c.subs {
		c.subs[i].describe(w)
	}
}

// describeKeys writes the key specifications: one, if there are keys.
func (c *command) describeKeys(w *writer) {
	if c.keys == (span{}) {
		w.Set(0)
		return
	}
	flags := c.keyFlags()
	last := c.keys.last
	if last > 0 {
		last -= c.keys.first
	}
	w.Set(1)
	w.Map(3)
	w.BulkString("flags")
	w.Set(len(flags))
	for _, flag := range flags {
		w.Simple(flag)
	}
	w.BulkString("begin_search")
	w.Map(2)
	w.BulkString("type")
	w.BulkString("index")
	w.BulkString("spec")
	w.Map(1)
	w.BulkString("index")
	w.Int(int64(c.keys.first))
	w.BulkString("find_keys")
	w.Map(2)
	w.BulkString("type")
	w.BulkString("range")
	w.BulkString("spec")
	w.Map(3)
	w.BulkString("lastkey")
	w.Int(int64(last))
	w.BulkString("keystep")
	w.Int(int64(c.keys.step))
	w.BulkString("limit")
	w.Int(0)
}

// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]
func listCommands(s *session, w *writer, args [][]byte) {
	wanted := func(*command) bool { return true }
	switch {
	case len(args) == 2:
	case len(args) != 5 || !is(args[2], "FILTERBY"):
		w.Error(string(errSyntax))
		return
	case is(args[3], "MODULE"):
		wanted = func(*command) bool { return false } // there are none
	case is(args[3], "ACLCAT"):
		wanted = func(c *command) bool { return c.is(args[4]) }
	case is(args[3], "PATTERN") && len(args[4]) <= maxPatterns:
		wanted = func(c *command) bool { return (fsm.Glob{Pattern: args[4], Fold: true}).Matches([]byte(c.name)) }
	default:
		w.Error(string(errSyntax))
		return
	}
	var names []string
	for _, row := range s.door.table.rows {
		for _, c := range row.each() {
			if wanted(c) {
				names = append(names, c.name)
			}
		}
	}
	w.Array(len(names))
	for _, name := range names {
		w.BulkString(name)
	}
}

// COMMAND GETKEYS command
func getKeys(s *session, w *writer, args [][]byte) {
	_, keys, err := s.door.table.keysOf(args[2:])
	if err != nil {
		w.Error(err.Error())
		return
	}
	w.Array(len(keys))
	for _, key := range keys {
		w.Bulk(key)
	}
}

// COMMAND GETKEYSANDFLAGS command
func getKeysAndFlags(s *session, w *writer, args [][]byte) {
	c, keys, err := s.door.table.keysOf(args[2:])
	if err != nil {
		w.Error(err.Error())
		return
	}
	w.Array(len(keys))
	for i, key := range keys {
		flags := c.keyFlagsIn(args[2:], i)
		w.Array(2)
		w.Bulk(key)
		w.Set(len(flags))
		for _, flag := range flags {
			w.Simple(flag)
		}
	}
}

// keysOf are the arguments of a whole command that are keys.
func (t *table) keysOf(args [][]byte) (c *command, keys [][]byte, err error) {
	c, err = t.find(args)
	switch {
	case c == nil:
		return nil, nil, replyError("ERR Invalid command specified")
	case c.keys == (span{}):
		return nil, nil, replyError("ERR The command has no key arguments")
	case err != nil:
		return nil, nil, replyError("ERR Invalid number of arguments specified for command")
	}
	last := c.keys.last
	if last < 0 {
		last += len(args)
	}
	for i := c.keys.first; i <= min(last, len(args)-1); i += c.keys.step {
		keys = append(keys, args[i])
	}
	return c, keys, nil
}
