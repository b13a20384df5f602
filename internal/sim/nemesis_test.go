package sim

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// nemesis carries a schedule out. One goroutine begins the faults and ends them; some of them take their time in another.
type nemesis struct {
	*trial
	mu        sync.Mutex
	down      map[string]int    // why a host shall not run: how many faults say so
	hurt      map[string]string // hosts that may end themselves by now, and why
	cuts      map[int][]link    // by the number of the fault
	notes     []history.Fault   // what was done
	undecided atomic.Bool       // somebody is about to be removed
	healed    time.Time
	pending   sync.WaitGroup
	last      int
}

// ending is the end of a fault.
type ending struct {
	at   time.Time
	undo func()
	note int // in notes; -1: none
}

// rage carries out the whole schedule.
func (n *nemesis) rage(s schedule) {
	var open []ending
	rows := map[string]verb{}
	for _, v := range verbs() {
		rows[v.name] = v
	}
	for _, f := range s {
		open = n.endBefore(open, n.began.Add(f.at))
		if n.broken() {
			break
		}
		at := time.Since(n.began)
		f.target = n.aim(f.target)
		leader := n.Leader()
		note := history.Fault{Kind: f.verb, Target: f.target, Leader: f.target == leader && leader != "", At: at}
		undo := rows[f.verb].do(n, f)
		n.mu.Lock()
		n.notes = append(n.notes, note)
		number := len(n.notes) - 1
		n.mu.Unlock()
		if undo != nil {
			open = append(open, ending{n.began.Add(f.at + f.length), undo, number})
		}
	}
	n.endBefore(open, n.began.Add(n.plan.setup.length))
	n.pending.Wait()
}

// endBefore ends what is due before a time, and waits for that.
func (n *nemesis) endBefore(open []ending, then time.Time) (left []ending) {
	slices.SortFunc(open, func(a, b ending) int { return a.at.Compare(b.at) })
	for i, e := range open {
		if e.at.After(then) {
			left = open[i:]
			break
		}
		n.Pass(time.Until(e.at))
		e.undo()
		n.mu.Lock()
		n.notes[e.note].End = time.Since(n.began)
		n.mu.Unlock()
	}
	n.Pass(time.Until(then))
	return slices.Clone(left)
}

// aim is the host that has a role now.
func (n *nemesis) aim(target string) string {
	leader := n.Leader()
	switch target {
	case "leader":
		return cmp.Or(leader, n.hosts[0])
	case "follower":
		for _, host := range n.hosts {
			if host != leader {
				return host
			}
		}
	}
	return target
}

// hold keeps a host down until release.
func (n *nemesis) hold(host string) {
	n.mu.Lock()
	n.down[host]++
	n.mu.Unlock()
	n.count(kindCrash)
	n.Crash(host)
}

// release starts a host again if nothing else keeps it down.
func (n *nemesis) release(host string) {
	n.mu.Lock()
	n.down[host]--
	up := n.down[host] == 0
	n.mu.Unlock()
	if up && n.Node(host) == nil {
		n.pending.Go(func() { n.startAgain(host) }) // that hangs as long as its disk is frozen
	}
}

// startAgain starts a host that is down.
func (n *nemesis) startAgain(host string) {
	n.calm(host)
	if _, err := n.open(host, Host{}); err != nil && !errors.Is(err, errCrashed) {
		if strings.Contains(err.Error(), "was removed") {
			n.admit(host)
			return
		}
		n.anomaly("start", "%s does not start again: %v", host, err)
	}
}

// ended is told of a node that has ended itself. Its program would start it again.
func (n *nemesis) ended(host string, err error) {
	n.mu.Lock()
	why := n.hurt[host]
	delete(n.hurt, host)
	n.down[host]++
	n.mu.Unlock()
	if node := n.Node(host); why == "" && node != nil && node.Removal() == nil {
		n.anomaly("fatal", "%s has ended itself: %v", host, err)
	}
	n.pending.Go(func() {
		n.Crash(host)
		n.Pass(200 * time.Millisecond)
		n.release(host)
	})
}

func (n *nemesis) may(host, why string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hurt[host] = why
}

func (n *nemesis) crash(f fault) func() {
	n.hold(f.target)
	return func() { n.release(f.target) }
}

func (n *nemesis) crashAll(fault) func() {
	for _, host := range n.hosts {
		n.hold(host)
	}
	return func() {
		for i := range n.hosts {
			n.release(n.hosts[(i+n.last)%len(n.hosts)])
		}
	}
}

func (n *nemesis) crashAtWrite(f fault) func() {
	if n.Node(f.target) == nil {
		return n.crash(f)
	}
	crashed := n.atWrite(f.target, f.amount, n.Latency, func() { n.hold(f.target) })
	return func() {
		if !crashed() {
			n.calm(f.target)
			return
		}
		n.release(f.target)
	}
}

func (n *nemesis) delay(f fault) func() {
	n.count("delay")
	s := n.plan.setup
	n.Net.Delay(s.fastNet, time.Duration(f.amount*s.pace)*time.Millisecond)
	return func() { n.Net.Delay(s.fastNet, s.slowNet) }
}

func (n *nemesis) slowDisk(f fault) func() {
	n.count("slow disk")
	n.Slow(f.target, time.Duration(f.amount)*time.Millisecond)
	return func() { n.Slow(f.target, n.Latency) }
}

func (n *nemesis) freeze(f fault) func() {
	n.count("frozen disk")
	n.may(f.target, "its disk was frozen")
	n.Freeze(f.target)
	return func() { n.Thaw(f.target) }
}

func (n *nemesis) failWrite(f fault) func() {
	n.count("failing disk")
	n.may(f.target, "its disk fails")
	n.FailAppend(f.target, errors.New("an error of the disk"))
	return func() { n.FailAppend(f.target, nil) }
}

func (n *nemesis) fill(f fault) func() {
	n.count("full disk")
	n.SetFree(f.target, 1<<20)
	return func() { n.SetFree(f.target, allFree) }
}

func (n *nemesis) clock(f fault) func() {
	n.count("clock jump")
	n.Skew(f.target, time.Duration(f.amount)*time.Second)
	return nil
}
