package memnet

import "time"

// kind is what a segment says.
type kind uint8

const (
	data  kind = iota
	fin        // no more data: the sender closed
	reset      // the connection is broken
)

// segment is what one Write sent, or an end. Segments of a stream arrive in the order they were sent.
type segment struct {
	kind   kind
	data   []byte
	arrive time.Time
	held   bool // the path was cut before it arrived: it arrives some time after Heal
}

func (s *segment) arrived(now time.Time) bool { return !s.held && !s.arrive.After(now) }

// stream is what travels towards one Conn and what waits there to be read. An end is never taken out, so that every later
// Read meets it again. Held segments are always the last ones. Guarded by the Network's mutex, as its Conn is.
type stream struct {
	segs   []segment
	unread int       // bytes in segs, at most Window
	latest time.Time // arrival of the last segment that was not held
	shaped bool      // since the last Heal something was sent over a Link that is not good
}

// add appends a segment; its arrival is put off until the ones before it.
func (s *stream) add(seg segment) {
	s.segs = append(s.segs, seg)
	s.unread += len(seg.data)
	if !seg.held {
		s.schedule(&s.segs[len(s.segs)-1], seg.arrive)
	}
}

// next is the first segment that has arrived, or nil.
func (s *stream) next(now time.Time) *segment {
	if len(s.segs) == 0 || !s.segs[0].arrived(now) {
		return nil
	}
	return &s.segs[0]
}

// nextArrival is when the first segment will arrive, or zero if that is not known.
func (s *stream) nextArrival() time.Time {
	if len(s.segs) == 0 || s.segs[0].held {
		return time.Time{}
	}
	return s.segs[0].arrive
}

// reset is the segment that breaks the connection, arrived or not, or nil. It counts for Write even while data is unread.
func (s *stream) reset() *segment {
	if len(s.segs) == 0 || s.segs[len(s.segs)-1].kind != reset {
		return nil
	}
	return &s.segs[len(s.segs)-1]
}

// take moves arrived data into p.
func (s *stream) take(p []byte, now time.Time) (n int) {
	for n < len(p) {
		seg := s.next(now)
		if seg == nil || seg.kind != data {
			break
		}
		m := copy(p[n:], seg.data)
		n += m
		seg.data = seg.data[m:]
		if len(seg.data) == 0 {
			s.segs[0] = segment{} // frees the bytes
			s.segs = s.segs[1:]
		}
	}
	s.unread -= n
	return n
}

// hold stops what has not arrived, and tells how much that is.
func (s *stream) hold(now time.Time) (stopped int) {
	for i := range s.segs {
		if !s.segs[i].held && !s.segs[i].arrived(now) {
			s.segs[i].held = true
			stopped++
		}
	}
	if s.latest.After(now) {
		s.latest = now
	}
	return stopped
}

// release sends the held segments on their way again, each at the time that arrival draws for it.
func (s *stream) release(arrival func() time.Time) {
	for i := range s.segs {
		if s.segs[i].held {
			s.segs[i].held = false
			s.schedule(&s.segs[i], arrival())
		}
	}
}

// drop forgets everything but what is held.
func (s *stream) drop() {
	kept := s.segs[:0]
	s.unread = 0
	for _, seg := range s.segs {
		if seg.held {
			kept = append(kept, seg)
			s.unread += len(seg.data)
		}
	}
	clear(s.segs[len(kept):])
	s.segs = kept
}

func (s *stream) schedule(seg *segment, at time.Time) {
	if at.Before(s.latest) {
		at = s.latest
	}
	seg.arrive, s.latest = at, at
}
