package main

import (
	"fmt"
	"sync"
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
	reset  float64       // part of what is sent that ends its connection
}

const maxQueue = 500 * time.Millisecond // of a slow link: what would wait longer is not taken

// way is a link at work.
type way struct {
	mu   sync.Mutex
	link link
	free time.Time // when a slow link has sent what it has
}

func (w *way) set(l link) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.link = l
}

func (w *way) get() link {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.link
}

// backlog is how long a slow link will take for what it has.
func (w *way) backlog() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.link.rate == 0 {
		return 0
	}
	return time.Until(w.free)
}

// take gives n more bytes to a slow link, and returns when it begins to send them: at once, if it is not slow.
func (w *way) take(n int) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.link.rate == 0 {
		return 0
	}
	now := time.Now()
	if w.free.Before(now) {
		w.free = now
	}
	begin := w.free.Sub(now)
	w.free = w.free.Add(time.Duration(int64(n) * int64(time.Second) / w.link.rate))
	return begin
}

// traffic is what a network has counted.
type traffic struct {
	unit                                           string // packet, or piece of a stream
	passed, dropped, held, delayed, doubled, reset int64  // held until a link was whole again; reset are connections
}

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
	return traffic{t.unit, t.passed - then.passed, t.dropped - then.dropped, t.held - then.held, t.delayed - then.delayed,
		t.doubled - then.doubled, t.reset - then.reset}
}

// proof says what a link has done, or nothing if it has not done what it should.
func (t traffic) proof(l link) string {
	switch {
	case (l.cut || l.loss > 0) && t.dropped > 0:
		return fmt.Sprintf("%d %ss dropped", t.dropped, t.unit)
	case l.cut && t.held > 0:
		return fmt.Sprintf("%d %ss held back", t.held, t.unit)
	case l.reset > 0 && t.reset > 0:
		return fmt.Sprintf("%d connections reset", t.reset)
	case l.dup > 0 && t.doubled > 0:
		return fmt.Sprintf("%d %ss doubled", t.doubled, t.unit)
	case (l.delay > 0 || l.rate > 0) && t.delayed+t.dropped > 0:
		return fmt.Sprintf("%d %ss delayed, %d dropped", t.delayed, t.unit, t.dropped)
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
	if l.reset > 0 {
		text += fmt.Sprintf(" reset %.1f %%", 100*l.reset)
	}
	if text == "" {
		return "good"
	}
	return text[1:]
}
