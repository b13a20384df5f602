package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

const expiryErrors = "`ERR invalid expire time in 'expire' command`; `ERR Unsupported option …`; " +
	"`ERR NX and XX, GT or LT options at the same time are not compatible`, `ERR GT and LT options at the same time are not compatible`."

var keyCommands = []command{
	{name: "del", arity: -2, flags: "write", keys: allKeys, parse: eachKey(fsm.Delete, replySum),
		syntax: "key [key ...]", summary: "Deletes keys and tells how many there were.", reply: "integer: how many existed", cost: "O(N), N keys"},
	{name: "unlink", arity: -2, flags: "write fast", keys: allKeys, parse: eachKey(fsm.Delete, replySum),
		syntax: "key [key ...]", summary: "The same as DEL.", reply: "integer: how many existed", cost: "O(N), N keys"},
	{name: "touch", arity: -2, flags: "readonly fast", keys: allKeys, parse: eachKey(fsm.Exists, replySum),
		syntax: "key [key ...]", summary: "The same as EXISTS: nobody notes when a key was used.", reply: "integer: how many exist", cost: "O(N), N keys"},
	{name: "exists", arity: -2, flags: "readonly fast", keys: allKeys, parse: eachKey(fsm.Exists, replySum),
		syntax: "key [key ...]", summary: "Tells how many of the keys exist.", reply: "integer: how many exist, those named twice counted twice", cost: "O(N), N keys"},
	{name: "expire", arity: -3, flags: "write fast", keys: oneKey, parse: parseExpire,
		syntax: "key seconds [NX | XX | GT | LT]", summary: "Sets when a key ends, in seconds from now; if that is not later than now, it ends at once.",
		reply: "integer: 1 if the deadline was set, else 0", errors: expiryErrors},
	{name: "pexpire", arity: -3, flags: "write fast", keys: oneKey, parse: parsePExpire,
		syntax: "key milliseconds [NX | XX | GT | LT]", summary: "Sets when a key ends, in milliseconds from now.", reply: "integer: 1 if the deadline was set, else 0", errors: "as EXPIRE."},
	{name: "expireat", arity: -3, flags: "write fast", keys: oneKey, parse: parseExpireAt,
		syntax: "key unix-time-seconds [NX | XX | GT | LT]", summary: "Sets when a key ends, as a Unix time.", reply: "integer: 1 if the deadline was set, else 0", errors: "as EXPIRE."},
	{name: "pexpireat", arity: -3, flags: "write fast", keys: oneKey, parse: parsePExpireAt,
		syntax: "key unix-time-milliseconds [NX | XX | GT | LT]", summary: "Sets when a key ends, as a Unix time in milliseconds.", reply: "integer: 1 if the deadline was set, else 0", errors: "as EXPIRE."},
	{name: "expiretime", arity: 2, flags: "readonly fast", keys: oneKey, parse: eachKey(fsm.Deadline, replySeconds),
		syntax: "key", summary: "Tells when a key ends, as a Unix time.", reply: "integer: seconds; -1 without a deadline; -2 without a key"},
	{name: "pexpiretime", arity: 2, flags: "readonly fast", keys: oneKey, parse: eachKey(fsm.Deadline, replyInt),
		syntax: "key", summary: "Tells when a key ends, as a Unix time in milliseconds.", reply: "integer: milliseconds; -1; -2"},
	{name: "ttl", arity: 2, flags: "readonly fast", keys: oneKey, parse: eachKey(fsm.TTL, replySeconds),
		syntax: "key", summary: "Tells in how many seconds a key ends.", reply: "integer: seconds left, rounded; -1 without a deadline; -2 without a key"},
	{name: "pttl", arity: 2, flags: "readonly fast", keys: oneKey, parse: eachKey(fsm.TTL, replyInt),
		syntax: "key", summary: "Tells in how many milliseconds a key ends.", reply: "integer: milliseconds left; -1; -2"},
	{name: "persist", arity: 2, flags: "write fast", keys: oneKey, parse: eachKey(fsm.Persist, replyInt),
		syntax: "key", summary: "Takes away a key's deadline.", reply: "integer: 1 if there was a deadline, else 0"},
	{name: "dbsize", arity: 1, flags: "readonly fast", parse: parseDBSize,
		summary: "Tells how many keys there are; one whose deadline has just passed may count for a moment.", reply: "integer: how many keys there are"},
	{name: "flushall", arity: -1, flags: "write", parse: parseFlushAll,
		syntax: "[ASYNC | SYNC]", summary: "Deletes all keys, however many there are, in one step.", reply: "OK"},
	{name: "flushdb", arity: -1, flags: "write", parse: parseFlushAll,
		syntax: "[ASYNC | SYNC]", summary: "The same: there is one database.", reply: "OK"},
}

