package fsm

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// mustOnce applies ops as the command sequence of the session ann, in a Batch of its own, and says what they answer.
func (m *Machine) mustOnce(t testing.TB, sequence uint64, ops ...Op) string {
	t.Helper()
	once := Once{Session: sessionID("ann"), Sequence: sequence, Hash: uint64(len(ops))}
	return answersOf(t, m.mustGroup(t, Number{"test", 1, m.index + 1}, once, ops...))
}

func (m *Machine) mustGroup(t testing.TB, n Number, once Once, ops ...Op) Results {
	t.Helper()
	data := AppendBatch(nil, n, len(ops), AppendGroupIf(nil, Terms{Once: once}, ops))
	return m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now, Batches: [][]byte{data}})[0].Results
}

func answersOf(t testing.TB, rs Results) string {
	t.Helper()
	var words []string
	for len(rs) > 0 {
		r, ok := rs.Next()
		if !ok {
			t.Fatalf("undecodable Results: %x", []byte(rs))
		}
		words = append(words, describeModel(r))
	}
	return strings.Join(words, " ")
}

func openOp(name string, length int64) Op {
	id := sessionID(name)
	return Op{Kind: OpenSession, Key: id[:], Amount: length}
}

func incrOp(key string) Op { return Op{Kind: Incr, Key: []byte(key), Amount: 1} }

// swapOp answers what the key held, which is size bytes after the first time.
func swapOp(key string, size int) Op {
	return Op{Kind: Set, Key: []byte(key), Value: Value{Kind: Text, Text: make([]byte, size)}, Flags: SetGet}
}

// sessionMachine has the session ann.
func sessionMachine(t testing.TB) *Machine {
	t.Helper()
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	m.mustDo(t, openOp("ann", 60_000))
	return m
}

// want compares the next answer of a command with what it should be.
func wantAnswer(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: answered %q, want %q", what, got, want)
	}
}

// Whatever may take a table away must not take this one: each is a client that is counted twice.
func TestWhatWasDoneOnceIsKnown(t *testing.T) {
	once := Once{Session: sessionID("ann"), Sequence: 1, Hash: 1}
	for what, meanwhile := range map[string]func(m *Machine) *Machine{
		"at once":     func(m *Machine) *Machine { return m },
		"in an image": func(m *Machine) *Machine { return throughImage(t, m.Freeze()) },
		"in an image of an image": func(m *Machine) *Machine {
			return throughImage(t, throughImage(t, m.Freeze()).Freeze())
		},
		"after a term's Opener": func(m *Machine) *Machine {
			m.mustApply(t, Entry{Kind: Opener, Stamp: m.now + 1, HashKey: [16]byte{9}})
			return m
		},
		"after FLUSHALL": func(m *Machine) *Machine {
			m.mustDo(t, Op{Kind: Flush}, Op{Kind: Incr, Key: []byte("k"), Amount: 1})
			return m
		},
		"after its origin was removed": func(m *Machine) *Machine {
			m.mustDo(t, RemoveOp("n1"))
			return m
		},
		"when there are as many sessions as may be": func(m *Machine) *Machine {
			m.mustDo(t, LimitOp(Limits{Sessions: 3}))
			for i := range 5 {
				m.mustDo(t, openOp(fmt.Sprint("s", i), 60_000))
			}
			return m
		},
		"when there may be fewer": func(m *Machine) *Machine {
			m.mustDo(t, openOp("bob", 60_000))
			m.mustDo(t, LimitOp(Limits{Sessions: 1}))
			return m
		},
		"after an hour without an Entry": func(m *Machine) *Machine {
			m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 3_600_000})
			return m
		},
	} {
		m := sessionMachine(t)
		m.mustGroup(t, Number{"n1", 3, 7}, once, incrOp("k"))
		m = meanwhile(m)
		checkMachine(t, m)
		for _, n := range []Number{{"n1", 3, 8}, {"n1", 4, 1}, {"n2", 1, 1}} { // resent by the node, by the node anew, by another
			wantAnswer(t, fmt.Sprintf("%s, from %v", what, n), answersOf(t, m.mustGroup(t, n, once, incrOp("k"))), "1")
		}
		wantAnswer(t, what+", the next", m.mustOnce(t, 2, incrOp("k")), "2")
	}
}

