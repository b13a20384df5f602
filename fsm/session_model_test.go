package fsm

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sessionModel is what sessions remember as one would write it on a napkin, and a Machine that never hears of them: it does what
// is not remembered.
type sessionModel struct {
	clock    int64 // milliseconds since there was a session
	sessions map[SessionID]*modelSession
	bare     *Machine
}

type modelSession struct {
	length, deadline int64
	done             map[uint64]modelDone // by sequence
}

type modelDone struct {
	hash   uint64
	answer string // "": displaced
	size   int
}

func (m *sessionModel) advance(delta int64) {
	if m.clock > 0 || len(m.sessions) > 0 {
		m.clock += delta
	}
	maps.DeleteFunc(m.sessions, func(_ SessionID, s *modelSession) bool { return s.deadline <= m.clock })
}

func (m *sessionModel) renew(s *modelSession) {
	s.deadline = m.clock + s.length
	for s.deadline%1000 != 0 {
		s.deadline++
	}
}

func (m *sessionModel) open(id SessionID, length int64) string {
	if len(m.sessions) >= 5 { // the limit of the test
		return "full-sessions5"
	}
	if m.sessions[id] != nil {
		return "skipped"
	}
	s := &modelSession{length: length, done: map[uint64]modelDone{}}
	m.renew(s)
	m.sessions[id] = s
	return fmt.Sprint(length)
}

func (m *sessionModel) close(id SessionID) string {
	answer := bit(m.sessions[id] != nil)
	delete(m.sessions, id)
	return answer
}

// do is a group of ops under once.
func (m *sessionModel) do(t *testing.T, stamp int64, once Once, ops []Op) string {
	all := func(answer string) string { return strings.Join(slices.Repeat([]string{answer}, len(ops)), " ") }
	s := m.sessions[once.Session]
	if s == nil {
		return all("no-session")
	}
	m.renew(s)
	top := uint64(0)
	for sequence := range s.done {
		top = max(top, sequence)
	}
	done, known := s.done[once.Sequence]
	switch {
	case once.Sequence+256 <= top:
		return all("no-session")
	case known && done.hash != once.Hash:
		return all("once-mismatch")
	case known && done.answer == "":
		return all("once-done")
	case known:
		return done.answer
	}
	data := AppendBatch(nil, Number{"bare", 1, m.bare.index + 1}, len(ops), AppendGroup(nil, ops))
	results := m.bare.mustApply(t, Entry{Kind: Ordinary, Stamp: stamp, Batches: [][]byte{data}})[0].Results
	answer := answersOf(t, results)
	s.done[once.Sequence] = modelDone{once.Hash, answer, len(results)}
	s.forget(once.Sequence)
	return answer
}

// forget drops what is below the window, and the oldest answers beyond 16 KiB.
func (s *modelSession) forget(last uint64) {
	sequences := slices.Sorted(maps.Keys(s.done))
	top := sequences[len(sequences)-1]
	maps.DeleteFunc(s.done, func(sequence uint64, _ modelDone) bool { return sequence+256 <= top })
	if d := s.done[last]; d.size > 16<<10 {
		s.done[last] = modelDone{hash: d.hash}
	}
	for _, sequence := range slices.Sorted(maps.Keys(s.done)) {
		size := 0
		for _, d := range s.done {
			size += d.size
		}
		if size <= 16<<10 {
			return
		}
		s.done[sequence] = modelDone{hash: s.done[sequence].hash}
	}
}

// sessionTraffic makes groups of sessions that often come again.
type sessionTraffic struct {
	rnd  *rand.Rand
	next map[SessionID]uint64
}

func (tr *sessionTraffic) session() SessionID {
	return sessionID(string(rune('a' + tr.rnd.IntN(8))))
}

