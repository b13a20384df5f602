package resp

import (
	"github.com/truecount/truecount/fsm"
)

// killing is what CLIENT KILL is to close: the connections that fit all that is set.
type killing struct {
	id             int64   // 0: any
	address, local *string // nil: any
	kind           string
	self           bool // also the one that asks
}

func (k *killing) fits(c *profile, asking int64) bool {
	return (k.id == 0 || c.id == k.id) &&
		(k.address == nil || c.address == *k.address) &&
		(k.local == nil || c.local == *k.local) &&
		(k.kind == "" || c.kind() == k.kind) &&
		(k.self || c.id != asking)
}

// CLIENT KILL address | filter value …
func clientKill(s *session, w *writer, args [][]byte) {
	old := len(args) == 3
	address := string(args[2])
	k := killing{address: &address, self: true}
	if !old {
		var err error
		if k, err = parseKilling(args[2:]); err != nil {
			w.Error(err.Error())
			return
		}
	}
	u := s.ask()
	s.door.crowd.aside(func() {
		ids, suicide := map[int64]bool{}, false
		for _, c := range s.door.crowd.clients() {
			if k.fits(&c, s.id) {
				ids[c.id] = true
			}
		}
		n := len(ids)
		suicide = ids[s.id]
		delete(ids, s.id)
		s.door.crowd.kill(ids)
		u.tell = func(w *writer) {
			switch {
			case !old:
				w.Int(int64(n))
			case n == 0:
				w.Error("ERR No such client")
			default:
				w.OK()
			}
			if suicide {
				s.closing, s.open = true, nil // what was sent behind it is not run
			}
		}
		s.done(u)
	})
}

func parseKilling(options [][]byte) (killing, error) {
	var k killing
	for ; len(options) > 0; options = options[2:] {
		if len(options) == 1 {
			return k, errSyntax
		}
		name, value := options[0], options[1]
		text := string(value)
		switch {
		case is(name, "ID"):
			id, ok := fsm.ParseInt(value)
			if !ok || id <= 0 {
				return k, replyError("ERR client-id should be greater than 0")
			}
			k.id = id
		case is(name, "TYPE"):
			var err error
			if k.kind, err = clientType(value); err != nil {
				return k, err
			}
		case is(name, "ADDR"):
			k.address = &text
		case is(name, "LADDR"):
			k.local = &text
		case is(name, "USER"):
			if text != defaultUser {
				return k, replyError("ERR No such user '" + shown(value, shownBytes) + "'")
			}
		case is(name, "SKIPME") && is(value, "YES"):
			k.self = false
		case is(name, "SKIPME") && is(value, "NO"):
			k.self = true
		default:
			return k, errSyntax
		}
	}
	return k, nil
}
