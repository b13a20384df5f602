package resp

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/truecount/truecount/fsm"
)

var scanCommands = []command{
	{name: "scan", arity: -2, flags: "readonly", parse: parseScan,
		syntax:  "cursor [MATCH pattern] [COUNT count] [TYPE type]",
		summary: "Returns a page of keys. A key that is there all the time is met at least once; a cursor is valid at every node, for ever.",
		reply:   "array: the next cursor, a bulk string, \"0\" at the end; and an array of keys",
		errors:  "`ERR invalid cursor`.", cost: "O(N), N keys looked at: COUNT, at most 1,000"},
	{name: "keys", arity: 2, flags: "readonly", local: keys, barrier: true,
		syntax: "pattern", summary: "Returns all keys that match. They are read in pages of 1,000, so writes may come between.", reply: "array of keys",
		by:     "as the connection's level says",
		errors: "an answer beyond 64 MiB: use SCAN; not inside MULTI.", cost: "O(N), N keys in the database"},
	{name: "randomkey", arity: 1, flags: "readonly", parse: parseRandomKey,
		summary: "Returns some key.", reply: "bulk string, or null"},
}

const (
	cursorSpace  = int64(1) << 48 // cursors are below it (fsm.Scan)
	defaultCount = 10             // keys that SCAN looks at, if it is not told
	randomCount  = 16             // keys that RANDOMKEY looks at: more than one, as some may have ended
)

// filter is what a walk over keys is for.
type filter struct {
	match    fsm.Glob
	all      bool // match everything
	typeName string
}

func newFilter(pattern []byte) (filter, error) {
	if len(pattern) > maxPattern {
		return filter{}, replyError(fmt.Sprintf("ERR pattern is longer than %d bytes", maxPattern))
	}
	own := append([]byte(nil), pattern...) // it outlives the command's arguments
	return filter{match: fsm.Glob{Pattern: own}, all: string(pattern) == "*"}, nil
}

func (f *filter) passes(kind fsm.Value, key []byte) bool {
	return (f.typeName == "" || f.typeName == typeName(fsm.ValueKind(kind.Int))) && (f.all || f.match.Matches(key))
}

// each visits the keys of a page, which is what a Scan answers, and returns the next cursor.
func (f *filter) each(page fsm.Value, visit func(key []byte)) (next int64) {
	all := page.List()
	cursor, _ := all.Next()
	for {
		kind, ok := all.Next()
		key, ok2 := all.Next()
		if !ok || !ok2 {
			return cursor.Int
		}
		if f.passes(kind, key.Text) {
			visit(key.Text)
		}
	}
}

func scanOp(cursor, count int64) fsm.Op {
	return fsm.Op{Kind: fsm.Scan, Amount: cursor, Value: fsm.IntValue(count)}
}

// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
func parseScan(_ *command, args [][]byte, to *call) error {
	cursor, err := parseCursor(args[1])
	if err != nil {
		return err
	}
	pattern, count, of := []byte("*"), int64(defaultCount), ""
	for rest := args[2:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			return errSyntax
		}
		switch {
		case is(rest[0], "MATCH"):
			pattern = rest[1]
		case is(rest[0], "TYPE"):
			var lower [maxName]byte
			if of = string(lowered(lower[:0], rest[1])); of == "" {
				of = "no such type"
			}
		case is(rest[0], "COUNT"):
			var ok bool
			if count, ok = fsm.ParseInt(rest[1]); !ok {
				return errNotInteger
			}
			if count < 1 {
				return errSyntax
			}
		default:
			return errSyntax
		}
	}
	f, err := newFilter(pattern)
	if err != nil {
		return err
	}
	f.typeName = of
	to.slow = !f.all
	to.ops = append(to.ops, scanOp(cursor, min(count, fsm.MaxScan)))
	to.render = func(w *writer, c *command, _ int, a *answers) { f.reply(w, c, a) }
	return nil
}

// parseCursor reads a cursor as Redis does, with C's strtoul: up to a zero byte, with a sign or without, nothing is 0. Those that
// SCAN never gives stand behind the last key.
func parseCursor(arg []byte) (int64, error) {
	text, _, _ := strings.Cut(string(arg), "\x00")
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimPrefix(text, "-")
	minus := digits != text
	if !minus {
		digits = strings.TrimPrefix(text, "+")
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, replyError("ERR invalid cursor")
	}
	if minus {
		n = -n
	}
	return int64(min(n, uint64(cursorSpace))), nil
}

func (f *filter) reply(w *writer, c *command, a *answers) {
	r := a.next()
	if r.Code != fsm.OK {
		w.Error(refusal(c, r))
		return
	}
	var met [][]byte
	next := f.each(r.Value, func(key []byte) { met = append(met, key) })
	w.Array(2)
	w.BulkString(strconv.FormatInt(next, 10))
	w.Array(len(met))
	for _, key := range met {
		w.Bulk(key)
	}
}

// RANDOMKEY: the first key behind a random place in the table's order. Keys behind a gap are met more often.
func parseRandomKey(_ *command, _ [][]byte, to *call) error {
	to.ops = append(to.ops, scanOp(rand.Int64N(cursorSpace), randomCount), scanOp(0, randomCount))
	to.render = func(w *writer, c *command, ops int, a *answers) {
		f := filter{all: true}
		var key []byte
		for range ops {
			r := a.next()
			if r.Code != fsm.OK {
				w.Error(refusal(c, r))
				return
			}
			f.each(r.Value, func(met []byte) {
				if key == nil {
					key = met
				}
			})
		}
		if key == nil {
			w.Null()
			return
		}
		w.Bulk(key)
	}
	return nil
}

// keysWalk is KEYS on its way.
type keysWalk struct {
	filter
	replies writer // the keys so far, encoded
	count   int
}

// KEYS pattern
func keys(s *session, w *writer, args [][]byte) {
	f, err := newFilter(args[1])
	if err != nil {
		w.Error(err.Error())
		return
	}
	s.begin(&keysWalk{filter: f})
}

func (k *keysWalk) op(cursor int64) fsm.Op { return scanOp(cursor, fsm.MaxScan) }

func (k *keysWalk) page(r *fsm.Request) (next int64) {
	a := answers{rest: r.Results}
	next = k.each(a.next().Value, func(key []byte) {
		k.replies.Bulk(key)
		k.count++
	})
	if len(k.replies.buf) > maxKeysReply {
		return 0
	}
	return next
}

func (k *keysWalk) tell(w *writer, err error) {
	switch {
	case err != nil:
		text, _ := failure(err)
		w.Error(text)
	case len(k.replies.buf) > maxKeysReply:
		w.Error(fmt.Sprintf("ERR the keys that match take more than %d MiB; use SCAN", maxKeysReply>>20))
	default:
		w.Array(k.count)
		w.raw(k.replies.buf)
	}
}

func (k *keysWalk) holds() int { return cap(k.replies.buf) }
