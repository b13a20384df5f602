package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/go-hclog"
)

// newLogger writes lines, or JSON objects, from level on.
//
// hashicorp/raft says at level info what operators need not know, several lines at each election. So its loggers, named
// "raft" and "raft-…" wherever they hang, begin at warn unless everything is asked for.
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
		SubloggerHook: func(sub hclog.Logger) hclog.Logger {
			name := sub.Name()[strings.LastIndexByte(sub.Name(), '.')+1:]
			if strings.HasPrefix(name, "raft") && from == hclog.Info {
				sub.SetLevel(hclog.Warn)
			}
			return sub
		},
	}), nil
}
