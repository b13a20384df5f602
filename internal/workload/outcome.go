package workload

import (
	"errors"
	"strings"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/internal/history"
)

// sorted tells what an error of a command that was sent means: the family it belongs to, the Code of a Machine's no, and
// whether these clients, who know what they do, should ever see it.
func sorted(err error) (outcome history.Outcome, code string, explained bool) {
	var refusal redis.Error
	if !errors.As(err, &refusal) {
		return history.Unknown, "", true // no reply has come, and none will
	}
	switch word, _, _ := strings.Cut(string(refusal), " "); word {
	case "CLUSTERDOWN", "TRYAGAIN", "LOADING", "MISCONF":
		return history.NotApplied, "", true
	case "UNKNOWN":
		return history.Unknown, "", true
	case "NOSESSION", "ONCEDONE": // both may be about something that has happened, but no session here is old or full
		return history.Unknown, "", false
	case "STALEEPOCH":
		return history.Done, word, true
	case "EXECABORT": // no command here should be refused when it is queued
		return history.NotApplied, "", false
	default:
		return history.Done, word, false
	}
}
