package sim

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// What a nemesis does as an operator: leadership and members change, and at the end all is as it should be.

// ask lets an operator ask for a change at one node after the other.
func (n *nemesis) ask(limit time.Duration, change func(*cluster.Node, context.Context) error) (err error) {
	err = errors.New("nobody to ask")
	for end, i := time.Now().Add(limit), 0; time.Now().Before(end); i++ {
		node := n.Node(n.hosts[i%len(n.hosts)])
		if node == nil {
			n.Pass(50 * time.Millisecond)
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		err = change(node, ctx)
		cancel()
		if err == nil || errors.Is(err, fsm.ErrRefused) {
			return err
		}
		n.Pass(50 * time.Millisecond)
	}
	return err
}

func (n *nemesis) transfer(f fault) *act {
	var handed atomic.Bool
	n.pending.Go(func() {
		err := n.ask(2*time.Second, func(node *cluster.Node, ctx context.Context) error { return node.TransferTo(ctx, f.target) })
		handed.Store(err == nil)
	})
	return &act{nil, proof(&handed, "leadership was handed over")}
}

// proof is the effect of what was done by the time that it is asked for.
func proof(done *atomic.Bool, effect string) func() string {
	return func() string {
		if !done.Load() {
			return ""
		}
		return effect
	}
}

// replace removes a member for ever, and lets a new one of this name join with an empty disk.
func (n *nemesis) replace(f fault) *act {
	node := n.Node(f.target)
	if node == nil || f.target == reader || !n.undecided.CompareAndSwap(false, true) {
		return nil
	}
	id := node.Local().ServerID
	var removed atomic.Bool
	n.pending.Go(func() {
		defer n.undecided.Store(false)
		err := n.ask(4*time.Second, func(node *cluster.Node, ctx context.Context) error { return node.Remove(ctx, id) })
		if err == nil {
			removed.Store(true)
			n.admit(f.target)
		}
	})
	return &act{nil, proof(&removed, id+" was removed")}
}

// admit starts a host with an empty disk and lets it join. It reports whether it did.
func (n *nemesis) admit(host string) bool {
	n.Crash(host)
	n.Wipe(host)
	n.Cluster.mu.Lock()
	n.Cluster.hosts[host].Founder = false
	n.Cluster.mu.Unlock()
	_, err := n.open(host, Host{})
	return (err == nil || errors.Is(err, errRuns)) && n.enter(host)
}

// enter lets a host that runs ask to be let in, as a program does that is told to join, until it is.
func (n *nemesis) enter(host string) bool {
	for try := 0; try < 20 && !n.broken(); try++ {
		node := n.Node(host)
		if node != nil && node.Joined() {
			return true
		}
		for _, through := range n.hosts {
			if through == host || n.Node(through) == nil {
				continue
			}
			if node == nil || n.Node(host) != node {
				break
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			err := node.Join(ctx, n.peer(through))
			cancel()
			if err == nil {
				return true
			}
			if errors.Is(err, cluster.ErrReopen) {
				n.Reopen(host)
				return true
			}
		}
		n.rest(100 * time.Millisecond)
	}
	return false
}

// heal ends all faults and lets every host run and be a member.
func (n *nemesis) heal() {
	s := n.plan.setup
	n.Net.Heal()
	for _, host := range n.hosts {
		n.mu.Lock()
		n.down[host] = 0
		delete(n.hurt, host)
		n.mu.Unlock()
		n.calm(host)
		n.Thaw(host)
		for what := Append; what <= ReadImage; what++ {
			n.Fail(host, what, nil)
		}
		n.SetFree(host, allFree)
		if n.Node(host) == nil {
			n.startAgain(host)
		}
	}
	n.rest(time.Second * time.Duration(s.pace)) // whoever led and was deposed, or removed, knows it then
	for _, host := range n.hosts {
		node := n.at(host)
		joined := node == nil || node.Joined() || n.enter(host)
		if belongs := n.belongs(host); joined && belongs || n.broken() {
			continue
		}
		n.expel() // a member whose directory is gone keeps its name from the next one
		if !n.admit(host) {
			n.anomaly("available", "%s can't join again", host)
		}
	}
	n.within("vote of every host", func() bool { n.expel(); return n.allIn() })
}

// expel removes members whose directory is gone: a host whose join was cut off began once more, with an empty disk.
func (n *nemesis) expel() {
	leader := n.at(n.Leader())
	if leader == nil {
		return
	}
	there := map[string]bool{}
	for _, host := range n.hosts {
		if node := n.at(host); node != nil {
			there[node.Local().ServerID] = true
		}
	}
	for _, m := range leader.Local().Members {
		if !there[m.ServerID] && len(there) == len(n.hosts) {
			_ = n.ask(2*time.Second, func(node *cluster.Node, ctx context.Context) error { return node.Remove(ctx, m.ServerID) })
		}
	}
}

// belongs reports whether a host runs with a directory that is a member's, as soon as there is a leader who says so.
func (n *nemesis) belongs(host string) (yes bool) {
	n.within("leader who knows the members", func() bool {
		leader, node := n.at(n.Leader()), n.at(host)
		if leader == nil || leader.Local().Pristine {
			return false
		}
		yes = node != nil && node.Removal() == nil && slices.ContainsFunc(leader.Local().Members, func(m fsm.Member) bool {
			return m.ServerID == node.Local().ServerID
		})
		return true
	})
	return yes
}