func TestARefusalMovesNothing(t *testing.T) {
	m := sessionMachine(t)
	m.mustOnce(t, 1, incrOp("k"))
	for range 3 {
		wantAnswer(t, "another command", m.mustOnce(t, 1, incrOp("k"), incrOp("k")), "once-mismatch once-mismatch")
	}
	wantAnswer(t, "the first", m.mustOnce(t, 1, incrOp("k")), "1")
	if open, hits, refused := m.SessionStats(); open != 1 || hits != 1 || refused != 3 {
		t.Errorf("%d sessions, %d hits, %d refused", open, hits, refused)
	}
	wantAnswer(t, "one that is open", answersOf(t, m.mustDo(t, openOp("ann", 5000))), "skipped")
	wantAnswer(t, "the first", m.mustOnce(t, 1, incrOp("k")), "1")
}

// One Op that its Batch's Results had no room for was surely not applied, and its client is told to come again.
func TestWhatWasNotAppliedIsNotRemembered(t *testing.T) {
	m := sessionMachine(t)
	m.mustDo(t, swapOp("big", MaxText))
	m.mustDo(t, swapOp("k", 1))
	var groups []byte
	for range MaxResults/MaxText + 1 {
		groups = AppendGroup(groups, []Op{swapOp("big", MaxText)})
	}
	ops := MaxResults/MaxText + 2
	group := AppendGroupIf(nil, Terms{Once: Once{sessionID("ann"), 1, 1}}, []Op{swapOp("k", 2)})
	data := AppendBatch(nil, Number{"test", 1, m.index + 1}, ops, groups, group)
	results := m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now, Batches: [][]byte{data}})[0].Results
	results.Take(ops - 1)
	wantAnswer(t, "behind too much", answersOf(t, results), "no-room")
	wantAnswer(t, "alone", m.mustOnce(t, 1, swapOp("k", 2)), "\x00")
	wantAnswer(t, "again", m.mustOnce(t, 1, swapOp("k", 2)), "\x00")
}

// Of several Ops the first may be a read that is told to come later; the others were done, and once is enough.
func TestAGroupWhoseReadsComeLaterIsRemembered(t *testing.T) {
	m := sessionMachine(t)
	m.mustDo(t, swapOp("big", MaxText))
	get := Op{Kind: Get, Key: []byte("big")}
	riders := slices.Repeat([]Op{get}, maxReads/MaxText+1)
	ops := append(slices.Repeat([]Op{get}, MaxWeight/MaxText+1), incrOp("n"))
	groups := append(AppendGroup(nil, riders), AppendGroupIf(nil, Terms{Once: Once{sessionID("ann"), 1, uint64(len(ops))}}, ops)...)
	data := AppendBatch(nil, Number{"test", 1, m.index + 1}, len(riders)+len(ops), groups)
	results := m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now, Batches: [][]byte{data}})[0].Results
	results.Take(len(riders))
	first := answersOf(t, results)
	if !strings.HasPrefix(first, "read-later") || !strings.HasSuffix(first, " 1") {
		t.Fatalf("answered %.100q", first)
	}
	wantAnswer(t, "again", m.mustOnce(t, 1, ops...), first)
	wantAnswer(t, "what was counted", answersOf(t, m.mustDo(t, incrOp("n"))), "2")
}

// No door makes two commands of one hash, but somebody may find some. What they answer must stay within a frame.
func TestRememberedAnswersNeverFillABatchBeyondItsBound(t *testing.T) {
	m := sessionMachine(t)
	long := slices.Repeat([]Op{swapOp("k", MaxText)}, 3)
	m.mustDo(t, long[0])
	m.mustOnce(t, 1, long...)
	short := AppendGroupIf(nil, Terms{Once: Once{sessionID("ann"), 1, 3}}, slices.Repeat([]Op{incrOp("n")}, 3))
	const times = 4000
	data := AppendBatch(nil, Number{"test", 1, m.index + 1}, 3*times, slices.Repeat([][]byte{short}, times)...)
	results := m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now, Batches: [][]byte{data}})[0].Results
	if len(results) > mostResults+3*3*times || len(results) < mostResults/2 {
		t.Errorf("%d bytes of Results", len(results))
	}
	wantAnswer(t, "what was counted", answersOf(t, m.mustDo(t, Op{Kind: Get, Key: []byte("n")})), "")
	checkMachine(t, m)
}

func TestAnEntryEndsABoundedNumberOfSessions(t *testing.T) {
	m := sessionMachine(t)
	const all = 2*maxEnded + 500
	for i := range all {
		m.mustDo(t, openOp(fmt.Sprint(i), 5000))
	}
	m.mustOnce(t, 1, incrOp("k"))
	for range 4 {
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 1000})
	}
	for _, want := range []uint64{all - maxEnded, all - 2*maxEnded, 0, 0} {
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 1000})
		checkMachine(t, m)
		if open, _, _ := m.SessionStats(); open != want+1 {
			t.Errorf("%d sessions are open, want %d and ann", open, want)
		}
	}
	wantAnswer(t, "ann, who has a minute", m.mustOnce(t, 1, incrOp("k")), "1")
}

