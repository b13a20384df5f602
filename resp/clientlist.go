package resp

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
)

// crowd is all connections, for commands about them. Its methods take the locks of connections, so they are called with none
// held: from aside.
type crowd interface {
	// aside runs f soon, in a goroutine of its own.
	aside(f func())
	// clients are those that are connected now, by id.
	clients() []profile
	// kill closes those of them that there still are, at once.
	kill(ids map[int64]bool)
}

// profile is what is told of a connection.
type profile struct {
	id, age, idle   int64 // seconds
	address, local  string
	name            string
	lib             library
	flags           string
	sub, psub, ssub int
	queued          int // commands of a transaction; -1: none has begun
	query, free     int // bytes of input: in the Reader, and room for more
	replies, room   int // bytes of replies that wait, and of their buffers
	messages        int // bytes in the mailbox
	held            int64
	command         string
	protocol        int
}

// describe is a line of CLIENT LIST: the fields of Redis, in its order. What has no meaning here is as in a quiet Redis.
func (c *profile) describe(b *strings.Builder) {
	fmt.Fprintf(b, "id=%d addr=%s laddr=%s fd=-1 name=%s age=%d idle=%d flags=%s db=0 sub=%d psub=%d ssub=%d multi=%d "+
		"qbuf=%d qbuf-free=%d argv-mem=0 multi-mem=0 rbs=%d rbp=%d obl=%d oll=0 omem=%d tot-mem=%d events=r cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s\n",
		c.id, c.address, c.local, c.name, c.age, c.idle, c.flags, c.sub, c.psub, c.ssub, c.queued,
		c.query, c.free, c.room, c.room, c.replies, c.messages, c.held, c.command, defaultUser, c.protocol, c.lib.name, c.lib.version)
}

// profile describes a session; what it knows nothing of is for its driver to add.
func (s *session) profile() profile {
	c := profile{
		id: s.id, address: s.address, name: s.name, lib: s.lib, flags: s.flags(),
		query: s.in.Buffered(), free: len(s.in.buf) - s.in.Buffered(), replies: len(s.out.buf) + s.backlog, room: cap(s.out.buf),
		messages: s.inbox.waits(), command: "NULL", protocol: s.out.protocol,
	}
	l := &s.subscriptions.names
	c.sub, c.psub, c.ssub = len(l[channels]), len(l[patterns]), len(l[shards])
	c.queued = -1
	if s.multi != nil {
		c.queued = len(s.multi.queue)
	}
	if s.last != nil {
		c.command = s.last.name
	}
	return c
}

func (s *session) flags() string {
	text := ""
	if s.monitor {
		text += "O"
	}
	if s.listening() {
		text += "P"
	}
	if s.multi != nil {
		text += "x"
	}
	if s.noEvict {
		text += "e"
	}
	if text == "" {
		return "N"
	}
	return text
}

// CLIENT INFO
func clientInfo(s *session, _ *writer, _ [][]byte) {
	describeClients(s, func(c *profile) bool { return c.id == s.id })
}

// CLIENT LIST [TYPE type | ID id …]
func clientList(s *session, w *writer, args [][]byte) {
	fits := func(*profile) bool { return true }
	switch {
	case len(args) == 4 && is(args[2], "TYPE"):
		wanted, err := clientType(args[3])
		if err != nil {
			w.Error(err.Error())
			return
		}
		fits = func(c *profile) bool { return c.kind() == wanted }
	case len(args) > 3 && is(args[2], "ID"):
		ids := map[int64]bool{}
		for _, arg := range args[3:] {
			id, ok := fsm.ParseInt(arg)
			if !ok {
				w.Error("ERR Invalid client ID")
				return
			}
			ids[id] = true
		}
		fits = func(c *profile) bool { return ids[c.id] }
	case len(args) != 2:
		w.Error(string(errSyntax))
		return
	}
	describeClients(s, fits)
}

// describeClients answers when the connections have been looked at.
func describeClients(s *session, fits func(*profile) bool) {
	u := s.ask()
	s.door.crowd.aside(func() {
		var b strings.Builder
		for _, c := range s.door.crowd.clients() {
			if fits(&c) {
				c.describe(&b)
			}
		}
		u.tell = func(w *writer) { w.Verbatim(b.String()) }
		s.done(u)
	})
}

// clientType is a type that a client can have or, if there are none like that here, ask for.
func clientType(arg []byte) (string, error) {
	for _, known := range [...]string{"normal", "pubsub", "master", "replica"} {
		if is(arg, strings.ToUpper(known)) {
			return known, nil
		}
	}
	if is(arg, "SLAVE") {
		return "replica", nil
	}
	return "", replyError("ERR Unknown client type '" + shown(arg, shownBytes) + "'")
}

func (c *profile) kind() string {
	if c.sub+c.psub+c.ssub > 0 {
		return "pubsub"
	}
	return "normal"
}

func (s *Server) aside(f func()) { s.running.Go(f) }

func (s *Server) clients() []profile {
	now := time.Now()
	all := s.all()
	clients := make([]profile, len(all))
	for i, c := range all {
		clients[i] = c.describe(now)
	}
	slices.SortFunc(clients, func(a, b profile) int { return int(a.id - b.id) })
	return clients
}

func (s *Server) kill(ids map[int64]bool) {
	for _, c := range s.all() {
		if ids[c.id] {
			c.abort()
		}
	}
}

// all are the connections of this moment. Their locks may not be taken together with that of the Server.
func (s *Server) all() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func (c *conn) describe(now time.Time) profile {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.session.profile()
	d.local = c.net.LocalAddr().String()
	d.age = int64(now.Sub(c.born) / time.Second)
	d.idle = int64(now.Sub(c.lastHeard) / time.Second)
	d.held = int64(c.session.holds()) + c.mailed.Load()
	return d
}
