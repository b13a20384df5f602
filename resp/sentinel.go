package resp

import (
	"net"
	"strconv"
)

// sentinelTitle names the family that there is behind SentinelFacade only: without it, SENTINEL is an unknown command.
const sentinelTitle = "Behind the facade sentinel"

var sentinelCommands = []command{
	{name: "sentinel", arity: -2, flags: "admin", summary: "A container for Redis Sentinel's commands.", subs: []command{
		{name: "sentinel|get-master-addr-by-name", arity: 3, syntax: "master-name", summary: "Returns the member that clients of a Sentinel shall use.",
			reply: "array: host and port; null for another name, and while no leader was ever heard of", local: masterAddress},
		{name: "sentinel|master", arity: 3, syntax: "master-name", summary: "Describes that member.", reply: "map", local: oneMaster},
		{name: "sentinel|masters", arity: 2, summary: "Describes that member, as the only one in a list.", reply: "array: a map, or nothing", local: allMasters},
		{name: "sentinel|replicas", arity: 3, syntax: "master-name", summary: "Describes the other members.", reply: "array: maps", cost: "O(N), N members", local: sentinelReplicas},
		{name: "sentinel|slaves", arity: 3, syntax: "master-name", summary: "Is SENTINEL REPLICAS.", reply: "array: maps", cost: "O(N), N members", local: sentinelReplicas},
		{name: "sentinel|sentinels", arity: 3, syntax: "master-name", summary: "Describes the members other than this node.", reply: "array: maps", cost: "O(N), N members", local: sentinelPeers},
		{name: "sentinel|ckquorum", arity: 3, syntax: "master-name", summary: "Tells whether a majority of the voters is alive.", reply: "simple string, or an error", local: checkQuorum},
		{name: "sentinel|myid", arity: 2, summary: "Returns the id of this node.", reply: "bulk string: 40 hexadecimal digits", local: sentinelID},
		{name: "sentinel|help", arity: 2, summary: "Prints this help.", reply: "array: lines", local: help},
	}},
}

const errNoSuchMaster replyError = "ERR No such master with that name"

// isMaster answers with an error unless the name is the cluster's.
func (f *facade) isMaster(w *writer, name []byte) bool {
	if string(name) == f.masterName {
		return true
	}
	w.Error(string(errNoSuchMaster))
	return false
}

// SENTINEL GET-MASTER-ADDR-BY-NAME name
func masterAddress(s *session, w *writer, args [][]byte) {
	f := s.door.facade
	master, known := f.seen.Load().current()
	if !known || string(args[2]) != f.masterName {
		w.NullArray()
		return
	}
	w.Array(2)
	w.BulkString(master.host)
	w.BulkString(strconv.Itoa(master.port))
}

// SENTINEL MASTER name
func oneMaster(s *session, w *writer, args [][]byte) {
	f := s.door.facade
	if !f.isMaster(w, args[2]) {
		return
	}
	v := f.seen.Load()
	master, known := v.current()
	if !known {
		w.Error(string(errNoLeaderYet))
		return
	}
	f.describeMaster(w, v, master)
}

// SENTINEL MASTERS
func allMasters(s *session, w *writer, _ [][]byte) {
	f := s.door.facade
	v := f.seen.Load()
	master, known := v.current()
	if !known {
		w.Array(0)
		return
	}
	w.Array(1)
	f.describeMaster(w, v, master)
}

// SENTINEL REPLICAS name: the members that are not the master. Any of them would do as well.
func sentinelReplicas(s *session, w *writer, args [][]byte) {
	f := s.door.facade
	if !f.isMaster(w, args[2]) {
		return
	}
	v := f.seen.Load()
	master, _ := v.current()
	others := v.without(master.id)
	w.Array(len(others))
	for _, p := range others {
		describeReplica(w, p, master)
	}
}

// SENTINEL SENTINELS name: every member is one.
func sentinelPeers(s *session, w *writer, args [][]byte) {
	f := s.door.facade
	if !f.isMaster(w, args[2]) {
		return
	}
	v := f.seen.Load()
	others := v.without(v.own.id)
	w.Array(len(others))
	for _, p := range others {
		describeSentinel(w, p)
	}
}

