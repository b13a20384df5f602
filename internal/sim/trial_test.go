package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// trial is one run of a campaign: a cluster, clients, a nemesis, and somebody who looks at the nodes all the while.
type trial struct {
	*Cluster
	plan     plan
	hosts    []string
	began    time.Time
	recorder history.Recorder
	nemesis  *nemesis
	groups   atomic.Int64
	steps    *atomic.Int64 // taken, for the watchdog
	idle     chan struct{} // closed: clients begin nothing new
	over     chan struct{} // closed at the end, and by the first anomaly: everybody stops

	mu           sync.Mutex
	conns        int // client numbers given out
	shared       map[string]*rotor
	counted      map[string]int // faults by kind
	looks        []history.Look
	left         map[string]held // by owners, until the end
	anomalies    []string
	answered     int // groups
	acknowledged int // increments
}

// reader is the host that never votes.
const reader = "reader"

const (
	calmAfter  = 3 * time.Second  // how long clients go on behind the last fault, at pace 1
	settleTime = 20 * time.Second // within which a healed cluster must answer everywhere, at pace 1
)

// witness is a testing.TB whose complaints are anomalies of a trial: what becomes of the test is up to the campaign.
type witness struct {
	testing.TB
	trial *trial
}

func (w witness) Helper() {}

func (w witness) Errorf(format string, args ...any) { w.trial.anomaly("cluster", format, args...) }

func (w witness) Error(args ...any) { w.trial.anomaly("cluster", "%s", fmt.Sprint(args...)) }

func (w witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	w.SkipNow()
}

func (w witness) Fatal(args ...any) {
	w.Error(args...)
	w.SkipNow()
}

// runTrial makes a trial, in a bubble, and leaves what came of it in o.
func runTrial(t *testing.T, p plan, steps *atomic.Int64, o *outcomeOf) {
	r := &trial{plan: p, steps: steps, hosts: p.setup.hosts(), began: time.Now(), idle: make(chan struct{}), over: make(chan struct{}),
		shared: map[string]*rotor{}, counted: map[string]int{}, left: map[string]held{}}
	defer func() { r.account(o) }()
	r.Cluster = New(witness{t, r}, p.seed)
	defer r.Stop()
	defer r.end()
	r.nemesis = &nemesis{trial: r, down: map[string]int{}, hurt: map[string]time.Time{}, ills: map[int]func(){}}
	r.prepare()
	var clients, lookers sync.WaitGroup
	for i, name := range p.setup.clients {
		rng := rand.New(rand.NewPCG(p.seed, uint64(100+i)))
		clients.Go(func() { r.client(i, name, rng) })
	}
	lookers.Go(r.lookOn)
	r.nemesis.rage(p.faults)
	r.nemesis.heal()
	r.rest(calmAfter * time.Duration(p.setup.pace))
	close(r.idle)
	clients.Wait() // they resolve what they don't know yet
	if !r.broken() {
		r.settle()
	}
	r.end()
	lookers.Wait()
}

// prepare starts the cluster.
func (r *trial) prepare() {
	s := r.plan.setup
	r.Latency, r.Timing, r.Snapshots = s.latency, s.timing(), s.snapshots
	r.Limits.Lease = cluster.Limit{Value: uint64(s.lease.Milliseconds()), Given: true}
	r.Limits.Keys = cluster.Limit{Value: s.keys, Given: s.keys > 0}
	r.Fatal = func(name string, err error) { r.nemesis.ended(name, err) }
	r.Net.Delay(s.fastNet, s.slowNet)
	r.Start("n1", true)
	for _, host := range r.hosts[1:] {
		if host == reader {
			r.StartNonvoter(host)
		} else {
			r.Start(host, false)
		}
		r.Join(host, "n1")
	}
	r.within("voters", func() bool { return r.allIn() })
	r.began = time.Now()
	r.recorder.Now = func() time.Duration { return time.Since(r.began) }
}

// allIn reports whether every host is a member, and has the vote if it shall.
func (r *trial) allIn() bool {
	leader := r.Leader()
	if leader == "" {
		return false
	}
	in := 0
	node := r.at(leader)
	if node == nil {
		return false
	}
	for _, m := range node.Local().Members {
		if m.Voter || m.Nonvoter {
			in++
		}
	}
	return in == len(r.hosts)
}

// at is the Node at a host, if there is one.
func (r *trial) at(host string) *cluster.Node {
	if host == "" {
		return nil
	}
	return r.Node(host)
}

// within waits for what must come true once all is healed.
func (r *trial) within(what string, ok func() bool) {
	limit := settleTime * time.Duration(r.plan.setup.pace)
	for end := time.Now().Add(limit); !r.broken() && !ok(); r.Pass(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.anomaly("available", "no %s within %v of the last fault: %s", what, limit, r.states())
		}
	}
}

