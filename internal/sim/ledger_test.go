package sim

import (
	"errors"
	"fmt"
	"sync"

	"github.com/truecount/truecount/fsm"
)

// ledger notes what clients were told of groups, each of which leaves a mark of its own, and compares that with the marks.
type ledger struct {
	mu      sync.Mutex
	entries []entry
}

type entry struct {
	mark string
	told outcome
}

type outcome uint8

const (
	unknown outcome = iota // it may have happened, once
	applied                // it has happened, once
	never                  // refused, or aborted
)

// note notes what the client was told of the group that adds 1 to mark.
func (l *ledger) note(mark string, a Answer) {
	told := applied
	switch {
	case errors.Is(a.Err, fsm.ErrUnknown):
		told = unknown
	case a.Err != nil || a.aborted():
		told = never
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, entry{mark, told})
}

// check returns the marks that are there, and what is wrong with the first that should not be as it is.
func (l *ledger) check(r *troubled) (there map[string]bool, err error) {
	var marks []string
	for _, e := range l.entries {
		marks = append(marks, e.mark)
	}
	there = map[string]bool{}
	for i, v := range r.values(marks...) {
		e := l.entries[i]
		there[e.mark] = v.Int == 1
		switch {
		case v.Int > 1:
			return there, fmt.Errorf("%s happened %d times", e.mark, v.Int)
		case e.told == applied && v.Int == 0:
			return there, fmt.Errorf("%s was answered and has not happened", e.mark)
		case e.told == never && v.Int == 1:
			return there, fmt.Errorf("%s was refused and has happened", e.mark)
		}
	}
	return there, nil
}

// count is how many groups were told so.
func (l *ledger) count(told outcome) (n int) {
	for _, e := range l.entries {
		if e.told == told {
			n++
		}
	}
	return n
}
