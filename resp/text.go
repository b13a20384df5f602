package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

var textCommands = []command{
	{name: "get", arity: -2, flags: "readonly fast", keys: oneKey, fits: fitsGet, parse: parseGet,
		syntax: "key [STATE]", summary: "Returns what a key holds; with STATE, also whether that is confirmed by a majority.", reply: "bulk string, or null; with STATE array: that, and CONSISTENT or INCONSISTENT"},
	{name: "set", arity: -3, flags: "write denyoom", keys: oneKey, parse: parseSet,
		syntax:  "key value [NX | XX | IFEQ comparison-value | IFNE comparison-value] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
		summary: "Stores a value, whatever the key held.", reply: "OK; null if NX, XX, IFEQ or IFNE forbids it; with GET the old value: bulk string or null",
		errors: "`ERR invalid expire time in 'set' command` for a time that is not positive or too large; one that has passed is none: the key is gone then."},
	{name: "setnx", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseSetNX,
		syntax: "key value", summary: "Stores a value if there is none.", reply: "integer: 1 if it did, else 0"},
	{name: "setex", arity: 4, flags: "write denyoom", keys: oneKey, parse: parseSetEx,
		syntax: "key seconds value", summary: "Stores a value that ends in so many seconds.", reply: "OK"},
	{name: "psetex", arity: 4, flags: "write denyoom", keys: oneKey, parse: parseSetEx,
		syntax: "key milliseconds value", summary: "Stores a value that ends in so many milliseconds.", reply: "OK"},
	{name: "getset", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseGetSet,
		syntax: "key value", summary: "Stores a value and returns the one before.", reply: "bulk string, or null"},
	{name: "getdel", arity: 2, flags: "write fast", keys: oneKey, parse: eachKey(fsm.GetDelete, replyValue),
		syntax: "key", summary: "Returns what a key holds, and deletes it.", reply: "bulk string, or null"},
	{name: "getex", arity: -2, flags: "write fast", keys: oneKey, parse: parseGetEx,
		syntax:  "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
		summary: "Returns what a key holds, and sets or removes its deadline.", reply: "bulk string, or null"},
	{name: "mget", arity: -2, flags: "readonly fast", keys: allKeys, parse: eachKey(fsm.Get, replyValues),
		syntax: "key [key ...]", summary: "Returns what several keys hold.", reply: "array: a bulk string or null for each", cost: "O(N), N keys"},
	{name: "mset", arity: -3, flags: "write denyoom", keys: keyPairs, parse: parseMSet,
		syntax: "key value [key value ...]", summary: "Stores several values in one step; of a key that is named twice the last one.", reply: "OK", cost: "O(N), N keys"},
	{name: "msetnx", arity: -3, flags: "write denyoom", keys: keyPairs, parse: parseMSetNX,
		syntax: "key value [key value ...]", summary: "Stores several values in one step, if none of the keys exists.",
		reply: "integer: 1 if it did, else 0", errors: "not inside MULTI.", cost: "O(N), N keys"},
}

// fitsGet refuses GET key word as Redis does, before anything else about it; but for STATE.
func fitsGet(args [][]byte) bool { return len(args) == 2 || len(args) == 3 && is(args[2], "STATE") }

// GET key · GET key STATE
func parseGet(c *command, args [][]byte, to *call) error {
	to.render = replyValue
	if len(args) > 2 {
		to.render, to.attempt = replyState, true
	}
	return to.perKey(c, fsm.Get, args[1:2])
}

// MSET key value …: all or nothing, for there may be an instance counter among the keys. Inside MULTI there is one condition for
// all, so there each key stands for itself.
func parseMSet(c *command, args [][]byte, to *call) error {
	if len(args) > 3 && to.session.multi == nil {
		to.conditions = append(to.conditions, fsm.Condition{Whole: true})
	}
	return to.setPairs(c, args)
}

func (c *call) setPairs(of *command, args [][]byte) error {
	pairs := args[1:]
	if len(pairs)%2 != 0 {
		return wrongArity(of.name)
	}
	if err := tooManyKeys(of, len(pairs)/2); err != nil {
		return err
	}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		if err := c.set(pairs[0], pairs[1]); err != nil {
			return err
		}
	}
	c.render = replyOK
	return nil
}

// MSETNX key value …
func parseMSetNX(c *command, args [][]byte, to *call) error {
	if err := to.setPairs(c, args); err != nil {
		return err
	}
	for i := range to.ops {
		to.conditions = append(to.conditions, fsm.Condition{Key: to.ops[i].Key, Missing: true})
	}
	to.render = replyWhetherSet
	return nil
}

