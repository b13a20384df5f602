package cluster

import (
	"context"
	"net"
	"sync"
	"time"
)

// A member that has come back under another address tells the leader, who has it noted in the configuration. But where nobody
// can lead without its vote, or with a log as short as its own, no leader can be made that could note it: the others dial the
// old address. So a member also tells those who do not lead, and for a moment they dial what it said instead.
//
// It must never seem to raft that one node is two. So an address that the configuration gives to another member is nobody's
// detour, two members have not the same one, and it is forgotten if it is not said again.

const detourTime = time.Second // a member that nobody finds repeats itself every changePause

// detours are where members are, by the address under which the configuration has them. The zero value is empty.
type detours struct {
	mu sync.Mutex
	to map[string]detour // at most one for each member
}

type detour struct {
	addr  string
	until time.Time
}

// heardOf notes what a member says of its address.
func (n *Node) heardOf(id, addr string) {
	configured := ""
	for _, s := range n.servers() {
		switch {
		case string(s.ID) == id:
			configured = string(s.Address)
		case string(s.Address) == addr:
			return
		}
	}
	if configured != "" && configured != addr {
		n.detours.add(configured, addr, time.Now())
	}
}

// dial connects with the peer port at addr, or where its owner is now.
func (n *Node) dial(ctx context.Context, addr string) (net.Conn, error) {
	if to, moved := n.detours.find(addr, time.Now()); moved {
		if !n.isConfigured(to) {
			return n.config.Dial(ctx, to)
		}
		n.detours.drop(addr)
	}
	return n.config.Dial(ctx, addr)
}

func (n *Node) isConfigured(addr string) bool {
	for _, s := range n.servers() {
		if string(s.Address) == addr {
			return true
		}
	}
	return false
}

func (d *detours) add(from, to string, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for other, known := range d.to {
		if known.addr == to && other != from || now.After(known.until) {
			delete(d.to, other)
		}
	}
	if d.to == nil {
		d.to = map[string]detour{}
	}
	d.to[from] = detour{to, now.Add(detourTime)}
}

func (d *detours) find(from string, now time.Time) (to string, found bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, found := d.to[from]
	return known.addr, found && !now.After(known.until)
}

func (d *detours) drop(from string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.to, from)
}
