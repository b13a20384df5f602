package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// A schedule is what goes wrong in a trial, drawn before it begins. It reads as
//
//	at 1.2s  crash leader for 400ms
//	at 1.9s  cut n1|n2 for 1s
//
// A target is a host, a role (leader, follower: whoever has it when the time has come) or two sides with something between.
type schedule []fault

type fault struct {
	at     time.Duration // since the trial began
	verb   string        // a row of verbs
	target string
	length time.Duration // until it is over; 0: it needs no end
	amount int           // what the verb makes of it: a write, milliseconds, seconds
}

func (s schedule) String() string {
	var b strings.Builder
	for _, f := range s {
		fmt.Fprintf(&b, "  %v\n", f)
	}
	return b.String()
}

func (f fault) String() string {
	text := fmt.Sprintf("at %-8v %s %s", f.at.Round(time.Millisecond), f.verb, f.target)
	if f.amount != 0 {
		text += fmt.Sprintf(" (%d)", f.amount)
	}
	if f.length != 0 {
		text += fmt.Sprintf(" for %v", f.length.Round(time.Millisecond))
	}
	return text
}

// verb is a kind of fault: what it is aimed at, how long it lasts, and how it is done. A bubble can't pause a process: a frozen disk
// and cuts are what comes near it.
type verb struct {
	name   string
	weight int // how often, among those that a trial has
	kind   string
	target func(d *draw) string
	amount func(rng *rand.Rand) int
	brief  bool                           // lasts for a time of its own, not that of the trial
	do     func(n *nemesis, f fault) *act // nil: there was nothing to do it to
}

// The kinds that are counted apart.
const (
	kindCrash = "crash"
	kindCut   = "partition"
)

func verbs() []verb {
	return []verb{
		{name: "crash", kind: kindCrash, weight: 14, target: anyTarget, do: (*nemesis).crash},
		{name: "crash-all", kind: kindCrash, weight: 6, target: allHosts, amount: upTo(5), do: (*nemesis).crashAll},
		{name: "crash-at-write", kind: kindCrash, weight: 4, target: anyTarget, amount: upTo(12), do: (*nemesis).crashAtWrite},
		{name: "isolate", kind: kindCut, weight: 8, target: anyTarget, do: (*nemesis).isolate},
		{name: "cut", kind: kindCut, weight: 8, target: twoSides, do: (*nemesis).cut},
		{name: "mute", kind: kindCut, weight: 4, target: anyTarget, do: (*nemesis).mute},
		{name: "deafen", kind: kindCut, weight: 4, target: anyTarget, do: (*nemesis).deafen},
		{name: "one-way", kind: kindCut, weight: 4, target: twoSides, do: (*nemesis).oneWay},
		{name: "bridge", kind: kindCut, weight: 3, target: twoSides, do: (*nemesis).bridge},
		{name: "ring", kind: kindCut, weight: 3, target: allHosts, do: (*nemesis).ring},
		{name: "flap", kind: kindCut, weight: 3, target: twoSides, amount: between(50, 500), do: (*nemesis).flap},
		{name: "reset", kind: "reset", weight: 2, target: anyTarget, brief: true, do: (*nemesis).reset},
		{name: "loss", kind: "loss", weight: 2, target: twoSides, amount: between(5, 40), do: (*nemesis).loss},
		{name: "slow-link", kind: "slow link", weight: 2, target: twoSides, amount: between(2, 100), do: (*nemesis).slowLink},
		{name: "garble", kind: "garbled link", weight: 2, target: twoSides, amount: between(1, 10), do: (*nemesis).garble},
		{name: "delay", kind: "delay", weight: 2, target: twoSides, amount: between(5, 60), do: (*nemesis).delay},
		{name: "slow-disk", kind: "slow disk", weight: 3, target: anyTarget, amount: between(5, 80), do: (*nemesis).slowDisk},
		{name: "freeze-disk", kind: "frozen disk", weight: 2, target: anyTarget, do: (*nemesis).freeze},
		{name: "fail-write", kind: "failing disk", weight: 2, target: anyTarget, amount: upTo(5), do: (*nemesis).failWrite},
		{name: "fill-disk", kind: "full disk", weight: 1, target: anyTarget, do: (*nemesis).fill},
		{name: "clock", kind: "clock jump", weight: 3, target: liarTarget, amount: between(-3600, 3600), brief: true, do: (*nemesis).clock},
		{name: "transfer", kind: "transfer", weight: 3, target: anyTarget, do: (*nemesis).transfer},
		{name: "replace", kind: "replacement", weight: 1, target: anyTarget, do: (*nemesis).replace},
	}
}

// draw is what targets are drawn from.
type draw struct {
	*rand.Rand
	hosts []string
	liar  string // the host whose wall clock can't be trusted
}

func anyTarget(d *draw) string {
	switch d.IntN(5) {
	case 0, 1:
		return "leader"
	case 2:
		return "follower"
	}
	return d.hosts[d.IntN(len(d.hosts))]
}

// liarTarget is always the same: of any majority of the voters most wall clocks must be right.
func liarTarget(d *draw) string { return d.liar }

func allHosts(*draw) string { return "all" }

// twoSides are two groups of hosts that have nothing in common: n1,n3|n2. Not all need be in one.
func twoSides(d *draw) string {
	order := slices.Clone(d.hosts)
	d.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	left := 1 + d.IntN(len(order)-1)
	if d.IntN(3) == 0 {
		order = order[:left+1] // one link or a few
	}
	return strings.Join(order[:left], ",") + "|" + strings.Join(order[left:], ",")
}

func upTo(n int) func(*rand.Rand) int { return between(1, n) }

func between(lo, hi int) func(*rand.Rand) int {
	return func(rng *rand.Rand) int { return lo + rng.IntN(hi-lo+1) }
}

// drawSchedule draws which kinds of faults there are, how close they come, and then each of them.
func drawSchedule(rng *rand.Rand, s setup) (all schedule) {
	var have []verb
	for _, v := range verbs() {
		if rng.IntN(4) > 0 {
			for range v.weight {
				have = append(have, v)
			}
		}
	}
	if len(have) == 0 {
		have = verbs()[:1]
	}
	d := &draw{Rand: rng, hosts: s.hosts(), liar: oneOf(rng, s.hosts()...)}
	gap := s.length / time.Duration(20+rng.IntN(90))
	if s.long() {
		gap = time.Duration(3+rng.IntN(20)) * time.Second
	}
	most := min(2*gap, time.Duration(1+rng.IntN(5))*time.Second*time.Duration(s.pace))
	for at := gap; at < s.length; at += gap/4 + within(rng, gap*3/2) {
		v := have[rng.IntN(len(have))]
		f := fault{at: at, verb: v.name, target: v.target(d)}
		if v.amount != nil {
			f.amount = v.amount(rng)
		}
		if !v.brief {
			f.length = min(s.length-at, most/8+within(rng, most))
		}
		all = append(all, f)
	}
	return all
}
