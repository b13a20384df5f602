package resp

import (
	"fmt"

	"github.com/truecount/truecount/fsm"
)

const (
	replyCounters  = "array of integers: the total, the instance's slice, the epoch"
	replyDecisions = "array of integers: 1 if it did, else 0; the total and the slice now; both as they were before; the epoch"
)

// instanceCommands are about counters of which each instance has its own slice. docs/COMMANDS.md tells what an instance, a lease and
// an epoch are.
var instanceCommands = []command{
	{name: "ic.incrby", arity: -4, flags: "write denyoom fast", keys: oneKey, parse: parseICIncr,
		syntax: "key instance increment [EPOCH epoch]", summary: "Adds an integer to an instance's slice of a counter; with EPOCH only if the counter is in that epoch.",
		reply: replyCounters, errors: sumErrors + " `STALEEPOCH …`: the counter is in another epoch, and nothing has changed."},
	{name: "ic.decrby", arity: -4, flags: "write denyoom fast", keys: oneKey, parse: parseICDecr,
		syntax: "key instance decrement [EPOCH epoch]", summary: "Subtracts an integer from an instance's slice of a counter.",
		reply: replyCounters, errors: "as IC.INCRBY; `ERR decrement would overflow` for the smallest integer, which has no opposite."},
	{name: "ic.get", arity: -2, flags: "readonly fast", keys: oneKey, fits: mostArgs(3), parse: parseICGet,
		syntax: "key [instance]", summary: "Returns a counter. To name an instance is a sign of life of it. A missing counter is 0, and so is the slice without an instance.",
		reply: replyCounters},
	{name: "ic.mget", arity: -3, flags: "readonly fast", keys: span{2, -1, 1}, parse: parseICMGet,
		syntax: "instance key [key ...]", summary: "Returns several counters, as of one moment, and is a sign of life of the instance.",
		reply: "array: for each key the array that IC.GET replies, or its error", errors: "`ERR too many keys …`: more than 1,000.", cost: "O(N), N keys"},
	{name: "ic.mincrby", arity: -4, flags: "write denyoom", keys: span{2, -1, 2}, fits: evenArgs, parse: parseICMIncr,
		syntax:  "instance key increment [key increment ...]",
		summary: "Adds to several counters in one step, in order: a key that is named twice gets both. One that can't be added to does not hinder the others.",
		reply:   "array: for each key the array that IC.INCRBY replies, or its error", errors: "as IC.INCRBY, in the places of those keys.", cost: "O(N), N keys"},
	{name: "ic.set", arity: 4, flags: "write denyoom fast", keys: oneKey, parse: parseICAmount(fsm.ICSet),
		syntax: "key instance value", summary: "Makes a counter this number, all of it the instance's own, in a new epoch: what all others held is gone.",
		reply: replyCounters, errors: "`ERR value is not an integer or out of range`."},
	{name: "ic.del", arity: -2, flags: "write fast", keys: oneKey, fits: mostArgs(3), parse: parseICDel,
		syntax: "key [instance]", summary: "Ends a counter, in a new epoch. A missing one stays as it is.",
		reply: "array of integers: the old total, the instance's old slice, the epoch"},
	{name: "ic.setslice", arity: 4, flags: "write denyoom fast", keys: oneKey, parse: parseICAmount(fsm.SliceSet),
		syntax: "key instance value", summary: "Makes an instance's slice this number. The epoch stays, and so do the other slices.",
		reply: replyCounters, errors: sumErrors},
	{name: "ic.delslice", arity: 3, flags: "write fast", keys: oneKey, parse: parseICDelSlice,
		syntax: "key instance", summary: "Ends an instance's slice of a counter.", reply: "array of integers: the total, what was removed, the epoch"},
	{name: "ic.incrbyif", arity: 6, flags: "write denyoom fast", keys: oneKey, parse: parseICIf(fsm.ICAddIf),
		syntax:  "key instance EQ|NE|LT|LE|GT|GE|ANY threshold increment",
		summary: "Is IC.INCRBY if the total compares so with a number.",
		reply:   replyDecisions, errors: "as IC.INCRBY; `ERR unknown comparator …`."},
	{name: "ic.setif", arity: 6, flags: "write denyoom fast", keys: oneKey, parse: parseICIf(fsm.ICSetIf),
		syntax:  "key instance EQ|NE|LT|LE|GT|GE|ANY threshold value",
		summary: "Is IC.SET if the total compares so with a number.",
		reply:   replyDecisions, errors: "as IC.SET; `ERR unknown comparator …`."},
	{name: "ic.setsliceif", arity: 6, flags: "write denyoom fast", keys: oneKey, parse: parseICIf(fsm.SliceSetIf),
		syntax:  "key instance EQ|NE|LT|LE|GT|GE|ANY threshold value",
		summary: "Is IC.SETSLICE if the instance's slice compares so with a number.",
		reply:   replyDecisions, errors: "as IC.INCRBYIF."},
	{name: "ic.slices", arity: -2, flags: "readonly", keys: oneKey, parse: parseICSlices,
		syntax:  "key [cursor [COUNT count]]",
		summary: "Returns a page of a counter's slices, parked ones too.",
		reply:   "array: the next cursor, a bulk string, \"0\" at the end; and an array of: instance, slice, `alive`, `bound`, `leaving`, `gone` or `parked`, milliseconds that this lasts at least, as of the last log entry",
		errors:  "`ERR invalid cursor`.", cost: "O(N), N slices looked at: COUNT, at most 1,000"},
	{name: "ic.instances", arity: -1, flags: "readonly", parse: parseICInstances,
		syntax:  "[cursor [COUNT count]]",
		summary: "Returns a page of the instances that are known. One that is known all the time is met at least once.",
		reply:   "array: the next cursor, a bulk string, \"0\" at the end; and an array of: instance, `alive`, `bound`, `leaving` or `gone`, milliseconds that this lasts at least, as of the last log entry, lease in milliseconds, number of slices",
		errors:  "`ERR invalid cursor`.", cost: "O(N), N instances looked at: COUNT, at most 1,000"},
	{name: "ic.heartbeat", arity: -2, flags: "write denyoom fast", parse: parseICHeartbeat,
		syntax: "instance [TTL milliseconds]", summary: "Is a sign of life of an instance. With TTL the instance has a lease of its own from now on.",
		reply: "integer: the lease in force, in milliseconds", errors: "`ERR the lease must be from 3000 to 86400000 milliseconds`."},
	{name: "ic.bind", arity: -2, flags: "write denyoom fast noscript", parse: parseICBind,
		syntax: "instance [FRESH]", summary: "Binds an instance to this connection: it lives as long, and after `bind-grace` its slices end. With FRESH those that it has end first.",
		reply: "OK", errors: "`ERR too many instances are bound …`."},
	{name: "ic.clearinstance", arity: 2, flags: "write", parse: parseICClearInstance,
		syntax: "instance", summary: "Ends all slices of an instance, parked ones too. Beyond 1,000 of them it takes some moments.",
		reply: "integer: how many", cost: "O(N), N slices"},
	{name: "ic.clear", arity: -1, flags: "write", parse: parseICClear,
		syntax: "[MATCH pattern]", summary: "Ends all instance counters, in one step; or those that match, each in a new epoch, in steps of 1,000.",
		reply: "integer: how many", errors: "with MATCH not inside MULTI; `UNKNOWN …` if a step failed and those before it are done.",
		cost: "O(1); with MATCH O(N), N counters"},
}

