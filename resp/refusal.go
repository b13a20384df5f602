package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/truecount/truecount/fsm"
)

// replyError is the text of an error reply, its code included: what a client made a mistake with. The texts are Redis's
// own wherever Redis knows the mistake.
type replyError string

func (e replyError) Error() string { return string(e) }

const (
	errSyntax     replyError = "ERR syntax error"
	errNotInteger replyError = "ERR value is not an integer or out of range"
	errMonitors   replyError = "ERR Replica can't interact with the keyspace" // Redis's words for a connection that monitors
)

func wrongArity(name string) replyError {
	return replyError("ERR wrong number of arguments for '" + name + "' command")
}

func badExpiry(c *command) replyError {
	return replyError("ERR invalid expire time in '" + c.name + "' command")
}

// outOfRoom begins with Redis's own words, which monitoring and client libraries look for, also where the limit is one that
// Redis does not have.
func outOfRoom(limit string, value int64) replyError {
	return replyError(fmt.Sprintf("OOM command not allowed when used memory > 'maxmemory': "+
		"it would go beyond the cluster's %s of %d; delete keys or raise it", limit, value))
}

// shownBytes is how much of what a client sent is repeated in an error. (Redis: 128.)
const shownBytes = 128

func unknownCommand(args [][]byte) replyError {
	var list strings.Builder
	for _, arg := range args[1:] {
		if list.Len() >= shownBytes {
			break
		}
		list.WriteString("'" + shown(arg, shownBytes-list.Len()) + "' ")
	}
	return replyError("ERR unknown command '" + shown(args[0], shownBytes) + "', with args beginning with: " + list.String())
}

func unknownSubcommand(container string, arg []byte) replyError {
	return replyError("ERR unknown subcommand '" + shown(arg, shownBytes) + "'. Try " + strings.ToUpper(container) + " HELP.")
}

// wrongSubcommand is for subcommands whose arguments are too many, where Redis tells it in these words.
func wrongSubcommand(args [][]byte) replyError {
	return replyError("ERR unknown subcommand or wrong number of arguments for '" + shown(args[1], shownBytes) +
		"'. Try " + strings.ToUpper(string(args[0])) + " HELP.")
}

// shown cuts text as C's %.*s does: at most n bytes, and none from the first zero byte on.
func shown(text []byte, n int) string {
	if i := bytes.IndexByte(text, 0); i >= 0 {
		text = text[:i]
	}
	return string(text[:min(n, len(text))])
}

// checkKey refuses what no key can be, without a round trip.
func checkKey(key []byte) error {
	if len(key) == 0 {
		return replyError(fmt.Sprintf("ERR key is empty (a key has 1 to %d bytes)", fsm.MaxKey))
	}
	if len(key) > fsm.MaxKey {
		return replyError(fmt.Sprintf("ERR key is longer than %d bytes", fsm.MaxKey))
	}
	return nil
}

func checkText(text []byte) error {
	if len(text) > fsm.MaxText {
		return replyError(fmt.Sprintf("ERR value is longer than %d bytes", fsm.MaxText))
	}
	return nil
}

// failure is the reply to every command of a request that has no Results. Client libraries repeat CLUSTERDOWN by
// themselves and repeat UNKNOWN and MISCONF, Redis's word for trouble with its disk, never: repeatable tells which one it is.
func failure(err error) (text string, repeatable bool) {
	if errors.Is(err, fsm.ErrNoSpace) {
		return "MISCONF " + err.Error(), false
	}
	if errors.Is(err, fsm.ErrNotApplied) {
		return "CLUSTERDOWN " + err.Error(), true
	}
	return "UNKNOWN " + err.Error(), false
}
