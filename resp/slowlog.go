package resp

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/fsm"
)

var slowlogCommands = []command{
	{name: "slowlog", arity: -2, summary: "A container for commands about slow commands.", subs: []command{
		{name: "slowlog|get", arity: -2, flags: "admin loading stale", syntax: "[count]", local: slowlogGet, barrier: true, queues: true, stale: true,
			summary: "Returns the newest slow commands: 10 of them, or count; -1 for all.",
			reply:   "array: for each its id, when it was answered (seconds since 1970), microseconds from being taken to that, its name and keys (or its arguments), the client's address, the client's name",
			cost:    "O(N), N entries"},
		{name: "slowlog|len", arity: 2, flags: "admin loading stale", local: slowlogLen, barrier: true, queues: true, stale: true,
			summary: "Tells how many slow commands are remembered.", reply: "integer"},
		{name: "slowlog|reset", arity: 2, flags: "admin loading stale", local: slowlogReset, barrier: true, queues: true, stale: true,
			summary: "Forgets the slow commands.", reply: "OK"},
		{name: "slowlog|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
}

const (
	defaultSlowMicros = 10_000
	defaultSlowLength = 128
	defaultSlowShown  = 10
)

type slowEntry struct {
	id, at, micros int64 // at: seconds since 1970
	args           []string
	addr, name     string // of the client
}

// slowlog remembers commands that took long.
type slowlog struct {
	micros atomic.Int64 // which is long; negative: nothing is remembered
	length atomic.Int64 // entries that are kept

	mu      sync.Mutex
	nextID  int64
	entries []slowEntry // the oldest first
}

func (l *slowlog) notes(d time.Duration) bool {
	micros := l.micros.Load()
	return micros >= 0 && d.Microseconds() >= micros && l.length.Load() > 0
}

// add remembers an entry. Ids are its business.
func (l *slowlog) add(e slowEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.id = l.nextID
	l.nextID++
	l.entries = append(l.entries, e)
	if over := len(l.entries) - int(l.length.Load()); over > 0 {
		clear(l.entries[:over])
		l.entries = l.entries[over:]
	}
}

// skip counts entries that would be pushed out at once by those that come behind them.
func (l *slowlog) skip(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextID += int64(n)
}

// newest are up to n entries, the newest first.
func (l *slowlog) newest(n int) []slowEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, len(l.entries))
	newest := make([]slowEntry, n)
	for i := range newest {
		newest[i] = l.entries[len(l.entries)-1-i]
	}
	return newest
}

func (l *slowlog) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

func (l *slowlog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = nil
}

func (s *session) slowEntry(each time.Duration, args []string) slowEntry {
	return slowEntry{at: s.door.now().Unix(), micros: each.Microseconds(), args: args, addr: s.address, name: s.name}
}

// noteSpot remembers a command whose arguments are still there.
func (s *session) noteSpot(c *command, args [][]byte, each time.Duration) {
	shown := slowArgs{left: len(args)}
	for _, arg := range redacted(c, args) {
		if !shown.add(arg) {
			break
		}
	}
	s.door.slowlog.add(s.slowEntry(each, shown.args))
}

// noteSlots remembers commands that went to the cluster. Their arguments are gone; their keys stand in the request.
func (s *session) noteSlots(u *unit, from, to int, each time.Duration) {
	if over := to - from - int(s.door.slowlog.length.Load()); over > 0 {
		s.door.slowlog.skip(over)
		from += over
	}
	for _, slot := range u.slots[from:to] {
		group := u.request.Groups[slot.from:slot.to]
		words := append(onceWords(fsm.OnceOf(group)), strings.Split(slot.command.name, "|")...)
		shown := slowArgs{left: len(words) + slot.ops}
		for _, word := range words {
			shown.add([]byte(word))
		}
		fsm.Keys(group, shown.add)
		s.door.slowlog.add(s.slowEntry(each, shown.args))
	}
}

// slowArgs collects arguments, cut off as in Redis.
type slowArgs struct {
	args []string
	left int // arguments that are still to come
}

// add reports whether more are wanted.
func (a *slowArgs) add(arg []byte) bool {
	if len(a.args) == maxSlowArgs-1 && a.left > 1 {
		a.args = append(a.args, fmt.Sprintf("... (%d more arguments)", a.left))
		return false
	}
	a.left--
	text := string(arg[:min(len(arg), maxSlowArg)])
	if over := len(arg) - maxSlowArg; over > 0 {
		text += fmt.Sprintf("... (%d more bytes)", over)
	}
	a.args = append(a.args, text)
	return len(a.args) < maxSlowArgs
}

// SLOWLOG GET [count]
func slowlogGet(s *session, w *writer, args [][]byte) {
	count := int64(defaultSlowShown)
	if len(args) > 3 {
		w.Error("ERR unknown subcommand or wrong number of arguments for '" + shown(args[1], shownBytes) + "'. Try SLOWLOG HELP.")
		return
	}
	if len(args) == 3 {
		n, ok := fsm.ParseInt(args[2])
		if !ok || n < -1 {
			w.Error("ERR count should be greater than or equal to -1")
			return
		}
		count = n
	}
	if count < 0 {
		count = maxSlowLength
	}
	entries := s.door.slowlog.newest(int(min(count, maxSlowLength)))
	w.Array(len(entries))
	for i := range entries {
		e := &entries[i]
		w.Array(6)
		w.Int(e.id)
		w.Int(e.at)
		w.Int(e.micros)
		w.Array(len(e.args))
		for _, arg := range e.args {
			w.BulkString(arg)
		}
		w.BulkString(e.addr)
		w.BulkString(e.name)
	}
}

// SLOWLOG LEN
func slowlogLen(s *session, w *writer, _ [][]byte) { w.Int(int64(s.door.slowlog.len())) }

// SLOWLOG RESET
func slowlogReset(s *session, w *writer, _ [][]byte) {
	s.door.slowlog.reset()
	w.OK()
}