// SETNX key value
func parseSetNX(_ *command, args [][]byte, to *call) error {
	to.render = replyWhetherSet
	if err := to.set(args[1], args[2]); err != nil {
		return err
	}
	to.ops[0].Flags = fsm.NX
	return nil
}

// SETEX key seconds value · PSETEX key milliseconds value
func parseSetEx(c *command, args [][]byte, to *call) error {
	o := expiryOption{unit: inSeconds, time: args[2]}
	if c.name == "psetex" {
		o.unit = inMillis
	}
	expiry, err := o.expiry(c)
	if err != nil {
		return err
	}
	to.render = replyOK
	if err := to.set(args[1], args[3]); err != nil {
		return err
	}
	to.ops[0].Expiry = expiry
	return nil
}

// GETSET key value
func parseGetSet(_ *command, args [][]byte, to *call) error {
	to.render = replyValue
	if err := to.set(args[1], args[2]); err != nil {
		return err
	}
	to.ops[0].Flags = fsm.SetGet
	return nil
}

// GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]; without an option it is GET.
func parseGetEx(c *command, args [][]byte, to *call) error {
	to.render = replyValue
	var o expiryOption
	persist := false
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		switch {
		case is(rest[0], "PERSIST") && o.unit == noTime:
			persist = true
		case !persist && o.take(rest):
			rest = rest[1:]
		default:
			return errSyntax
		}
	}
	expiry, err := o.expiry(c)
	if err == nil && expiry.Mode == fsm.After && expiry.Millis > math.MaxInt64-to.session.door.now().UnixMilli() {
		err = badExpiry(c) // the machine would say so, but also of a key that is not there
	}
	if err != nil { // told only of a key that is there, as in Redis
		return parseInspect(args[1], to, func(w *writer, _ facts) { w.Error(err.Error()) }, (*writer).Null)
	}
	if persist {
		expiry.Mode = fsm.Forever
	}
	if expiry.Mode == fsm.NoExpiry {
		return to.perKey(c, fsm.Get, args[1:2])
	}
	if err := to.perKey(c, fsm.GetExpire, args[1:2]); err != nil {
		return err
	}
	to.ops[0].Expiry = expiry
	return nil
}

// SET key value [NX | XX | IFEQ v | IFNE v] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL], the options in any order
func parseSet(c *command, args [][]byte, to *call) error {
	o, err := parseSetOptions(args[3:])
	if err != nil {
		return err
	}
	expiry, err := o.time.expiry(c)
	if err != nil {
		return err
	}
	if err := to.set(args[1], args[2]); err != nil {
		return err
	}
	op := &to.ops[0]
	op.Flags, op.Expiry = o.flags, expiry
	if o.compare != 0 {
		op.Kind, op.Compare, op.Than = fsm.SetIf, o.compare, fsm.ParseValue(o.than)
	}
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
	flags   fsm.Flags
	compare fsm.Comparator // IFEQ, IFNE; 0: neither
	than    []byte
	time    expiryOption
}

func parseSetOptions(args [][]byte) (o setOptions, err error) {
	for ; len(args) > 0; args = args[1:] {
		switch arg := args[0]; {
		case is(arg, "NX") && o.flags&fsm.XX == 0 && o.compare == 0:
			o.flags |= fsm.NX
		case is(arg, "XX") && o.flags&fsm.NX == 0 && o.compare == 0:
			o.flags |= fsm.XX
		case is(arg, "GET"):
			o.flags |= fsm.SetGet
		case is(arg, "KEEPTTL") && o.time.unit == noTime:
			o.flags |= fsm.KeepTTL
		case o.compares(args):
			args = args[1:]
		case o.flags&fsm.KeepTTL == 0 && o.time.take(args):
			args = args[1:]
		default:
			return o, errSyntax
		}
	}
	return o, checkText(o.than)
}

// compares takes IFEQ or IFNE and its value off the front of args, if that is what stands there and may.
func (o *setOptions) compares(args [][]byte) bool {
	comparator := fsm.Same
	switch {
	case is(args[0], "IFNE"):
		comparator = fsm.Differs
	case !is(args[0], "IFEQ"):
		return false
	}
	if len(args) < 2 || o.compare != 0 || o.flags&(fsm.NX|fsm.XX) != 0 {
		return false
	}
	o.compare, o.than = comparator, args[1]
	return true
}
