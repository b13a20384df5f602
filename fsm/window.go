package fsm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// Bounds of what a session remembers.
const (
	SessionWindow = 256      // sequences, the largest seen and those just below it
	SessionBytes  = 16 << 10 // of Results; the oldest are displaced by new ones
)

// session is the window of one client's commands. All its times are on the lease clock.
type session struct {
	generation uint64
	length     int64 // it ends when it was not named for so long, milliseconds
	deadline   int64
	top        uint64 // the largest sequence that was done; 0: none
	size       int    // bytes of Results that it remembers
	places     []place
}

// place is a command that was done. The places of a session are in the order of their sequences, all within the window.
type place struct {
	sequence uint64
	hash     uint64
	results  string // empty: displaced
}

func (s *session) clone(generation uint64) *session {
	c := *s
	c.generation, c.places = generation, slices.Clone(s.places)
	return &c
}

// deadlineFrom is when it ends if it is named now and never again.
func (s *session) deadlineFrom(now int64) int64 {
	return (now + s.length + sessionStep - 1) / sessionStep * sessionStep
}

// recall returns the Results that the command has answered, or "" if it was not done yet. If it was and its Results are
// not to be had, or nobody can say, the Code is why. A command of another number of Ops is another one, whatever its hash:
// its Results would become those of its neighbours in the Batch.
func (s *session) recall(once Once, ops int) (results string, code Code) {
	if s.top >= SessionWindow && once.Sequence <= s.top-SessionWindow {
		return "", NoSession
	}
	at, found := s.find(once.Sequence)
	if !found {
		return "", OK
	}
	switch p := &s.places[at]; {
	case p.hash != once.Hash:
		return "", OnceMismatch
	case p.results == "":
		return "", OnceDone
	case !resultsOf(p.results, ops):
		return "", OnceMismatch
	default:
		return p.results, OK
	}
}

// remember notes a command that recall did not know, and its Results, of which it keeps a copy.
func (s *session) remember(once Once, results Results) {
	if once.Sequence > s.top {
		s.top = once.Sequence
		s.leave()
	}
	p := place{sequence: once.Sequence, hash: once.Hash}
	if len(results) <= SessionBytes {
		p.results = string(results)
		s.size += len(results)
	}
	at, _ := s.find(p.sequence)
	s.places = slices.Insert(s.places, at, p)
	for i := 0; s.size > SessionBytes; i++ {
		s.size -= len(s.places[i].results)
		s.places[i].results = ""
	}
}

// leave drops the places below the window.
func (s *session) leave() {
	below := 0
	for below < len(s.places) && s.top-s.places[below].sequence >= SessionWindow {
		s.size -= len(s.places[below].results)
		below++
	}
	s.places = slices.Delete(s.places, 0, below)
}

func (s *session) find(sequence uint64) (at int, found bool) {
	return slices.BinarySearchFunc(s.places, sequence, func(p place, sequence uint64) int {
		return cmp.Compare(p.sequence, sequence)
	})
}

// resultsOf reports whether encoded Results are those of so many Ops.
func resultsOf(encoded string, ops int) bool {
	rs := Results(encoded)
	_, ok := rs.Take(ops)
	return ok && len(rs) == 0
}

// The block of an image is encoded as
//
//	16 bytes id
//	uvarint length, uvarint deadline, uvarint top
//	per place: uvarint sequences below top, 8 bytes hash, uvarint length, Results      in order, to the end
func (s *session) append(dst []byte, id SessionID) []byte {
	dst = append(dst, id[:]...)
	dst = binary.AppendUvarint(dst, uint64(s.length))
	dst = binary.AppendUvarint(dst, uint64(s.deadline))
	dst = binary.AppendUvarint(dst, s.top)
	for i := range s.places {
		p := &s.places[i]
		dst = binary.AppendUvarint(dst, s.top-p.sequence)
		dst = binary.LittleEndian.AppendUint64(dst, p.hash)
		dst = binary.AppendUvarint(dst, uint64(len(p.results)))
		dst = append(dst, p.results...)
	}
	return dst
}

// session takes all that is left: a session of an image.
func (d *decoder) session() (id SessionID, s *session) {
	if len(d.rest) < len(id) {
		d.fail()
		return id, nil
	}
	d.rest = d.rest[copy(id[:], d.rest):]
	s = &session{length: int64(d.uvarint()), deadline: int64(d.uvarint()), top: d.uvarint()}
	if id == (SessionID{}) || s.length < MinSession || s.length > MaxSession || s.deadline <= 0 || s.deadline > latest || s.deadline%sessionStep != 0 {
		d.fail()
	}
	for len(d.rest) > 0 {
		p := d.place(s.top)
		if n := len(s.places); d.failed || n > 0 && s.places[n-1].sequence >= p.sequence {
			d.fail()
			return id, s
		}
		s.places = append(s.places, p)
		s.size += len(p.results)
	}
	done := len(s.places) > 0
	if s.size > SessionBytes || done != (s.top > 0) || done && s.places[len(s.places)-1].sequence != s.top {
		d.fail()
	}
	return id, s
}

// place takes a place of a session whose largest sequence is top.
func (d *decoder) place(top uint64) place {
	below := d.uvarint()
	if below >= min(top, SessionWindow) || len(d.rest) < 8 {
		d.fail()
		return place{}
	}
	p := place{sequence: top - below, hash: binary.LittleEndian.Uint64(d.rest)}
	d.rest = d.rest[8:]
	p.results = string(d.bytes())
	for rs := Results(p.results); len(rs) > 0; {
		if _, ok := rs.Next(); !ok {
			d.fail()
			return place{}
		}
	}
	return p
}
