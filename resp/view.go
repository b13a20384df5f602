package resp

import (
	"crypto/sha1"
	"encoding/hex"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
)

// view is who is alive, as far as a door can know. It is never changed once it was shown: next makes another one.
type view struct {
	own    peer      // this node
	peers  []peer    // the members that clients can be told of, by id
	leader string    // the id of the leader that answered last
	term   uint64    // when it did
	heard  time.Time // when it did; zero: never
	led    bool      // it did so lately
	master peer      // of the Sentinel facade; no id: nobody yet
}

// peer is a member with a door.
type peer struct {
	id    string // its server id
	host  string // of its door, as clients are told
	port  int
	bus   int // its peer port
	voter bool
	seen  time.Time // when a leader reached it last, or could not be asked
	alive bool
}

func newPeer(serverID string, a fsm.Address) (peer, bool) {
	host, port, err := net.SplitHostPort(a.RESP)
	if err != nil {
		return peer{}, false // it has not registered itself yet
	}
	p := peer{id: serverID, host: host}
	p.port, _ = strconv.Atoi(port)
	if _, bus, err := net.SplitHostPort(a.Peer); err == nil {
		p.bus, _ = strconv.Atoi(bus)
	}
	return p, true
}

// nodeID is the peer's id in the form that Redis's have: 40 hexadecimal digits. The same on every node.
func (p *peer) nodeID() string { return nodeID(p.id) }

func nodeID(serverID string) string {
	sum := sha1.Sum([]byte(serverID))
	return hex.EncodeToString(sum[:])
}

// next is the view after Cluster.Describe has answered st.
//
// This node is alive. Another one is while it was within a leader's reach for the last deadAfter. While no leader can be asked,
// nobody can tell, and those who were alive stay so; but for the leader that does not answer, which may be the one that died.
func (v *view) next(st fsm.Status, now time.Time) *view {
	n := *v
	if st.ServerID != "" { // it is empty while the node is being opened
		n.own, _ = newPeer(st.ServerID, fsm.Address{RESP: st.RESP, Peer: st.Peer})
	}
	if byLeader(st) {
		n.told(st, now)
	} else {
		n.untold(now)
	}
	n.led = now.Sub(n.heard) < deadAfter
	for i := range n.peers {
		p := &n.peers[i]
		p.alive = p.id == n.own.id || now.Sub(p.seen) < deadAfter
	}
	if n.led {
		n.choose()
	}
	return &n
}

// byLeader reports whether a leader has said who can be reached.
func byLeader(st fsm.Status) bool {
	return slices.ContainsFunc(st.Members, func(m fsm.Member) bool { return m.Reachable != nil })
}

func (v *view) told(st fsm.Status, now time.Time) {
	before := v.peers
	v.peers, v.leader, v.term, v.heard = nil, "", st.Term, now
	for _, m := range st.Members {
		if m.Role == fsm.Leader {
			v.leader = m.ServerID
		}
		p, ok := newPeer(m.ServerID, m.Address)
		if !ok {
			continue
		}
		p.voter = m.Voter
		if i := find(before, p.id); i >= 0 {
			p.seen = before[i].seen
		}
		if m.Role == fsm.Leader || m.Reachable != nil && *m.Reachable {
			p.seen = now
		}
		v.peers = append(v.peers, p)
	}
	slices.SortFunc(v.peers, func(a, b peer) int { return strings.Compare(a.id, b.id) })
}

func (v *view) untold(now time.Time) {
	v.peers = slices.Clone(v.peers)
	for i := range v.peers {
		if p := &v.peers[i]; p.alive && p.id != v.leader {
			p.seen = now
		}
	}
}

// choose keeps the master while it is alive, whoever leads, for clients close their connections when it changes. Else it is the
// leader.
func (v *view) choose() {
	i := find(v.peers, v.master.id)
	if i < 0 || !v.peers[i].alive {
		i = find(v.peers, v.leader)
	}
	if i < 0 { // the leader has yet to say where it is; whoever were chosen instead would stay the master
		v.master.alive = false
		return
	}
	v.master = v.peers[i]
}

// find returns the index of the peer with the server id, or -1.
func find(peers []peer, id string) int {
	return slices.IndexFunc(peers, func(p peer) bool { return p.id == id })
}

// current is the master that clients are told: this node itself if it has lost the leader, for it can't know better; false if
// it has never known one, and clients had better ask another node.
func (v *view) current() (p peer, known bool) {
	if !v.led || !v.master.alive {
		return v.own, v.master.id != ""
	}
	return v.master, true
}
