package sim

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// What a nemesis does to the network. Several faults may overlap: the end of one leaves the others.

type link struct{ from, to string }

// ail makes something wrong with links, which the returned act ends. What proves the effect is what the network has counted.
func (n *nemesis) ail(links []link, make func(link), count func(memnet.Counts) int) *act {
	before := map[link]memnet.Counts{}
	for _, l := range links {
		before[l] = n.Net.Counts(l.from, l.to)
	}
	all := func() {
		for _, l := range links {
			make(l)
		}
	}
	n.mu.Lock()
	n.last++
	number := n.last
	n.ills[number] = all
	n.mu.Unlock()
	all()
	return &act{func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.ills, number)
		n.Net.Heal()
		for _, again := range n.ills {
			again()
		}
	}, func() string {
		met := 0
		for _, l := range links {
			met += count(n.Net.Counts(l.from, l.to).Since(before[l]))
		}
		if met == 0 {
			return ""
		}
		return fmt.Sprintf("%d segments and dials met it", met)
	}}
}

// sever cuts links.
func (n *nemesis) sever(links ...link) *act {
	return n.ail(links, func(l link) { n.Net.CutOneWay(l.from, l.to) }, func(c memnet.Counts) int { return c.Held + c.Hung })
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

func (n *nemesis) isolate(f fault) *act { return n.sever(both([]string{f.target}, n.hosts)...) }

func (n *nemesis) mute(f fault) *act { return n.sever(links([]string{f.target}, n.hosts)...) }

func (n *nemesis) deafen(f fault) *act { return n.sever(links(n.hosts, []string{f.target})...) }

func (n *nemesis) cut(f fault) *act { return n.sever(both(sides(f.target))...) }

func (n *nemesis) oneWay(f fault) *act { return n.sever(links(sides(f.target))...) }

// bridge cuts two sides, but for one host that talks to both.
func (n *nemesis) bridge(f fault) *act {
	left, right := sides(f.target)
	if len(left) == 1 {
		left, right = right, left
	}
	return n.sever(both(left[1:], right)...)
}

// ring lets each host talk to its neighbours only. Of three, two don't talk to each other then.
func (n *nemesis) ring(fault) *act {
	if len(n.hosts) == 3 {
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

// flap cuts and heals again and again. Each cut counts as one, if it had an effect.
func (n *nemesis) flap(f fault) *act {
	left, right := sides(f.target)
	over, met := make(chan struct{}), 0
	var done sync.WaitGroup
	done.Go(func() {
		for {
			cut := n.sever(both(left, right)...)
			n.Pass(time.Duration(f.amount) * time.Millisecond)
			if cut.undo(); cut.effect() != "" {
				met++
			}
			select {
			case <-over:
				return
			case <-time.After(time.Duration(f.amount) * time.Millisecond):
			}
		}
	})
	return &act{func() { close(over); done.Wait() }, func() string {
		if met == 0 {
			return ""
		}
		for range met - 1 {
			n.count(kindCut)
		}
		return fmt.Sprintf("%d of the cuts met something", met)
	}}
}

// spoil makes links bad between two sides, in both directions.
func (n *nemesis) spoil(f fault, with memnet.Link, count func(memnet.Counts) int) *act {
	return n.ail(both(sides(f.target)), func(l link) {
		if err := n.Net.Shape(l.from, l.to, with); err != nil {
			n.anomaly("harness", "%v", err)
		}
	}, count)
}

func (n *nemesis) delay(f fault) *act {
	longest := time.Duration(f.amount*n.plan.setup.pace) * time.Millisecond
	return n.spoil(f, memnet.Link{Hi: longest}, func(c memnet.Counts) int { return c.Delayed })
}

func (n *nemesis) loss(f fault) *act {
	return n.spoil(f, memnet.Link{Loss: float64(f.amount) / 100}, func(c memnet.Counts) int { return c.Lost })
}

func (n *nemesis) slowLink(f fault) *act {
	return n.spoil(f, memnet.Link{Rate: f.amount << 10}, func(c memnet.Counts) int { return c.Slowed })
}

// garble flips a bit of some segments, past TCP's sum.
func (n *nemesis) garble(f fault) *act {
	return n.spoil(f, memnet.Link{Corrupt: float64(f.amount) / 100}, func(c memnet.Counts) int { return c.Corrupted })
}

// reset breaks all connections of a host.
func (n *nemesis) reset(f fault) *act {
	broken := 0
	for _, host := range n.hosts {
		if host != f.target {
			broken += n.Net.Break(f.target, host)
		}
	}
	if broken == 0 {
		return nil
	}
	return &act{nil, always(fmt.Sprintf("%d connections were reset", broken))}
}
