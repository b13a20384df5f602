package resp

import (
	"fmt"

	"github.com/truecount/truecount/fsm"
)

var decimalCommands = []command{
	{name: "incrbyfloat", arity: 3, flags: "write denyoom fast", keys: oneKey, parse: parseIncrByFloat,
		syntax: "key increment", summary: "Adds a decimal number to a counter, exactly: nothing is ever rounded.",
		reply:  "bulk string: the new number, without exponent",
		errors: "`ERR value is not a valid float`; more digits than are kept, 36 before the point and 18 behind it."},
	{name: "increx", arity: -2, flags: "write denyoom fast", keys: oneKey, parse: parseIncrEx,
		syntax: "key [BYFLOAT increment | BYINT increment] [LBOUND lowerbound] [UBOUND upperbound] [SATURATE] " +
			"[EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST] [ENX]",
		summary: "Adds to a counter within bounds, and sets or removes its deadline (with ENX, only if it has none). A sum outside of the bounds changes nothing; with SATURATE it becomes the bound.",
		reply:   "array: the new number, and what was added: integers; with BYFLOAT bulk strings (RESP3: doubles)",
		errors:  "as INCRBY and INCRBYFLOAT."},
}

var (
	errNotFloat  replyError = "ERR value is not a valid float"
	errNotFinite replyError = "ERR increment would produce NaN or Infinity"
)

// parseNumber reads a decimal number. Redis's words for what is none; ours for one that we can't keep.
func parseNumber(text []byte) (fsm.Value, error) {
	v, code := fsm.ParseDecimal(text)
	switch code {
	case fsm.OK:
		return v, nil
	case fsm.Digits:
		return v, errDigits()
	}
	unsigned := text
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		unsigned = text[1:]
	}
	if is(unsigned, "INF") || is(unsigned, "INFINITY") {
		return v, errNotFinite
	}
	return v, errNotFloat
}

func errDigits() replyError {
	return replyError(fmt.Sprintf("ERR number has more digits than are kept: %d before the point and %d behind it", fsm.MaxWhole, fsm.MaxFraction))
}

// INCRBYFLOAT key increment
func parseIncrByFloat(c *command, args [][]byte, to *call) error {
	v, err := parseNumber(args[2])
	if err == errNotFinite { // told only where there is a number that would become infinite
		to.render = replyNotFinite
		return to.perKey(c, fsm.Get, args[1:2])
	}
	if err != nil {
		return err
	}
	if err := checkKey(args[1]); err != nil {
		return err
	}
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Add, Key: args[1], Value: v})
	to.render = replyValue
	return nil
}

func replyNotFinite(w *writer, _ *command, _ int, a *answers) {
	v := a.next().Value
	_, code := fsm.ParseDecimal(v.AppendText(nil))
	if v.Kind != fsm.Nil && code == fsm.NotNumber {
		w.Error(errNotFloat.Error())
		return
	}
	w.Error(errNotFinite.Error())
}

// incrExOptions is what stands behind INCREX key.
type incrExOptions struct {
	by, low, high []byte // nil: not given
	float         bool
	saturate      bool
	persist       bool
	enx           bool
	time          expiryOption
}

// INCREX key …
func parseIncrEx(c *command, args [][]byte, to *call) error {
	o, err := parseIncrExOptions(args[2:])
	if err != nil {
		return err
	}
	op := fsm.Op{Kind: fsm.IncrEx, Key: args[1], Value: fsm.IntValue(1)}
	for _, number := range []struct {
		text []byte
		to   *fsm.Value
	}{{o.by, &op.Value}, {o.low, &op.Low}, {o.high, &op.High}} {
		if number.text == nil {
			continue
		}
		if *number.to, err = o.number(number.text); err != nil {
			return err
		}
	}
	if op.Expiry, err = o.time.expiry(c); err != nil {
		return err
	}
	if o.persist {
		op.Expiry.Mode = fsm.Forever
	}
	if o.saturate {
		op.Flags |= fsm.Saturate
	}
	if o.enx {
		op.Flags |= fsm.NX
	}
	to.render = replyAdded
	if o.float {
		op.Flags |= fsm.Decimals
		to.render = replyAddedDecimal
	}
	if err := checkKey(op.Key); err != nil {
		return err
	}
	to.ops = append(to.ops, op)
	return nil
}

func parseIncrExOptions(args [][]byte) (o incrExOptions, err error) {
	for ; len(args) > 0; args = args[1:] {
		var value *[]byte
		switch arg := args[0]; {
		case is(arg, "SATURATE"):
			o.saturate = true
			continue
		case is(arg, "ENX"):
			o.enx = true
			continue
		case is(arg, "PERSIST") && o.time.unit == noTime:
			o.persist = true
			continue
		case is(arg, "BYINT") && o.by == nil:
			value = &o.by
		case is(arg, "BYFLOAT") && o.by == nil:
			value, o.float = &o.by, true
		case is(arg, "LBOUND") && o.low == nil:
			value = &o.low
		case is(arg, "UBOUND") && o.high == nil:
			value = &o.high
		case !o.persist && o.time.take(args):
			args = args[1:]
			continue
		default:
			return o, errSyntax
		}
		if len(args) < 2 {
			return o, errSyntax
		}
		*value, args = args[1], args[1:]
	}
	if o.enx && o.time.unit == noTime {
		return o, errSyntax
	}
	return o, nil
}

func (o *incrExOptions) number(text []byte) (fsm.Value, error) {
	if o.float {
		return parseNumber(text)
	}
	n, ok := fsm.ParseInt(text)
	if !ok {
		return fsm.Value{}, errNotInteger
	}
	return fsm.IntValue(n), nil
}

func replyAdded(w *writer, c *command, _ int, a *answers) { replyList(w, c, a, (*writer).Number) }

func replyAddedDecimal(w *writer, c *command, _ int, a *answers) {
	replyList(w, c, a, (*writer).Decimal)
}

// replyList writes what a List holds, each in its way.
func replyList(w *writer, c *command, a *answers, each func(*writer, fsm.Value)) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	n := 0
	for all := r.Value.List(); ; n++ {
		if _, ok := all.Next(); !ok {
			break
		}
	}
	w.Array(n)
	for all := r.Value.List(); n > 0; n-- {
		v, _ := all.Next()
		each(w, v)
	}
}
