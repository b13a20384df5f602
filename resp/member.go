package resp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/truecount/truecount/fsm"
)

var memberCommands = []command{
	{name: "truecount", arity: -2, flags: "admin", summary: "A container for commands about this node and its cluster.", subs: []command{
		{name: "truecount|status", arity: 2, summary: "Returns what this node and its leader know of the cluster, as JSON.", reply: "bulk string: JSON", local: status, barrier: true, stale: true, by: "this node and its leader"},
		{name: "truecount|members", arity: 2, summary: "Returns the members, as JSON.", reply: "bulk string: JSON", local: members, barrier: true, stale: true, by: "this node and its leader"},
		{name: "truecount|digest", arity: 2, summary: "Returns a sum over all that this node holds, and the log index it stands for, as JSON.", reply: "bulk string: JSON", local: digest, barrier: true, cost: "O(N), N keys and slices, and nothing is applied meanwhile", by: "this node"},
		{name: "truecount|join", arity: 3, syntax: "host:port", summary: "Makes this node and the one with that RESP address one cluster.", reply: "OK when the joining one is a member", local: join, barrier: true, by: "the leader"},
		{name: "truecount|leave", arity: 2, summary: "Takes this node out of its cluster, and ends it.", reply: "OK, then the process ends", local: leave, barrier: true, by: "the leader"},
		{name: "truecount|remove", arity: 3, syntax: "id", summary: "Takes a member out of the cluster for ever.", reply: "OK when it is no member any more", local: remove, barrier: true, by: "the leader"},
		{name: "truecount|transfer", arity: -2, syntax: "[id]", summary: "Makes that voter the leader, or any other.", reply: "OK when leadership was handed over", local: transfer, barrier: true, by: "the leader"},
		{name: "truecount|help", arity: 2, summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
	{name: "cluster", arity: -2, flags: "admin", summary: "A container for Redis Cluster's commands.", subs: append([]command{
		{name: "cluster|meet", arity: -4, syntax: "ip port [bus-port]", summary: "Is TRUECOUNT JOIN, of the node with that RESP address; the bus port is not needed.", reply: "OK when the joining one is a member", local: meet, barrier: true, by: "the leader"},
		{name: "cluster|forget", arity: 3, syntax: "node-id", summary: "Is TRUECOUNT REMOVE, but for the node that is asked.", reply: "OK when it is no member any more", local: forget, barrier: true, by: "the leader"},
		{name: "cluster|myid", arity: 2, summary: "Returns the id of this node.", reply: "bulk string: the server id of this node; behind the facade `cluster`, 40 hexadecimal digits", local: myID, stale: true},
		{name: "cluster|help", arity: 2, summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}, slotCommands...)},
	{name: "asking", arity: 1, flags: "fast", local: behindCluster(askedNever),
		summary: "Does nothing: no member sends clients to another.", reply: "OK", errors: "Refused without the facade `cluster`."},
}

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

// digestReply is the answer of TRUECOUNT DIGEST. Two nodes with equal indexes and different digests have come apart.
type digestReply struct {
	Index  uint64 `json:"index"`
	Digest string `json:"digest"` // 16 hexadecimal digits: JSON's readers keep 53 bits of a number
}

// TRUECOUNT DIGEST
func digest(s *session, _ *writer, _ [][]byte) {
	u := s.ask()
	s.door.cluster.Digest(func(sum, index uint64) {
		u.tell = func(w *writer) { replyJSON(w, digestReply{index, fmt.Sprintf("%016x", sum)}) }
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
	st, id := s.door.cluster.Local(), string(args[2])
	if id == st.ID || id == st.ServerID || id == s.door.facade.ownID() {
		w.Error("ERR I tried hard but I can't forget myself... (TRUECOUNT LEAVE does)")
		return
	}
	if id := s.door.facade.named(args[2]); id != "" {
		change(s, fsm.Change{Kind: fsm.ChangeRemove, Target: id})
		return
	}
	remove(s, w, args)
}

// CLUSTER MYID
func myID(s *session, w *writer, _ [][]byte) { w.BulkString(s.door.facade.ownID()) }
