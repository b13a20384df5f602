package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/go-hclog"
)

// perAttempt is what hashicorp/raft v1.7.3 says of each attempt, dozens of times in the second after a member has died
// and for ever while there is no majority. What operators need of it, it says once in other lines: "failed to contact",
// "starting election", "stepping down", "no image could be written".
var perAttempt = []string{
	"appendEntries rejected, sending older logs",
	"Election timeout reached, restarting election",
	"failed to appendEntries to",
	"failed to decode incoming command", // a peer's connection has ended in the middle of a message
	"failed to get previous log",
	"failed to heartbeat to",
	"failed to make requestVote RPC",
	"failed to pipeline appendEntries",
	"failed to start pipeline replication to",
	"failed to take snapshot",
	"peer has newer term, stopping replication", // each time leadership is handed over
	"rejecting pre-vote request since our last index is greater",
	"rejecting pre-vote request since our last term is greater",
	"rejecting pre-vote request since we have a leader",
	"rejecting vote request since our last index is greater",
	"rejecting vote request since our last term is greater",
	"rejecting vote request since we have a leader",
}

// newLogger writes lines, or JSON objects, from level on.
//
// At level info raft's loggers, named "raft" and "raft-…" wherever they hang, begin at warn, and its perAttempt lines are
// left out. Level debug has them all.
func newLogger(w io.Writer, level string, asJSON bool) (hclog.Logger, error) {
	from := hclog.LevelFromString(level)
	if from == hclog.NoLevel {
		return nil, fmt.Errorf("--log-level %q: give trace, debug, info, warn, error or off", level)
	}
	return hclog.New(&hclog.LoggerOptions{
		Name:              "truecount",
		Level:             from,
		Output:            w,
		JSONFormat:        asJSON,
		IndependentLevels: true,
		Exclude: func(_ hclog.Level, message string, _ ...any) bool {
			return from >= hclog.Info && slices.Contains(perAttempt, message)
		},
		SubloggerHook: func(sub hclog.Logger) hclog.Logger {
			name := sub.Name()[strings.LastIndexByte(sub.Name(), '.')+1:]
			if strings.HasPrefix(name, "raft") && from == hclog.Info {
				sub.SetLevel(hclog.Warn)
			}
			return sub
		},
	}), nil
}

// output is where a node logs to until it ends. Behind the line that says why it ended nothing comes, though goroutines of the
// libraries may speak still.
type output struct {
	mu    sync.Mutex
	w     io.Writer
	ended bool
}

// Write passes on what is said before the end.
func (o *output) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return len(line), nil
	}
	return o.w.Write(line)
}

func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended = true
}
