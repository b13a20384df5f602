package fsm

import (
	"bytes"

	"github.com/tidwall/btree"
)

// A session is what the Machine keeps of a client that repeats commands whose outcome it does not know: which of them it has
// done, and what they answered. A group that names its session and its place in it (Once) goes this way:
//
//	applyOnce
//	    sessions.named         renews it; none: NoSession
//	    session.recall         done before: the answer of then, or why there is none (window.go)
//	    ledger.greet           then, too: whom it names lives
//	    applyGroup             else: conditions, limits, Ops, as without a session
//	    session.remember       whatever it has answered, refusals too; but not what is surely not applied
//
// A session ends when it is closed, or was not named for its length of lease time. It is never ended to make room: a client
// that was told that a command will be done once could not be told that it was forgotten.

// The length of a session, and with it how long an answer is remembered at least, in milliseconds of lease time.
const (
	DefaultSession = 600_000 // what a door opens it with if the client names none
	MinSession     = 1_000
	MaxSession     = 86_400_000
)

const (
	sessionStep = 1_000 // milliseconds: deadlines are rounded up to it, so that a busy session moves in the queue once a second
	maxEnded    = 1_000 // sessions that one Entry ends because their time has come. What is left waits for the next one
)

// SessionStats are the number of sessions, and since New or Restore, of groups answered from what a session remembers, and of
// those refused by it or for want of it, which are NoSession, OnceMismatch, OnceDone and FullSessions.
func (m *Machine) SessionStats() (open, hits, refused uint64) {
	return uint64(m.sessions.seats.Len()), m.onceHits, m.onceRefused
}

// sessions is all sessions. Those that a snapshot can see are copied before they are changed, like branches of the table.
type sessions struct {
	generation uint64
	seats      *btree.BTreeG[seat]
	ends       *btree.BTreeG[ending] // one for each seat; not in images
}

// seat is a session under its name.
type seat struct {
	id      SessionID
	session *session
}

// ending is when a session ends unless it is named before, on the lease clock.
type ending struct {
	deadline int64
	id       SessionID
}

func newSessions() sessions {
	return sessions{
		seats: btree.NewBTreeGOptions(func(a, b seat) bool { return a.id.before(b.id) }, btree.Options{NoLocks: true}),
		ends: btree.NewBTreeGOptions(func(a, b ending) bool {
			return a.deadline < b.deadline || a.deadline == b.deadline && a.id.before(b.id)
		}, btree.Options{NoLocks: true}),
	}
}

func (id SessionID) before(other SessionID) bool { return bytes.Compare(id[:], other[:]) < 0 }

// freeze returns the seats as they are now. They and their sessions never change again.
func (ss *sessions) freeze() *btree.BTreeG[seat] {
	ss.generation++
	return ss.seats.IsoCopy()
}

// named returns the session to be changed, in a copy that no snapshot sees, and renews it as of now on the lease clock; nil:
// there is none.
func (ss *sessions) named(id SessionID, now int64) *session {
	s := ss.writable(id)
	if s == nil {
		return nil
	}
	if deadline := s.deadlineFrom(now); deadline != s.deadline {
		ss.ends.Delete(ending{s.deadline, id})
		s.deadline = deadline
		ss.ends.Set(ending{s.deadline, id})
	}
	return s
}

func (ss *sessions) writable(id SessionID) *session {
	held, found := ss.seats.Get(seat{id: id})
	if !found {
		return nil
	}
	if held.session.generation != ss.generation {
		held.session = held.session.clone(ss.generation)
		ss.seats.Set(held)
	}
	return held.session
}

// add takes in a session with its deadline, or reports that there is one of this name.
func (ss *sessions) add(id SessionID, s *session) bool {
	if _, found := ss.seats.Get(seat{id: id}); found {
		return false
	}
	s.generation = ss.generation
	ss.seats.Set(seat{id, s})
	ss.ends.Set(ending{s.deadline, id})
	return true
}

func (ss *sessions) remove(id SessionID) (removed bool) {
	held, found := ss.seats.Delete(seat{id: id})
	if found {
		ss.ends.Delete(ending{held.session.deadline, id})
	}
	return found
}

// end removes the sessions whose time has come by now on the lease clock, at most maxEnded. One that is named before its
// turn comes goes on.
func (ss *sessions) end(now int64) {
	for range maxEnded {
		first, ok := ss.ends.Min()
		if !ok || first.deadline > now {
			return
		}
		ss.remove(first.id)
	}
}

// backlog reports whether there are more to end by now than one Entry could.
func (ss *sessions) backlog(now int64) bool {
	first, ok := ss.ends.Min()
	return ok && first.deadline <= now
}

// changeSession does an Op about a session itself.
func (m *Machine) changeSession(op *Op) Result {
	var id SessionID
	if len(op.Key) != len(id) {
		return Result{Code: WrongType}
	}
	copy(id[:], op.Key)
	switch {
	case id == SessionID{}:
		return Result{Code: WrongType}
	case op.Kind == CloseSession:
		return Result{Value: truth(m.sessions.remove(id))}
	}
	return m.openSession(id, op.Amount)
}

func (m *Machine) openSession(id SessionID, length int64) Result {
	if uint64(m.sessions.seats.Len()) >= m.limits.sessions() {
		m.onceRefused++
		return m.limits.refusal(FullSessions)
	}
	s := &session{length: min(max(length, MinSession), MaxSession)}
	s.deadline = s.deadlineFrom(m.lease.now)
	if !m.sessions.add(id, s) {
		return Result{Code: Skipped}
	}
	return Result{Value: IntValue(s.length)}
}

// applyOnce applies the group of n Ops whose head d has taken, unless its session says otherwise. It returns how many Ops it
// has taken.
func (m *Machine) applyOnce(d *decoder, r *run, n int) (ops int) {
	once, begin := d.once, len(r.results)
	s := m.sessions.named(once.Session, m.lease.now)
	if s == nil {
		m.onceRefused++
		return m.applyGroup(d, r, n, NoSession)
	}
	answer, code := s.recall(once, n)
	if answer != "" || code == OnceDone {
		m.ledger.greet(r.group)
	}
	switch {
	case code != OK:
		m.onceRefused++
		return m.applyGroup(d, r, n, code)
	case len(answer) > mostResults-begin: // of other commands than its own: no door lets its answers get so large
		return m.applyGroup(d, r, n, NoRoom)
	case answer != "":
		m.onceHits++
		r.results = append(r.results, answer...)
		return d.skip(n)
	}
	ops = m.applyGroup(d, r, n, OK)
	s = m.sessions.writable(once.Session)
	if results := r.results[begin:]; s != nil && !results.undone(n) { // nil: it was closed by the group
		s.remember(once, results)
	}
	return ops
}

// undone reports whether Results of n Ops say that the group is surely not applied, and may be if it comes again.
func (rs Results) undone(n int) bool {
	r, ok := rs.Next()
	return n == 1 && ok && (r.Code == NoRoom || r.Code == ReadLater)
}
