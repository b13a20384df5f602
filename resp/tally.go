package resp

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What is counted of commands. It costs a turn two looks at the clock and a few additions: equal commands that were taken
// together and are answered together, as in a pipeline, are counted in one step.

// tally is what a Server has counted of one command, or subcommand.
type tally struct {
	nanos     atomic.Uint64             // from being taken to being rendered
	rejected  atomic.Uint64             // answered with an error unexecuted
	failed    atomic.Uint64             // executed, and answered with an error
	latency   atomic.Pointer[histogram] // of the executed, but for those
	untracked atomic.Uint64             // that were not wanted in it
}

// calls is how many were executed.
func (t *tally) calls() uint64 {
	n := t.untracked.Load()
	if h := t.latency.Load(); h != nil {
		n += h.total()
	}
	return n
}

func (t *tally) add(calls, failed int, each time.Duration, tracked bool) {
	t.nanos.Add(uint64(calls) * uint64(each))
	if failed > 0 {
		t.failed.Add(uint64(failed))
	}
	if !tracked {
		t.untracked.Add(uint64(calls))
		return
	}
	h := t.latency.Load()
	if h == nil {
		t.latency.CompareAndSwap(nil, &histogram{})
		h = t.latency.Load()
	}
	h.add(each, uint64(calls))
}

func (t *tally) used() bool { return t.calls() > 0 || t.rejected.Load() > 0 }

func (t *tally) reset() {
	t.untracked.Store(0)
	t.nanos.Store(0)
	t.rejected.Store(0)
	t.failed.Store(0)
	if h := t.latency.Load(); h != nil {
		h.reset()
	}
}

// maxErrorCodes bounds what a client can make a Server remember, if it finds a way to choose an error's first word.
const maxErrorCodes = 128

// errorTally counts error replies by their first word.
type errorTally struct {
	total  atomic.Uint64
	mu     sync.Mutex
	counts map[string]uint64
}

// add counts the error reply that begins encoded.
func (e *errorTally) add(encoded []byte) {
	e.total.Add(1)
	code, _, _ := bytes.Cut(encoded[1:min(len(encoded), 1+shownBytes)], []byte{' '})
	code, _, _ = bytes.Cut(code, []byte{'\r'})
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = map[string]uint64{}
	}
	if n, known := e.counts[string(code)]; known || len(e.counts) < maxErrorCodes {
		e.counts[string(code)] = n + 1
	}
}

// each calls f for every code, in the order of the alphabet.
func (e *errorTally) each(f func(code string, n uint64)) {
	e.mu.Lock()
	counts := maps.Clone(e.counts)
	e.mu.Unlock()
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		f(code, counts[code])
	}
}

func (e *errorTally) reset() {
	e.total.Store(0)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.counts = nil
}

// clock is the time of this turn, looked up when it is first asked for. It counts from the door's start.
func (s *session) clock() time.Duration {
	if s.now == 0 {
		s.now = s.door.clock()
	}
	return s.now
}

// tallyError counts an error reply if there is one in encoded, and returns how many there are: 1 or 0.
func (s *session) tallyError(encoded []byte) (failed int) {
	if len(encoded) == 0 || encoded[0] != '-' {
		return 0
	}
	s.door.errors.add(encoded)
	return 1
}

// tallySpot counts a command that was answered on the spot. Those that are not fast are worth a look at the clock.
func (s *session) tallySpot(c *command, args [][]byte, reply []byte, executed bool) {
	failed := s.tallyError(reply)
	if c == nil {
		return
	}
	if !executed {
		c.tally.rejected.Add(1)
		return
	}
	if s.sent != nil && s.sent.class == asking && len(reply) == 0 {
		s.sent.asked, s.sent.since = c, s.clock()
		return
	}
	since := s.clock()
	if !c.fast {
		s.now = s.door.clock()
	}
	each := s.now - since
	c.tally.add(1, failed, each, s.door.tracked())
	s.door.watchSpot(s, c, args, each)
}

// tallyQueued counts a command that EXEC has run. Its time is EXEC's.
func (s *session) tallyQueued(c *command, reply []byte) {
	c.tally.add(1, s.tallyError(reply), 0, false)
}

// tallySlots counts commands of a unit: those of u.slots[from:to], which are one command, taken at one moment.
func (s *session) tallySlots(u *unit, from, to, failed int) {
	if from == to || u.slots[from].command == nil { // of those on the spot it was done then
		return
	}
	first := &u.slots[from]
	each := s.clock() - first.since
	first.command.tally.add(to-from, failed, each, s.door.tracked())
	s.door.watchSlots(s, u, from, to, each)
}

// tallyAsked counts a command about the cluster that was answered now.
func (s *session) tallyAsked(u *unit, reply []byte) {
	failed := s.tallyError(reply)
	if u.asked != nil {
		u.asked.tally.add(1, failed, s.clock()-u.since, s.door.tracked())
	}
}

// tallyRefused counts the commands of a unit that has no Results. Surely not applied is rejected, and the rest has failed.
func (s *session) tallyRefused(u *unit, text string, repeatable bool) {
	encoded := []byte("-" + text)
	for i := range u.slots {
		c := u.slots[i].command
		if c == nil {
			continue
		}
		s.door.errors.add(encoded)
		if repeatable {
			c.tally.rejected.Add(1)
			continue
		}
		c.tally.add(1, 1, s.clock()-u.slots[i].since, s.door.tracked())
	}
}

// tallyLookups counts what reads have found since the last time.
func (s *session) tallyLookups() {
	if s.out.hits > 0 {
		s.door.hits.Add(uint64(s.out.hits))
	}
	if s.out.misses > 0 {
		s.door.misses.Add(uint64(s.out.misses))
	}
	s.out.hits, s.out.misses = 0, 0
}
