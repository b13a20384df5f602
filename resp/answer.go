package resp

import "github.com/truecount/truecount/fsm"

// answers walks the Results of a request, command by command.
type answers struct {
	rest     fsm.Results
	verified bool
}

// next takes a Result off. A machine answers every Op, so a missing one is a broken promise; it is answered, not ignored.
func (a *answers) next() fsm.Result {
	r, ok := a.rest.Next()
	if !ok {
		return fsm.Result{Code: missing}
	}
	return r
}

// peek is next without taking it off.
func (a *answers) peek() fsm.Result {
	ahead := *a
	return ahead.next()
}

const missing fsm.Code = 255 // no Result where one must be; never leaves this file

// render writes the reply of one command and takes exactly its ops Results off.
type render func(w *writer, c *command, ops int, a *answers)

func replyInt(w *writer, c *command, _ int, a *answers) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	w.Int(r.Value.Int)
}

// replySum is for commands that count the keys they met.
func replySum(w *writer, c *command, ops int, a *answers) {
	var sum int64
	var failed fsm.Result
	for range ops {
		r := a.next()
		sum += r.Value.Int
		if r.Code != fsm.OK {
			failed = r
		}
	}
	if failed.Code != fsm.OK {
		w.Error(refusal(c, failed))
		return
	}
	w.Int(sum)
}

func replyValue(w *writer, c *command, _ int, a *answers) {
	r := a.next()
	if r.Code != fsm.OK && r.Code != fsm.Skipped { // SET … NX GET answers the old value also when it stored nothing
		w.Error(refusal(c, r))
		return
	}
	w.Found(r.Value)
}

// replyValues is MGET's: what holds no string answers null, as in Redis.
func replyValues(w *writer, _ *command, ops int, a *answers) {
	w.Array(ops)
	for range ops {
		w.Found(a.next().Value)
	}
}

// replyState is the reply of GET key STATE.
func replyState(w *writer, c *command, ops int, a *answers) {
	w.Array(2)
	replyValue(w, c, ops, a)
	if a.verified {
		w.BulkString("CONSISTENT")
		return
	}
	w.BulkString("INCONSISTENT")
}

// replyOK is for commands whose Ops all succeed or say why not; Skipped is SET's null.
func replyOK(w *writer, c *command, ops int, a *answers) {
	var failed fsm.Result
	for range ops {
		if r := a.next(); r.Code != fsm.OK {
			failed = r
		}
	}
	switch failed.Code {
	case fsm.OK:
		w.OK()
	case fsm.Skipped:
		w.Null()
	default:
		w.Error(refusal(c, failed))
	}
}

// replyWhetherSet is 1 or 0 of commands that store all or, because of something that is there, nothing.
func replyWhetherSet(w *writer, c *command, ops int, a *answers) {
	set := int64(1)
	var failed fsm.Result
	for range ops {
		switch r := a.next(); r.Code {
		case fsm.OK:
		case fsm.Skipped, fsm.Aborted:
			set = 0
		default:
			failed = r
		}
	}
	if failed.Code != fsm.OK {
		w.Error(refusal(c, failed))
		return
	}
	w.Int(set)
}

// replySeconds turns the milliseconds of a TTL into seconds as Redis rounds them; -1 and -2 stay.
func replySeconds(w *writer, c *command, _ int, a *answers) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	n := r.Value.Int
	if n >= 0 {
		n = n/1000 + (n%1000+500)/1000
	}
	w.Int(n)
}

// refusal is Redis's text for what the machine said.
func refusal(c *command, r fsm.Result) string {
	switch r.Code {
	case fsm.NotInteger:
		return string(errNotInteger)
	case fsm.Overflow:
		return "ERR increment or decrement would overflow"
	case fsm.WrongType:
		return "WRONGTYPE Operation against a key holding the wrong kind of value"
	case fsm.BadExpiry:
		return string(badExpiry(c))
	case fsm.TooLong:
		return "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	case fsm.NotNumber:
		return string(errNotFloat)
	case fsm.Digits:
		return string(errDigits())
	case fsm.NoSuchKey:
		return "ERR no such key"
	case fsm.ReadLater:
		return "ERR the replies of this transaction are too large; read less in one that writes"
	case fsm.FullInstances:
		return string(tooManyInstances(r.Value.Int))
	case fsm.FullBytes:
		return string(outOfRoom("max-bytes", r.Value.Int))
	case fsm.FullKeys:
		return string(outOfRoom("max-keys", r.Value.Int))
	case fsm.FullSessions:
		return string(outOf("max-sessions", r.Value.Int, "close sessions that are not needed (ONCE CLOSE)"))
	case fsm.NoSession:
		return string(errNoSession)
	case fsm.OnceMismatch:
		return string(errOnceMismatch)
	case fsm.OnceDone:
		return string(errOnceDone)
	case missing:
		return "ERR BUG: an operation was not answered"
	}
	return "ERR refused: " + r.Code.String()
}
