package resp

import (
	"strconv"

	"github.com/truecount/truecount/fsm"
)

var connectionCommands = []command{
	{name: "ping", arity: -1, flags: "fast", local: ping, listening: true,
		syntax: "[message]", summary: "Answers PONG, or the message.", reply: "simple string PONG, or bulk string: the message"},
	{name: "echo", arity: 2, flags: "fast", local: echo,
		syntax: "message", summary: "Answers the message.", reply: "bulk string: the message"},
	{name: "select", arity: 2, flags: "fast", local: selectDB,
		syntax: "index", summary: "Does nothing for 0, the one database there is.", reply: "OK", errors: "`ERR DB index is out of range`."},
	{name: "auth", arity: -2, flags: "noscript loading stale fast no_auth allow_busy", local: auth, stale: true, early: true,
		syntax: "[username] password", summary: "Logs in; the one user is default.", reply: "OK",
		errors: "`WRONGPASS …` if it is not the password; `ERR AUTH <password> called without any password configured …`."},
	{name: "hello", arity: -1, flags: "noscript loading stale fast no_auth allow_busy", local: hello, barrier: true, stale: true, early: true,
		syntax:  "[protover [AUTH username password] [SETNAME clientname]]",
		summary: "Chooses the protocol and tells what this server is.", reply: "map: server, version, proto, id, mode, role, modules",
		errors: "`NOPROTO unsupported protocol version`; `WRONGPASS …`, `NOAUTH …`."},
	{name: "reset", arity: 1, flags: "noscript loading stale fast no_auth allow_busy", local: reset, barrier: true, atOnce: true, stale: true, early: true, listening: true,
		summary: "Makes the connection as if it were new: protocol 2, no name, no subscriptions, consistency STRONG, no transaction; where there is a password, not logged in.",
		reply:   "simple string RESET"},
	{name: "quit", arity: -1, flags: "noscript loading stale fast no_auth allow_busy", local: quit, barrier: true, atOnce: true, always: true, stale: true, early: true, listening: true,
		summary: "Closes the connection when all replies are sent.", reply: "OK, then the connection is closed"},
}

// PING [message]; a subscriber of protocol 2 is answered in the shape of a message, as all it gets.
func ping(s *session, w *writer, args [][]byte) {
	switch {
	case len(args) > 2:
		w.Error(string(wrongArity("ping")))
	case s.listens():
		w.Array(2)
		w.BulkString("pong")
		if len(args) == 1 {
			w.BulkString("")
			return
		}
		w.Bulk(args[1])
	case len(args) == 1:
		w.Simple("PONG")
	default:
		w.Bulk(args[1])
	}
}

// ECHO message
func echo(_ *session, w *writer, args [][]byte) { w.Bulk(args[1]) }

// TIME is this node's wall clock, not machine time: seconds, and microseconds of the second.
func tellTime(s *session, w *writer, _ [][]byte) {
	now := s.door.now()
	w.Array(2)
	w.BulkString(strconv.FormatInt(now.Unix(), 10))
	w.BulkString(strconv.Itoa(now.Nanosecond() / 1000))
}

// SELECT index: there is one database, 0.
func selectDB(_ *session, w *writer, args [][]byte) {
	if err := checkDB(args[1]); err != nil {
		w.Error(err.Error())
		return
	}
	w.OK()
}

func checkDB(index []byte) error {
	n, ok := fsm.ParseInt(index)
	switch {
	case !ok:
		return errNotInteger
	case n != int64(int32(n)):
		return replyError("ERR value is out of range, value must between -2147483648 and 2147483647")
	case n != 0:
		return replyError("ERR DB index is out of range")
	}
	return nil
}
