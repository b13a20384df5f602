package demo

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const (
	lookEvery = 10 * time.Millisecond // while something is going on
	calmEvery = 10                    // of these, when nothing is
)

// sight is what a node said of itself.
type sight struct {
	at       time.Time // when it was asked; zero: it does not answer
	role     fsm.Role
	leader   string // empty: it knows none
	term     uint64
	commit   uint64
	applied  uint64
	leadFrom time.Time // when it was first seen to lead in this term
}

// watch asks each node again and again what it is. INFO answers at once, also while there is no leader.
type watch struct {
	doors []door
	keen  atomic.Bool // something is going on

	mu     sync.Mutex
	sights []sight
}

func newWatch(doors []door) *watch { return &watch{doors: doors, sights: make([]sight, len(doors))} }

// run watches one node until ctx ends. One that is gone is tried as often as one that answers: when it is started again,
// something is going on.
func (w *watch) run(ctx context.Context, i int) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var l *link
	defer func() {
		if l != nil {
			l.close()
		}
	}()
	for n := 0; ; n++ {
		if w.keen.Load() || n%calmEvery == 0 {
			had := l != nil
			if l = w.look(ctx, i, l); had && l == nil {
				n = -1 // a link that has broken is replaced at the next tick
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look asks once, and returns the link for the next time.
func (w *watch) look(ctx context.Context, i int, l *link) *link {
	if l == nil {
		var err error
		if l, err = dial(ctx, w.doors[i].addr); err != nil {
			w.see(i, sight{})
			return nil
		}
	}
	asked := time.Now()
	text, err := redis.String(l.ask(ctx, "INFO", "truecount"))
	if err != nil {
		l.close()
		w.see(i, sight{})
		return nil
	}
	w.see(i, readSight(asked, text))
	return l
}

func (w *watch) see(i int, s sight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old := w.sights[i]; s.role == fsm.Leader {
		s.leadFrom = s.at
		if old.role == fsm.Leader && old.term == s.term {
			s.leadFrom = old.leadFrom
		}
	}
	w.sights[i] = s
}

// latest is what each node said last.
func (w *watch) latest() []sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]sight(nil), w.sights...)
}

// leading is the index of the node that leads, -1 if none does: of two that say so, the one in the higher term.
func leading(sights []sight) int {
	best := -1
	for i, s := range sights {
		if s.role == fsm.Leader && (best < 0 || s.term > sights[best].term) {
			best = i
		}
	}
	return best
}

// readSight reads the section Truecount of INFO.
func readSight(at time.Time, info string) sight {
	s := sight{at: at}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		number, _ := strconv.ParseUint(value, 10, 64)
		switch name {
		case "raft_role":
			s.role = fsm.Role(value)
		case "leader":
			s.leader = value
		case "term":
			s.term = number
		case "commit_index":
			s.commit = number
		case "applied_index":
			s.applied = number
		}
	}
	return s
}
