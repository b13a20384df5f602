package sim

import (
	"cmp"
	"errors"
	"fmt"
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
	down      map[string]int       // why a host shall not run: how many faults say so
	hurt      map[string]time.Time // until when a host may end itself, once, for what was done to its disk
	ills      map[int]func()       // what is wrong with the network, by number: makes it so again
	notes     []history.Fault      // what was done
	undecided atomic.Bool          // somebody is about to be removed
	pending   sync.WaitGroup
	last      int
}

// act is a fault that was begun: how it ends, if it has to, and then what proves that it acted; empty: nothing does.
type act struct {
	undo   func()
	effect func() string
}

// ending is the end of a fault.
type ending struct {
	at   time.Time
	act  act
	kind string
	note history.Fault
}

// rage carries out the whole schedule.
func (n *nemesis) rage(s schedule) {
	var open []ending
	rows := map[string]verb{}
	for _, v := range verbs() {
		rows[v.name] = v
	}
	for _, f := range s {
		if open = n.endBefore(open, n.began.Add(f.at)); n.broken() {
			break
		}
		f.target = n.aim(f.target)
		leader := n.Leader()
		note := history.Fault{Kind: f.verb, Target: f.target, Leader: f.target == leader && leader != "", At: time.Since(n.began)}
		if did := rows[f.verb].do(n, f); did != nil {
			open = append(open, ending{n.began.Add(f.at + f.length), *did, rows[f.verb].kind, note})
		}
	}
	n.endBefore(open, n.began.Add(n.plan.setup.length))
	n.pending.Wait()
}

