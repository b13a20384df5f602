package resp

import (
	"time"

	"github.com/truecount/truecount/fsm"
)

// The limits of the door that a client can meet. What the machine keeps is bounded in fsm: MaxKey, MaxText, MaxWhole, MaxFraction
// and MaxGroup. docs/COMMANDS.md has a row with the error for each.

// Limits bounds what a client may send before it is refused. A zero means the default; none goes beyond 256 MiB.
type Limits struct {
	Args    int // arguments of one command; default 131,072
	Bulk    int // bytes of one argument; default 1 MiB
	Inline  int // bytes of an inline command, or of a "*n" or "$n" header, without its line end; default 64 KiB
	Request int // bytes of one command on the wire, framing included; default 1.5 MiB
}

// Of one command on the wire.
const (
	defaultArgs    = 128 << 10
	defaultBulk    = 1 << 20
	defaultInline  = 64 << 10
	defaultRequest = 1<<20 + 1<<19 // a MiB of arguments, and half of one for their framing

	strictArgs = 10       // of a client that has not logged in
	strictBulk = 16 << 10 // bytes

	mostLimit = 256 << 20 // of any limit, so that sums of them are ints everywhere
)

// Of connections, and of all of them together.
const (
	defaultMaxClients = 10_000
	defaultMaxHeld    = 256 << 20 // bytes; see held.go

	halfPatience  = time.Minute      // a client that sends nothing in the middle of a command is cut off then; or quietAfter later
	writePatience = 30 * time.Second // a client that takes no byte of its replies for so long is cut off

	// maxReplies is how many bytes of replies may wait to be written before a session stops taking commands. The replies of
	// the units on their way come on top.
	maxReplies = 1 << 20

	// maxUnread is how many bytes of messages may wait in a mailbox; whoever reads more slowly than that is cut off.
	maxUnread = 8 << 20
)

// Of what one command asks for.
const (
	maxCommandKeys = 16384      // keys of one command, and with them its reply (64 MiB of the longest values)
	maxGroupReads  = 1000       // an MGET is atomic up to that many keys; a longer one is read in several steps
	maxPattern     = fsm.MaxKey // bytes of a pattern for keys
	maxKeysReply   = 64 << 20   // bytes of an answer to KEYS
	maxPatterns    = 4 << 10    // bytes of the patterns of one CONFIG GET: each is compared with every name
	maxNames       = 1024       // of one COMMAND INFO and its like: the reply has hundreds of bytes for each
	maxLibrary     = 256        // bytes of the name of a client's library, and of its version
)

// Of a transaction. What its commands name and store is bounded like one command: fsm.MaxGroup bytes.
const (
	maxQueued      = 16384   // commands
	maxQueuedPages = 100     // pages of keys: a SCAN reads one, RANDOMKEY two
	maxOldValues   = 100     // that writes such as GETSET answer: they can't be asked again
	maxWatched     = 1024    // keys that a connection watches
	maxSaid        = 1 << 20 // bytes of EXEC's reply that commands without Ops make; those behind are refused

	maxQueuedBarriers = 100 // commands such as PUBLISH, of which each may be as much work as there are clients
)

// Of subscriptions.
const (
	maxChannel       = 2 << 10  // bytes of a channel's name or of a pattern; a key's own channel is shorter
	maxSubscriptions = 4096     // of one connection, of each kind
	maxPatternBytes  = 64 << 10 // of the different patterns of all connections: each message is compared with each
)

// Of keyspace events that wait to be published; what comes beyond is dropped and counted.
const (
	maxEvents     = 64 << 10
	maxEventBytes = 16 << 20 // of their keys
)

// Of the slow log, and of the spikes of a latency event. An entry of the slow log has at most maxSlowArgs * maxSlowArg bytes.
const (
	maxSlowLength = 1024 // entries that one may ask to be kept: 4 MiB of them at most
	maxSlowArgs   = 32   // Redis's
	maxSlowArg    = 128  // bytes; Redis's
	maxSpikes     = 160  // Redis's
)

func (l *Limits) args() int    { return orDefault(l.Args, defaultArgs) }
func (l *Limits) bulk() int    { return orDefault(l.Bulk, defaultBulk) }
func (l *Limits) inline() int  { return orDefault(l.Inline, defaultInline) }
func (l *Limits) request() int { return orDefault(l.Request, defaultRequest) }

func orDefault(limit, otherwise int) int {
	if limit <= 0 {
		return otherwise
	}
	return min(limit, mostLimit)
}
