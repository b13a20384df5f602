package resp

// The burst rule. Some client libraries (go-redis) send a whole pipeline again when its first reply is an error that they
// know as repeatable. If a command were refused and one behind it, of the same pipeline, executed, the repetition would
// count it twice. So after a repeatable error everything behind it gets the same error unexecuted: what is collected in
// open, what the Reader holds, what comes; until the input was found empty when the errors were written. (Looking only after
// the write would be later by some microseconds, and a client that waits for each reply may have sent its next command by
// then.) A pipeline of which a piece is still on its way at that moment can't be told from a new command.
//
// It is sound because a session never has more than one request on its way: when one is refused, nothing behind it has
// been handed over.

// fail answers every command of a unit that has no Results.
func (s *session) fail(u *unit) {
	text, repeatable := failure(u.request.Err)
	again := &s.again
	*again = answers{rest: u.again.Results, verified: u.again.Verified}
	failed := false // a reply made on the spot stands, unless it comes behind a refused command
	for i := range u.slots {
		l, start := &u.slots[i], len(s.out.buf)
		failed = failed || l.command != nil
		switch {
		case l.command == nil && !(failed && repeatable):
			s.out.raw(u.text.buf[l.from:l.to])
		case l.late && u.again.Err == nil:
			l.render(&s.out, l.command, l.ops, again)
		default:
			s.out.Error(text)
		}
		s.trim(l.mute, start)
	}
	s.tallyRefused(u, text, repeatable)
	*again = answers{} // it points into what the cluster gave
	if repeatable {
		s.refuse(text)
	}
}

// refuses answers a command with the error of its burst, or of its transaction, and reports whether it did. A transaction of
// which a command was refused is refused as a whole, be it that the burst ends within: what stands behind a refused MULTI must
// not run by itself. It ends with EXEC or DISCARD; or behind the burst with MULTI or RESET, which no client sends before it has
// given the transaction up.
func (s *session) refuses(c *command, args [][]byte) bool {
	if c != nil && c.always {
		return false
	}
	if t := s.multi; t != nil && t.doomed != "" && s.refused == "" && c != nil && (c.name == "multi" || c.name == "reset") {
		s.multi = nil // what is watched stays: the client may try again
	}
	if t := s.multi; t != nil && t.doomed != "" {
		s.answer(c, args, replyError(t.doomed), false)
		if c != nil && (c.name == "exec" || c.name == "discard") {
			s.endTransaction()
		}
		return true
	}
	if s.refused == "" {
		return false
	}
	if c != nil && c.name == "multi" {
		s.multi = &transaction{doomed: s.refused}
	}
	s.answer(c, args, replyError(s.refused), false)
	return true
}

// refuse begins the burst rule.
func (s *session) refuse(text string) {
	s.refused = text
	if s.multi != nil {
		s.multi.doomed = text
	}
	if s.open == nil {
		return
	}
	for i := range s.open.slots {
		start := len(s.out.buf)
		s.out.Error(text)
		s.trim(s.open.slots[i].mute, start)
	}
	u := s.open
	s.tallyRefused(u, text, true)
	s.open = nil
	s.recycle(u)
}

// refusing reports whether the driver has to look for an empty input.
func (s *session) refusing() bool { return s.refused != "" }

// inputEmpty ends the burst rule. The driver calls it when every reply has been written and then nothing was found to
// read; the Reader must not hold the beginning of a command either.
func (s *session) inputEmpty() {
	if s.in.Buffered() == 0 {
		s.refused = ""
	}
}
