package memnet

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// MaxDelay is the longest one-way latency.
const MaxDelay = time.Hour

// Delay gives every segment sent from now on a one-way latency drawn evenly from lo to hi; segments of one Conn stay in
// order, so one may wait for the one before it. An error, and no change, unless 0 ≤ lo ≤ hi ≤ MaxDelay.
func (n *Network) Delay(lo, hi time.Duration) error {
	if lo < 0 || hi < lo || hi > MaxDelay {
		return fmt.Errorf("memnet: delay from %v to %v: want 0 ≤ lo ≤ hi ≤ %v", lo, hi, MaxDelay)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lo, n.hi = lo, hi
	return nil
}

// Cut silences both directions between two hosts, like a black hole: nothing fails, what is on its way or sent from now on
// arrives after Heal, dials hang. Hosts may be given as addresses, here and below.
func (n *Network) Cut(a, b string) {
	n.sever(func() {
		n.cuts[path{hostOf(a), hostOf(b)}] = true
		n.cuts[path{hostOf(b), hostOf(a)}] = true
	})
}

// CutOneWay silences what travels from one host to another; answers of open connections still come back. Dials hang both ways.
func (n *Network) CutOneWay(from, to string) {
	n.sever(func() { n.cuts[path{hostOf(from), hostOf(to)}] = true })
}

// Isolate cuts a host from all others, also from those that appear later.
func (n *Network) Isolate(host string) {
	n.sever(func() { n.isolated[hostOf(host)] = true })
}

// Heal ends all cuts and makes all Links good. What was held, or delayed or lost by a Link, starts anew: it arrives in order,
// after a delay drawn now.
func (n *Network) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cuts)
	clear(n.isolated)
	clear(n.links)
	clear(n.busy)
	conns := n.connsLocked()
	for _, c := range conns {
		c.releaseLocked()
	}
	for _, c := range conns { // after all that was held, so that no answer overtakes it
		c.answerLocked()
	}
	n.changedLocked()
}

// Kill is the death of a host's process: its listeners close, its Conns fail with net.ErrClosed, its hanging dials too, and
// the far ends read what was sent before and then a reset (after Heal, if the path is cut). The host may listen and dial again
// at once, as a restarted process does; stopping the goroutines of the dead one is up to who started them.
func (n *Network) Kill(host string) {
	host = hostOf(host)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lives[host]++
	for _, addr := range slices.Sorted(maps.Keys(n.listeners)) {
		if hostOf(addr) == host {
			n.listeners[addr].closeLocked()
		}
	}
	for _, c := range n.connsLocked() {
		if hostOf(c.local) == host && !c.closed {
			c.endLocked(reset)
		}
	}
	n.changedLocked()
}

// sever makes cuts and holds what is on its way over them.
func (n *Network) sever(more func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	more()
	now := time.Now()
	for _, c := range n.connsLocked() {
		if n.severedLocked(hostOf(c.remote), hostOf(c.local)) {
			n.countsLocked(hostOf(c.remote), hostOf(c.local)).Held += c.in.hold(now)
		}
	}
}

func (n *Network) severedLocked(from, to string) bool {
	return from != to && (n.isolated[from] || n.isolated[to] || n.cuts[path{from, to}])
}

// delayLocked draws the latency of one segment.
func (n *Network) delayLocked(from, to string) time.Duration {
	if from == to {
		return 0
	}
	return n.drawLocked(n.lo, n.hi)
}
