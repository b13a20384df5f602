package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// Three things go on at once: clients count, a nemesis makes faults, and an operator changes the members, at random nodes
// and by all the ways there are, repeating each change until it is made or refused, as people do (operator_test.go). Then all
// is healed, the operator finishes what he began, and it must be true again that
//
//	what clients saw is linearizable, so nothing is lost or doubled
//	all members agree who the members are, and hold the same
//	every host whose directory is a member's is one, and votes if it shall
//	every node that was removed says so
//	and nobody raises a term any more
func TestMembersComeAndGoUnderChaos(t *testing.T) {
	answered := 0
	for seed := firstSeed(); seed < firstSeed()+uint64(*seeds); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { answered += memberChaos(t, seed, 20*time.Second) })
		})
	}
	if answered < 500**seeds {
		t.Errorf("only %d operations were answered in %d runs: they prove nothing", answered, *seeds)
	}
}

// memberChaos is one run. It returns how many operations were answered.
func memberChaos(t *testing.T, seed uint64, length time.Duration) int {
	c := New(t, seed)
	defer c.Stop()
	c.Net.Delay(50*time.Microsecond, 3*time.Millisecond)
	// Newcomers get images. Of the log much more is kept than a node can have that nobody else has: see SnapshotPolicy.
	c.Snapshots = cluster.SnapshotPolicy{Entries: 50, Every: 300 * time.Millisecond, Trailing: 150}
	r := &memberRun{Cluster: c, seed: seed, begin: time.Now(), end: time.Now().Add(length), down: map[string]bool{}, gone: map[string]string{}}
	r.Start("n1", true)
	r.hosts = []string{"n1"}
	r.serve("n1")
	var wg sync.WaitGroup
	for i := range 4 {
		rng := rand.New(rand.NewPCG(seed, uint64(200+i)))
		wg.Go(func() { r.client(i, rng) })
	}
	wg.Go(func() { r.nemesis(rand.New(rand.NewPCG(seed, 300))) })
	o := &operator{memberRun: r, rng: rand.New(rand.NewPCG(seed, 301)), undecided: map[string]bool{}}
	wg.Go(o.work)
	wg.Wait()
	r.heal()
	o.finish()
	return r.check()
}

// memberRun is what the three share.
type memberRun struct {
	*Cluster
	recorder   history.Recorder
	seed       uint64
	begin, end time.Time

	mu      sync.Mutex
	hosts   []string          // all that ever ran a Node
	serving []string          // those that clients go to: they were seen to be members
	down    map[string]bool   // who restarts it has said so
	gone    map[string]string // server ids whose removal was made, with their hosts
	events  []string
}

func (r *memberRun) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf("%6.3f ", time.Since(r.begin).Seconds())+fmt.Sprintf(format, args...))
}

// fail ends the run and says how to repeat it.
func (r *memberRun) fail(format string, args ...any) {
	r.T.Helper()
	r.mu.Lock()
	events := strings.Join(r.events, "\n")
	r.mu.Unlock()
	r.T.Fatalf("%s\n%s\n%s\nrepeat: SEED=%d go test ./internal/sim -run ComeAndGo -seeds 1 -count 20",
		fmt.Sprintf(format, args...), events, r.situation(), r.seed)
}

func (r *memberRun) situation() (text string) {
	for _, name := range r.Names() {
		s := r.Node(name).Local()
		text += fmt.Sprintf("%s is %s in term %d, committed %d, applied %d, members %s\n", s.ServerID, s.Role, s.Term, s.CommitIndex,
			s.AppliedIndex, membersOf(s))
	}
	return text
}

func membersOf(s fsm.Status) string {
	var list []string
	for _, m := range s.Members {
		list = append(list, fmt.Sprintf("%s@%s %s", m.ServerID, m.Peer, map[bool]string{true: "votes", false: "listens"}[m.Voter]))
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// eventually waits for what must become true once all is healed.
func (r *memberRun) eventually(what string, ok func() bool) {
	r.T.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.fail("never: %s", what)
		}
	}
}

func (r *memberRun) rest(d time.Duration) { time.Sleep(d) }

func (r *memberRun) serve(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.serving, host) {
		r.serving = append(r.serving, host)
	}
}

// claim takes a host down for whoever asks first.
func (r *memberRun) claim(host string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down[host] {
		return false
	}
	r.down[host] = true
	return true
}

func (r *memberRun) release(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.down, host)
}

func (r *memberRun) pick(rng *rand.Rand, of *[]string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return (*of)[rng.IntN(len(*of))]
}

// restart starts a host that is down. A directory that was removed refuses, as it should.
func (r *memberRun) restart(host string) {
	if _, err := r.open(host, Host{}); err != nil {
		r.note("%s does not start: %v", host, err)
		if !strings.Contains(err.Error(), "was removed") && err != errCrashed {
			r.T.Errorf("restart of %s: %v", host, err)
		}
		return // it stays down for good
	}
	r.release(host)
}

func (r *memberRun) client(id int, rng *rand.Rand) {
	for time.Now().Before(r.end) {
		host, counter := r.pick(rng, &r.serving), fmt.Sprintf("counter-%d", rng.IntN(3))
		if rng.IntN(3) == 0 {
			r.record(r.recorder.Get(id, counter), r.Do(host, fsm.Strong, op(fsm.Get, counter, 0)))
		} else {
			r.record(r.recorder.Incr(id, counter, 1), r.Do(host, fsm.Strong, op(fsm.Incr, counter, 1)))
		}
		time.Sleep(time.Duration(rng.IntN(40)) * time.Millisecond)
	}
}

