package main

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// shiftedClock is a wall clock that is wrong by the milliseconds that stand in a file: a jump is a write to it. While there is no
// number in the file the clock is right. The monotonic clock is never touched.
func shiftedClock(file string) func() time.Time {
	return func() time.Time {
		now := time.Now()
		text, err := os.ReadFile(file)
		if err != nil {
			return now
		}
		millis, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			return now
		}
		return now.Add(time.Duration(millis) * time.Millisecond)
	}
}
