package sim

import (
	"strings"
	"time"
)

// The cuts that a nemesis makes. Several may overlap: the end of one leaves the others.

type link struct{ from, to string }

// sever adds cuts under a number of their own, which the returned function ends.
func (n *nemesis) sever(links ...link) (undo func()) {
	n.count(kindCut)
	n.mu.Lock()
	n.last++
	number := n.last
	n.cuts[number] = links
	n.mu.Unlock()
	for _, l := range links {
		n.Net.CutOneWay(l.from, l.to)
	}
	return func() {
		n.mu.Lock()
		delete(n.cuts, number)
		var rest []link
		for _, links := range n.cuts {
			rest = append(rest, links...)
		}
		n.mu.Unlock()
		n.Net.Heal()
		for _, l := range rest {
			n.Net.CutOneWay(l.from, l.to)
		}
	}
}

// links are all from one side to the other.
func links(left, right []string) (all []link) {
	for _, a := range left {
		for _, b := range right {
			if a != b {
				all = append(all, link{a, b})
			}
		}
	}
	return all
}

func both(left, right []string) []link { return append(links(left, right), links(right, left)...) }

func sides(target string) (left, right []string) {
	l, r, _ := strings.Cut(target, "|")
	return strings.Split(l, ","), strings.Split(r, ",")
}

func (n *nemesis) isolate(f fault) func() { return n.sever(both([]string{f.target}, n.hosts)...) }

func (n *nemesis) mute(f fault) func() { return n.sever(links([]string{f.target}, n.hosts)...) }

func (n *nemesis) deafen(f fault) func() { return n.sever(links(n.hosts, []string{f.target})...) }

func (n *nemesis) cut(f fault) func() {
	left, right := sides(f.target)
	return n.sever(both(left, right)...)
}

func (n *nemesis) oneWay(f fault) func() {
	left, right := sides(f.target)
	return n.sever(links(left, right)...)
}

// bridge cuts two sides, but for one host that talks to both.
func (n *nemesis) bridge(f fault) func() {
	left, right := sides(f.target)
	return n.sever(both(left[1:], right)...)
}

// ring lets each host talk to its neighbours only: of three in a ring, the first two are cut instead.
func (n *nemesis) ring(fault) func() {
	if len(n.hosts) <= 3 {
		return n.sever(both(n.hosts[:1], n.hosts[1:2])...)
	}
	var all []link
	for i := range n.hosts {
		for j := range n.hosts {
			if apart := (i - j + len(n.hosts)) % len(n.hosts); apart > 1 && apart < len(n.hosts)-1 {
				all = append(all, link{n.hosts[i], n.hosts[j]})
			}
		}
	}
	return n.sever(all...)
}

// flap cuts and heals again and again.
func (n *nemesis) flap(f fault) func() {
	left, right := sides(f.target)
	over := make(chan struct{})
	n.pending.Go(func() {
		for {
			undo := n.sever(both(left, right)...)
			n.Pass(time.Duration(f.amount) * time.Millisecond)
			undo()
			select {
			case <-over:
				return
			case <-time.After(time.Duration(f.amount) * time.Millisecond):
			}
		}
	})
	return func() { close(over) }
}
