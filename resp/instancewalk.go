package resp

import (
	"fmt"
	"strconv"

	"github.com/truecount/truecount/fsm"
)

// IC.HEARTBEAT instance [TTL ms]
func parseICHeartbeat(_ *command, args [][]byte, to *call) error {
	op := fsm.Op{Kind: fsm.Heartbeat, Instance: args[1]}
	switch {
	case len(args) == 2:
	case len(args) != 4 || !is(args[2], "TTL"):
		return errSyntax
	default:
		var ok bool
		if op.Amount, ok = fsm.ParseInt(args[3]); !ok {
			return errNotInteger
		}
		if op.Amount < fsm.MinLease || op.Amount > fsm.MaxLease {
			return replyError(fmt.Sprintf("ERR the lease must be from %d to %d milliseconds", fsm.MinLease, fsm.MaxLease))
		}
	}
	to.ops = append(to.ops, op)
	to.render = replyInt
	return checkInstance(op.Instance)
}

// IC.CLEARINSTANCE instance
func parseICClearInstance(_ *command, args [][]byte, to *call) error {
	to.ops = append(to.ops, fsm.Op{Kind: fsm.ClearInstance, Instance: args[1]})
	to.render = replyInt
	return checkInstance(args[1])
}

// IC.SLICES key [cursor [COUNT n]]
func parseICSlices(_ *command, args [][]byte, to *call) error {
	op := fsm.Op{Kind: fsm.ICSlices, Key: args[1]}
	const instance, amount, life, millis = 0, 1, 2, 3
	return to.pageOf(op, args[2:], millis+1, func(w *writer, of []fsm.Value) {
		w.Array(len(of))
		w.Bulk(of[instance].Text)
		w.Int(of[amount].Int)
		w.BulkString(lifeName(of[life]))
		w.Int(of[millis].Int)
	})
}

// IC.INSTANCES [cursor [COUNT n]]
func parseICInstances(_ *command, args [][]byte, to *call) error {
	const name, life, millis, lease, slices = 0, 1, 2, 3, 4
	return to.pageOf(fsm.Op{Kind: fsm.ICInstances}, args[1:], slices+1, func(w *writer, of []fsm.Value) {
		w.Array(len(of))
		w.Bulk(of[name].Text)
		w.BulkString(lifeName(of[life]))
		w.Int(of[millis].Int)
		w.Int(of[lease].Int)
		w.Int(of[slices].Int)
	})
}

// lifeName is what clients read for an fsm.Life.
func lifeName(life fsm.Value) string {
	switch fsm.Life(life.Int) {
	case fsm.Alive:
		return "alive"
	case fsm.Bound:
		return "bound"
	case fsm.Leaving:
		return "leaving"
	case fsm.Gone:
		return "gone"
	case fsm.Parked:
		return "parked"
	}
	return "unknown"
}

// pageOf makes op one that answers a page, and replies as SCAN does: options are the cursor and COUNT, and one writes an item
// that is so many Values of the page.
func (c *call) pageOf(op fsm.Op, options [][]byte, values int, one func(*writer, []fsm.Value)) (err error) {
	count := int64(defaultCount)
	if len(options) > 0 {
		if op.Amount, err = parseCursor(options[0]); err != nil {
			return err
		}
	}
	if len(options) > 1 {
		if len(options) != 3 || !is(options[1], "COUNT") {
			return errSyntax
		}
		var ok bool
		if count, ok = fsm.ParseInt(options[2]); !ok {
			return errNotInteger
		}
		if count < 1 {
			return errSyntax
		}
	}
	op.Value = fsm.IntValue(min(count, fsm.MaxScan))
	c.ops = append(c.ops, op)
	c.render = func(w *writer, c *command, _ int, a *answers) { replyPage(w, c, a, values, one) }
	if op.Kind == fsm.ICSlices {
		return checkKey(op.Key)
	}
	return nil
}

func replyPage(w *writer, c *command, a *answers, values int, one func(*writer, []fsm.Value)) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	list := r.Value.List()
	next, _ := list.Next()
	var all []fsm.Value
	for {
		v, ok := list.Next()
		if !ok {
			break
		}
		all = append(all, v)
	}
	w.Array(2)
	w.BulkString(strconv.FormatInt(next.Int, 10))
	w.Array(len(all) / values)
	for ; len(all) >= values; all = all[values:] {
		one(w, all[:values])
	}
}

// IC.CLEAR [MATCH pattern]
func parseICClear(_ *command, args [][]byte, to *call) error {
	switch {
	case len(args) == 1:
		to.ops = append(to.ops, clearOp(0, nil))
		to.render = replyCleared
		return nil
	case len(args) != 3 || !is(args[1], "MATCH"):
		return errSyntax
	}
	f, err := newFilter(args[2])
	if err != nil {
		return err
	}
	to.render = func(w *writer, _ *command, _ int, _ *answers) { w.Int(0) } // no key is empty, so nothing matches an empty pattern
	if len(args[2]) > 0 {
		to.walk = &clearWalk{pattern: f.match.Pattern}
	}
	return nil
}

// clearOp ends counters: a page of those that match, or all at once without a pattern.
func clearOp(cursor int64, pattern []byte) fsm.Op {
	return fsm.Op{Kind: fsm.ICClear, Amount: cursor, Value: fsm.Value{Kind: fsm.Text, Text: pattern}}
}

// replyCleared is the second of what an ICClear answers.
func replyCleared(w *writer, c *command, _ int, a *answers) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	all := r.Value.List()
	_, _ = all.Next()
	n, _ := all.Next()
	w.Int(n.Int)
}

// clearWalk is IC.CLEAR MATCH on its way.
type clearWalk struct {
	pattern []byte
	cleared int64
	refused fsm.Result // unless its Code is OK: what ended it
}

func (k *clearWalk) op(cursor int64) fsm.Op { return clearOp(cursor, k.pattern) }

func (k *clearWalk) page(r *fsm.Request) (next int64) {
	a := answers{rest: r.Results}
	answer := a.next()
	if answer.Code != fsm.OK {
		k.refused = answer
		return 0
	}
	all := answer.Value.List()
	cursor, _ := all.Next()
	n, _ := all.Next()
	k.cleared += n.Int
	return cursor.Int
}

// tell counts what is cleared. What ended early, but not before it had cleared something, invites nobody to repeat it blindly.
func (k *clearWalk) tell(w *writer, err error) {
	switch {
	case k.refused.Code != fsm.OK:
		w.Error(refusal(nil, k.refused))
	case err == nil:
		w.Int(k.cleared)
	case k.cleared > 0:
		w.Error(fmt.Sprintf("UNKNOWN %d counters are cleared, and perhaps more: %v", k.cleared, err))
	default:
		text, _ := failure(err)
		w.Error(text)
	}
}

func (k *clearWalk) holds() int { return len(k.pattern) }