// Without any, an image is what it was before there were some, byte for byte: recorded ones say so. A Machine that went through
// an image before its first session comes to the same lease clock as one that did not.
func TestTheLeaseClockBeginsWithTheFirstSession(t *testing.T) {
	plain := New()
	plain.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	plain.mustApply(t, Entry{Kind: Ordinary, Stamp: plain.now + 1200})
	restored := throughImage(t, plain.Freeze())
	for range 5 {
		for _, m := range []*Machine{plain, restored} {
			m.mustDo(t, openOp("ann", 60_000))
			m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 1200})
			m.mustDo(t, Op{Kind: CloseSession, Key: openOp("ann", 0).Key})
			m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 700})
		}
		if restored = throughImage(t, restored.Freeze()); restored.Digest() != plain.Digest() {
			t.Fatalf("lease clocks %+v, and %+v after images", plain.lease, restored.lease)
		}
	}
	if plain.lease.now != 5*1900 {
		t.Errorf("the lease clock shows %d", plain.lease.now)
	}
}

func sessionsError(m *Machine) error {
	var ends []ending
	var err error
	m.sessions.seats.Scan(func(held seat) bool {
		ends = append(ends, ending{held.session.deadline, held.id})
		if e := held.session.error(m.sessions.generation); e != nil {
			err = fmt.Errorf("session %x: %w", held.id, e)
		}
		return err == nil
	})
	slices.SortFunc(ends, func(a, b ending) int {
		if a.deadline != b.deadline {
			return int(a.deadline - b.deadline)
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	if err == nil && !slices.Equal(ends, m.sessions.ends.Items()) {
		err = fmt.Errorf("%d sessions, %d ends that are not theirs", len(ends), m.sessions.ends.Len())
	}
	return err
}

func (s *session) error(generation uint64) error {
	size := 0
	for i, p := range s.places {
		size += len(p.results)
		if p.sequence > s.top || s.top-p.sequence >= SessionWindow || i > 0 && s.places[i-1].sequence >= p.sequence {
			return fmt.Errorf("sequence %d at place %d, the largest is %d", p.sequence, i, s.top)
		}
	}
	switch {
	case size != s.size || size > SessionBytes:
		return fmt.Errorf("%d bytes remembered, counted as %d", size, s.size)
	case len(s.places) == 0 != (s.top == 0) || s.top > 0 && s.places[len(s.places)-1].sequence != s.top:
		return fmt.Errorf("the largest sequence is %d, of %d", s.top, len(s.places))
	case s.generation > generation:
		return fmt.Errorf("of generation %d, the sessions of %d", s.generation, generation)
	case s.deadline%sessionStep != 0:
		return fmt.Errorf("deadline %d", s.deadline)
	}
	return nil
}

// Commands go on while an image is written from another goroutine; run with -race.
func TestAnImageOfSessionsIsWrittenWhileTheyGoOn(t *testing.T) {
	m := New()
	busy := func() {
		for i := range uint64(300) {
			id := sessionID(string(rune('a' + i%50)))
			m.mustDo(t, Op{Kind: OpenSession, Key: id[:], Amount: 5000})
			m.mustGroup(t, Number{"test", 1, m.index + 1}, Once{id, m.index, i}, incrOp("k"), swapOp("t", int(i*10)))
		}
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 400})
	}
	busy()
	for round := range 20 {
		want := imageOf(t, m)
		image := m.Freeze()
		written := make(chan []byte)
		go func() {
			var out bytes.Buffer
			if _, err := image.WriteTo(&out); err != nil {
				t.Error(err)
			}
			written <- out.Bytes()
		}()
		busy()
		if !bytes.Equal(<-written, want) {
			t.Fatalf("round %d: the image is not of the moment of the freeze", round)
		}
		checkMachine(t, m)
	}
}

// The Machine's no is an answer like any other: what was refused once is not done when it is said again, though by now it could be.
func TestARefusalByTheMachineIsRememberedToo(t *testing.T) {
	m := sessionMachine(t)
	m.mustDo(t, Op{Kind: Set, Key: []byte("k"), Value: Value{Kind: Text, Text: []byte("text")}})
	wantAnswer(t, "while it holds a text", m.mustOnce(t, 1, incrOp("k")), "not-integer")
	m.mustDo(t, Op{Kind: Delete, Key: []byte("k")})
	wantAnswer(t, "again, when it is free", m.mustOnce(t, 1, incrOp("k")), "not-integer")
	wantAnswer(t, "another command", m.mustOnce(t, 2, incrOp("k")), "1")
}
