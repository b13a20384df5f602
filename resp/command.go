package resp

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/truecount/truecount/fsm"
)

// command is one row of the table.
type command struct {
	name  string // in lower case; of a subcommand "container|sub"
	arity int    // with the command's name; negative: at least that many (Redis's convention)
	flags string // what COMMAND shows, blank between
	keys  span   // where the keys are, for COMMAND

	// What people are told, by COMMAND DOCS and by docs/COMMANDS.md, which a test compares with this.
	syntax  string // what stands behind the name, in the notation of Redis's documentation: key [NX | XX] [EX seconds]
	summary string // a sentence
	reply   string // its type and what it means: "integer: the new number"
	errors  string // what may go wrong beside what holds for all; sentences
	cost    string // complexity; empty: O(1)
	by      string // who answers; empty: what parse and the flags say

	// fits, if there is one, says more about the number of arguments than the arity can. nil: nothing.
	fits func(args [][]byte) bool
	// parse turns the arguments into Ops. The Ops may point into args. Errors are replyErrors.
	parse func(c *command, args [][]byte, to *call) error
	// local answers on the spot, in the order of the connection's replies, without the cluster.
	local func(s *session, w *writer, args [][]byte)

	barrier bool // waits until every command in front of it is finished
	atOnce  bool // also runs, and is not queued, inside MULTI
	queues  bool // of barriers: is queued inside MULTI, at most maxQueuedBarriers of them
	always  bool // also runs while a burst is being refused
	stale   bool // of local ones: also answered by a node that was removed

	early     bool // also before login
	listening bool // also while subscribed in protocol 2
	pushes    bool // its replies are messages, so CLIENT REPLY does not hold them back

	subs   []command // the table of a container
	prefix int       // of ONCE: arguments in front of another command; 0: none stands behind

	// Filled in by newTable.
	tally *tally // each Server counts for itself
	group string // the family's
	fast  bool   // among the flags
}

// span is the first and the last argument that is a key (negative: from the end) and the step between; all 0: none.
type span struct{ first, last, step int }

var (
	oneKey   = span{1, 1, 1}
	allKeys  = span{1, -1, 1}
	keyPairs = span{1, -1, 2}
)

// family is the commands of one kind, in the file where they are at home.
type family struct {
	title string // in docs/COMMANDS.md
	group string // what COMMAND DOCS calls it
	rows  []command
}

// families is every command there is; behind which facade: facade.families.
func families() []family {
	return []family{
		{"Counters", "string", counterCommands},
		{"Decimals, and counters within bounds", "string", decimalCommands},
		{"Conditions", "string", conditionCommands},
		{"Instance counters", "module", instanceCommands},
		{"Values", "string", textCommands},
		{"Parts of values", "string", rangeCommands},
		{"Keys and deadlines", "generic", keyCommands},
		{"Names of keys", "generic", renameCommands},
		{"Walks over all keys", "generic", scanCommands},
		{"What a key is", "generic", inspectCommands},
		{"Transactions", "transactions", transactionCommands},
		{"At most once", "transactions", onceCommands},
		{"The connection", "connection", connectionCommands},
		{"Connections", "connection", clientCommands},
		{"Messages", "pubsub", messageCommands},
		{"Consistency", "connection", levelCommands},
		{"The node", "server", serverCommands},
		{"Settings", "server", configCommands},
		{"Slow commands", "server", slowlogCommands},
		{"Latency", "server", latencyCommands},
		{"Memory", "server", memoryCommands},
		{"What there is none of", "server", courtesyCommands},
		{"The commands themselves", "server", catalogueCommands},
		{"Members", "cluster", memberCommands},
		{sentinelTitle, "server", sentinelCommands},
	}
}

// call is a command that was parsed: its Ops, and how their Results become its reply. It is used again for the next one.
type call struct {
	session    *session
	ops        []fsm.Op
	conditions []fsm.Condition // without which none of them is applied
	once       fsm.Once        // if they were applied under it before, they are not again
	render     render
	attempt    bool // GET key STATE: read at level fsm.Attempt
	slow       bool // its reply takes longer to make than to wake a goroutine
	strong     bool // read strongly whatever the connection's level is, and in one group
	looks      int  // keys that reads look at, at most
	writes     bool // some Op writes, or for another reason it must be proposed
	signs      bool // some read is a sign of life of an instance; see sign.go
	binds      bool // some Op binds an instance to the connection
	walk       walk // that it begins, alone on its way and without Ops; nil: none

	taken func(*session) // what is left to do when the command has been answered or placed, not queued; nil: nothing
}

