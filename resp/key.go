package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

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

// DEL key …
func parseDel(c *command, args [][]byte, to *call) error {
	to.render = replySum
	return to.perKey(c, fsm.Delete, args[1:])
}

// EXISTS key …; a key that is named twice counts twice
func parseExists(c *command, args [][]byte, to *call) error {
	to.render = replySum
	return to.perKey(c, fsm.Exists, args[1:])
}

// TTL key
func parseTTL(c *command, args [][]byte, to *call) error {
	to.render = replySeconds
	return to.perKey(c, fsm.TTL, args[1:])
}

// PTTL key
func parsePTTL(c *command, args [][]byte, to *call) error {
	to.render = replyInt
	return to.perKey(c, fsm.TTL, args[1:])
}

// PERSIST key
func parsePersist(c *command, args [][]byte, to *call) error {
	to.render = replyInt
	return to.perKey(c, fsm.Persist, args[1:])
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
	return parseDeadline(c, args, 1000, to)
}

// PEXPIRE key milliseconds [NX | XX | GT | LT]
func parsePExpire(c *command, args [][]byte, to *call) error {
	return parseDeadline(c, args, 1, to)
}

func parseDeadline(c *command, args [][]byte, unit int64, to *call) error {
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
	op.Flags, op.Expiry = flags, fsm.Expiry{Mode: fsm.After, Millis: n * unit}
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
