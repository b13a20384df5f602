package resp

import (
	"fmt"

	"github.com/truecount/truecount/fsm"
)

var clientCommands = []command{
	{name: "client", arity: -2, flags: "", summary: "A container for commands about connections.", subs: []command{
		{name: "client|caching", arity: 3, flags: "noscript loading stale", local: clientCaching,
			syntax: "YES | NO", summary: "Is refused: client-side caching is not supported.", reply: "error"},
		{name: "client|capa", arity: -3, flags: "noscript loading stale", local: clientCapa,
			syntax: "capability [capability ...]", summary: "Is told what a client can do, and uses none of it.", reply: "OK"},
		{name: "client|getname", arity: 2, flags: "noscript loading stale", local: clientGetName,
			summary: "Returns the name of this connection.", reply: "bulk string, or null: it has none"},
		{name: "client|getredir", arity: 2, flags: "noscript loading stale", local: clientGetRedir,
			summary: "Returns the connection that gets the messages of client-side caching.", reply: "integer: -1, there is none"},
		{name: "client|id", arity: 2, flags: "noscript loading stale", local: clientID,
			summary: "Returns the number of this connection, which no other has or had since the node started.", reply: "integer"},
		{name: "client|info", arity: 2, flags: "noscript loading stale", local: clientInfo, barrier: true,
			summary: "Describes this connection.", reply: "verbatim string: a line of CLIENT LIST"},
		{name: "client|kill", arity: -3, flags: "admin noscript loading stale", local: clientKill, barrier: true,
			syntax:  "ip:port | [ID client-id] [TYPE NORMAL | MASTER | REPLICA | PUBSUB] [USER username] [ADDR ip:port] [LADDR ip:port] [SKIPME YES | NO]",
			summary: "Closes connections of this node, all that fit.", reply: "OK, of the form with an address alone; else integer: how many", cost: "O(N), N connections"},
		{name: "client|list", arity: -2, flags: "admin noscript loading stale", local: clientList, barrier: true,
			syntax: "[TYPE NORMAL | MASTER | REPLICA | PUBSUB] [ID client-id [client-id ...]]", summary: "Describes the connections of this node.",
			reply: "verbatim string: a line for each", cost: "O(N), N connections"},
		{name: "client|no-evict", arity: 3, flags: "admin noscript loading stale", local: clientNoEvict,
			syntax: "ON | OFF", summary: "Is noted and changes nothing.", reply: "OK"},
		{name: "client|no-touch", arity: 3, flags: "noscript loading stale", local: clientNoTouch,
			syntax: "ON | OFF", summary: "Changes nothing: reading a key leaves no trace.", reply: "OK"},
		{name: "client|pause", arity: -3, flags: "admin noscript loading stale", local: clientPause,
			syntax: "timeout [WRITE | ALL]", summary: "Is refused: a node can't make the cluster wait.", reply: "error"},
		{name: "client|reply", arity: 3, flags: "noscript loading stale", local: clientReply, barrier: true,
			syntax: "ON | OFF | SKIP", summary: "Holds replies back: all from now on, or the next one.", reply: "OK to ON; the others have none"},
		{name: "client|setinfo", arity: 4, flags: "noscript loading stale", local: clientSetInfo,
			syntax: "LIB-NAME libname | LIB-VER libver", summary: "Tells which library a client uses, for CLIENT LIST.", reply: "OK"},
		{name: "client|setname", arity: 3, flags: "noscript loading stale", local: clientSetName,
			syntax: "connection-name", summary: "Names this connection, for CLIENT LIST.", reply: "OK"},
		{name: "client|tracking", arity: -3, flags: "noscript loading stale", local: clientTracking,
			syntax:  "ON | OFF [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
			summary: "Is refused, but for OFF: client-side caching is not supported.", reply: "OK to OFF, else an error"},
		{name: "client|trackinginfo", arity: 2, flags: "noscript loading stale", local: clientTrackingInfo,
			summary: "Tells that client-side caching is off.", reply: "map: flags, redirect, prefixes"},
		{name: "client|unblock", arity: -3, flags: "admin noscript loading stale", local: clientUnblock,
			syntax: "client-id [TIMEOUT | ERROR]", summary: "Does nothing: no command blocks.", reply: "integer: 0"},
		{name: "client|unpause", arity: 2, flags: "admin noscript loading stale", local: clientUnpause,
			summary: "Does nothing: no client is ever paused.", reply: "OK"},
		{name: "client|help", arity: 2, flags: "loading stale", local: help, summary: "Prints this help.", reply: "array: lines"},
	}},
}

// library is what a client says of the software that it uses.
type library struct{ name, version string }

const errNoCaching replyError = "ERR client-side caching is not supported: switch tracking (client-side caching) off in the client library"