// maxKeptOps is how many Ops of room a call keeps for the next command.
const maxKeptOps = 1024

func (c *call) reset() {
	if cap(c.ops) > maxKeptOps {
		c.ops = nil
	}
	*c = call{session: c.session, ops: c.ops[:0]}
}

// parsed notes what follows from the Ops. Reads that are too many for one step of a reader, but may not be split, are proposed
// as well.
func (c *call) parsed() {
	c.writes = len(c.conditions) > 0 || c.strong && len(c.ops) > maxGroupReads
	for i := range c.ops {
		op := &c.ops[i]
		c.writes = c.writes || op.Kind.Writes()
		if c.looks++; isPage(op.Kind) {
			c.looks += int(op.Value.Int)
		}
	}
}

// isPage reports whether an Op of the kind looks at as many things as its Value says.
func isPage(k fsm.Kind) bool { return k == fsm.Scan || k == fsm.ICSlices || k == fsm.ICInstances }

// table finds commands by name.
type table struct {
	families []family
	rows     []*command // of all families
	byName   map[string]*command

	why, hints map[string]string // see absent

	docsOnce [protocol3 + 1]sync.Once // by protocol; see docs
	docsText [protocol3 + 1][]byte
}

func newTable(families []family) *table {
	t := &table{families: families, byName: map[string]*command{}}
	t.why, t.hints = absent()
	for i := range families {
		f := &families[i]
		f.rows = counted(f.rows, f.group)
		for i := range f.rows {
			row := &f.rows[i]
			t.rows = append(t.rows, row)
			t.byName[row.name] = row
		}
	}
	return t
}

// counted are the rows with what newTable fills in, and something to count in.
func counted(rows []command, group string) []command {
	rows = slices.Clone(rows)
	for i := range rows {
		row := &rows[i]
		row.tally, row.fast = &tally{}, slices.Contains(strings.Fields(row.flags), "fast")
		row.group = group
		row.subs = counted(row.subs, group)
	}
	return rows
}

// named is the row of a command, or with a name such as "config|get" of a subcommand; nil if there is none.
func (t *table) named(name []byte) *command {
	container, sub, nested := bytes.Cut(name, []byte{'|'})
	var lower [maxName]byte
	c := t.byName[string(lowered(lower[:0], container))]
	if c == nil || !nested {
		return c
	}
	return c.sub(sub)
}

// used walks the commands and subcommands that anybody has called.
func (t *table) used() iter.Seq[*command] {
	return func(yield func(*command) bool) {
		for _, row := range t.rows {
			for _, c := range row.each() {
				if c.tally.used() && !yield(c) {
					return
				}
			}
		}
	}
}

// each is the command and its subcommands.
func (c *command) each() []*command {
	all := []*command{c}
	for i := range c.subs {
		all = append(all, &c.subs[i])
	}
	return all
}

// maxName is longer than any command's name.
const maxName = 32

// find resolves a command, and the subcommand of a container, in any case, and checks the number of arguments. Errors are
// replyErrors, and the row comes with them if only that number is wrong. It allocates nothing for a command that exists.
func (t *table) find(args [][]byte) (*command, error) {
	var lower [maxName]byte
	c := t.byName[string(lowered(lower[:0], args[0]))]
	if c == nil {
		return nil, t.missing(args)
	}
	if len(c.subs) > 0 && len(args) > 1 {
		switch sub := c.sub(args[1]); {
		case sub != nil:
			c = sub
		case c.prefix == 0 || len(args) == 2: // nothing stands behind it, so it was meant for a subcommand
			return nil, unknownSubcommand(c.name, args[1])
		}
	}
	if c.arity > 0 && len(args) != c.arity || len(args) < -c.arity || c.fits != nil && !c.fits(args) {
		return c, wrongArity(c.name)
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
