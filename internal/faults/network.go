package main

import (
	"fmt"
	"time"
)

// link is how bad the way from one host to another is. The zero value is a good one.
type link struct {
	cut    bool
	delay  time.Duration
	jitter time.Duration // on top of delay, evenly drawn; packets overtake each other
	loss   float64       // part of the packets, 0 to 1
	dup    float64       // part of the packets that come twice
	rate   int64         // bytes a second; 0: no bound
}

// traffic is what a network has counted, in packets.
type traffic struct{ passed, dropped, delayed, doubled int64 }

// network connects hosts, and can be broken, each direction for itself.
type network interface {
	name() string // tun, proxy, loopback
	hosts() []*host
	// lacks says why it can't make a link like that; empty: it can.
	lacks(link) string
	// set changes the way from one host to another. They are numbered as in hosts.
	set(from, to int, l link)
	counted() traffic // since it began, over all links
	close()
}

// since is what came on top of an earlier count.
func (t traffic) since(then traffic) traffic {
	return traffic{t.passed - then.passed, t.dropped - then.dropped, t.delayed - then.delayed, t.doubled - then.doubled}
}

// proof says what a link has done to packets, or nothing if it has not done what it should.
func (t traffic) proof(l link) string {
	switch {
	case (l.cut || l.loss > 0) && t.dropped > 0:
		return fmt.Sprintf("%d packets dropped", t.dropped)
	case l.dup > 0 && t.doubled > 0:
		return fmt.Sprintf("%d packets doubled", t.doubled)
	case (l.delay > 0 || l.rate > 0) && t.delayed > 0:
		return fmt.Sprintf("%d packets delayed, %d dropped", t.delayed, t.dropped)
	}
	return ""
}

// String is the link in reports.
func (l link) String() string {
	if l.cut {
		return "cut"
	}
	text := ""
	if l.delay+l.jitter > 0 {
		text += fmt.Sprintf(" delay %v+%v", l.delay, l.jitter)
	}
	if l.loss > 0 {
		text += fmt.Sprintf(" loss %.0f %%", 100*l.loss)
	}
	if l.dup > 0 {
		text += fmt.Sprintf(" doubled %.0f %%", 100*l.dup)
	}
	if l.rate > 0 {
		text += fmt.Sprintf(" %d kB/s", l.rate/1000)
	}
	if text == "" {
		return "good"
	}
	return text[1:]
}
