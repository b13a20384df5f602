package resp

import (
	"fmt"

	"github.com/truecount/truecount/fsm"
)

// maxCommandKeys bounds the keys of one command, and with them its reply (64 MiB of the longest values).
const maxCommandKeys = 16384

// command is one row of the table.
type command struct {
	name  string
	arity int    // with the command's name; negative: at least that many (Redis's convention)
	flags string // what COMMAND shows, blank between
	keys  span   // where the keys are, for COMMAND

	// parse turns the arguments into Ops. The Ops may point into args. Errors are replyErrors.
	parse func(c *command, args [][]byte, to *call) error
	// local answers on the spot, in the order of the connection's replies, without the cluster.
	local func(s *session, w *writer, args [][]byte)

	writes  bool // its Ops must be proposed
	barrier bool // waits until every command in front of it is finished
	always  bool // also runs while a burst is being refused
	stale   bool // of local ones: also answered by a node that was removed

	subs []command // the table of a container; their names are given as "container|sub"
}

// span is the first and the last argument that is a key (negative: from the end) and the step between; all 0: none.
type span struct{ first, last, step int }

var (
	oneKey   = span{1, 1, 1}
	allKeys  = span{1, -1, 1}
	keyPairs = span{1, -1, 2}
)

// commands is every command there is.
var commands = []command{
	{name: "incr", arity: 2, flags: "write denyoom fast", keys: oneKey, parse: parseIncr, writes: true},
	{name: "incrby", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseIncr, writes: true},
	{name: "decr", arity: 2, flags: "write denyoom fast", keys: oneKey, parse: parseDecr, writes: true},
	{name: "decrby", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseDecr, writes: true},
	{name: "get", arity: -2, flags: "readonly fast", keys: oneKey, parse: parseGet},
	{name: "set", arity: -3, flags: "write denyoom", keys: oneKey, parse: parseSet, writes: true},
	{name: "mget", arity: -2, flags: "readonly fast", keys: allKeys, parse: parseMGet},
	{name: "mset", arity: -3, flags: "write denyoom", keys: keyPairs, parse: parseMSet, writes: true},
	{name: "del", arity: -2, flags: "write", keys: allKeys, parse: parseDel, writes: true},
	{name: "exists", arity: -2, flags: "readonly fast", keys: allKeys, parse: parseExists},
	{name: "expire", arity: -3, flags: "write fast", keys: oneKey, parse: parseExpire, writes: true},
	{name: "pexpire", arity: -3, flags: "write fast", keys: oneKey, parse: parsePExpire, writes: true},
	{name: "ttl", arity: 2, flags: "readonly fast", keys: oneKey, parse: parseTTL},
	{name: "pttl", arity: 2, flags: "readonly fast", keys: oneKey, parse: parsePTTL},
	{name: "persist", arity: 2, flags: "write fast", keys: oneKey, parse: parsePersist, writes: true},
	{name: "dbsize", arity: 1, flags: "readonly fast", parse: parseDBSize},
	{name: "flushall", arity: -1, flags: "write", parse: parseFlushAll, writes: true},

	{name: "consistency", arity: -1, flags: "fast", local: consistency, barrier: true},
	{name: "readonly", arity: 1, flags: "fast", local: readOnly, barrier: true},
	{name: "readwrite", arity: 1, flags: "fast", local: readWrite, barrier: true},
	{name: "wait", arity: 3, flags: "noscript", local: wait, barrier: true},
	{name: "truecount", arity: -2, flags: "admin", subs: truecountCommands},
	{name: "cluster", arity: -2, flags: "admin", subs: clusterCommands},

	{name: "ping", arity: -1, flags: "fast", local: ping},
	{name: "echo", arity: 2, flags: "fast", local: echo},
	{name: "time", arity: 1, flags: "fast", local: tellTime},
	{name: "select", arity: 2, flags: "fast", local: selectDB},
	{name: "hello", arity: -1, flags: "noscript fast no_auth", local: hello, barrier: true, stale: true},
	{name: "quit", arity: -1, flags: "noscript fast no_auth", local: quit, barrier: true, always: true, stale: true},
	{name: "info", arity: -1, flags: "loading stale", local: info, stale: true},
	{name: "config", arity: -2, flags: "admin", subs: configCommands},
	{name: "command", arity: -1, flags: "loading stale", local: describeCommands, subs: commandCommands, stale: true},
}

