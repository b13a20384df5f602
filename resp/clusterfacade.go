package resp

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	errClusterDisabled replyError = "ERR This instance has cluster support disabled"
	errSlotsAreOurs    replyError = "ERR not supported: the nodes spread the slots over the live members themselves, and each holds every key"
	errNoLeaderYet     replyError = "CLUSTERDOWN not applied: this node has not heard of a leader yet"
)

// slotCommands are the subcommands of CLUSTER for clients of Redis Cluster. Without its facade each is refused in Redis's
// words, which tell clients that this is no Redis Cluster.
var slotCommands = []command{
	{name: "cluster|slots", arity: 2, summary: "Returns which member clients shall ask for which slots.",
		reply: "array: for each range its first and last slot, and array: the host, port, id and metadata of a member", cost: "O(N), N members",
		errors: "Refused without the facade `cluster`, as are the other commands about slots.", local: behindCluster(clusterSlots)},
	{name: "cluster|shards", arity: 2, summary: "Returns the members and their slots.",
		reply: "array: a map for each member", cost: "O(N), N members", local: behindCluster(clusterShards)},
	{name: "cluster|nodes", arity: 2, summary: "Returns the members and their slots, as lines.",
		reply: "verbatim string: a line for each member", cost: "O(N), N members", local: behindCluster(clusterNodes)},
	{name: "cluster|info", arity: 2, summary: "Returns the state of the cluster.",
		reply: "verbatim string: lines of name:value", local: behindCluster(clusterInfo)},
	{name: "cluster|keyslot", arity: 3, syntax: "key", summary: "Returns the slot of a key.",
		reply: "integer", cost: "O(N), N bytes", local: behindCluster(clusterKeySlot)},
	{name: "cluster|replicas", arity: 3, syntax: "node-id", summary: "Returns the replicas of a member: none.",
		reply: "array, empty", local: behindCluster(clusterReplicas)},
	{name: "cluster|slaves", arity: 3, syntax: "node-id", summary: "Is CLUSTER REPLICAS.",
		reply: "array, empty", local: behindCluster(clusterReplicas)},
	notOurs("addslots", -3), notOurs("addslotsrange", -4), notOurs("bumpepoch", 2), notOurs("count-failure-reports", 3),
	notOurs("countkeysinslot", 3), notOurs("delslots", -3), notOurs("delslotsrange", -4), notOurs("failover", -2),
	notOurs("flushslots", 2), notOurs("getkeysinslot", 4), notOurs("links", 2), notOurs("replicate", 3), notOurs("reset", -2),
	notOurs("saveconfig", 2), notOurs("set-config-epoch", 3), notOurs("setslot", -4),
}

// behindCluster lets a command run only behind the cluster facade.
func behindCluster(run func(s *session, w *writer, args [][]byte)) func(*session, *writer, [][]byte) {
	return func(s *session, w *writer, args [][]byte) {
		if s.door.facade.kind != ClusterFacade {
			w.Error(string(errClusterDisabled))
			return
		}
		run(s, w, args)
	}
}

// notOurs is a command by which Redis's operators and tools move slots.
func notOurs(sub string, arity int) command {
	return command{name: "cluster|" + sub, arity: arity, summary: "Is refused.", reply: "error",
		local: behindCluster(func(_ *session, w *writer, _ [][]byte) { w.Error(string(errSlotsAreOurs)) })}
}

// ASKING: clients are never asked to, but may.
func askedNever(_ *session, w *writer, _ [][]byte) { w.OK() }

// shown is the view, if there is one yet; else the client is told to ask another node.
func (f *facade) shown(w *writer) *view {
	v := f.seen.Load()
	if v.heard.IsZero() {
		w.Error(string(errNoLeaderYet))
		return nil
	}
	return v
}

// CLUSTER SLOTS
func clusterSlots(s *session, w *writer, _ [][]byte) {
	v := s.door.facade.shown(w)
	if v == nil {
		return
	}
	ranges := v.slots()
	w.Array(len(ranges))
	for _, r := range ranges {
		w.Array(3)
		w.Int(int64(r.first))
		w.Int(int64(r.last))
		w.Array(4)
		w.BulkString(r.owner.host)
		w.Int(int64(r.owner.port))
		w.BulkString(r.owner.nodeID())
		w.Map(0)
	}
}

