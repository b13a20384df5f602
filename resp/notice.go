package resp

import (
	"fmt"
	"sync"
	"time"
)

// noticeEvery is how often a notice is logged, at most.
const noticeEvery = time.Minute

// notice is a line for the operator that strangers can cause, as often as they like: it is logged when it happens first,
// and then once in noticeEvery, with the number of those that were left out. The zero value is ready.
type notice struct {
	mu   sync.Mutex
	last time.Time
	left int
}

// log writes the line, or counts it.
func (n *notice) log(logf func(string, ...any), format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if !n.last.IsZero() && now.Sub(n.last) < noticeEvery {
		n.left++
		return
	}
	line := fmt.Sprintf(format, args...)
	if n.left > 0 {
		line += fmt.Sprintf(" (and %d more like this since the last such line)", n.left)
	}
	n.last, n.left = now, 0
	logf("%s", line)
}
