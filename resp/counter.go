package resp

import (
	"math"

	"github.com/truecount/truecount/fsm"
)

const sumErrors = "`ERR value is not an integer or out of range`, `ERR increment or decrement would overflow`."

var counterCommands = []command{
	{name: "incr", arity: 2, flags: "write denyoom fast", keys: oneKey, parse: parseIncr,
		syntax: "key", summary: "Adds one to a counter; a missing one begins at 0.", reply: "integer: the new number", errors: sumErrors},
	{name: "incrby", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseIncr,
		syntax: "key increment", summary: "Adds an integer to a counter.", reply: "integer: the new number", errors: sumErrors},
	{name: "decr", arity: 2, flags: "write denyoom fast", keys: oneKey, parse: parseDecr,
		syntax: "key", summary: "Subtracts one from a counter.", reply: "integer: the new number", errors: sumErrors},
	{name: "decrby", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseDecr,
		syntax: "key decrement", summary: "Subtracts an integer from a counter.", reply: "integer: the new number",
		errors: "as INCR; `ERR decrement would overflow` for the smallest integer, which has no opposite."},
	{name: "mincrby", arity: -3, flags: "write denyoom", keys: span{2, -1, 1}, parse: parseMIncrBy,
		syntax: "increment key [key ...]", summary: "Adds an integer to several counters in one step; a key that is named twice gets it twice.",
		reply: "array of integers: for each key the new number", errors: "as INCRBY, and then no counter has changed; not inside MULTI.", cost: "O(N), N keys"},
}

// INCR key · INCRBY key n
func parseIncr(_ *command, args [][]byte, to *call) error {
	return parseAdd(args, 1, to)
}

// DECR key · DECRBY key n
func parseDecr(_ *command, args [][]byte, to *call) error {
	return parseAdd(args, -1, to)
}

// MINCRBY n key …
func parseMIncrBy(c *command, args [][]byte, to *call) error {
	amount, ok := fsm.ParseInt(args[1])
	if !ok {
		return errNotInteger
	}
	to.conditions = append(to.conditions, fsm.Condition{Whole: true})
	to.render = replyIntegers
	if err := to.perKey(c, fsm.Incr, args[2:]); err != nil {
		return err
	}
	for i := range to.ops {
		to.ops[i].Amount = amount
	}
	return nil
}

// replyIntegers is of commands that are done as a whole or not at all.
func replyIntegers(w *writer, c *command, ops int, a *answers) {
	if r := a.peek(); r.Code != fsm.OK {
		for range ops {
			a.next()
		}
		w.Error(refusal(c, r))
		return
	}
	w.Array(ops)
	for range ops {
		replyInt(w, c, 1, a)
	}
}

func parseAdd(args [][]byte, sign int64, to *call) error {
	amount := sign
	if len(args) == 3 {
		var err error
		if amount, err = parseIncrement(args[2], sign); err != nil {
			return err
		}
	}
	if err := checkKey(args[1]); err != nil {
		return err
	}
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Incr, Key: args[1], Amount: amount})
	to.render = replyInt
	return nil
}

// parseIncrement reads what is to be added, or with the sign -1 subtracted.
func parseIncrement(arg []byte, sign int64) (int64, error) {
	n, ok := fsm.ParseInt(arg)
	if !ok {
		return 0, errNotInteger
	}
	if sign < 0 && n == math.MinInt64 { // has no negative
		return 0, replyError("ERR decrement would overflow")
	}
	return sign * n, nil
}
