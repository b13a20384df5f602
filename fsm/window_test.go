package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestTheWindowIsTheLargestSequenceAndThe255BelowIt(t *testing.T) {
	m := sessionMachine(t)
	next := 0
	fresh := func(sequence uint64) {
		t.Helper()
		next++
		wantAnswer(t, fmt.Sprint(sequence), m.mustOnce(t, sequence, incrOp("k")), fmt.Sprint(next))
		checkMachine(t, m)
	}
	known := func(sequence uint64, answer string) {
		t.Helper()
		wantAnswer(t, fmt.Sprint(sequence), m.mustOnce(t, sequence, incrOp("k")), answer)
	}
	fresh(300) // top
	known(300-256, "no-session")
	known(1, "no-session")
	fresh(300 - 255) // the last that is in it
	known(300-255, "2")
	fresh(301) // pushes that one out
	known(300-255, "no-session")
	fresh(301 - 255)
	known(300, "1")
	fresh(300 + 255)
	known(301, "3")
	known(300, "1") // 555-255
	fresh(300 + 256)
	known(300, "no-session")
	known(301, "3")
	fresh(1<<64 - 1) // all others are out
	known(556, "no-session")
	known(1<<64-256, fmt.Sprint(next+1))
	known(1<<64-257, "no-session")
}

func TestTheOldestAnswersAreDisplaced(t *testing.T) {
	m := sessionMachine(t)
	swaps := func(n int) (ops []Op) {
		for i := range n {
			ops = append(ops, swapOp(fmt.Sprint("key", i), MaxText))
		}
		return ops
	}
	m.mustDo(t, swaps(SessionBytes/MaxText)...)
	some := swaps(SessionBytes / MaxText / 4) // four times that, and the lengths, are too much
	first := m.mustOnce(t, 7, some...)
	for sequence := uint64(2); sequence <= 6; sequence++ {
		m.mustOnce(t, sequence, some...)
		checkMachine(t, m)
	}
	done := strings.TrimSpace(strings.Repeat("once-done ", len(some)))
	for sequence, want := range []string{2: done, 3: done, 4: done, 5: first, 6: first, 7: first} {
		if want != "" {
			wantAnswer(t, fmt.Sprint(sequence), m.mustOnce(t, uint64(sequence), some...), want)
		}
	}

	// What is more than all of it is displaced at once, and the others stay.
	many := swaps(SessionBytes / MaxText)
	m.mustOnce(t, 8, many...)
	wantAnswer(t, "a large one", m.mustOnce(t, 8, many...), strings.TrimSpace(strings.Repeat("once-done ", len(many))))
	wantAnswer(t, "the one before", m.mustOnce(t, 7, some...), first)
	wantAnswer(t, "a small one", m.mustOnce(t, 9, incrOp("k")), "1")
	wantAnswer(t, "the oldest", m.mustOnce(t, 5, some...), first)
	checkMachine(t, m)
}

func TestSessionsThatMakeNoSenseAreRefused(t *testing.T) {
	block := func(id string, change func(s *session)) []byte {
		s := &session{length: 1000, deadline: 2000, top: 300, places: []place{{45, 1, "\x00"}, {300, 2, ""}}}
		change(s)
		return s.append(nil, sessionID(id))
	}
	ann, bob := block("ann", func(*session) {}), block("bob", func(*session) {})
	one := func(change func(s *session)) [][]byte { return [][]byte{block("ann", change)} }
	for what, test := range map[string]struct {
		blocks [][]byte
		total  int
		ok     bool
	}{
		"two":                      {[][]byte{ann, bob}, 2, true},
		"one that did nothing":     {one(func(s *session) { s.top, s.places = 0, nil }), 1, true},
		"one missing":              {[][]byte{ann}, 2, false},
		"one too many":             {[][]byte{ann, bob}, 1, false},
		"the same twice":           {[][]byte{ann, ann}, 2, false},
		"another order":            {[][]byte{bob, ann}, 2, false},
		"none":                     {[][]byte{block("", func(*session) {})}, 1, false},
		"half an id":               {[][]byte{ann[:8]}, 1, false},
		"half a place":             {[][]byte{ann[:len(ann)-3]}, 1, false},
		"too short":                {one(func(s *session) { s.length = 999 }), 1, false},
		"too long":                 {one(func(s *session) { s.length = 86_400_001 }), 1, false},
		"no deadline":              {one(func(s *session) { s.deadline = 0 }), 1, false},
		"a deadline in between":    {one(func(s *session) { s.deadline = 2001 }), 1, false},
		"one below the window":     {one(func(s *session) { s.places[0].sequence = 44 }), 1, false},
		"one above the largest":    {one(func(s *session) { s.places[0].sequence = 301 }), 1, false},
		"another order of places":  {one(func(s *session) { slices.Reverse(s.places) }), 1, false},
		"the largest missing":      {one(func(s *session) { s.places = s.places[:1] }), 1, false},
		"a largest and none done":  {one(func(s *session) { s.places = nil }), 1, false},
		"done without a largest":   {one(func(s *session) { s.top = 0 }), 1, false},
		"what is no Result":        {one(func(s *session) { s.places[0].results = "\xff" }), 1, false},
		"more than is remembered":  {one(func(s *session) { s.places[0].results = strings.Repeat("\x00", SessionBytes+1) }), 1, false},
		"as much as is remembered": {one(func(s *session) { s.places[0].results = strings.Repeat("\x00", SessionBytes) }), 1, true},
	} {
		image := appendBlock([]byte(imageMagic), blockHead, New().head().append(nil))
		for _, b := range test.blocks {
			image = appendBlock(image, blockSession, b)
		}
		image = appendBlock(image, blockEnd, totals{sessions: test.total}.append(nil))
		m, err := Restore(bytes.NewReader(image))
		if (err == nil) != test.ok || err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil {
			checkMachine(t, m)
		}
	}
}

// Any body of a session's block: refused, or a session that stands and is written as the same.
func FuzzRestoreOfASession(f *testing.F) {
	m := sessionMachine(f)
	for i := range uint64(5) {
		m.mustOnce(f, 3*i+1, incrOp("k"), swapOp("w", 10))
	}
	m.sessions.seats.Scan(func(held seat) bool {
		f.Add(held.session.append(nil, held.id))
		return true
	})
	f.Add(binary.AppendUvarint(make([]byte, 16), 1000))
	f.Fuzz(func(t *testing.T, body []byte) {
		d := decoder{rest: body}
		id, s := d.session()
		if d.failed {
			return
		}
		if err := s.error(0); err != nil {
			t.Fatal(err)
		}
		again := decoder{rest: s.append(nil, id)}
		other, copied := again.session()
		if again.failed || other != id || fmt.Sprint(*copied) != fmt.Sprint(*s) {
			t.Fatalf("%+v becomes %+v", s, copied)
		}
	})
}
