package demo

import (
	"sync"
	"time"
)

// ledger is a tally and a pulse that the writers share.
type ledger struct {
	began time.Time

	mu    sync.Mutex
	tally tally
	pulse pulse
	lost  []loss // the latest unanswered increments
	no    string // the latest refusal, if nothing was acknowledged since
}

// loss is an increment that got no answer: when, and from which node.
type loss struct {
	at   time.Duration
	node string
}

const maxLosses = 64 // remembered, to say where they were

func newLedger() *ledger { return &ledger{began: time.Now()} }

// now is the time of the pulse.
func (l *ledger) now() time.Duration { return time.Since(l.began) }

func (l *ledger) send() (after int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally.send()
}

// ack notes an answer for a client that has waited since a moment.
func (l *ledger) ack(after, value int64, since time.Duration) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.ack(after, value)
	l.no = ""
	l.pulse.add(now, now-since)
}

func (l *ledger) fail(after int64, node string) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.fail(after)
	if len(l.lost) == maxLosses {
		l.lost = append(l.lost[:0], l.lost[1:]...)
	}
	l.lost = append(l.lost, loss{now, node})
}

func (l *ledger) drop(after int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.drop(after)
}

func (l *ledger) refuse(after int64, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally.refuse(after)
	l.no = why
}

// snapshot is the tally as it is now.
func (l *ledger) snapshot() *tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally.clone()
}

// look lets see read the pulse as of now.
func (l *ledger) look(see func(p *pulse, now time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.pulse.turn(now)
	see(&l.pulse, now)
}

// lossesSince are the nodes that owed an answer, from one moment on.
func (l *ledger) lossesSince(from time.Duration) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var nodes []string
	for _, loss := range l.lost {
		if loss.at >= from {
			nodes = append(nodes, loss.node)
		}
	}
	return nodes
}

// waiting says what is heard instead of acknowledgements.
func (l *ledger) waiting() *Waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &Waiting{Answer: l.no, Reachable: []string{}, Dead: []string{}}
	if w.Answer == "" {
		w.Answer = "the nodes do not answer"
	}
	return w
}

// sum puts into figures what comes from clients alone.
func (l *ledger) sum(f *Figures) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.Acknowledged, f.Unanswered, f.Refused = l.tally.acked, l.tally.unanswered, l.tally.refused
}

// acknowledged is how many increments were.
func (l *ledger) acknowledged() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally.acked
}