// endBefore ends what is due before a time, and waits for that. A fault without an effect, such as a cut between dead hosts, was none.
func (n *nemesis) endBefore(open []ending, then time.Time) (left []ending) {
	slices.SortStableFunc(open, func(a, b ending) int { return a.at.Compare(b.at) })
	for i, e := range open {
		if e.at.After(then) {
			left = open[i:]
			break
		}
		n.Pass(time.Until(e.at))
		if e.act.undo != nil {
			e.act.undo()
		}
		e.note.End, e.note.Effect = time.Since(n.began), e.act.effect()
		if e.note.Effect == "" {
			continue
		}
		n.count(e.kind)
		n.mu.Lock()
		n.notes = append(n.notes, e.note)
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

// startAgain starts a host that is down, as often as a disk that fails makes it necessary.
func (n *nemesis) startAgain(host string) {
	n.calm(host)
	if n.plan.setup.forgetful {
		n.forget(host)
	}
	for {
		node, err := n.open(host, Host{})
		switch {
		case err == nil && !node.Joined():
			n.enter(host) // it was ended before it was let in
			return
		case err == nil || errors.Is(err, errCrashed) || errors.Is(err, errRuns):
			return
		}
		if strings.Contains(err.Error(), "was removed") {
			n.admit(host)
			return
		}
		if !n.excused(host) {
			n.anomaly("start", "%s does not start again: %v", host, err)
			return
		}
		n.Pass(100 * time.Millisecond)
	}
}

// forget takes the last entries off a log, as a disk does that says too early that it has written them.
func (n *nemesis) forget(host string) {
	d := n.disk(host)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last > d.first+10 {
		d.forget(d.last-4, d.last)
	}
}

// ended is told of a node that has ended itself. Its program would start it again. It may do so behind damage that was done to
// it, when it was removed, and when an image has replaced a log that reached further: such a log takes nothing any more until
// it is opened anew (cluster/store.go).
func (n *nemesis) ended(host string, err error) {
	excused := n.excused(host)
	n.mu.Lock()
	n.down[host]++
	n.mu.Unlock()
	cured := strings.Contains(err.Error(), "start this node again") // hashicorp/raft issue 697: see cluster/store.go
	if node := n.Node(host); !excused && !cured && node != nil && node.Removal() == nil {
		n.anomaly("fatal", "%s has ended itself: %v", host, err)
	}
	n.pending.Go(func() {
		n.Crash(host)
		n.Pass(200 * time.Millisecond)
		n.release(host)
	})
}

// hurts lets a host end itself, once, until a fault of its disk has been over for a moment.
func (n *nemesis) hurts(f fault) {
	over := n.began.Add(f.at + f.length + 2*time.Second*time.Duration(n.plan.setup.pace))
	n.mu.Lock()
	defer n.mu.Unlock()
	if over.After(n.hurt[f.target]) {
		n.hurt[f.target] = over
	}
}

// excused reports whether a host may end itself now. Then it may not again.
func (n *nemesis) excused(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	over := n.hurt[host]
	delete(n.hurt, host)
	return time.Now().Before(over)
}

// always is the effect of what can't fail to have one.
func always(effect string) func() string { return func() string { return effect } }

func (n *nemesis) crash(f fault) *act {
	if n.Node(f.target) == nil {
		return nil
	}
	n.hold(f.target)
	return &act{func() { n.release(f.target) }, always("the process was ended")}
}

// crashAll ends all processes at once and starts them one after the other, some moments apart.
func (n *nemesis) crashAll(f fault) *act {
	ended := 0
	for _, host := range n.hosts {
		if n.Node(host) != nil {
			ended++
		}
		n.hold(host)
	}
	for range ended - 1 {
		n.count(kindCrash)
	}
	return &act{func() {
		for i := range n.hosts {
			n.release(n.hosts[(i+f.amount)%len(n.hosts)])
		}
	}, always("all processes were ended")}
}

func (n *nemesis) crashAtWrite(f fault) *act {
	if n.Node(f.target) == nil {
		return nil
	}
	crashed := n.atWrite(f.target, f.amount, n.Latency, func() { n.hold(f.target) })
	return &act{func() {
		if !crashed() {
			n.calm(f.target)
			return
		}
		n.release(f.target)
	}, func() string {
		if !crashed() {
			return ""
		}
		return "the process was ended in a write"
	}}
}

// disturb is a fault of a host's disk that acts if the host writes meanwhile.
func (n *nemesis) disturb(host string, undo func()) *act {
	before := n.Writes(host)
	return &act{undo, func() string {
		if writes := n.Writes(host) - before; writes > 0 {
			return fmt.Sprintf("%d writes met it", writes)
		}
		return ""
	}}
}

func (n *nemesis) slowDisk(f fault) *act {
	n.Slow(f.target, time.Duration(f.amount)*time.Millisecond)
	return n.disturb(f.target, func() { n.Slow(f.target, n.Latency) })
}

func (n *nemesis) freeze(f fault) *act {
	n.hurts(f)
	n.Freeze(f.target)
	return n.disturb(f.target, func() { n.Thaw(f.target) })
}

// failWrite lets an access to the disk fail, of the kinds after which a node must end itself.
func (n *nemesis) failWrite(f fault) *act {
	n.hurts(f)
	before := n.Failed(f.target)
	what := []Access{Append, Sync, StoreValue, Truncate, Append}[f.amount%5]
	n.Fail(f.target, what, errors.New("an error of the disk"))
	return &act{func() { n.Fail(f.target, what, nil) }, func() string {
		if n.Failed(f.target) == before {
			return ""
		}
		return "an access failed"
	}}
}

func (n *nemesis) fill(f fault) *act {
	n.SetFree(f.target, 1<<20)
	low := false
	return &act{func() {
		node := n.Node(f.target)
		low = node != nil && node.Local().DiskLow
		n.SetFree(f.target, allFree)
	}, func() string {
		if !low {
			return ""
		}
		return "the node refused writes"
	}}
}

// clock lets a wall clock jump, drift or strobe until the next fault of this kind.
func (n *nemesis) clock(f fault) *act {
	by := time.Duration(f.amount) * time.Second
	switch f.amount % 3 {
	case 0:
		n.Skew(f.target, by)
	case 1, -1:
		n.Drift(f.target, int64(f.amount)*100)
	default:
		n.Strobe(f.target, by, 500*time.Millisecond)
	}
	host := n.hostOf(f.target)
	return &act{nil, func() string { return fmt.Sprintf("the clock is off by %v", time.Until(n.wallOf(host))) }}
}

func (n *nemesis) hostOf(name string) *Host {
	n.Cluster.mu.Lock()
	defer n.Cluster.mu.Unlock()
	return n.Cluster.hosts[name]
}
