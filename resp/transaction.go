package resp

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/truecount/truecount/fsm"
)

var transactionCommands = []command{
	{name: "multi", arity: 1, flags: "noscript fast", local: multi, atOnce: true,
		summary: "Begins a transaction: the commands behind it are queued until EXEC.", reply: "OK",
		errors: "`ERR MULTI calls can not be nested`."},
	{name: "exec", arity: 1, flags: "noscript write", parse: parseExec, atOnce: true,
		summary: "Runs the queued commands in one step, with nothing between them.",
		reply:   "array: the replies of the queued commands; null array if a watched key was changed",
		errors:  "`ERR EXEC without MULTI`; `EXECABORT …` if a command could not be queued or there is no room.",
		cost:    "that of the commands"},
	{name: "discard", arity: 1, flags: "noscript fast", local: discard, atOnce: true,
		summary: "Forgets the queued commands, and what is watched.", reply: "OK",
		errors: "`ERR DISCARD without MULTI`."},
	{name: "watch", arity: -2, flags: "noscript fast", keys: allKeys, parse: parseWatch, atOnce: true,
		syntax: "key [key ...]", summary: "Makes the next EXEC depend on it that nobody changes these keys before.", reply: "OK",
		by:     "a majority",
		errors: "`ERR WATCH inside MULTI is not allowed`.", cost: "O(N), N keys"},
	{name: "unwatch", arity: 1, flags: "noscript fast", parse: parseUnwatch,
		summary: "Forgets what is watched.", reply: "OK", by: "this node"},
}

const (
	quickQueued = 16 // commands of a transaction whose replies are made at once; more, and those that tell of the node, take a lane

	perArg     = int(unsafe.Sizeof([]byte{}))                 // bytes of an argument that is kept, beside its own
	perWatched = perArg + int(unsafe.Sizeof(fsm.Condition{})) // of a watched key, the same
)

// transaction is what MULTI has begun.
type transaction struct {
	queue  []queued
	ops    []fsm.Op // of all, in order; they point into copies of the arguments
	sum    sum      // of the arguments
	bytes  int      // that all this holds of the arguments
	size   int      // of the Ops, encoded, at most
	olds   int      // old values that its writes answer
	pages  int      // of keys, that Ops read
	locals int      // commands without Ops
	slow   bool     // some reply takes longer to make than to wake a goroutine
	barred int      // barriers that are queued
	bound  int      // instances that it binds to the connection
	signs  bool     // some read is a sign of life of an instance
	broken bool     // a command could not be queued: EXEC will refuse
	doomed string   // the repeatable error that every command gets, EXEC too: see burst.go
}

// queued is a command of a transaction: Ops with their render, or what is said on the spot when EXEC's reply is made.
type queued struct {
	command *command
	args    [][]byte // of a local one
	err     error    // of one that turned out to be wrong
	render  render
	ops     int
}

// watch is what EXEC depends on. While there is one, the connection reads strongly.
type watch struct {
	asked      int // keys; more than conditions if the answer to a WATCH is on its way, or was an error
	conditions []fsm.Condition
	bytes      int // that the keys and conditions hold
}

// readLevel is how reads of keys are answered now.
func (s *session) readLevel() fsm.Level {
	if s.watch != nil {
		return fsm.Strong
	}
	return s.level
}

// MULTI
func multi(s *session, w *writer, _ [][]byte) {
	if s.multi != nil {
		w.Error("ERR MULTI calls can not be nested")
		return
	}
	s.multi = &transaction{}
	w.OK()
}

// DISCARD
func discard(s *session, w *writer, _ [][]byte) {
	if s.multi == nil {
		w.Error("ERR DISCARD without MULTI")
		return
	}
	s.endTransaction()
	w.OK()
}

func (s *session) endTransaction() { s.multi, s.watch = nil, nil }

// UNWATCH; queued, it has nothing left to do: EXEC forgets in any case.
func parseUnwatch(_ *command, _ [][]byte, to *call) error {
	to.render = replyOK
	to.taken = func(s *session) { s.watch = nil }
	return nil
}

