package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

var textCommands = []command{
	{name: "get", arity: -2, flags: "readonly fast", keys: oneKey, parse: parseGet,
		syntax: "key [STATE]", summary: "Returns what a key holds; with STATE, also whether that is confirmed by a majority.", reply: "bulk string, or null; with STATE array: that, and CONSISTENT or INCONSISTENT"},
	{name: "set", arity: -3, flags: "write denyoom", keys: oneKey, parse: parseSet, writes: true,
		syntax:  "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
		summary: "Stores a value, whatever the key held.", reply: "OK; null if NX or XX forbids it; with GET the old value: bulk string or null"},
	{name: "mget", arity: -2, flags: "readonly fast", keys: allKeys, parse: parseMGet,
		syntax: "key [key ...]", summary: "Returns what several keys hold.", reply: "array: a bulk string or null for each", cost: "O(N), N keys"},
	{name: "mset", arity: -3, flags: "write denyoom", keys: keyPairs, parse: parseMSet, writes: true,
		syntax: "key value [key value ...]", summary: "Stores several values in one step.", reply: "OK", cost: "O(N), N keys"},
}

// GET key · GET key STATE
func parseGet(c *command, args [][]byte, to *call) error {
	to.render = replyValue
	if len(args) > 2 {
		if len(args) > 3 || !is(args[2], "STATE") {
			return wrongArity(c.name)
		}
		to.render, to.attempt = replyState, true
	}
	return to.perKey(c, fsm.Get, args[1:2])
}

// MGET key …
func parseMGet(c *command, args [][]byte, to *call) error {
	to.render = replyValues
	return to.perKey(c, fsm.Get, args[1:])
}

// MSET key value …
func parseMSet(c *command, args [][]byte, to *call) error {
	pairs := args[1:]
	if len(pairs)%2 != 0 {
		return wrongArity(c.name)
	}
	if err := tooManyKeys(c, len(pairs)/2); err != nil {
		return err
	}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		if err := to.set(pairs[0], pairs[1]); err != nil {
			return err
		}
	}
	to.render = replyOK
	return nil
}

// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL], the options in any order
func parseSet(c *command, args [][]byte, to *call) error {
	o, err := parseSetOptions(args[3:])
	if err != nil {
		return err
	}
	expiry, err := o.expiry(c)
	if err != nil {
		return err
	}
	if err := to.set(args[1], args[2]); err != nil {
		return err
	}
	op := &to.ops[0]
	op.Flags, op.Expiry = o.flags, expiry
	to.render = replyOK
	if o.flags&fsm.SetGet != 0 {
		to.render = replyValue
	}
	return nil
}

func (c *call) set(key, text []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := checkText(text); err != nil {
		return err
	}
	c.ops = append(c.ops, fsm.Op{Kind: fsm.Set, Key: key, Value: fsm.ParseValue(text)})
	return nil
}

// setOptions is what stands behind SET key value. The same option twice is allowed, the last one counts (as in Redis).
type setOptions struct {
	flags fsm.Flags
	unit  timeUnit
	time  []byte // nil: none
}

// timeUnit is which of EX, PX, EXAT and PXAT was given.
type timeUnit uint8

const (
	noTime timeUnit = iota
	inSeconds
	inMillis
	atSeconds
	atMillis
)

func parseSetOptions(args [][]byte) (o setOptions, err error) {
	for ; len(args) > 0; args = args[1:] {
		unit := noTime
		switch arg := args[0]; {
		case is(arg, "NX") && o.flags&fsm.XX == 0:
			o.flags |= fsm.NX
		case is(arg, "XX") && o.flags&fsm.NX == 0:
			o.flags |= fsm.XX
		case is(arg, "GET"):
			o.flags |= fsm.SetGet
		case is(arg, "KEEPTTL") && o.unit == noTime:
			o.flags |= fsm.KeepTTL
		case is(arg, "EX"):
			unit = inSeconds
		case is(arg, "PX"):
			unit = inMillis
		case is(arg, "EXAT"):
			unit = atSeconds
		case is(arg, "PXAT"):
			unit = atMillis
		default:
			return o, errSyntax
		}
		if unit == noTime {
			continue
		}
		if len(args) < 2 || o.flags&fsm.KeepTTL != 0 || o.unit != noTime && o.unit != unit {
			return o, errSyntax
		}
		o.unit, o.time, args = unit, args[1], args[1:]
	}
	return o, nil
}

func (o *setOptions) expiry(c *command) (fsm.Expiry, error) {
	if o.unit == noTime {
		return fsm.Expiry{}, nil
	}
	n, ok := fsm.ParseInt(o.time)
	if !ok {
		return fsm.Expiry{}, errNotInteger
	}
	seconds := o.unit == inSeconds || o.unit == atSeconds
	if n <= 0 || seconds && n > math.MaxInt64/1000 {
		return fsm.Expiry{}, badExpiry(c)
	}
	if seconds {
		n *= 1000
	}
	if o.unit == inSeconds || o.unit == inMillis {
		return fsm.Expiry{Mode: fsm.After, Millis: n}, nil
	}
	return fsm.Expiry{Mode: fsm.At, Millis: n}, nil
}
