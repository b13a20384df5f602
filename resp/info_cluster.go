package resp

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/truecount/truecount/fsm"
)

// The sections of INFO that tell of the cluster, as far as this node knows by itself, and ROLE.

// replica is another member in Redis's words.
type replica struct {
	host   string
	port   int64
	offset uint64 // the log index that it has applied, or this node's if that is not known
	lag    uint64 // entries
	state  string
}

// replicas are the other members, those without a RESP address left out: they have yet to say where they are.
func replicas(st *fsm.Status) (all []replica) {
	for i := range st.Members {
		m := &st.Members[i]
		host, text, err := net.SplitHostPort(m.RESP)
		if err != nil || m.ServerID == st.ServerID && m.ID == st.ID {
			continue
		}
		port, _ := strconv.ParseInt(text, 10, 32)
		r := replica{host: host, port: port, offset: st.AppliedIndex, state: "online"}
		if m.Lag != nil {
			r.lag, r.offset = *m.Lag, st.CommitIndex-min(*m.Lag, st.CommitIndex)
		}
		if m.Reachable != nil && !*m.Reachable {
			r.state = "offline"
		}
		all = append(all, r)
	}
	return all
}

// infoReplication says master on every node: each takes writes.
func infoReplication(b *strings.Builder, _ *door, st *fsm.Status) {
	all := replicas(st)
	infoLine(b, "role", "master")
	infoLine(b, "connected_slaves", len(all))
	for i, r := range all {
		infoLine(b, fmt.Sprintf("slave%d", i), fmt.Sprintf("ip=%s,port=%d,state=%s,offset=%d,lag=%d", r.host, r.port, r.state, r.offset, r.lag))
	}
	infoLine(b, "master_failover_state", "no-failover")
	infoLine(b, "master_repl_offset", st.AppliedIndex)
}

// ROLE
func role(s *session, w *writer, _ [][]byte) {
	st := s.door.cluster.Local()
	all := replicas(&st)
	w.Array(3)
	w.BulkString("master")
	w.Int(int64(st.AppliedIndex))
	w.Array(len(all))
	for _, r := range all {
		w.Array(3)
		w.BulkString(r.host)
		w.BulkString(strconv.FormatInt(r.port, 10))
		w.BulkString(strconv.FormatUint(r.offset, 10))
	}
}

// infoCluster says whether clients may speak the Redis Cluster protocol. They need not: any node takes any key.
func infoCluster(b *strings.Builder, d *door, _ *fsm.Status) {
	infoLine(b, "cluster_enabled", d.facade.clusterEnabled())
}

func infoKeyspace(b *strings.Builder, _ *door, st *fsm.Status) {
	if st.Keys > 0 {
		infoLine(b, "db0", fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", st.Keys, st.Expires))
	}
}

func infoRaft(b *strings.Builder, _ *door, st *fsm.Status) {
	leader, address := "", ""
	if st.Leader != nil {
		leader, address = st.Leader.ID, st.Leader.RESP
	}
	voters := 0
	for _, m := range st.Members {
		if m.Voter {
			voters++
		}
	}
	infoLine(b, "state", st.Role)
	infoLine(b, "term", st.Term)
	infoLine(b, "commit_index", st.CommitIndex)
	infoLine(b, "applied_index", st.AppliedIndex)
	infoLine(b, "pending_entries", st.CommitIndex-min(st.AppliedIndex, st.CommitIndex))
	infoLine(b, "leader", leader)
	infoLine(b, "leader_address", address)
	infoLine(b, "voters", voters)
	infoLine(b, "peers", max(0, len(st.Members)-1))
	peer := 0
	for i := range st.Members {
		m := &st.Members[i]
		if m.ServerID == st.ServerID && m.ID == st.ID {
			continue
		}
		line := fmt.Sprintf("id=%s,addr=%s,voter=%t", m.ID, m.Peer, m.Voter)
		if m.Reachable != nil {
			line += fmt.Sprintf(",reachable=%t", *m.Reachable)
		}
		if m.Lag != nil {
			line += fmt.Sprintf(",lag=%d", *m.Lag)
		}
		infoLine(b, fmt.Sprintf("peer%d", peer), line)
		peer++
	}
}

func infoTruecount(b *strings.Builder, _ *door, st *fsm.Status) {
	infoLine(b, "node", st.ID)
	infoLine(b, "raft_role", st.Role)
	infoLine(b, "term", st.Term)
	infoLine(b, "commit_index", st.CommitIndex)
	infoLine(b, "applied_index", st.AppliedIndex)
	leader := ""
	if st.Leader != nil {
		leader = st.Leader.ID
	}
	infoLine(b, "leader", leader)
	infoLine(b, "used_bytes", st.UsedBytes)
	infoLine(b, "max_bytes", st.MaxBytes)
	infoLine(b, "max_keys", st.MaxKeys)
	infoLine(b, "instances", st.Instances)
	infoLine(b, "max_instances", st.MaxInstances)
	infoLine(b, "dead_instance_threshold", st.Lease)
	infoLine(b, "sessions", st.Sessions)
	infoLine(b, "max_sessions", st.MaxSessions)
	infoLine(b, "once_hits", st.OnceHits)
	infoLine(b, "once_refused", st.OnceRefused)
	infoLine(b, "members", len(st.Members))
	for i, m := range st.Members {
		infoLine(b, fmt.Sprintf("member%d", i),
			fmt.Sprintf("id=%s,resp=%s,peer=%s,voter=%t,role=%s", m.ID, m.RESP, m.Peer, m.Voter, m.Role))
	}
}
