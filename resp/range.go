package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

var rangeCommands = []command{
	{name: "strlen", arity: 2, flags: "readonly fast", keys: oneKey, parse: eachKey(fsm.Inspect, replyLength),
		syntax: "key", summary: "Tells how many bytes a key's value has.", reply: "integer"},
	{name: "append", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseAppend,
		syntax: "key value", summary: "Puts bytes behind a key's value; a missing one is empty.", reply: "integer: how many bytes it has now",
		errors: "`ERR string exceeds maximum allowed size (proto-max-bulk-len)` beyond 4,096 bytes."},
	{name: "getrange", arity: 4, flags: "readonly", keys: oneKey, parse: parseGetRange,
		syntax: "key start end", summary: "Returns some bytes of a key's value; negative numbers count from its end.", reply: "bulk string"},
	{name: "substr", arity: 4, flags: "readonly", keys: oneKey, parse: parseGetRange,
		syntax: "key start end", summary: "The old name of GETRANGE.", reply: "bulk string"},
	{name: "setrange", arity: 4, flags: "write denyoom", keys: oneKey, parse: parseSetRange,
		syntax: "key offset value", summary: "Overwrites bytes of a key's value from an offset on.", reply: "integer: how many bytes it has now",
		errors: "as APPEND."},
}

// APPEND key value
func parseAppend(_ *command, args [][]byte, to *call) error {
	to.render = replyInt
	if err := to.set(args[1], args[2]); err != nil {
		return err
	}
	to.ops[0].Kind = fsm.Append
	return nil
}

// SETRANGE key offset value
func parseSetRange(_ *command, args [][]byte, to *call) error {
	offset, ok := fsm.ParseInt(args[2])
	switch {
	case !ok:
		return errNotInteger
	case offset < 0:
		return replyError("ERR offset is out of range")
	case len(args[3]) > 0 && offset > fsm.MaxText-int64(len(args[3])):
		return errTooLong
	}
	to.render = replyInt
	if err := to.set(args[1], args[3]); err != nil {
		return err
	}
	to.ops[0].Kind, to.ops[0].Amount = fsm.SetRange, offset
	return nil
}

const errTooLong replyError = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"

// GETRANGE key start end
func parseGetRange(c *command, args [][]byte, to *call) error {
	start, ok := fsm.ParseInt(args[2])
	end, ok2 := fsm.ParseInt(args[3])
	if !ok || !ok2 {
		return errNotInteger
	}
	to.render = func(w *writer, c *command, _ int, a *answers) {
		r := a.next()
		if r.Code != fsm.OK {
			w.Error(refusal(c, r))
			return
		}
		var digits [20]byte
		w.Bulk(within(r.Value.AppendText(digits[:0]), start, end))
	}
	return to.perKey(c, fsm.Get, args[1:2])
}

// within is text from start to end, both included; negative ones count from its end.
func within(text []byte, start, end int64) []byte {
	n := int64(len(text))
	if start < 0 && end < 0 && start > end {
		return nil
	}
	if start < 0 {
		start = max(0, start+n)
	}
	if end < 0 {
		end = max(0, end+n)
	}
	end = min(end, n-1)
	if start > end || n == 0 {
		return nil
	}
	return text[start : end+1]
}

// replyLength is the second of what an Inspect answers.
func replyLength(w *writer, c *command, _ int, a *answers) {
	facts, r := a.facts()
	if facts.kind == fsm.InstanceCounter {
		r.Code = fsm.WrongType
	}
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	w.Int(facts.length)
}

// facts are what an Inspect answers of a key.
type facts struct {
	found        bool
	kind         fsm.ValueKind
	length, cost int64
}

// facts takes the Result of an Inspect off.
func (a *answers) facts() (f facts, r fsm.Result) {
	r = a.next()
	all := r.Value.List()
	kind, found := all.Next()
	length, _ := all.Next()
	cost, _ := all.Next()
	if found && kind.Int > math.MaxUint8 {
		return facts{}, fsm.Result{Code: missing}
	}
	return facts{found, fsm.ValueKind(kind.Int), length.Int, cost.Int}, r
}
