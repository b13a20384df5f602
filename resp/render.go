package resp

import "time"

// render writes the replies of a unit, in order, and takes the unit back.
func (s *session) render(u *unit) {
	if u.class == asking {
		start := len(s.out.buf)
		u.tell(&s.out)
		s.tallyAsked(u, s.out.buf[start:])
		s.trim(u.mute, start)
	}
	if u.request.Err != nil {
		s.fail(u)
		s.recycle(u)
		return
	}
	s.results = answers{rest: u.request.Results, verified: u.request.Verified}
	s.again = answers{rest: u.again.Results}
	equal, failed := 0, 0 // slots[equal:i] are the same command, and so many of them have failed
	command, since := (*command)(nil), time.Duration(0)
	for i := range u.slots {
		l := &u.slots[i]
		if l.command != command || l.since != since {
			s.tallySlots(u, equal, i, failed)
			equal, failed = i, 0
			command, since = l.command, l.since
		}
		start := len(s.out.buf)
		if l.command != nil && !l.late {
			l.render(&s.out, l.command, l.ops, &s.results)
		} else {
			s.renderOther(u, l)
		}
		if command != nil {
			failed += s.tallyError(s.out.buf[start:])
		}
		s.trim(l.mute, start)
	}
	s.tallySlots(u, equal, len(u.slots), failed)
	s.tallyLookups()
	if u.reviving { // and could not
		if text, repeatable := failure(u.again.Err); repeatable {
			s.refuse(text) // see burst.go
		}
	}
	s.results, s.again = answers{}, answers{} // they point into what the cluster gave
	s.recycle(u)
}

// trim takes back a reply that the client does not want.
func (s *session) trim(mute bool, start int) {
	if mute {
		s.out.buf = s.out.buf[:start]
	}
}

// renderOther writes a reply that was made on the spot, or one of a command that was read again.
func (s *session) renderOther(u *unit, l *slot) {
	if l.command == nil {
		s.out.raw(u.text.buf[l.from:l.to])
		return
	}
	for range l.ops {
		s.results.next()
	}
	if u.reviving {
		text, _ := failure(u.again.Err)
		s.out.Error(text)
		return
	}
	if u.again.Err != nil {
		// The writes beside it are done, so nothing may invite the client to send them again.
		s.out.Error("UNKNOWN the writes of this pipeline are applied, but this read could not be answered behind them")
		return
	}
	l.render(&s.out, l.command, l.ops, &s.again)
}

func (s *session) recycle(u *unit) {
	u.reset()
	s.spare = u
}
