package resp

import (
	"cmp"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// testCluster is a cluster of nobody but a machine. Requests queue up until they are stepped, so that a test decides what
// is unfinished when; or each is answered at once from a goroutine of its own (auto).
type testCluster struct {
	t    testing.TB
	auto bool

	mu      sync.Mutex
	machine *fsm.Machine
	index   uint64
	now     int64
	pending []request
	status  fsm.Status
	changes []fsm.Change
	made    error // the answer to every Change
	drawn   byte  // the last byte of the newest session's id
	removal error
	later   []func() // answers to Describe and Change, in order
	history []string // "propose 3" or "read strong 2", with the number of Ops
	answers sync.WaitGroup
}

type request struct {
	*fsm.Request
	proposed bool
}

const testEpoch = 1_700_000_000_000 // milliseconds

func newTestCluster(t testing.TB) *testCluster {
	c := &testCluster{t: t, machine: fsm.New(), now: testEpoch}
	c.index = 1
	if _, err := c.machine.Apply(1, 1, fsm.Entry{Kind: fsm.Opener, Stamp: c.now}); err != nil {
		t.Fatal(err)
	}
	c.status = fsm.Status{ID: "n1", Role: fsm.Leader, Term: 1, Version: "test", Members: []fsm.Member{
		{Address: fsm.Address{ID: "n1"}, Voter: true, Role: fsm.Leader},
		{Address: fsm.Address{ID: "n2"}, Voter: true}, {Address: fsm.Address{ID: "n3"}, Voter: true},
		{Address: fsm.Address{ID: "n4"}},
	}}
	return c
}

func (c *testCluster) Propose(r *fsm.Request) {
	c.take(request{r, true}, fmt.Sprintf("propose %d", r.Ops))
}

func (c *testCluster) Read(r *fsm.Request) {
	level := [...]string{"strong", "stale", "attempt"}[r.Level]
	c.take(request{r, false}, fmt.Sprintf("read %s %d", level, r.Ops))
}

func (c *testCluster) take(r request, what string) {
	if n, ok := fsm.CountOps(r.Groups); !ok || n != r.Ops {
		c.t.Errorf("request of %d Ops holds %d (well formed: %t)", r.Ops, n, ok)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history = append(c.history, what)
	if !c.auto {
		c.pending = append(c.pending, r)
		return
	}
	c.answers.Go(func() { c.answer(r) })
}

func (c *testCluster) Local() fsm.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status.Keys, c.status.AppliedIndex = c.machine.Keys(), c.index
	limits, _ := c.machine.Limits()
	c.status.UsedBytes, c.status.MaxBytes, c.status.MaxKeys = c.machine.UsedBytes(), limits.Bytes, limits.Keys
	c.status.MaxInstances, c.status.MaxSessions = cmp.Or(limits.Instances, fsm.DefaultInstances), cmp.Or(limits.Sessions, fsm.DefaultSessions)
	c.status.Lease = cmp.Or(limits.Lease, fsm.DefaultLease)
	c.status.Sessions, c.status.OnceHits, c.status.OnceRefused = c.machine.SessionStats()
	return c.status
}

func (c *testCluster) Describe(done func(fsm.Status)) {
	c.answerLater(func() { done(c.Local()) })
}

func (c *testCluster) Digest(done func(sum, index uint64)) {
	c.answerLater(func() { done(c.machine.Digest(), c.machine.Index()) })
}

// Change notes what was asked for; the test says what becomes of it.
func (c *testCluster) Change(change fsm.Change, done func(error)) {
	c.changes = append(c.changes, change)
	c.answerLater(func() { done(c.made) })
}

func (c *testCluster) answerLater(answer func()) {
	if c.auto {
		c.answers.Go(answer)
		return
	}
	c.later = append(c.later, answer)
}

func (c *testCluster) Removal() error { return c.removal }

func (c *testCluster) Observe(sink func(fsm.Event)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machine.Observe(sink)
}

// step answers the oldest request and reports whether there was one.
func (c *testCluster) step() bool {
	if len(c.later) > 0 {
		answer := c.later[0]
		c.later = c.later[1:]
		answer()
		return true
	}
	if len(c.pending) == 0 {
		return false
	}
	c.answer(c.pop())
	return true
}

// fail refuses the oldest request.
func (c *testCluster) fail(err error) {
	r := c.pop()
	r.Err = err
	r.Done(r.Request)
}

func (c *testCluster) pop() request {
	if len(c.pending) == 0 {
		c.t.Fatal("no request is on its way")
	}
	r := c.pending[0]
	c.pending = c.pending[1:]
	return r
}

func (c *testCluster) answer(r request) {
	c.mu.Lock()
	c.run(r)
	c.mu.Unlock()
	r.Done(r.Request)
}

func (c *testCluster) run(r request) {
	if !r.proposed {
		r.Results, _ = c.machine.Query(nil, r.Groups, c.now)
		r.Verified = r.Level != fsm.Stale
		return
	}
	c.index++
	batch := fsm.AppendBatch(nil, fsm.Number{Origin: "n1", Incarnation: 1, Sequence: c.index}, r.Ops, r.Groups)
	outcomes, err := c.machine.Apply(c.index, 1, fsm.Entry{Kind: fsm.Ordinary, Stamp: c.now, Batches: [][]byte{batch}})
	if err != nil || len(outcomes) != 1 || outcomes[0].Verdict != fsm.Applied {
		c.t.Errorf("apply: %v %v", outcomes, err)
		return
	}
	r.Results, r.Index = outcomes[0].Results, c.index
}

// client is a session with a test in the place of a connection.
type client struct {
	t       testing.TB
	cluster *testCluster
	session *session
}

func newClient(t testing.TB, cluster *testCluster) *client {
	c := &client{t: t, cluster: cluster}
	now := func() time.Time { return time.UnixMilli(cluster.now) }
	d := newDoor(&Options{Cluster: cluster, Version: "test", Now: now})
	d.clock = func() time.Duration { return 1 + time.Duration(cluster.now-testEpoch)*time.Millisecond }
	d.drawSession = func() fsm.SessionID {
		cluster.drawn++
		return fsm.SessionID{15: cluster.drawn}
	}
	d.crowd = testCrowd{c}
	c.session = newSession(d, NewReader(Limits{}), 7, func(u *unit) {
		c.session.complete(u)
		c.turns()
	})
	return c
}

// testCrowd is a crowd of one.
type testCrowd struct{ *client }

func (c testCrowd) aside(f func())      { c.cluster.answerLater(f) }
func (c testCrowd) clients() []profile  { return []profile{c.session.profile()} }
func (c testCrowd) kill(map[int64]bool) {}

// turns are as many as are to be had at once.
func (c *client) turns() {
	c.session.pump()
	for c.session.ready() {
		c.session.pump()
	}
}

// send is a chunk of input as the socket gives it, in inline form or not.
func (c *client) send(input string) {
	if !c.session.hungry && !c.session.closing {
		c.t.Fatal("the session takes no input now")
	}
	room := c.session.in.Space(len(input))
	c.session.in.Fill(copy(room, input))
	c.turns()
}

// replies are the bytes that the session has written since the last time.
func (c *client) replies() string {
	if !c.session.collect() {
		c.t.Error("messages are lost")
	}
	out := string(c.session.out.buf)
	c.session.out.buf = c.session.out.buf[:0]
	return out
}

// wants takes the replies, in a readable form, and compares.
func (c *client) wants(want ...string) {
	c.t.Helper()
	got := formatAll(c.t, c.replies())
	if len(got) != len(want) {
		c.t.Fatalf("replies are %q, want %q", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			c.t.Fatalf("reply %d is %q, want %q", i, got[i], want[i])
		}
	}
}

// asked takes what the cluster was asked so far, and compares.
func (c *client) asked(want ...string) {
	c.t.Helper()
	if got := fmt.Sprint(c.cluster.history); got != fmt.Sprint(want) {
		c.t.Fatalf("the cluster was asked %s, want %v", got, want)
	}
	c.cluster.history = nil
}
