package resp

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/truecount/truecount/fsm"
)

var configCommands = []command{
	{name: "config", arity: -2, summary: "A container for commands about settings.", subs: []command{
		{name: "config|get", arity: -3, flags: "admin noscript loading stale", syntax: "parameter [parameter ...]", summary: "Returns the settings that match.", reply: "map: names and values", local: configGet, stale: true},
		{name: "config|set", arity: -4, flags: "admin noscript loading stale", syntax: "parameter value [parameter value ...]", local: configSet, barrier: true, stale: true,
			summary: "Changes settings of this node until it ends, all of them or none.", reply: "OK",
			errors: "`ERR CONFIG SET failed …` for what only the configuration can set and for a bad value; `ERR Unknown option …`."},
		{name: "config|resetstat", arity: 2, flags: "admin noscript loading stale", local: configResetStat, barrier: true, queues: true, stale: true,
			summary: "Sets what INFO has counted to zero.", reply: "OK"},
		{name: "config|rewrite", arity: 2, flags: "admin noscript loading stale", local: configRewrite, stale: true,
			summary: "Is refused: a node does not write its configuration.", reply: "error"},
		{name: "config|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
}

// CONFIG GET pattern …; a pattern without special characters is a name, and is answered as it was written.
func configGet(s *session, w *writer, args [][]byte) {
	length := 0
	for _, pattern := range args[2:] {
		length += max(1, len(pattern))
	}
	if length > maxPatterns {
		w.Error(fmt.Sprintf("ERR the patterns are longer than %d bytes", maxPatterns))
		return
	}
	var matched []setting
	for _, known := range settings {
		for _, pattern := range args[2:] {
			if !bytes.ContainsAny(pattern, "*?[") && is(pattern, strings.ToUpper(known.name)) {
				known.name = string(pattern)
				matched = append(matched, known)
				break
			}
			if bytes.ContainsAny(pattern, "*?[") && (fsm.Glob{Pattern: pattern, Fold: true}).Matches([]byte(known.name)) {
				matched = append(matched, known)
				break
			}
		}
	}
	w.Map(len(matched))
	for _, m := range matched {
		w.BulkString(m.name)
		w.BulkString(m.get(s.door))
	}
}

// configChange is one pair of CONFIG SET.
type configChange struct {
	*setting
	text, before string
}

// CONFIG SET name value …: what was set is taken back if one behind it can't be.
func configSet(s *session, w *writer, args [][]byte) {
	d := s.door
	changes, err := parseConfigChanges(args[2:])
	if err != nil {
		w.Error(err.Error())
		return
	}
	d.setting.Lock()
	defer d.setting.Unlock()
	for i := range changes {
		c := &changes[i]
		c.before = c.get(d)
		if err := c.set(d, c.text); err != nil {
			for _, done := range changes[:i] {
				_ = done.set(d, done.before) // it was valid, so it is
			}
			w.Error(string(configFailed(c.name, err.Error())))
			return
		}
	}
	w.OK()
}

func configFailed(name, why string) replyError {
	return replyError("ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why)
}

// parseConfigChanges finds the settings of name and value pairs.
func parseConfigChanges(pairs [][]byte) (changes []configChange, err error) {
	if len(pairs)%2 != 0 {
		return nil, errSyntax
	}
	seen := map[*setting]bool{}
	for ; len(pairs) > 0; pairs = pairs[2:] {
		name := shown(pairs[0], shownBytes)
		known := findSetting(pairs[0])
		switch {
		case known == nil:
			return nil, replyError("ERR Unknown option or number of arguments for CONFIG SET - '" + name + "'")
		case known.refusal != "":
			return nil, configFailed(name, known.refusal)
		case known.set == nil:
			return nil, configFailed(name, "can't set immutable config")
		case seen[known]: // so there are no more pairs than settings
			return nil, configFailed(name, "duplicate parameter")
		}
		seen[known] = true
		changes = append(changes, configChange{setting: known, text: string(pairs[1])})
	}
	return changes, nil
}

// CONFIG RESETSTAT
func configResetStat(s *session, w *writer, _ [][]byte) {
	s.door.resetStats()
	w.OK()
}

// CONFIG REWRITE
func configRewrite(_ *session, w *writer, _ [][]byte) {
	w.Error("ERR a node does not write its configuration: what is to hold after a restart belongs on the command line of truecount serve, into TRUECOUNT_… variables, or into the file of --config")
}
