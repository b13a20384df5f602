package resp

// CLIENT REPLY: clients that only load data may ask for no replies. A reply is made all the same and then thrown away.

// replying is whether a session's replies are sent.
type replying uint8

const (
	replyOn   replying = iota
	replyOff           // none
	replySkip          // not the next one
	replyNone          // not the one of this command
)

// CLIENT REPLY ON | OFF | SKIP; the latter two have no reply themselves.
func clientReply(s *session, w *writer, args [][]byte) {
	switch {
	case is(args[2], "ON"):
		s.reply = replyOn
		w.OK()
	case is(args[2], "OFF"):
		s.reply = replyOff
	case !is(args[2], "SKIP"):
		w.Error(string(errSyntax))
	case s.reply != replyOff:
		s.reply = replySkip
	}
}

// hush is called behind each command that was taken while not all replies are sent; before is how long out was in front of it.
func (s *session) hush(before int) {
	switch s.reply {
	case replySkip:
		s.reply = replyNone
		return
	case replyNone:
		s.reply = replyOn
	}
	u := s.open
	switch {
	case s.last != nil && s.last.pushes && len(s.out.buf) > before && s.out.buf[before] != '-':
	case len(s.out.buf) > before:
		s.out.buf = s.out.buf[:before]
	case u != nil && len(u.slots) > 0: // be it behind a command about the cluster, which leaves no open unit
		u.slots[len(u.slots)-1].mute = true
	case s.sent != nil && s.sent.class == asking:
		s.sent.mute = true
	}
}