func mostArgs(n int) func([][]byte) bool { return func(args [][]byte) bool { return len(args) <= n } }

func evenArgs(args [][]byte) bool { return len(args)%2 == 0 }

// IC.INCRBY key instance n [EPOCH e]
func parseICIncr(_ *command, args [][]byte, to *call) error { return to.addToSlice(args, 1) }

// IC.DECRBY key instance n [EPOCH e]
func parseICDecr(_ *command, args [][]byte, to *call) error { return to.addToSlice(args, -1) }

func (c *call) addToSlice(args [][]byte, sign int64) (err error) {
	op := fsm.Op{Kind: fsm.ICAdd}
	c.render = replyCounter
	switch {
	case len(args) == 4:
	case len(args) != 6 || !is(args[4], "EPOCH"):
		return errSyntax
	default:
		n, ok := fsm.ParseInt(args[5])
		if !ok || n < 0 {
			return replyError("ERR invalid epoch '" + shown(args[5], shownBytes) + "': it is an integer from 0 on, the last that IC.GET replies")
		}
		op.Epoch = fsm.Epoch{Number: uint64(n), Given: true}
		c.render = replyInEpoch(n)
	}
	if op.Amount, err = parseIncrement(args[3], sign); err != nil {
		return err
	}
	return c.add(op, args[1], args[2])
}

// add adds an Op about an instance's slice of a counter.
func (c *call) add(op fsm.Op, key, instance []byte) error {
	op.Key, op.Instance = key, instance
	c.ops = append(c.ops, op)
	if err := checkKey(key); err != nil {
		return err
	}
	return checkInstance(instance)
}

func checkInstance(name []byte) error {
	if len(name) == 0 {
		return replyError(fmt.Sprintf("ERR instance name is empty (it has 1 to %d bytes)", fsm.MaxInstance))
	}
	if len(name) > fsm.MaxInstance {
		return replyError(fmt.Sprintf("ERR instance name is longer than %d bytes", fsm.MaxInstance))
	}
	return nil
}