// eachKey is the parse of a command whose arguments are all keys.
func eachKey(kind fsm.Kind, reply render) func(*command, [][]byte, *call) error {
	return func(c *command, args [][]byte, to *call) error {
		to.render = reply
		return to.perKey(c, kind, args[1:])
	}
}

// perKey adds an Op of the given kind for each key.
func (c *call) perKey(row *command, kind fsm.Kind, keys [][]byte) error {
	if err := tooManyKeys(row, len(keys)); err != nil {
		return err
	}
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
		c.ops = append(c.ops, fsm.Op{Kind: kind, Key: key})
	}
	return nil
}

// DBSIZE
func parseDBSize(_ *command, _ [][]byte, to *call) error {
	to.render = replyInt
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Size})
	return nil
}

// FLUSHALL [ASYNC | SYNC]: the same for us, it costs nothing either way
func parseFlushAll(_ *command, args [][]byte, to *call) error {
	if len(args) > 2 || len(args) == 2 && !is(args[1], "ASYNC") && !is(args[1], "SYNC") {
		return errSyntax
	}
	to.render = replyOK
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Flush})
	return nil
}

// EXPIRE key seconds [NX | XX | GT | LT]
func parseExpire(c *command, args [][]byte, to *call) error {
	return parseDeadline(c, args, fsm.After, 1000, to)
}

// PEXPIRE key milliseconds [NX | XX | GT | LT]
func parsePExpire(c *command, args [][]byte, to *call) error {
	return parseDeadline(c, args, fsm.After, 1, to)
}

// EXPIREAT key seconds [NX | XX | GT | LT]
func parseExpireAt(c *command, args [][]byte, to *call) error {
	return parseDeadline(c, args, fsm.At, 1000, to)
}

// PEXPIREAT key milliseconds [NX | XX | GT | LT]
func parsePExpireAt(c *command, args [][]byte, to *call) error {
	return parseDeadline(c, args, fsm.At, 1, to)
}

func parseDeadline(c *command, args [][]byte, mode fsm.ExpiryMode, unit int64, to *call) error {
	flags, err := parseExpireFlags(args[3:])
	if err != nil {
		return err
	}
	n, ok := fsm.ParseInt(args[2])
	if !ok {
		return errNotInteger
	}
	if n > math.MaxInt64/unit || n < math.MinInt64/unit {
		return badExpiry(c)
	}
	if err := to.perKey(c, fsm.Expire, args[1:2]); err != nil {
		return err
	}
	op := &to.ops[0]
	op.Flags, op.Expiry = flags, fsm.Expiry{Mode: mode, Millis: n * unit}
	to.render = replyInt
	return nil
}

func parseExpireFlags(args [][]byte) (flags fsm.Flags, err error) {
	for _, arg := range args {
		switch {
		case is(arg, "NX"):
			flags |= fsm.NX
		case is(arg, "XX"):
			flags |= fsm.XX
		case is(arg, "GT"):
			flags |= fsm.GT
		case is(arg, "LT"):
			flags |= fsm.LT
		default:
			return 0, replyError("ERR Unsupported option " + shown(arg, len(arg)))
		}
	}
	if flags&fsm.NX != 0 && flags != fsm.NX {
		return 0, replyError("ERR NX and XX, GT or LT options at the same time are not compatible")
	}
	if flags&fsm.GT != 0 && flags&fsm.LT != 0 {
		return 0, replyError("ERR GT and LT options at the same time are not compatible")
	}
	return flags, nil
}
