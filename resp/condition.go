package resp

import "github.com/truecount/truecount/fsm"

var conditionCommands = []command{
	{name: "incrbyif", arity: 5, flags: "write denyoom fast", keys: oneKey, parse: parseIncrByIf,
		syntax:  "key EQ|NE|LT|LE|GT|GE|ANY threshold increment",
		summary: "Adds an integer to a counter if it compares so with a number. A missing counter is 0.",
		reply:   "array of integers: 1 if it did, else 0; the number now; the number before",
		errors:  "as INCRBY; `ERR unknown comparator …`."},
	{name: "setif", arity: -5, flags: "write denyoom", keys: oneKey, parse: parseSetIf,
		syntax: "key EQ|NE|LT|LE|GT|GE|ANY threshold value " +
			"[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
		summary: "Sets a counter if it compares so with a number. A missing counter is 0; ANY sets whatever is there. As with SET, a deadline goes unless it is kept.",
		reply:   "array: 1 if it did, else 0; the number now; the number before: integers, or bulk strings for decimals",
		errors:  "as INCRBYIF and INCRBYFLOAT."},
	{name: "cas", arity: 4, flags: "write denyoom", keys: oneKey, parse: parseCAS,
		syntax: "key expected value", summary: "Sets a counter if it is the expected number; a missing one is 0. Its deadline stays.",
		reply: "the number before, which is the expected one if it was set: integer, or bulk string for a decimal", errors: "as INCRBYFLOAT."},
	{name: "delex", arity: -2, flags: "write fast", keys: oneKey, parse: parseDelEx,
		syntax: "key [IFEQ value | IFNE value]", summary: "Deletes a key, if it holds the value, or another one.",
		reply: "integer: 1 if it did, else 0"},
}

// parseComparator reads EQ, NE and the others; the numbers compare exactly.
func parseComparator(arg []byte) (fsm.Comparator, error) {
	switch {
	case is(arg, "EQ"):
		return fsm.EQ, nil
	case is(arg, "NE"):
		return fsm.NE, nil
	case is(arg, "LT"):
		return fsm.Less, nil
	case is(arg, "LE"):
		return fsm.LE, nil
	case is(arg, "GT"):
		return fsm.Greater, nil
	case is(arg, "GE"):
		return fsm.GE, nil
	case is(arg, "ANY"):
		return fsm.ANY, nil
	}
	return 0, replyError("ERR unknown comparator '" + shown(arg, shownBytes) + "'; use EQ, NE, LT, LE, GT, GE or ANY")
}

// INCRBYIF key op v n
func parseIncrByIf(_ *command, args [][]byte, to *call) error {
	op := fsm.Op{Kind: fsm.IncrIf, Key: args[1]}
	if err := compare(&op, args[2], args[3]); err != nil {
		return err
	}
	var ok bool
	if op.Amount, ok = fsm.ParseInt(args[4]); !ok {
		return errNotInteger
	}
	to.ops = append(to.ops, op)
	to.render = replyNumbers
	return checkKey(op.Key)
}

// SETIF key op v n [EX … | KEEPTTL]
func parseSetIf(c *command, args [][]byte, to *call) error {
	op := fsm.Op{Kind: fsm.SetIf, Key: args[1], Flags: fsm.Tell}
	if err := compare(&op, args[2], args[3]); err != nil {
		return err
	}
	o, err := parseSetOptions(args[5:])
	if err != nil {
		return err
	}
	if o.flags&^fsm.KeepTTL != 0 || o.compare != 0 {
		return errSyntax
	}
	if op.Expiry, err = o.time.expiry(c); err != nil {
		return err
	}
	op.Flags |= o.flags
	if op.Value, err = parseNumber(args[4]); err != nil {
		return err
	}
	to.ops = append(to.ops, op)
	to.render = replyNumbers
	return checkKey(op.Key)
}

// CAS key expected value
func parseCAS(_ *command, args [][]byte, to *call) (err error) {
	op := fsm.Op{Kind: fsm.SetIf, Key: args[1], Flags: fsm.Tell | fsm.KeepTTL, Compare: fsm.EQ}
	if op.Than, err = parseNumber(args[2]); err != nil {
		return err
	}
	if op.Value, err = parseNumber(args[3]); err != nil {
		return err
	}
	to.ops = append(to.ops, op)
	to.render = replyBefore
	return checkKey(op.Key)
}

func compare(op *fsm.Op, comparator, than []byte) (err error) {
	if op.Compare, err = parseComparator(comparator); err != nil {
		return err
	}
	op.Than, err = parseNumber(than)
	return err
}

// DELEX key [IFEQ value | IFNE value]
func parseDelEx(c *command, args [][]byte, to *call) error {
	to.render = replyInt
	op := fsm.Op{Kind: fsm.Delete, Key: args[1]}
	switch {
	case len(args) == 2:
	case len(args) != 4:
		return wrongArity(c.name)
	case is(args[2], "IFEQ"):
		op.Kind, op.Compare, op.Than = fsm.DeleteIf, fsm.Same, fsm.ParseValue(args[3])
	case is(args[2], "IFNE"):
		op.Kind, op.Compare, op.Than = fsm.DeleteIf, fsm.Differs, fsm.ParseValue(args[3])
	default:
		return errSyntax
	}
	if err := checkText(op.Than.Text); err != nil {
		return err
	}
	to.ops = append(to.ops, op)
	return checkKey(op.Key)
}

func replyNumbers(w *writer, c *command, _ int, a *answers) { replyList(w, c, a, (*writer).Number) }

// replyBefore is the last of [applied, new, old].
func replyBefore(w *writer, c *command, _ int, a *answers) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	var old fsm.Value
	for all := r.Value.List(); ; {
		v, ok := all.Next()
		if !ok {
			break
		}
		old = v
	}
	w.Number(old)
}
