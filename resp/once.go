package resp

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/truecount/truecount/fsm"
)

// ONCE in front of a write has it done at most once, however often it is sent: who has not heard the reply sends the same bytes
// again, to any node. The row of the command behind it decides everything else, as if ONCE were not there:
//
//	resolve      finds the row of the command behind, and notes in session.once what ONCE says
//	parse        parses what stands behind ONCE; putOnce looks whether it may stand there
//	unit.add     gives the group its Once, by which the Machine knows it (fsm/once.go)
//	renderOnce   writes the reply, be it the first or a remembered one, or why there is none
var onceCommands = []command{
	{name: "once", arity: -4, flags: "write movablekeys", prefix: oncePrefix,
		syntax:  "id sequence command [arg [arg ...]]",
		summary: "Runs a command that writes, if the session has not run it before; if it has, replies what it replied then. Sequences are 1, 2, 3 and so on, another for each command, in any order within 256. In front of EXEC it is for the whole transaction.",
		reply:   "that of the command", by: "a majority", cost: "that of the command",
		errors: "those of the command, which are remembered, too; `NOSESSION …`, `ONCEMISMATCH …`, `ONCEDONE …`; `ERR ONCE is for writes …`.",
		subs: []command{
			{name: "once|open", arity: -2, flags: "write fast", parse: parseOnceOpen,
				syntax: "[TTL milliseconds]", summary: "Opens a session for ONCE. It ends when it has not been used for its TTL: 10 minutes, or 1 second to 24 hours.",
				reply: "bulk string: its id, 32 hexadecimal digits", errors: "`OOM …` beyond `max-sessions`."},
			{name: "once|close", arity: 3, flags: "write fast", parse: parseOnceClose,
				syntax: "id", summary: "Ends a session: what it has done is forgotten.", reply: "integer: 1, or 0 if there was none"},
			{name: "once|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
		}},
}

const oncePrefix = 3 // arguments in front of the command: ONCE id sequence

const (
	errNoSession replyError = "NOSESSION no such session, or its window has left this sequence behind: the command was not executed now, " +
		"and whether it was before is not known; open another one with ONCE OPEN"
	errOnceMismatch replyError = "ONCEMISMATCH this sequence was another command of the session: nothing was executed; take a new sequence for each command"
	errOnceDone     replyError = "ONCEDONE the command was executed before, but its reply is not remembered any more; read what you need to know"

	errSessionID replyError = "ERR invalid session id: it has 32 hexadecimal digits, as ONCE OPEN replies"
	errSequence  replyError = "ERR invalid sequence: an integer from 1 to 9223372036854775807, another one for each command"
	errNested    replyError = "ERR ONCE can't stand behind ONCE"
	errOnceMulti replyError = "ERR inside MULTI, ONCE stands in front of EXEC only, for the whole transaction"
)

// ONCE OPEN [TTL milliseconds]
func parseOnceOpen(_ *command, args [][]byte, to *call) error {
	ttl := int64(fsm.DefaultSession)
	switch {
	case len(args) == 2:
	case len(args) != 4 || !is(args[2], "TTL"):
		return errSyntax
	default:
		var ok bool
		if ttl, ok = fsm.ParseInt(args[3]); !ok {
			return errNotInteger
		}
		if ttl < fsm.MinSession || ttl > fsm.MaxSession {
			return replyError(fmt.Sprintf("ERR the TTL of a session is %d to %d milliseconds", fsm.MinSession, fsm.MaxSession))
		}
	}
	id := to.session.door.drawSession()
	to.ops = append(to.ops, fsm.Op{Kind: fsm.OpenSession, Key: id[:], Amount: ttl})
	to.render = func(w *writer, c *command, _ int, a *answers) {
		r := a.next()
		if r.Code != fsm.OK {
			w.Error(refusal(c, r))
			return
		}
		w.BulkString(hex.EncodeToString(id[:]))
	}
	return nil
}

// ONCE CLOSE id
func parseOnceClose(_ *command, args [][]byte, to *call) error {
	id, err := parseSessionID(args[2])
	to.ops = append(to.ops, fsm.Op{Kind: fsm.CloseSession, Key: id[:]})
	to.render = replyInt
	return err
}

// drawSession makes an id that no session has or had, anywhere.
func drawSession() (id fsm.SessionID) {
	_, _ = rand.Read(id[:]) // it never fails
	return id
}

func parseSessionID(arg []byte) (id fsm.SessionID, err error) {
	if len(arg) != hex.EncodedLen(len(id)) {
		return id, errSessionID
	}
	if _, err := hex.Decode(id[:], arg); err != nil || id == (fsm.SessionID{}) {
		return fsm.SessionID{}, errSessionID
	}
	return id, nil
}

// resolve finds a command, and notes in session.once what ONCE in front of it says. What can't stand behind ONCE is a mistake of
// the row of ONCE itself.
func (s *session) resolve(args [][]byte) (*command, error) {
	s.once = fsm.Once{}
	c, err := s.door.table.find(args)
	if err != nil || c.prefix == 0 {
		return c, err
	}
	inner, err := s.door.table.find(args[c.prefix:])
	switch {
	case inner == nil:
		return c, err
	case inner == c || inner.name == "once|open" || inner.name == "once|close":
		return c, errNested
	case inner.parse == nil || !strings.Contains(inner.flags, "write"):
		return c, onlyWrites(inner)
	case err != nil:
		return inner, err
	case s.multi != nil && inner.name != "exec":
		return inner, errOnceMulti
	}
	var queued sum
	if s.multi != nil {
		queued = s.multi.sum
	}
	s.once, err = parseOnce(args, queued)
	return inner, err
}

// behindOnce are the arguments of the command behind ONCE, or all of them if there is none.
func (t *table) behindOnce(args [][]byte) [][]byte {
	if c, err := t.find(args); err == nil && c.prefix > 0 {
		return args[c.prefix:]
	}
	return args
}

// parseOnce reads the id and the sequence. The hash is of what was queued and of what stands behind them.
func parseOnce(args [][]byte, queued sum) (o fsm.Once, err error) {
	if o.Session, err = parseSessionID(args[1]); err != nil {
		return fsm.Once{}, err
	}
	n, ok := fsm.ParseInt(args[2])
	if !ok || n < 1 {
		return fsm.Once{}, errSequence
	}
	o.Sequence, o.Hash = uint64(n), uint64(queued.add(args[oncePrefix:]))
	return o, nil
}

func onlyWrites(c *command) error {
	what := "'" + c.name + "'"
	switch {
	case c.name == "exec":
		what = "this transaction"
	case strings.Contains(c.flags, "write"):
		what += " with these arguments"
	}
	return replyError("ERR ONCE is for writes in one step, and " + what + " is none: send it without ONCE")
}

// parse makes a command session.call, with ONCE in front of it if it stands there.
func (s *session) parse(c *command, args [][]byte) error {
	s.call.reset()
	if !s.once.Given() {
		return c.parse(c, args, &s.call)
	}
	if err := c.parse(c, args[oncePrefix:], &s.call); err != nil {
		return err
	}
	return s.call.putOnce(c, s.once)
}

// putOnce puts ONCE in front of a parsed call, or says why it can't stand there.
func (c *call) putOnce(of *command, once fsm.Once) error {
	err := c.repeatable(of)
	if err != nil && of.name == "exec" {
		return aborted(err)
	}
	c.once, c.render = once, renderOnce(c.render)
	return err
}

// repeatable is why a call can't be answered from memory when it is repeated: its Ops change nothing, belong to this connection, or
// answer what only their first parse knows. (A walk has no Ops.)
func (c *call) repeatable(of *command) error {
	writes := false
	for i := range c.ops {
		op := &c.ops[i]
		switch {
		case op.Kind == fsm.Bind:
			return replyError("ERR ONCE is not for IC.BIND, which is about this connection")
		case op.Kind == fsm.OpenSession:
			return errNested
		}
		writes = writes || op.Kind.Writes()
	}
	if !writes {
		return onlyWrites(of)
	}
	return nil
}

// renderOnce renders the Results of a call behind ONCE. If its session did not let it run, they all say so.
func renderOnce(reply render) render {
	return func(w *writer, c *command, ops int, a *answers) {
		r := a.peek()
		switch r.Code {
		case fsm.NoSession, fsm.OnceMismatch, fsm.OnceDone:
			for range ops {
				a.next()
			}
			w.Error(refusal(c, r))
			return
		}
		reply(w, c, ops, a)
	}
}

// onceWords is what ONCE says, as it is typed; nothing if it says nothing.
func onceWords(o fsm.Once) []string {
	if !o.Given() {
		return nil
	}
	return []string{"once", hex.EncodeToString(o.Session[:]), strconv.FormatUint(o.Sequence, 10)}
}

// sum is a running hash of commands (FNV-1a from 0), by which the Machine knows a repeated one from another under the same sequence.
// It is a format: the command may be repeated at a node of another build.
type sum uint64

const fnvPrime = 1099511628211

// add takes a command: how many arguments it has, and each with its length, so that different ones are different bytes.
func (h sum) add(args [][]byte) sum {
	h = h.number(len(args))
	for _, arg := range args {
		h = h.number(len(arg))
		for _, b := range arg {
			h = (h ^ sum(b)) * fnvPrime
		}
	}
	return h
}

func (h sum) number(n int) sum {
	for range 4 { // bytes: whole commands are far below 4 GiB
		h = (h ^ sum(byte(n))) * fnvPrime
		n >>= 8
	}
	return h
}
