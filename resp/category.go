package resp

import (
	"slices"
	"strings"
)

// aclCategories are Redis's, in its order.
var aclCategories = []string{"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
	"stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting"}

// groupCategories are the categories that follow from a family's group.
var groupCategories = map[string]string{"generic": "keyspace", "string": "string", "connection": "connection", "pubsub": "pubsub",
	"transactions": "transaction", "scripting": "scripting"}

// Commands that belong to these categories although their flags don't say so (Redis's).
var (
	dangerous = []string{"flushall", "flushdb", "info", "keys", "lastsave", "role"}
	admins    = []string{"lastsave", "role"}
)

// categories are the command's, in Redis's order. They follow from its flags and its family.
func (c *command) categories() (list []string) {
	flags := strings.Fields(c.flags)
	has := func(flag string) bool { return slices.Contains(flags, flag) }
	mine := map[string]bool{
		"read": has("readonly") && c.parse != nil, "write": has("write"), "admin": has("admin") || slices.Contains(admins, c.name), "fast": c.fast, "slow": !c.fast,
		"dangerous": has("admin") || slices.Contains(dangerous, c.name), "pubsub": has("pubsub"), "blocking": has("blocking"),
		groupCategories[c.group]: true,
	}
	for _, category := range aclCategories {
		if mine[category] {
			list = append(list, category)
		}
	}
	return list
}

// is reports whether the command belongs to a category, in any case.
func (c *command) is(category []byte) bool {
	return slices.ContainsFunc(c.categories(), func(mine string) bool { return is(category, strings.ToUpper(mine)) })
}

// keyFlagsIn tell what a whole command does to the i-th of its keys.
func (c *command) keyFlagsIn(args [][]byte, i int) []string {
	switch {
	case c.name == "set" && slices.ContainsFunc(args[3:], func(arg []byte) bool { return is(arg, "GET") }):
		return []string{"RW", "access", "update"}
	case c.keys != twoKeys:
		return c.keyFlags()
	case i == 0 && c.name == "copy":
		return []string{"RO", "access"}
	case i == 0:
		return []string{"RW", "access", "delete"}
	case c.name == "renamenx":
		return []string{"OW", "insert"}
	}
	return []string{"OW", "update"}
}

// keyFlags tell what a command does to its keys, in Redis's words: the common case follows from its flags.
func (c *command) keyFlags() []string {
	switch c.name {
	case "del", "unlink":
		return []string{"RM", "delete"}
	case "getdel", "delex":
		return []string{"RW", "access", "delete"}
	case "set", "mset", "setex", "psetex":
		return []string{"OW", "update"}
	case "setnx", "msetnx":
		return []string{"OW", "insert"}
	case "append":
		return []string{"RW", "insert"}
	case "expire", "expireat", "pexpire", "pexpireat", "persist", "setrange":
		return []string{"RW", "update"}
	case "exists", "strlen", "touch", "type", "watch", "object|encoding", "object|refcount", "object|idletime", "object|freq", "memory|usage":
		return []string{"RO"}
	}
	if slices.Contains(strings.Fields(c.flags), "write") {
		return []string{"RW", "access", "update"}
	}
	return []string{"RO", "access"}
}