// SENTINEL CKQUORUM name
func checkQuorum(s *session, w *writer, args [][]byte) {
	f := s.door.facade
	if !f.isMaster(w, args[2]) {
		return
	}
	v := f.seen.Load()
	living, _ := v.voters()
	if !v.led || living < v.quorum() {
		w.Error("NOQUORUM " + strconv.Itoa(living) + " usable Sentinels. Not enough available Sentinels to reach the specified quorum for this master")
		return
	}
	w.Simple("OK " + strconv.Itoa(living) + " usable Sentinels. Quorum and failover authorization can be reached")
}

// SENTINEL MYID
func sentinelID(s *session, w *writer, _ [][]byte) {
	w.BulkString(nodeID(s.door.cluster.Local().ServerID))
}

// voters counts those that are alive, and all.
func (v *view) voters() (living, all int) {
	for _, p := range v.peers {
		if !p.voter {
			continue
		}
		all++
		if p.alive {
			living++
		}
	}
	return living, all
}

// quorum is a majority of the voters.
func (v *view) quorum() int {
	_, all := v.voters()
	return all/2 + 1
}

// without is the peers but one.
func (v *view) without(id string) []peer {
	var others []peer
	for _, p := range v.peers {
		if p.id != id {
			others = append(others, p)
		}
	}
	return others
}

// fields are pairs of a name and a value, which Sentinel gives as strings.
type fields []string

func (f *fields) add(name, value string)        { *f = append(*f, name, value) }
func (f *fields) number(name string, value int) { f.add(name, strconv.Itoa(value)) }

func (f fields) write(w *writer) {
	w.Map(len(f) / 2)
	for _, text := range f {
		w.BulkString(text)
	}
}

// instance begins the fields that a master, a replica and a Sentinel have in common. Sentinel's times in them are since
// moments that there are not here: they are those of an instance that was just asked, or, if it is dead, when it went.
func (p *peer) instance(name, role string) fields {
	flags, last := role, 0
	if !p.alive {
		flags, last = "s_down,"+role+",disconnected", int(deadAfter.Milliseconds())
	}
	f := fields{"name", name, "ip", p.host, "port", strconv.Itoa(p.port), "runid", p.nodeID(), "flags", flags}
	f.number("link-pending-commands", 0)
	f.number("link-refcount", 1)
	f.number("last-ping-sent", 0)
	f.number("last-ok-ping-reply", last)
	f.number("last-ping-reply", last)
	if !p.alive {
		f.number("s-down-time", last)
	}
	f.number("down-after-milliseconds", int(deadAfter.Milliseconds()))
	return f
}

func (f *facade) describeMaster(w *writer, v *view, master peer) {
	master.alive = true // so says who chose it
	all := master.instance(f.masterName, "master")
	all.number("info-refresh", 0)
	all.add("role-reported", "master")
	all.number("role-reported-time", 0)
	all.add("config-epoch", strconv.FormatUint(v.term, 10))
	all.number("num-slaves", len(v.without(master.id)))
	all.number("num-other-sentinels", len(v.without(v.own.id)))
	all.number("quorum", v.quorum())
	all.number("failover-timeout", int(deadAfter.Milliseconds()))
	all.number("parallel-syncs", 1)
	all.write(w)
}

func describeReplica(w *writer, p, master peer) {
	all := p.instance(net.JoinHostPort(p.host, strconv.Itoa(p.port)), "slave")
	all.number("info-refresh", 0)
	all.add("role-reported", "slave")
	all.number("role-reported-time", 0)
	all.number("master-link-down-time", 0)
	all.add("master-link-status", "ok")
	all.add("master-host", master.host)
	all.number("master-port", master.port)
	all.number("slave-priority", 100)
	all.number("slave-repl-offset", 0)
	all.number("replica-announced", 1)
	all.write(w)
}

func describeSentinel(w *writer, p peer) {
	all := p.instance(p.nodeID(), "sentinel")
	all.number("last-hello-message", 0)
	all.add("voted-leader", "?")
	all.number("voted-leader-epoch", 0)
	all.write(w)
}