// WATCH key …: the log index of this moment, which EXEC compares with that of each key's last change.
func parseWatch(_ *command, args [][]byte, to *call) error {
	s := to.session
	if s.multi != nil {
		return replyError("ERR WATCH inside MULTI is not allowed")
	}
	keys := copied(args[1:])
	for _, key := range keys {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	if s.watch != nil && s.watch.asked+len(keys) > maxWatched || len(keys) > maxWatched {
		return replyError(fmt.Sprintf("ERR too many watched keys: a connection may watch %d", maxWatched))
	}
	to.strong = true
	to.ops = append(to.ops, fsm.Op{Kind: fsm.Version})
	var of *watch
	to.taken = func(s *session) {
		if s.watch == nil {
			s.watch = &watch{}
		}
		of = s.watch
		of.asked += len(keys)
		for _, key := range keys {
			of.bytes += perWatched + len(key)
		}
	}
	to.render = func(w *writer, c *command, _ int, a *answers) {
		r := a.next()
		if r.Code != fsm.OK {
			w.Error(refusal(c, r))
			return
		}
		for _, key := range keys {
			of.conditions = append(of.conditions, fsm.Condition{Key: key, Index: uint64(r.Value.Int)})
		}
		w.OK()
	}
	return nil
}

// inTransaction reports whether a command is queued, or its mistake noted, instead of being run.
func (s *session) inTransaction(c *command) bool { return s.multi != nil && (c == nil || !c.atOnce) }

// enqueue queues a command, or notes that it can't be. What is wrong with its arguments is told by EXEC, as in Redis.
func (s *session) enqueue(c *command, err error, args [][]byte) error {
	t := s.multi
	if err == nil && c.barrier && !c.queues {
		err = replyError("ERR Command not allowed inside a transaction")
	}
	if err == nil {
		err = t.add(s, c, args)
	}
	t.broken = t.broken || err != nil
	return err
}

func (t *transaction) add(s *session, c *command, args [][]byte) error {
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	if c.local != nil {
		size += len(args) * perArg
	}
	if len(t.queue) == maxQueued || t.bytes+size > fsm.MaxGroup {
		return replyError(fmt.Sprintf("ERR transaction is too large: it may have %d commands, and %d bytes", maxQueued, fsm.MaxGroup))
	}
	if c.barrier {
		t.barred++
	}
	if t.barred > maxQueuedBarriers {
		return replyError(fmt.Sprintf("ERR more than %d commands of a transaction publish, or look at the whole node", maxQueuedBarriers))
	}
	t.bytes, t.sum = t.bytes+size, t.sum.add(args)
	args = copied(args)
	if c.local != nil {
		t.queue = append(t.queue, queued{command: c, args: args})
		t.locals, t.slow = t.locals+1, t.slow || !c.fast
		return nil
	}
	s.call.reset()
	if err := c.parse(c, args, &s.call); err != nil {
		t.queue = append(t.queue, queued{command: c, err: err})
		return nil
	}
	if s.call.walk != nil {
		return replyError("ERR '" + c.name + "' is not allowed inside a transaction: with these arguments it takes several steps")
	}
	if len(s.call.conditions) > 0 {
		return replyError("ERR '" + c.name + "' is not allowed inside a transaction")
	}
	for i := range s.call.ops {
		op := &s.call.ops[i]
		t.olds += op.Olds()
		if isPage(op.Kind) {
			t.pages++
		}
	}
	if t.pages > maxQueuedPages {
		return replyError(fmt.Sprintf("ERR transaction is too large: it may read %d pages of keys", maxQueuedPages))
	}
	if t.olds > maxOldValues {
		return replyError(fmt.Sprintf("ERR transaction is too large: its writes may answer %d old values (SETIF and CAS: two each)", maxOldValues))
	}
	t.ops, t.size, t.slow = append(t.ops, s.call.ops...), t.size+s.call.size(), t.slow || s.call.slow
	if len(t.ops) > maxCommandKeys {
		return replyError(fmt.Sprintf("ERR transaction is too large: its commands may name %d keys", maxCommandKeys))
	}
	if err := tooLarge(t.size); err != nil {
		return err
	}
	if s.call.binds {
		t.bound++
	}
	t.signs = t.signs || s.call.signs
	t.queue = append(t.queue, queued{command: c, render: s.call.render, ops: len(s.call.ops)})
	return nil
}

// copied is the arguments in memory of their own.
func copied(args [][]byte) [][]byte {
	size := 0
	for _, arg := range args {
		size += len(arg)
	}
	all, copies := make([]byte, 0, size), make([][]byte, len(args))
	for i, arg := range args {
		start := len(all)
		all = append(all, arg...)
		copies[i] = all[start:len(all):len(all)]
	}
	return copies
}

// abort ends a transaction whose EXEC is refused before it is looked at, and says so.
func (s *session) abort(err error) error {
	s.endTransaction()
	return aborted(err)
}

func aborted(err error) error {
	return replyError("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(err.Error(), "ERR "))
}

// EXEC
func parseExec(_ *command, _ [][]byte, to *call) error {
	s := to.session
	t := s.multi
	if t == nil {
		return replyError("ERR EXEC without MULTI")
	}
	to.taken = func(s *session) {
		s.endTransaction()
		s.alone = t.locals > 0
	}
	if t.broken {
		return replyError("EXECABORT Transaction discarded because of previous errors.")
	}
	if t.bound > 0 && !s.door.bindings.room(t.bound) { // others have bound theirs since these were queued
		return aborted(errNodeBound())
	}
	to.ops = append(to.ops, t.ops...)
	if w := s.watch; w != nil {
		if len(w.conditions) < w.asked {
			return replyError("EXECABORT Transaction discarded because a WATCH was answered with an error.")
		}
		to.conditions = w.conditions
		if len(to.ops) == 0 { // a group has an Op
			to.ops = append(to.ops, fsm.Op{Kind: fsm.Exists, Key: w.conditions[0].Key})
		}
	}
	to.strong, to.slow = true, t.slow || len(t.queue) > quickQueued
	to.signs, to.binds = t.signs, t.bound > 0
	to.render = func(w *writer, _ *command, ops int, a *answers) { t.render(s, w, ops, a) }
	return nil
}

// render writes the replies of the queued commands. Whether their Ops were applied is the same for all: one group.
func (t *transaction) render(s *session, w *writer, ops int, a *answers) {
	if text := refusalOfAll(a.rest, ops); text != "" || ops > 0 && a.peek().Code == fsm.Aborted {
		for range ops {
			a.next()
		}
		if text == "" {
			w.NullArray()
			return
		}
		w.Error("EXECABORT Transaction discarded because of: " + text)
		return
	}
	a.verified = true
	w.Array(len(t.queue))
	said := 0
	for i := range t.queue {
		q, start := &t.queue[i], len(w.buf)
		switch {
		case q.err != nil:
			w.Error(q.err.Error())
		case q.command.local != nil && said > maxSaid:
			w.Error(fmt.Sprintf("ERR not run: the replies in front of it take more than %d bytes; ask outside of the transaction", maxSaid))
		case q.command.local != nil:
			q.command.local(s, w, q.args)
			said += len(w.buf) - start
		default:
			q.render(w, q.command, q.ops, a)
		}
		ops -= q.ops
		s.tallyQueued(q.command, w.buf[start:])
	}
	for range ops { // the Op that stands for none
		a.next()
	}
}

// refusalOfAll is why none of a group's writes was applied, if it is for want of room; else "".
func refusalOfAll(results fsm.Results, ops int) string {
	for range ops {
		r, _ := results.Next()
		if r.Code == fsm.FullBytes || r.Code == fsm.FullKeys || r.Code == fsm.FullInstances {
			return refusal(nil, r)
		}
	}
	return ""
}