// CLIENT SETNAME name; an empty one takes it away.
func clientSetName(s *session, w *writer, args [][]byte) {
	if err := checkName(args[2]); err != nil {
		w.Error(err.Error())
		return
	}
	s.name = string(args[2])
	w.OK()
}

// CLIENT GETNAME
func clientGetName(s *session, w *writer, _ [][]byte) {
	if s.name == "" {
		w.Null()
		return
	}
	w.BulkString(s.name)
}

// CLIENT ID
func clientID(s *session, w *writer, _ [][]byte) { w.Int(s.id) }

// CLIENT SETINFO LIB-NAME name | LIB-VER version
func clientSetInfo(s *session, w *writer, args [][]byte) {
	value := &s.lib.name
	switch {
	case is(args[2], "LIB-NAME"):
	case is(args[2], "LIB-VER"):
		value = &s.lib.version
	default:
		w.Error("ERR Unrecognized option '" + shown(args[2], shownBytes) + "'")
		return
	}
	switch {
	case hasSpecial(args[3]):
		w.Error("ERR " + string(args[2]) + " cannot contain spaces, newlines or special characters.")
	case len(args[3]) > maxLibrary:
		w.Error(fmt.Sprintf("ERR %s is longer than %d bytes", args[2], maxLibrary))
	default:
		*value = string(args[3])
		w.OK()
	}
}

// CLIENT NO-EVICT ON | OFF: who holds the most is cut off in any case when all together hold too much.
func clientNoEvict(s *session, w *writer, args [][]byte) {
	if clientNoTouch(s, w, args); is(args[2], "ON") || is(args[2], "OFF") {
		s.noEvict = is(args[2], "ON")
	}
}

// CLIENT NO-TOUCH ON | OFF
func clientNoTouch(_ *session, w *writer, args [][]byte) {
	if !is(args[2], "ON") && !is(args[2], "OFF") {
		w.Error(string(errSyntax))
		return
	}
	w.OK()
}

// CLIENT CAPA capability …
func clientCapa(_ *session, w *writer, _ [][]byte) { w.OK() }

// CLIENT GETREDIR
func clientGetRedir(_ *session, w *writer, _ [][]byte) { w.Int(-1) }

// CLIENT TRACKING: who was told OK would keep what it has read for ever.
func clientTracking(_ *session, w *writer, args [][]byte) {
	err := checkTracking(args[3:])
	switch {
	case err != nil:
		w.Error(err.Error())
	case is(args[2], "OFF"):
		w.OK()
	case is(args[2], "ON"):
		w.Error(string(errNoCaching))
	default:
		w.Error(string(errSyntax))
	}
}

// checkTracking reads the options of CLIENT TRACKING: what is wrong with them is told also to OFF.
func checkTracking(options [][]byte) error {
	for rest := options; len(rest) > 0; rest = rest[1:] {
		switch {
		case is(rest[0], "BCAST"), is(rest[0], "OPTIN"), is(rest[0], "OPTOUT"), is(rest[0], "NOLOOP"):
		case is(rest[0], "PREFIX") && len(rest) > 1:
			rest = rest[1:]
		case is(rest[0], "REDIRECT") && len(rest) > 1:
			if _, ok := fsm.ParseInt(rest[1]); !ok {
				return errNotInteger
			}
			rest = rest[1:]
		default:
			return errSyntax
		}
	}
	return nil
}

// CLIENT CACHING YES | NO
func clientCaching(_ *session, w *writer, _ [][]byte) { w.Error(string(errNoCaching)) }

// CLIENT TRACKINGINFO
func clientTrackingInfo(_ *session, w *writer, _ [][]byte) {
	w.Map(3)
	w.BulkString("flags")
	w.Set(1)
	w.BulkString("off")
	w.BulkString("redirect")
	w.Int(-1)
	w.BulkString("prefixes")
	w.Array(0)
}

// CLIENT PAUSE timeout [WRITE | ALL]
func clientPause(_ *session, w *writer, _ [][]byte) {
	w.Error("ERR CLIENT PAUSE is not supported: this node can't hold back what clients send to the others")
}

// CLIENT UNPAUSE
func clientUnpause(_ *session, w *writer, _ [][]byte) { w.OK() }

// CLIENT UNBLOCK id [TIMEOUT | ERROR]
func clientUnblock(_ *session, w *writer, args [][]byte) {
	_, ok := fsm.ParseInt(args[2])
	switch {
	case len(args) > 4:
		w.Error(string(wrongSubcommand(args)))
	case len(args) == 4 && !is(args[3], "TIMEOUT") && !is(args[3], "ERROR"):
		w.Error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	case !ok:
		w.Error(string(errNotInteger))
	default:
		w.Int(0)
	}
}