// tooManyInstances begins like outOfRoom.
func tooManyInstances(limit int64) replyError {
	return replyError(fmt.Sprintf("OOM command not allowed when used memory > 'maxmemory': "+
		"it would go beyond the cluster's max-instances of %d; an instance that is gone is forgotten after an hour, or a lease after IC.CLEARINSTANCE; or raise it", limit))
}

// IC.GET key [instance]
func parseICGet(_ *command, args [][]byte, to *call) error {
	to.render = replyCounter
	if len(args) == 3 {
		to.signs = true
		return to.add(fsm.Op{Kind: fsm.ICGet}, args[1], args[2])
	}
	to.ops = append(to.ops, fsm.Op{Kind: fsm.ICGet, Key: args[1]})
	return checkKey(args[1])
}

// IC.MGET instance key …: no more than one step of a reader looks at, so that it can be asked again as one (sign.go).
func parseICMGet(c *command, args [][]byte, to *call) error {
	if len(args[2:]) > maxGroupReads {
		return replyError(fmt.Sprintf("ERR too many keys: '%s' takes at most %d", c.name, maxGroupReads))
	}
	to.render, to.signs = replyEach, true
	for _, key := range args[2:] {
		if err := to.add(fsm.Op{Kind: fsm.ICGet}, key, args[1]); err != nil {
			return err
		}
	}
	return nil
}

// IC.MINCRBY instance key n …
func parseICMIncr(c *command, args [][]byte, to *call) error {
	to.render = replyEach
	pairs := args[2:]
	if err := tooManyKeys(c, len(pairs)/2); err != nil {
		return err
	}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		n, ok := fsm.ParseInt(pairs[1])
		if !ok {
			return errNotInteger
		}
		if err := to.add(fsm.Op{Kind: fsm.ICAdd, Amount: n}, pairs[0], args[1]); err != nil {
			return err
		}
	}
	return nil
}

// IC.SET key instance n · IC.SETSLICE key instance n
func parseICAmount(kind fsm.Kind) func(*command, [][]byte, *call) error {
	return func(_ *command, args [][]byte, to *call) error {
		n, ok := fsm.ParseInt(args[3])
		if !ok {
			return errNotInteger
		}
		to.render = replyCounter
		return to.add(fsm.Op{Kind: kind, Amount: n}, args[1], args[2])
	}
}

// IC.DEL key [instance]
func parseICDel(_ *command, args [][]byte, to *call) error {
	to.render = replyCounter
	if len(args) == 3 {
		return to.add(fsm.Op{Kind: fsm.ICDelete}, args[1], args[2])
	}
	to.ops = append(to.ops, fsm.Op{Kind: fsm.ICDelete, Key: args[1]})
	return checkKey(args[1])
}

// IC.DELSLICE key instance
func parseICDelSlice(_ *command, args [][]byte, to *call) error {
	to.render = replyCounter
	return to.add(fsm.Op{Kind: fsm.SliceDelete}, args[1], args[2])
}

// IC.INCRBYIF key instance op v n · IC.SETIF … · IC.SETSLICEIF …
func parseICIf(kind fsm.Kind) func(*command, [][]byte, *call) error {
	return func(_ *command, args [][]byte, to *call) error {
		op := fsm.Op{Kind: kind}
		if err := compare(&op, args[3], args[4]); err != nil {
			return err
		}
		var ok bool
		if op.Amount, ok = fsm.ParseInt(args[5]); !ok {
			return errNotInteger
		}
		to.render = replyNumbers
		return to.add(op, args[1], args[2])
	}
}

// replyCounter is the first three of what such an Op answers: what else an ICGet tells is for the door.
func replyCounter(w *writer, c *command, _ int, a *answers) { writeCounter(w, c, a.next()) }

func writeCounter(w *writer, c *command, r fsm.Result) {
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	const shown = 3
	w.Array(shown)
	all := r.Value.List()
	for range shown {
		n, _ := all.Next()
		w.Int(n.Int)
	}
}

// replyInEpoch is replyCounter of what was meant for an epoch.
func replyInEpoch(epoch int64) render {
	return func(w *writer, c *command, _ int, a *answers) {
		r := a.next()
		if r.Code == fsm.StaleEpoch {
			w.Error(fmt.Sprintf("STALEEPOCH the counter is in epoch %d and this was for epoch %d: drop what was counted for it, and go on in the epoch that IC.GET replies",
				r.Value.Int, epoch))
			return
		}
		writeCounter(w, c, r)
	}
}

// replyEach has the reply or the error of each Op, unless none was applied.
func replyEach(w *writer, c *command, ops int, a *answers) {
	if text := refusalOfAll(a.rest, ops); text != "" {
		for range ops {
			a.next()
		}
		w.Error(text)
		return
	}
	w.Array(ops)
	for range ops {
		writeCounter(w, c, a.next())
	}
}