var truecountCommands = []command{
	{name: "truecount|status", arity: 2, local: status, barrier: true, stale: true},
	{name: "truecount|members", arity: 2, local: members, barrier: true, stale: true},
	{name: "truecount|join", arity: 3, local: join, barrier: true},
	{name: "truecount|leave", arity: 2, local: leave, barrier: true},
	{name: "truecount|remove", arity: 3, local: remove, barrier: true},
	{name: "truecount|transfer", arity: -2, local: transfer, barrier: true},
	{name: "truecount|help", arity: 2, stale: true, local: helpLines(
		"TRUECOUNT <subcommand> [<arg>]. Subcommands are:",
		"STATUS",
		"    Return what this node and its leader know of the cluster, as JSON.",
		"MEMBERS",
		"    Return the members, as JSON.",
		"JOIN <host:port>",
		"    Make this node and the one with that RESP address one cluster: whichever holds nothing joins the other.",
		"LEAVE",
		"    Take this node out of its cluster, and end it.",
		"REMOVE <id>",
		"    Take a member out of the cluster for ever.",
		"TRANSFER [<id>]",
		"    Make that voter the leader, or any other.",
		"HELP",
		"    Prints this help.")},
}

var clusterCommands = []command{
	{name: "cluster|meet", arity: -4, local: meet, barrier: true},
	{name: "cluster|forget", arity: 3, local: forget, barrier: true},
	{name: "cluster|myid", arity: 2, local: myID, stale: true},
	{name: "cluster|help", arity: 2, stale: true, local: helpLines(
		"CLUSTER <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"FORGET <node-id>",
		"    Remove a node from the cluster.",
		"MEET <ip> <port> [<bus-port>]",
		"    Connect nodes into a working cluster.",
		"MYID",
		"    Return the node id.",
		"HELP",
		"    Prints this help.")},
}

var configCommands = []command{
	{name: "config|get", arity: -3, local: configGet, stale: true},
	{name: "config|help", arity: 2, local: helpLines(
		"CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"GET <pattern>",
		"    Return parameters matching the glob-like <pattern> and their values.",
		"HELP",
		"    Prints this help.")},
}

var commandCommands = []command{
	{name: "command|count", arity: 2, local: countCommands, stale: true},
	{name: "command|docs", arity: -2, local: documentCommands, stale: true},
	{name: "command|info", arity: -2, local: describeSomeCommands, stale: true},
	{name: "command|help", arity: 2, local: helpLines(
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
}

// call is a command that was parsed: its Ops, and how their Results become its reply. It is used again for the next one.
type call struct {
	ops     []fsm.Op
	render  render
	attempt bool // GET key STATE: read at level fsm.Attempt
}

// maxKeptOps is how many Ops of room a call keeps for the next command.
const maxKeptOps = 1024

func (c *call) reset() {
	if cap(c.ops) > maxKeptOps {
		c.ops = nil
	}
	*c = call{ops: c.ops[:0]}
}

// table finds commands by name.
type table struct {
	rows   []command
	byName map[string]*command
}

func newTable(rows []command) *table {
	t := &table{rows: rows, byName: make(map[string]*command, len(rows))}
	for i := range rows {
		t.byName[rows[i].name] = &rows[i]
	}
	return t
}

// maxName is longer than any command's name.
const maxName = 32

// find resolves a command, and the subcommand of a container, in any case, and checks the number of arguments. Errors are
// replyErrors. It allocates nothing for a command that exists.
func (t *table) find(args [][]byte) (*command, error) {
	var lower [maxName]byte
	c := t.byName[string(lowered(lower[:0], args[0]))]
	if c == nil {
		return nil, unknownCommand(args)
	}
	if len(c.subs) > 0 && len(args) > 1 {
		sub := c.sub(args[1])
		if sub == nil {
			return nil, unknownSubcommand(c.name, args[1])
		}
		c = sub
	}
	if c.arity > 0 && len(args) != c.arity || len(args) < -c.arity {
		return nil, wrongArity(c.name)
	}
	return c, nil
}

func (c *command) sub(arg []byte) *command {
	var lower [maxName]byte
	name := lowered(lower[:0], arg)
	for i := range c.subs {
		if string(name) == c.subs[i].name[len(c.name)+1:] {
			return &c.subs[i]
		}
	}
	return nil
}

// lowered appends text in lower case, or nothing if it is too long to be a name.
func lowered(dst, text []byte) []byte {
	if len(text) > maxName {
		return dst
	}
	for _, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// is reports whether an argument is the given word, which is in upper case, in any case.
func is(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, c := range arg {
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// tooManyKeys is checked before a command's Ops are made.
func tooManyKeys(c *command, n int) error {
	if n > maxCommandKeys {
		return replyError(fmt.Sprintf("ERR too many keys: '%s' takes at most %d", c.name, maxCommandKeys))
	}
	return nil
}
