package resp

import (
	"encoding/json"
	"errors"
	"net"

	"github.com/truecount/truecount/fsm"
)

// The commands about the cluster are answered when the cluster has answered. They are barriers, so each is alone on its way.

// ask makes the open unit wait; whoever gets the answer sets its tell and calls s.done.
func (s *session) ask() *unit {
	u := s.collecting()
	u.class = asking
	s.open, s.sent = nil, u
	return u
}

// TRUECOUNT STATUS
func status(s *session, _ *writer, _ [][]byte) {
	u := s.ask()
	s.door.cluster.Describe(func(st fsm.Status) {
		u.tell = func(w *writer) { replyJSON(w, st) }
		s.done(u)
	})
}

// TRUECOUNT MEMBERS
func members(s *session, _ *writer, _ [][]byte) {
	u := s.ask()
	s.door.cluster.Describe(func(st fsm.Status) {
		u.tell = func(w *writer) { replyJSON(w, st.Members) }
		s.done(u)
	})
}

func replyJSON(w *writer, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		w.Error("ERR " + err.Error())
		return
	}
	w.Bulk(text)
}

// change makes a change of members and replies OK, or why not.
func change(s *session, c fsm.Change) {
	u := s.ask()
	s.door.cluster.Change(c, func(err error) {
		u.tell = func(w *writer) { replyChange(w, err) }
		s.done(u)
	})
}

func replyChange(w *writer, err error) {
	switch {
	case err == nil:
		w.OK()
	case errors.Is(err, fsm.ErrRefused):
		w.Error("ERR " + err.Error())
	default:
		text, _ := failure(err)
		w.Error(text)
	}
}

// TRUECOUNT JOIN address, the RESP address of a node
func join(s *session, w *writer, args [][]byte) {
	host, port, err := net.SplitHostPort(string(args[2]))
	if err != nil || host == "" || !isPort(port) {
		w.Error("ERR '" + shown(args[2], shownBytes) + "' is not an address: give the host:port of a node's RESP door")
		return
	}
	change(s, fsm.Change{Kind: fsm.ChangeJoin, Target: string(args[2])})
}

// CLUSTER MEET host port, of a node's RESP door. (Redis's third argument is the bus port; a node tells its own.)
func meet(s *session, w *writer, args [][]byte) {
	host, port := string(args[2]), string(args[3])
	if host == "" || !isPort(port) {
		w.Error("ERR Invalid node address specified: " + shown(args[2], shownBytes) + ":" + shown(args[3], shownBytes))
		return
	}
	change(s, fsm.Change{Kind: fsm.ChangeJoin, Target: net.JoinHostPort(host, port)})
}

func isPort(text string) bool {
	n, ok := fsm.ParseInt([]byte(text))
	return ok && n > 0 && n <= 65535
}

// TRUECOUNT LEAVE
func leave(s *session, _ *writer, _ [][]byte) { change(s, fsm.Change{Kind: fsm.ChangeLeave}) }

// TRUECOUNT REMOVE id
func remove(s *session, _ *writer, args [][]byte) {
	change(s, fsm.Change{Kind: fsm.ChangeRemove, Target: string(args[2])})
}

// TRUECOUNT TRANSFER [id]
func transfer(s *session, w *writer, args [][]byte) {
	if len(args) > 3 {
		w.Error(string(wrongArity("truecount|transfer")))
		return
	}
	target := ""
	if len(args) == 3 {
		target = string(args[2])
	}
	change(s, fsm.Change{Kind: fsm.ChangeTransfer, Target: target})
}

// CLUSTER FORGET id
func forget(s *session, w *writer, args [][]byte) {
	if st := s.door.cluster.Local(); string(args[2]) == st.ID || string(args[2]) == st.ServerID {
		w.Error("ERR I tried hard but I can't forget myself... (TRUECOUNT LEAVE does)")
		return
	}
	remove(s, w, args)
}

// CLUSTER MYID
func myID(s *session, w *writer, _ [][]byte) { w.BulkString(s.door.cluster.Local().ServerID) }
