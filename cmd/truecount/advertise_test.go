package main

import (
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// relay passes connections on to an address that is set later, as a proxy in front of a peer port does.
type relay struct {
	net.Listener
	to      string
	carried sync.WaitGroup
}

func startRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	t.Cleanup(func() { l.Close(); r.carried.Wait() })
	return r
}

func (r *relay) serve(to string) {
	r.to = to
	r.carried.Go(func() {
		for {
			from, err := r.Accept()
			if err != nil {
				return
			}
			r.carried.Go(func() { r.carry(from) })
		}
	})
}

func (r *relay) carry(from net.Conn) {
	defer from.Close()
	to, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer to.Close()
	go func() {
		io.Copy(to, from) // an error is an end
		to.Close()
	}()
	io.Copy(from, to)
}

func TestNodesReachEachOtherAtTheAdvertisedPeerAddress(t *testing.T) {
	dir := t.TempDir()
	var relays []*relay
	begin := func(id, dir string, join ...string) *node {
		r, peer := startRelay(t), closedPort(t) // the relay must know where to go before the node listens there
		r.serve(peer)
		relays = append(relays, r)
		return startNode(t, Config{ID: id, Dir: dir, Peer: peer, ToldPeer: r.Addr().String(), Join: join})
	}
	n1 := begin("n1", filepath.Join(dir, "n1"))
	n2 := begin("n2", filepath.Join(dir, "n2"), n1.config.RESP)
	n1.wantMembers(t, relays[0].Addr().String(), relays[1].Addr().String())
	n2.wantDo(t, "1", "INCR", "hits") // by the leader, and back

	if err := n2.stop(); err != nil {
		t.Fatal(err)
	}
	begin("n2", filepath.Join(dir, "n2"))
	n1.wantMembers(t, relays[0].Addr().String(), relays[2].Addr().String()) // it has told where it can be reached now
	n1.wantDo(t, "2", "INCR", "hits")
}

// wantMembers waits until the members are known under these peer addresses, and no others.
func (n *node) wantMembers(t *testing.T, peers ...string) {
	t.Helper()
	for deadline := time.After(patience); ; {
		var got []string
		for _, m := range n.gate.Local().Members {
			got = append(got, m.Peer)
		}
		if strings.Join(got, " ") == strings.Join(peers, " ") {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the members are %v, want %v", got, peers)
		case <-time.After(readyTick):
		}
	}
}
