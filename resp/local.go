package resp

import (
	"bytes"
	"strconv"

	"github.com/truecount/truecount/fsm"
)

var connectionCommands = []command{
	{name: "ping", arity: -1, flags: "fast", local: ping,
		syntax: "[message]", summary: "Answers PONG, or the message.", reply: "simple string PONG, or bulk string: the message"},
	{name: "echo", arity: 2, flags: "fast", local: echo,
		syntax: "message", summary: "Answers the message.", reply: "bulk string: the message"},
	{name: "select", arity: 2, flags: "fast", local: selectDB,
		syntax: "index", summary: "Does nothing for 0, the one database there is.", reply: "OK"},
	{name: "hello", arity: -1, flags: "noscript fast no_auth", local: hello, barrier: true, stale: true,
		syntax:  "[protover [AUTH username password] [SETNAME clientname]]",
		summary: "Chooses the protocol and tells what this server is.", reply: "map: server, version, proto, id, mode, role, modules"},
	{name: "quit", arity: -1, flags: "noscript fast no_auth", local: quit, barrier: true, atOnce: true, always: true, stale: true,
		summary: "Closes the connection when all replies are sent.", reply: "OK, then the connection is closed"},
}

// PING [message]
func ping(_ *session, w *writer, args [][]byte) {
	switch len(args) {
	case 1:
		w.Simple("PONG")
	case 2:
		w.Bulk(args[1])
	default:
		w.Error(string(wrongArity("ping")))
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

// QUIT: what was pipelined behind it is not run.
func quit(s *session, w *writer, _ [][]byte) {
	w.OK()
	s.closing = true
}

// HELLO [2 [AUTH user password] [SETNAME name]]
func hello(s *session, w *writer, args [][]byte) {
	if len(args) > 1 {
		version, ok := fsm.ParseInt(args[1])
		if !ok {
			w.Error("ERR Protocol version is not an integer or out of range")
			return
		}
		if version != protocol2 {
			w.Error("NOPROTO unsupported protocol version")
			return
		}
		if err := s.introduce(args[2:]); err != nil {
			w.Error(err.Error())
			return
		}
	}
	w.Map(7)
	w.BulkString("server")
	w.BulkString("redis")
	w.BulkString("version")
	w.BulkString(claimedVersion)
	w.BulkString("proto")
	w.Int(int64(w.protocol))
	w.BulkString("id")
	w.Int(s.id)
	w.BulkString("mode")
	w.BulkString("standalone")
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("modules")
	w.Array(0)
}

// introduce takes HELLO's options: all of them or none.
func (s *session) introduce(options [][]byte) error {
	name := []byte(s.name)
	for rest := options; len(rest) > 0; {
		switch {
		case is(rest[0], "AUTH") && len(rest) > 2:
			// No password can be set yet: as in Redis without one, the default user may come with any.
			if string(rest[1]) != defaultUser {
				return replyError("WRONGPASS invalid username-password pair or user is disabled.")
			}
			rest = rest[3:]
		case is(rest[0], "SETNAME") && len(rest) > 1:
			name, rest = rest[1], rest[2:]
			if err := checkName(name); err != nil {
				return err
			}
		default:
			return replyError("ERR Syntax error in HELLO option '" + shown(rest[0], shownBytes) + "'")
		}
	}
	s.name = string(name)
	return nil
}

func checkName(name []byte) error {
	if bytes.ContainsFunc(name, func(r rune) bool { return r < '!' || r > '~' }) {
		return replyError("ERR Client names cannot contain spaces, newlines or special characters.")
	}
	return checkText(name)
}

// helpLines makes a container's HELP.
func helpLines(lines ...string) func(*session, *writer, [][]byte) {
	return func(_ *session, w *writer, _ [][]byte) {
		w.Array(len(lines))
		for _, line := range lines {
			w.Simple(line)
		}
	}
}
