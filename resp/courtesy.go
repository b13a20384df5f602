package resp

import (
	"encoding/hex"
	"strings"
)

// Commands about what we have none of. Tools and test harnesses send them as a matter of course, and "none" is the answer.
var courtesyCommands = []command{
	{name: "function", arity: -2, summary: "A container for commands about functions, of which there are none.", subs: []command{
		{name: "function|flush", arity: -2, flags: "write noscript", syntax: "[ASYNC | SYNC]", local: functionFlush, stale: true,
			summary: "Does nothing: there are no functions.", reply: "OK"},
		{name: "function|list", arity: -2, flags: "noscript", syntax: "[LIBRARYNAME pattern] [WITHCODE]", local: functionList, stale: true,
			summary: "Lists no functions.", reply: "array: empty"},
		{name: "function|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
	{name: "script", arity: -2, summary: "A container for commands about scripts, of which there are none.", subs: []command{
		{name: "script|exists", arity: -3, flags: "noscript", syntax: "sha1 [sha1 ...]", local: scriptExists, stale: true,
			summary: "Says 0 for each script.", reply: "array: 0 for each"},
		{name: "script|flush", arity: -2, flags: "noscript", syntax: "[ASYNC | SYNC]", local: scriptFlush, stale: true,
			summary: "Does nothing: there are no scripts.", reply: "OK"},
		{name: "script|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
	{name: "module", arity: -2, summary: "A container for commands about modules, of which there are none.", subs: []command{
		{name: "module|list", arity: 2, flags: "admin noscript", local: none, stale: true, summary: "Lists no modules.", reply: "array: empty"},
		{name: "module|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
	{name: "acl", arity: -2, summary: "A container for commands about users: there is one, default.", subs: []command{
		{name: "acl|cat", arity: -2, flags: "noscript loading stale", syntax: "[category]", local: aclCat, stale: true,
			summary: "Lists the categories of commands, or the commands of one.", reply: "array: names"},
		{name: "acl|list", arity: 2, flags: "admin noscript loading stale", local: aclList, stale: true,
			summary: "Lists the users and what they may.", reply: "array: a line for each"},
		{name: "acl|users", arity: 2, flags: "admin noscript loading stale", local: aclUsers, stale: true,
			summary: "Lists the users.", reply: "array: names"},
		{name: "acl|whoami", arity: 2, flags: "noscript loading stale", local: aclWhoAmI, stale: true,
			summary: "Tells the connection's user.", reply: "bulk string: default"},
		{name: "acl|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
}

// none answers an empty list.
func none(_ *session, w *writer, _ [][]byte) { w.Array(0) }

// flushNone is FLUSH [ASYNC | SYNC] of what there is none of.
func flushNone(w *writer, args [][]byte, mistake string) {
	if len(args) > 3 || len(args) == 3 && !is(args[2], "ASYNC") && !is(args[2], "SYNC") {
		w.Error(mistake)
		return
	}
	w.OK()
}

// FUNCTION FLUSH [ASYNC | SYNC]
func functionFlush(_ *session, w *writer, args [][]byte) {
	if len(args) > 3 {
		w.Error(string(wrongSubcommand(args)))
		return
	}
	flushNone(w, args, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
}

// FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE], each once
func functionList(s *session, w *writer, args [][]byte) {
	code, name := false, false
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		switch {
		case !code && is(rest[0], "WITHCODE"):
			code = true
		case !name && is(rest[0], "LIBRARYNAME") && len(rest) == 1:
			w.Error("ERR library name argument was not given")
			return
		case !name && is(rest[0], "LIBRARYNAME"):
			name, rest = true, rest[1:]
		default:
			w.Error("ERR Unknown argument " + shown(rest[0], len(rest[0])))
			return
		}
	}
	none(s, w, args)
}

// SCRIPT FLUSH [ASYNC | SYNC]
func scriptFlush(_ *session, w *writer, args [][]byte) {
	flushNone(w, args, "ERR SCRIPT FLUSH only support SYNC|ASYNC option")
}

// SCRIPT EXISTS sha1 …
func scriptExists(_ *session, w *writer, args [][]byte) {
	if err := tooManyNames(args[2:]); err != nil {
		w.Error(err.Error())
		return
	}
	w.Array(len(args) - 2)
	for range args[2:] {
		w.Int(0)
	}
}

// ACL CAT [category]
func aclCat(s *session, w *writer, args [][]byte) {
	switch len(args) {
	case 2:
		w.Array(len(aclCategories))
		for _, category := range aclCategories {
			w.BulkString(category)
		}
	case 3:
		known := false
		for _, category := range aclCategories {
			known = known || is(args[2], strings.ToUpper(category))
		}
		if !known {
			w.Error("ERR Unknown category '" + shown(args[2], shownBytes) + "'")
			return
		}
		listCommands(s, w, [][]byte{[]byte("command"), []byte("list"), []byte("FILTERBY"), []byte("ACLCAT"), args[2]})
	default:
		w.Error("ERR unknown subcommand or wrong number of arguments for '" + shown(args[1], shownBytes) + "'. Try ACL HELP.")
	}
}

// ACL LIST: the one user may do everything. Of its password the hash is told, as in Redis.
func aclList(s *session, w *writer, _ [][]byte) {
	secret := "nopass"
	if s.door.password != nil {
		secret = "#" + hex.EncodeToString(s.door.password)
	}
	w.Array(1)
	w.BulkString("user " + defaultUser + " on " + secret + " ~* &* +@all")
}

// ACL USERS
func aclUsers(_ *session, w *writer, _ [][]byte) {
	w.Array(1)
	w.BulkString(defaultUser)
}

// ACL WHOAMI
func aclWhoAmI(_ *session, w *writer, _ [][]byte) { w.BulkString(defaultUser) }
