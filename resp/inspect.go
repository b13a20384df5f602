package resp

import "github.com/truecount/truecount/fsm"

var inspectCommands = []command{
	{name: "type", arity: 2, flags: "readonly fast", keys: oneKey, parse: parseType,
		syntax: "key", summary: "Tells what kind of value a key holds.", reply: "simple string: string, counter, or none"},
	{name: "object", arity: -2, flags: "readonly", summary: "A container for commands about how a key is kept.", subs: []command{
		{name: "object|encoding", arity: 3, flags: "readonly", keys: secondKey, parse: parseEncoding,
			syntax: "key", summary: "Tells how Redis would keep a key's value.", reply: "bulk string: int, embstr, raw or counter; or null"},
		{name: "object|refcount", arity: 3, flags: "readonly", keys: secondKey, parse: parseRefCount,
			syntax: "key", summary: "Tells that nothing is shared.", reply: "integer: 1; or null"},
		{name: "object|idletime", arity: 3, flags: "readonly", keys: secondKey, parse: refuseIfThere("ERR idle times are not tracked"),
			syntax: "key", summary: "Not there: nobody notes when a key was used last.", reply: "error, or null without a key"},
		{name: "object|freq", arity: 3, flags: "readonly", keys: secondKey, parse: refuseIfThere("ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
			"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."),
			syntax: "key", summary: "Not there: nothing is evicted, so nobody counts how often a key is used.", reply: "error, or null without a key, as in Redis"},
		{name: "object|help", arity: 2, summary: "Prints this help.", reply: "array: lines", local: help},
	}},
}

var secondKey = span{2, 2, 1}

// refuseIfThere is a subcommand that says no, and of a key that is not there that it isn't.
func refuseIfThere(text string) func(*command, [][]byte, *call) error {
	return func(_ *command, args [][]byte, to *call) error {
		return parseInspect(args[2], to, func(w *writer, _ facts) { w.Error(text) }, (*writer).Null)
	}
}

// parseInspect is for commands about one key; reply is what they say of one that is there.
func parseInspect(key []byte, to *call, reply func(w *writer, f facts), none func(w *writer)) error {
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Inspect, Key: key})
	to.render = func(w *writer, c *command, _ int, a *answers) {
		switch f, r := a.facts(); {
		case r.Code != fsm.OK:
			w.Error(refusal(c, r))
		case !f.found:
			none(w)
		default:
			reply(w, f)
		}
	}
	return checkKey(key)
}

// TYPE key
func parseType(_ *command, args [][]byte, to *call) error {
	return parseInspect(args[1], to,
		func(w *writer, f facts) { w.Simple(typeName(f.kind)) },
		func(w *writer) { w.Simple("none") })
}

// typeName is what TYPE and the TYPE option of SCAN call a kind of value.
func typeName(kind fsm.ValueKind) string {
	if kind == fsm.InstanceCounter {
		return "counter"
	}
	return "string"
}

// OBJECT ENCODING key
func parseEncoding(_ *command, args [][]byte, to *call) error {
	const embedded = 44 // bytes of a string up to which Redis keeps it in one piece with its header
	return parseInspect(args[2], to, func(w *writer, f facts) {
		switch {
		case f.kind == fsm.InstanceCounter:
			w.BulkString("counter")
		case f.kind == fsm.Int:
			w.BulkString("int")
		case f.length <= embedded:
			w.BulkString("embstr")
		default:
			w.BulkString("raw")
		}
	}, (*writer).Null)
}

// OBJECT REFCOUNT key
func parseRefCount(_ *command, args [][]byte, to *call) error {
	return parseInspect(args[2], to, func(w *writer, _ facts) { w.Int(1) }, (*writer).Null)
}

// MEMORY USAGE key [SAMPLES n]: what the key counts for in the used bytes.
func parseMemoryUsage(_ *command, args [][]byte, to *call) error {
	for rest := args[3:]; len(rest) > 0; rest = rest[2:] {
		if !is(rest[0], "SAMPLES") || len(rest) < 2 {
			return errSyntax
		}
		if n, ok := fsm.ParseInt(rest[1]); !ok {
			return errNotInteger
		} else if n < 0 {
			return errSyntax
		}
	}
	return parseInspect(args[2], to, func(w *writer, f facts) { w.Int(f.cost) }, (*writer).Null)
}