func (r *memberRun) record(call *history.Call, a Answer) { (&run{}).record(call, a) }

// nemesis makes faults that never outlast the run by themselves.
func (r *memberRun) nemesis(rng *rand.Rand) {
	var mine []string // hosts that it has crashed
	for time.Now().Before(r.end) {
		host, other := r.pick(rng, &r.hosts), r.pick(rng, &r.hosts)
		if leader := r.Leader(); leader != "" && rng.IntN(3) == 0 {
			host = leader
		}
		switch fault := rng.IntN(9); {
		case fault <= 1 && len(mine) < 2 && r.claim(host):
			r.note("crash %s", host)
			r.Crash(host)
			mine = append(mine, host)
		case fault == 2:
			r.note("isolate %s", host)
			r.Net.Isolate(host)
		case fault == 3 && host != other:
			r.note("cut %s and %s", host, other)
			r.Net.Cut(host, other)
		case fault <= 5 && host != other:
			r.note("cut %s to %s", host, other)
			r.Net.CutOneWay(host, other)
		case fault == 6:
			slow := time.Duration(rng.IntN(20)) * time.Millisecond
			r.note("delay %v", slow)
			r.Net.Delay(0, slow)
		}
		time.Sleep(time.Duration(20+rng.IntN(500)) * time.Millisecond)
		if len(mine) > 0 && rng.IntN(2) == 0 {
			r.note("restart %s", mine[0])
			r.restart(mine[0])
			mine = mine[1:]
		}
		if rng.IntN(3) == 0 {
			r.note("heal")
			r.Net.Heal()
		}
	}
	for _, host := range mine {
		r.restart(host)
	}
}

func (r *memberRun) heal() {
	r.Net.Heal()
	r.Net.Delay(50*time.Microsecond, time.Millisecond)
	r.note("all is healed")
}

// check is what must be true in the end. It returns how many operations were answered.
func (r *memberRun) check() (answered int) {
	leader := ""
	r.eventually("every member counts", func() bool {
		for _, name := range r.memberHosts() {
			if a := r.Do(name, fsm.Strong, op(fsm.Incr, "last", 1)); a.Err != nil {
				return false
			}
		}
		main := r.mainLeader()
		if main == nil {
			return false
		}
		leader = main.Name()
		return true
	})
	r.eventually("all agree who the members are, and hold the same", func() bool { return r.alike(r.memberHosts()) })
	r.eventually("every removed node says so", func() bool {
		for _, name := range r.Names() {
			if _, removed := r.gone[r.Node(name).Local().ServerID]; removed && r.Node(name).Removal() == nil && r.canKnow(name) {
				return false
			}
		}
		return true
	})
	term := r.Node(leader).Local().Term
	time.Sleep(5 * time.Second)
	for _, name := range r.memberHosts() {
		for i := range 3 {
			counter := fmt.Sprintf("counter-%d", i)
			a := r.Do(name, fsm.Strong, op(fsm.Get, counter, 0))
			if a.Err != nil {
				r.fail("read at %s: %v", name, a.Err)
			}
			r.record(r.recorder.Get(9, counter), a)
		}
		if now := r.Node(name).Local().Term; now != term {
			r.fail("%s is in term %d, was in %d when all was healed", name, now, term)
		}
	}
	if err := r.recorder.Check(0); err != nil {
		r.fail("%v", err)
	}
	ops := r.recorder.Ops()
	for _, op := range ops {
		if op.Outcome == history.Done {
			answered++
		}
	}
	r.T.Logf("%d answered, %d not; %d removed; %s", answered, len(ops)-answered, len(r.gone), membersOf(r.Node(leader).Local()))
	return answered
}

// canKnow reports whether a node knows the present address of a member, of whom it can hear that it was removed; or was ever
// told that it is one itself: the answer to its join may have been lost.
func (r *memberRun) canKnow(name string) bool {
	theirs := r.mainLeader().Local().Members
	ours := r.Node(name).Local().Members
	return slices.ContainsFunc(ours, func(m fsm.Member) bool {
		return m.ID != name && slices.ContainsFunc(theirs, func(o fsm.Member) bool { return o.Peer == m.Peer })
	})
}

// memberHosts are the hosts of the members, as the leader with the highest term knows them, in order.
func (r *memberRun) memberHosts() (names []string) {
	leader := r.mainLeader()
	if leader == nil {
		return nil
	}
	for _, m := range leader.Local().Members {
		names = append(names, m.ID)
	}
	slices.Sort(names)
	return names
}

// alike reports whether these hosts' nodes have the same members and the same state. Different states at one index end the
// run.
func (r *memberRun) alike(names []string) bool {
	same := len(names) > 0
	sums, members := map[uint64]uint64{}, ""
	for i, name := range names {
		sum, index := r.Node(name).Digest()
		if known, seen := sums[index]; seen && known != sum {
			r.fail("replicas differ at index %d", index)
		}
		sums[index] = sum
		if now := membersOf(r.Node(name).Local()); i == 0 {
			members = now
		} else if now != members {
			same = false
		}
	}
	return same && len(sums) == 1
}
