package resp

import (
	"github.com/truecount/truecount/fsm"
)

var levelCommands = []command{
	{name: "consistency", arity: -1, flags: "fast", local: consistency, barrier: true,
		syntax: "[STRONG | STALE]", summary: "Sets, or tells, how this connection's reads are answered.", reply: "OK, or the level as a simple string"},
	{name: "readonly", arity: 1, flags: "fast", local: readOnly, barrier: true,
		summary: "Lets this connection's reads be answered by this node alone: CONSISTENCY STALE.", reply: "OK"},
	{name: "readwrite", arity: 1, flags: "fast", local: readWrite, barrier: true,
		summary: "Takes READONLY back: CONSISTENCY STRONG.", reply: "OK"},
	{name: "wait", arity: 3, flags: "noscript", local: wait, barrier: true, queues: true,
		syntax: "numreplicas timeout", summary: "Tells on how many other voters each acknowledged write is at least.", reply: "integer: half of the voters, rounded down"},
}

// CONSISTENCY [STRONG | STALE]
func consistency(s *session, w *writer, args [][]byte) {
	switch {
	case len(args) == 1 && s.level == fsm.Stale:
		w.Simple("STALE")
	case len(args) == 1:
		w.Simple("STRONG")
	case is(args[1], "STALE") && len(args) > 2 && is(args[2], "MAXAGE"):
		w.Error("ERR CONSISTENCY STALE MAXAGE is not supported yet; STALE without it is")
	case is(args[1], "AVAILABLE"), is(args[1], "LAX"):
		w.Error("ERR this consistency level is not supported yet; STRONG and STALE are")
	case len(args) > 2:
		w.Error(string(errSyntax))
	case is(args[1], "STRONG"):
		s.level = fsm.Strong
		w.OK()
	case is(args[1], "STALE"):
		s.level = fsm.Stale
		w.OK()
	default:
		w.Error("ERR unknown consistency level '" + shown(args[1], shownBytes) + "'; use STRONG or STALE")
	}
}

// READONLY is CONSISTENCY STALE, in the words of Redis Cluster.
func readOnly(s *session, w *writer, _ [][]byte) {
	s.level = fsm.Stale
	w.OK()
}

// READWRITE is CONSISTENCY STRONG.
func readWrite(s *session, w *writer, _ [][]byte) {
	s.level = fsm.Strong
	w.OK()
}

// WAIT replicas ms answers at once: an acknowledged write is already on a majority of the voters, so on that many without
// the one that answers, and waiting would not make it more.
func wait(s *session, w *writer, args [][]byte) {
	if _, ok := fsm.ParseInt(args[1]); !ok {
		w.Error(string(errNotInteger))
		return
	}
	timeout, ok := fsm.ParseInt(args[2])
	if !ok {
		w.Error("ERR timeout is not an integer or out of range")
		return
	}
	if timeout < 0 {
		w.Error("ERR timeout is negative")
		return
	}
	voters := 0
	for _, m := range s.door.cluster.Local().Members {
		if m.Voter {
			voters++
		}
	}
	w.Int(int64(voters / 2)) // majority - 1
}