// states is how every host is, and whom it takes for a member.
func (r *trial) states() string {
	var all []string
	for _, host := range r.hosts {
		node := r.Node(host)
		if node == nil {
			all = append(all, host+" is down")
			continue
		}
		s := node.Local()
		text := fmt.Sprintf("%s (%s) is %s in term %d, applied %d of %d, members",
			host, s.ServerID, s.Role, s.Term, s.AppliedIndex, s.CommitIndex)
		for _, m := range s.Members {
			text += fmt.Sprintf(" %s(%s voter=%v)", m.ID, m.ServerID, m.Voter)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// anomaly notes that something is wrong, and ends the trial.
func (r *trial) anomaly(checker, format string, args ...any) {
	r.mu.Lock()
	r.anomalies = append(r.anomalies, checker+": "+fmt.Sprintf(format, args...))
	r.mu.Unlock()
	r.end()
}

func (r *trial) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.over:
	default:
		close(r.over)
	}
}

func (r *trial) broken() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// rest is time that passes, unless the trial is over.
func (r *trial) rest(d time.Duration) {
	select {
	case <-r.over:
	case <-time.After(d):
	}
}

// count notes that a fault was made.
func (r *trial) count(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counted[kind]++
}

// lookOn looks at every node again and again.
func (r *trial) lookOn() {
	for !r.broken() {
		for _, host := range r.hosts {
			if look, ok := r.look(host); ok {
				r.mu.Lock()
				r.looks = append(r.looks, look)
				r.mu.Unlock()
			}
		}
		r.steps.Add(1)
		r.rest(r.plan.setup.look)
	}
}

func (r *trial) look(host string) (l history.Look, ok bool) {
	node := r.Node(host)
	if node == nil {
		return l, false
	}
	l = history.Look{Node: host, At: time.Since(r.began)}
	l.Digest, l.Index = node.Digest()
	s := node.Local()
	if s.Role == fsm.Leader && s.Leader != nil && s.Leader.ID == s.ID { // what a node says of others is a hint
		l.Term, l.Leader = s.Term, s.ID
	}
	return l, true
}

// settle waits until every node answers and all replicas are alike, and looks at what they hold.
func (r *trial) settle() {
	ops := r.recorder.Ops()
	r.outlive(ops)
	r.reread()
	r.within("equal replicas", func() bool {
		first, _ := r.look(r.hosts[0])
		for _, host := range r.hosts {
			if l, ok := r.look(host); !ok || l.Index != first.Index || l.Digest != first.Digest {
				return false
			}
		}
		return true
	})
	for _, host := range r.hosts {
		l, ok := r.look(host)
		if !ok || r.broken() {
			return
		}
		l.Final, l.Counters, l.Slices = true, r.counters(host, ops), r.slices(host, ops)
		l.At = time.Since(r.began) // a lease may have ended while they were read
		r.mu.Lock()
		r.looks = append(r.looks, l)
		r.mu.Unlock()
	}
}

// outlive looks at the slices of all instances, none of which says anything any more, until no lease runs that could end between two
// of the final looks.
func (r *trial) outlive(ops []history.Op) {
	s := r.plan.setup
	for end := time.Now().Add(s.lease + s.lease/500 + history.DefaultLate*time.Duration(s.pace)); !r.broken() && time.Now().Before(end); {
		look := history.Look{Node: r.hosts[0], Slices: r.slices(r.hosts[0], ops)}
		look.At = time.Since(r.began)
		left := 0
		for _, shares := range look.Slices {
			left += len(shares)
		}
		r.mu.Lock()
		r.looks = append(r.looks, look)
		r.mu.Unlock()
		if left == 0 {
			return
		}
		r.rest(s.lease / 10)
	}
}

// counters reads every plain key that was ever written to, at a host.
func (r *trial) counters(host string, ops []history.Op) map[string]int64 {
	all := map[string]int64{}
	for some := range slices.Chunk(keysOf(ops, false), 400) {
		var a Answer
		r.within("strong read at "+host, func() bool { a = r.Do(host, fsm.Strong, gets(some...)...); return a.Err == nil })
		if a.Err != nil || len(a.Results) != len(some) {
			return nil
		}
		for i, key := range some {
			if v := a.Results[i].Value; v.Kind == fsm.Int {
				all[key] = v.Int
			}
		}
	}
	return all
}

// slices reads every instance counter, at a host.
func (r *trial) slices(host string, ops []history.Op) map[string]map[string]int64 {
	all := map[string]map[string]int64{}
	for _, key := range keysOf(ops, true) {
		var a Answer
		r.within("strong read at "+host, func() bool { a = r.Do(host, fsm.Strong, readCounter(key)...); return a.Err == nil })
		if a.Err != nil {
			return nil
		}
		n, whole := counterOf(a, 0)
		if !n.adds() || !whole {
			r.anomaly("slices", "%s at %s: %v", key, host, n)
		}
		all[key] = n.shares
	}
	return all
}

func keysOf(ops []history.Op, instances bool) []string {
	keys := map[string]bool{}
	for _, op := range ops {
		if (op.Instance != "") == instances && !strings.HasPrefix(op.Key, expiringKeys) {
			keys[op.Key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// account adds up what the trial was.
func (r *trial) account(o *outcomeOf) {
	*o = outcomeOf{plan: r.plan, length: time.Since(r.began), faults: r.counted, anomalies: r.anomalies}
	o.increments, o.answered = r.acknowledged, r.answered
	o.crashes, o.partitions = r.counted[kindCrash], r.counted[kindCut]
	o.run = &history.Run{Ops: r.recorder.Ops(), Looks: r.looks}
	if r.nemesis != nil {
		o.run.Faults = r.nemesis.notes
	}
	s := r.plan.setup
	o.run.Header = history.Header{Program: "sim", Seed: r.plan.seed, Nodes: len(r.hosts), Config: s.String(),
		Repeat: fmt.Sprintf("make sim SEED=%d", r.plan.seed), Length: time.Since(r.began), Lease: s.lease,
		Late: history.DefaultLate * time.Duration(s.pace)}
	if err := r.recorder.Err(); err != nil {
		o.anomalies = append(o.anomalies, "recorder: "+err.Error())
	}
}
