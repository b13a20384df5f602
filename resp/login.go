package resp

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"slices"

	"github.com/truecount/truecount/fsm"
)

const (
	errNoAuth    replyError = "NOAUTH Authentication required."
	errWrongPass replyError = "WRONGPASS invalid username-password pair or user is disabled."
)

// password is what clients must know, as its hash; nil lets everybody in.
type password []byte

func newPassword(text []byte) password {
	if len(text) == 0 {
		return nil
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// admits takes as long for every password.
func (p password) admits(user, text []byte) bool {
	if string(user) != defaultUser {
		return false
	}
	sum := sha256.Sum256(text)
	return p == nil || subtle.ConstantTimeCompare(sum[:], p) == 1
}

// trust says whether the client has logged in, as far as it must. The Reader is stricter before that.
func (s *session) trust(yes bool) {
	s.trusted = yes
	s.in.strict = !yes
}

// AUTH [user] password
func auth(s *session, w *writer, args [][]byte) {
	user := []byte(defaultUser)
	switch {
	case len(args) > 3:
		w.Error(string(errSyntax))
		return
	case len(args) == 3:
		user = args[1]
	case s.door.password == nil:
		w.Error("ERR AUTH <password> called without any password configured for the default user. " +
			"Are you sure your configuration is correct?")
		return
	}
	if !s.door.password.admits(user, args[len(args)-1]) {
		w.Error(string(errWrongPass))
		return
	}
	s.trust(true)
	w.OK()
}

// redacted is a command's arguments as others may see them: without user and password, as in Redis.
func redacted(c *command, args [][]byte) [][]byte {
	switch c.name {
	case "auth":
		return hide(args, 1, len(args))
	case "hello":
		for i := 2; i < len(args); i++ {
			switch {
			case is(args[i], "AUTH"):
				args = hide(args, i+1, i+3)
				i += 2
			case is(args[i], "SETNAME"):
				i++
			}
		}
	}
	return args
}

// hide returns a copy of args in which nobody can read those from one to before another.
func hide(args [][]byte, from, to int) [][]byte {
	args = slices.Clone(args)
	for i := from; i < min(to, len(args)); i++ {
		args[i] = []byte("(redacted)")
	}
	return args
}

// HELLO [2 | 3 [AUTH user password] [SETNAME name]]
func hello(s *session, w *writer, args [][]byte) {
	version := int64(s.out.protocol)
	if len(args) > 1 {
		var ok bool
		if version, ok = fsm.ParseInt(args[1]); !ok {
			w.Error("ERR Protocol version is not an integer or out of range")
			return
		}
		if version != protocol2 && version != protocol3 {
			w.Error("NOPROTO unsupported protocol version")
			return
		}
	}
	if err := s.introduce(args[min(len(args), 2):]); err != nil {
		w.Error(err.Error())
		return
	}
	s.speak(int(version))
	w.Map(7)
	w.BulkString("server")
	w.BulkString("redis")
	w.BulkString("version")
	w.BulkString(claimedVersion)
	w.BulkString("proto")
	w.Int(version)
	w.BulkString("id")
	w.Int(s.id)
	w.BulkString("mode")
	w.BulkString(s.door.facade.mode())
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("modules")
	w.Array(0)
}

// introduce takes HELLO's options. They are read before one of them counts, and a login counts whatever comes after it.
func (s *session) introduce(options [][]byte) error {
	var user, secret, name []byte
	login, named := false, false
	for rest := options; len(rest) > 0; {
		switch {
		case is(rest[0], "AUTH") && len(rest) > 2:
			login, user, secret, rest = true, rest[1], rest[2], rest[3:]
		case is(rest[0], "SETNAME") && len(rest) > 1:
			named, name, rest = true, rest[1], rest[2:]
			if err := checkName(name); err != nil {
				return err
			}
		default:
			return replyError("ERR Syntax error in HELLO option '" + shown(rest[0], shownBytes) + "'")
		}
	}
	if login {
		if !s.door.password.admits(user, secret) {
			return errWrongPass
		}
		s.trust(true)
	}
	if !s.trusted {
		return replyError("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> " +
			"option can be used to authenticate the client and select the RESP protocol version at the same time")
	}
	if named {
		s.name = string(name)
	}
	return nil
}

func checkName(name []byte) error {
	if hasSpecial(name) {
		return replyError("ERR Client names cannot contain spaces, newlines or special characters.")
	}
	return checkText(name)
}

// hasSpecial reports whether a text would not be one word of CLIENT LIST.
func hasSpecial(text []byte) bool {
	return bytes.ContainsFunc(text, func(r rune) bool { return r < '!' || r > '~' })
}

// speak changes the protocol. Messages that came before are told in the old one, and nothing else is unfinished: it is for
// barriers.
func (s *session) speak(protocol int) {
	s.collectAll()
	s.out.protocol = protocol
	s.inbox.speak(protocol)
	if s.open != nil {
		s.open.text.protocol = protocol
	}
}

// RESET is for pools of connections: nothing of what one user set shall meet the next.
func reset(s *session, w *writer, _ [][]byte) {
	s.endTransaction()
	s.unbind()
	s.unsubscribeAll()
	s.stopMonitor()
	s.speak(protocol2)
	s.trust(s.door.password == nil)
	s.level, s.name, s.noEvict = fsm.Strong, "", false
	if s.reply == replyOff { // SKIP, as in Redis, is about this reply still
		s.reply = replyOn
	}
	w.Simple("RESET")
}

// QUIT: what was pipelined behind it is not run.
func quit(s *session, w *writer, _ [][]byte) {
	w.OK()
	s.closing = true
}