// command is a group that depends on its sequence alone, so that one that comes again is the same.
func (tr *sessionTraffic) command() (Once, []Op) {
	id := tr.session()
	sequence := tr.next[id]
	switch tr.rnd.IntN(10) {
	case 0, 1, 2: // again
		sequence -= min(sequence-1, tr.rnd.Uint64N(5))
	case 3: // long ago
		sequence -= min(sequence-1, 240+tr.rnd.Uint64N(30))
	case 4: // ahead
		sequence += tr.rnd.Uint64N(60)
	default:
		sequence++
	}
	tr.next[id] = max(tr.next[id], sequence)
	once := Once{id, sequence, sequence}
	if tr.rnd.IntN(30) == 0 {
		once.Hash++
	}
	key := string(rune('k' + sequence%3))
	switch {
	case sequence%5 == 0:
		return once, []Op{swapOp(key+"text", int(sequence%4*1000)), incrOp(key)}
	case sequence%23 == 0:
		return once, slices.Repeat([]Op{swapOp("long", MaxText)}, 5)
	}
	return once, []Op{incrOp(key)}
}

// A Machine with sessions, the same through images, and a napkin with a Machine that knows none come to the same answers.
func TestRandomCommandsOfSessionsAreDoneAsOnTheNapkin(t *testing.T) {
	playSeeds(t, 4, playSessions, "no-session", "once-mismatch", "once-done", "full-sessions5", "skipped", "hit")
}

func playSessions(t *testing.T, seed uint64) (seen map[string]int) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	tr := &sessionTraffic{rnd: rnd, next: map[SessionID]uint64{}}
	for i := range 8 {
		tr.next[sessionID(string(rune('a'+i)))] = 1
	}
	napkin := &sessionModel{sessions: map[SessionID]*modelSession{}, bare: New()}
	plain, restored := New(), New()
	limit := AppendBatch(nil, Number{"n1", 1, 1}, 1, AppendGroup(nil, []Op{LimitOp(Limits{Sessions: 5})}))
	applyBoth(t, 1, Entry{Kind: Opener, HashKey: [16]byte{1}, Batches: [][]byte{limit}}, plain, restored)
	var late *lateImage
	seen = map[string]int{}
	stamp := int64(0)
	for index := uint64(2); index <= randomSteps; index++ {
		delta := rnd.Int64N(300)
		stamp += delta
		napkin.advance(delta)
		var groups []byte
		ops := 0
		var want []string
		for range 1 + rnd.IntN(4) {
			group, n, answer := tr.group(t, napkin, stamp)
			groups, ops, want = append(groups, group...), ops+n, append(want, answer)
		}
		e := Entry{Kind: Ordinary, Stamp: stamp, Batches: [][]byte{AppendBatch(nil, Number{"n1", 1, index}, ops, groups)}}
		outcomes := applyBoth(t, index, e, plain, restored)
		if got := answersOf(t, outcomes[0].Results); got != strings.Join(want, " ") {
			t.Fatalf("index %d: got  %.2000q\nwant %.2000q", index, got, strings.Join(want, " "))
		}
		for _, words := range want {
			answer, _, _ := strings.Cut(words, " ")
			seen[answer]++
		}
		checkMachine(t, plain)
		checkMachine(t, restored)
		if rnd.IntN(20) == 0 {
			restored = throughImage(t, restored.Freeze())
		}
		late = late.follow(t, e, index, rnd, plain, restored)
		if plain.Digest() != restored.Digest() {
			t.Fatalf("index %d: another digest after snapshots", index)
		}
	}
	for _, key := range []string{"k", "l", "m"} {
		get := []Op{{Kind: Get, Key: []byte(key)}}
		if got, want := answersOf(t, plain.mustDo(t, get...)), answersOf(t, napkin.bare.mustDo(t, get...)); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
	_, hits, _ := plain.SessionStats()
	seen["hit"] = int(hits)
	return seen
}

// group is an encoded group, its number of Ops, and what the napkin says to it.
func (tr *sessionTraffic) group(t *testing.T, napkin *sessionModel, stamp int64) (group []byte, ops int, answer string) {
	id := tr.session()
	switch tr.rnd.IntN(20) {
	case 0:
		length := 1000 + tr.rnd.Int64N(60_000)
		answer = napkin.open(id, length)
		return AppendGroup(nil, []Op{{Kind: OpenSession, Key: id[:], Amount: length}}), 1, answer
	case 1:
		if tr.rnd.IntN(4) == 0 {
			return AppendGroup(nil, []Op{{Kind: CloseSession, Key: id[:]}}), 1, napkin.close(id)
		}
	}
	once, all := tr.command()
	return AppendGroupIf(nil, Terms{Once: once}, all), len(all), napkin.do(t, stamp, once, all)
}