// CLUSTER SHARDS: each member is a shard of its own.
func clusterShards(s *session, w *writer, _ [][]byte) {
	v := s.door.facade.shown(w)
	if v == nil {
		return
	}
	ranges := v.slots()
	w.Array(len(v.peers))
	for _, p := range v.peers {
		var owned []int
		for _, r := range ranges {
			if r.owner.id == p.id {
				owned = append(owned, r.first, r.last)
			}
		}
		w.Map(2)
		w.BulkString("slots")
		w.Array(len(owned))
		for _, slot := range owned {
			w.Int(int64(slot))
		}
		w.BulkString("nodes")
		w.Array(1)
		p.describe(w)
	}
}

// describe writes a node of CLUSTER SHARDS.
func (p *peer) describe(w *writer) {
	health := "online"
	if !p.alive {
		health = "fail"
	}
	w.Map(7)
	w.BulkString("id")
	w.BulkString(p.nodeID())
	w.BulkString("port")
	w.Int(int64(p.port))
	w.BulkString("ip")
	w.BulkString(p.host)
	w.BulkString("endpoint")
	w.BulkString(p.host)
	w.BulkString("role")
	w.BulkString("master")
	w.BulkString("replication-offset")
	w.Int(0)
	w.BulkString("health")
	w.BulkString(health)
}

// CLUSTER NODES
//
//	<id> <host>:<port>@<peer port> <flags> - <ping> <pong> <epoch> <link> <slot>-<slot> …
func clusterNodes(s *session, w *writer, _ [][]byte) {
	v := s.door.facade.shown(w)
	if v == nil {
		return
	}
	ranges := v.slots()
	var b strings.Builder
	for _, p := range v.peers {
		flags, link := "master", "connected"
		if !p.alive {
			flags, link = "master,fail", "disconnected"
		}
		if p.id == v.own.id {
			flags = "myself,master"
		}
		fmt.Fprintf(&b, "%s %s:%d@%d %s - 0 0 %d %s", p.nodeID(), p.host, p.port, p.bus, flags, v.term, link)
		for _, r := range ranges {
			if r.owner.id == p.id {
				b.WriteString(" " + strconv.Itoa(r.first))
				if r.last > r.first {
					b.WriteString("-" + strconv.Itoa(r.last))
				}
			}
		}
		b.WriteString("\n")
	}
	w.Verbatim(b.String())
}

// CLUSTER INFO
func clusterInfo(s *session, w *writer, _ [][]byte) {
	v := s.door.facade.seen.Load()
	state := "ok"
	if !v.led {
		state = "fail"
	}
	owners := map[string]bool{}
	for _, r := range v.slots() {
		owners[r.owner.id] = true
	}
	var b strings.Builder
	infoLine(&b, "cluster_state", state)
	infoLine(&b, "cluster_slots_assigned", slotCount)
	infoLine(&b, "cluster_slots_ok", slotCount)
	infoLine(&b, "cluster_slots_pfail", 0)
	infoLine(&b, "cluster_slots_fail", 0)
	infoLine(&b, "cluster_known_nodes", max(1, len(v.peers)))
	infoLine(&b, "cluster_size", len(owners))
	infoLine(&b, "cluster_current_epoch", v.term)
	infoLine(&b, "cluster_my_epoch", v.term)
	infoLine(&b, "cluster_stats_messages_sent", 0)
	infoLine(&b, "cluster_stats_messages_received", 0)
	infoLine(&b, "total_cluster_links_buffer_limit_exceeded", 0)
	w.Verbatim(b.String())
}

// CLUSTER REPLICAS id: members are no replicas of each other.
func clusterReplicas(s *session, w *writer, args [][]byte) {
	if s.door.facade.named(args[2]) == "" {
		w.Error("ERR Unknown node " + shown(args[2], shownBytes))
		return
	}
	w.Array(0)
}

// named returns the server id of the member with a Redis Cluster id; empty: there is none.
func (f *facade) named(id []byte) string {
	for _, p := range f.seen.Load().peers {
		if p.nodeID() == string(id) {
			return p.id
		}
	}
	return ""
}

// CLUSTER KEYSLOT key
func clusterKeySlot(_ *session, w *writer, args [][]byte) { w.Int(int64(keySlot(args[2]))) }

// ownID is this node's id: one of Redis Cluster's form where clients compare it with those of CLUSTER NODES.
func (f *facade) ownID() string {
	id := f.cluster.Local().ServerID
	if f.kind == ClusterFacade {
		return nodeID(id)
	}
	return id
}
