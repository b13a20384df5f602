package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

const (
	signNone = int64(fsm.SignNone)
	signDue  = int64(fsm.SignDue)
	signNow  = int64(fsm.SignNow)
)

func three(a, b, c int) string {
	return fmt.Sprintf("1) (integer) %d\n2) (integer) %d\n3) (integer) %d", a, b, c)
}

func TestAHeartbeatFollowsAReadWhenItIsDueAndOnlyOne(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.GET k i\r\nIC.GET l i\r\nIC.GET k j\r\nIC.GET k\r\n")
	c.asked("read strong 4")
	c.cluster.give(list(5, 1, 0, signDue), list(6, 2, 0, signDue), list(5, 0, 0, signNone), list(5, 0, 0, signNone))
	c.wants(three(5, 1, 0), three(6, 2, 0), three(5, 0, 0), three(5, 0, 0))
	c.asked("propose 1")

	c.send("IC.GET k i\r\nIC.GET k h\r\nIC.GET k g\r\n") // the Heartbeat of i is still on its way
	beat := c.cluster.pop()
	c.cluster.give(list(5, 1, 0, signDue), list(5, 1, 0, signDue), list(5, 1, 0, signDue))
	c.replies()
	c.asked("read strong 3")
	beat.Done(beat.Request)
	c.asked("propose 2")
	c.cluster.fail(fmt.Errorf("no leader: %w", fsm.ErrNotApplied))
	c.asked() // what failed waits for the next read
	c.send("IC.GET k h\r\n")
	c.cluster.give(list(5, 1, 0, signDue))
	c.asked("read strong 1", "propose 1")
}

func TestHeartbeatsOfReadsAreBounded(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	h := c.session.door.heartbeats
	for i := range 3 * maxDue {
		h.add(fmt.Appendf(nil, "i%d", i))
	}
	if len(h.waiting) != maxDue {
		t.Errorf("%d instances wait, want %d", len(h.waiting), maxDue)
	}
	c.asked("propose 1")
	r := cluster.pop()
	r.Done(r.Request)
	c.asked(fmt.Sprintf("propose %d", maxBeats))
}

func TestAReadOfAnInstanceThatIsNotAliveIsProposedAndThenReadOnceMore(t *testing.T) {
	for _, level := range []string{"STRONG", "STALE"} {
		c := newClient(t, newTestCluster(t))
		c.send("CONSISTENCY " + level + "\r\nIC.GET a\r\nIC.MGET i k l\r\nGET b\r\nPING\r\n")
		c.asked("read " + strings.ToLower(level) + " 4")
		c.cluster.give(list(7, 0, 0, signNone), list(5, 0, 0, signNone), list(6, 0, 0, signNow), fsm.Result{})
		c.wants("OK")
		c.asked("propose 1")
		c.cluster.give(list(8, 2, 0, signNone))
		c.asked("read " + strings.ToLower(level) + " 4")
		if spoken, index := c.cluster.pending[0], c.cluster.index; spoken.MinIndex != index {
			t.Errorf("it is read as of index %d, and the instance has spoken at %d", spoken.MinIndex, index)
		}
		c.cluster.give(list(7, 0, 0, signNone), list(9, 4, 0, signNone), list(8, 2, 0, signNone), fsm.Result{})
		c.wants(three(7, 0, 0), "1) 1) (integer) 9\n   2) (integer) 4\n   3) (integer) 0\n2) 1) (integer) 8\n   2) (integer) 2\n   3) (integer) 0", "(nil)", "PONG")
		if c.session.acked != c.cluster.index {
			t.Errorf("a stale read may go behind index %d, to %d", c.cluster.index, c.session.acked)
		}
		c.asked()
	}
}

// The sign of life and the read are one moment then: nobody comes in between.
func TestReadsOfInstanceCountersAloneAreAnsweredByTheBatchThatBringsTheInstanceBack(t *testing.T) {
	for _, level := range []string{"STRONG", "STALE"} {
		c := newClient(t, newTestCluster(t))
		c.send("CONSISTENCY " + level + "\r\nIC.GET a\r\nPING\r\nIC.MGET i k l\r\nIC.GET k j\r\n")
		c.asked("read " + strings.ToLower(level) + " 4")
		c.cluster.give(list(7, 0, 0, signNone), list(5, 0, 0, signNone), list(6, 0, 0, signNow), list(5, 1, 0, signNone))
		c.wants("OK")
		c.asked("propose 4")
		c.cluster.give(list(8, 0, 0, signNone), list(9, 4, 0, signNone), list(10, 2, 0, signNone), list(9, 1, 0, signNone))
		c.wants(three(8, 0, 0), "PONG", "1) 1) (integer) 9\n   2) (integer) 4\n   3) (integer) 0\n2) 1) (integer) 10\n   2) (integer) 2\n   3) (integer) 0",
			three(9, 1, 0))
		if c.session.acked != c.cluster.index {
			t.Errorf("a stale read may go behind index %d, to %d", c.cluster.index, c.session.acked)
		}
	}
}

// An instance may die again meanwhile, or the Batch have no room for an answer: then it has not spoken.
func TestSuchRoundsAreBounded(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.GET k i\r\n")
	c.asked("read strong 1")
	for range maxRevivals {
		c.cluster.give(list(5, 0, 0, signNow))
		c.asked("propose 1")
		c.cluster.give(fsm.Result{Code: fsm.ReadLater})
		c.asked("read strong 1")
	}
	c.cluster.give(list(5, 0, 0, signNow))
	c.wants(three(5, 0, 0))
	c.asked()
}

// The instance has spoken then, and nobody needs to know.
func TestAReadThatFailsInItsSecondRoundIsAReadThatFails(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.GET k i\r\nGET a\r\n")
	c.cluster.give(list(5, 0, 0, signNow), fsm.Result{})
	c.cluster.give(list(9, 4, 0, signNone))
	c.cluster.fail(errNoLeader)
	c.wants(refusedReply, refusedReply)
	c.asked("read strong 2", "propose 1", "read strong 2")
}

func TestATransactionOfReadsIsReadOnceMoreAsAWhole(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\nGET b\r\nIC.GET k i\r\nEXEC\r\n")
	c.wants("OK", "QUEUED", "QUEUED")
	c.asked("read strong 2")
	c.cluster.give(fsm.Result{}, list(5, 0, 0, signNow))
	c.asked("propose 1")
	c.cluster.give(list(9, 4, 0, signNone))
	c.asked("read strong 2")
	c.cluster.give(fsm.Result{Value: fsm.IntValue(1)}, list(9, 4, 0, signNone))
	c.wants("1) \"1\"\n2) 1) (integer) 9\n   2) (integer) 4\n   3) (integer) 0")
}

// In a Batch there is no room for so many values, and none is needed: it is asked to hear the instance, and the values are read.
func TestATransactionThatReadsMuchBringsItsInstanceBack(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.HEARTBEAT i TTL 3000\r\nIC.INCRBY k i 5\r\n" + packed("SET", "v", strings.Repeat("x", fsm.MaxText)))
	c.cluster.step()
	for range 4 {
		c.cluster.now += 1000
		c.cluster.stroke()
	}
	c.send("IC.GET k\r\n")
	c.cluster.step()
	if got := formatAll(t, c.replies()); got[len(got)-1] != three(0, 0, 0) {
		t.Fatalf("while the instance is gone the counter is %s", got[len(got)-1])
	}
	c.cluster.history = nil
	const values = 200 // more than half of fsm.MaxResults
	c.send("MULTI\r\n" + strings.Repeat("GET v\r\n", values) + "IC.GET k i\r\nEXEC\r\n")
	for c.cluster.step() {
	}
	got := formatAll(t, c.replies())
	want := fmt.Sprintf("%d) 1) (integer) 5\n     2) (integer) 5\n     3) (integer) 0", values+1)
	if last := got[len(got)-1]; !strings.HasSuffix(last, want) || strings.Contains(last, "error") {
		t.Errorf("the transaction ends with %q", last[max(0, len(last)-200):])
	}
	c.asked("read strong 201", "propose 1", "read strong 201")
}

// A repeatable error may have a whole pipeline sent again, so nothing that counts may be run behind it.
func TestAReadThatCanNotSpeakForItsInstanceSaysWhyAndEndsTheBurst(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("IC.GET k i\r\n")
	c.send("IC.GET k\r\nINCR a\r\n")
	c.cluster.give(list(5, 0, 0, signNow))
	c.cluster.fail(fmt.Errorf("no leader: %w", fsm.ErrNotApplied))
	down := "(error) CLUSTERDOWN no leader: not applied"
	c.wants(down, down, down)
	c.asked("read strong 1", "propose 1")
	if !c.session.refusing() {
		t.Error("the burst goes on")
	}
}

func TestAReadInABatchIsASignByItself(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nIC.GET k i\r\n")
	c.asked("propose 2")
	c.cluster.give(fsm.Result{Value: fsm.IntValue(1)}, list(5, 0, 0, signNow))
	c.wants("(integer) 1", three(5, 0, 0))
	c.asked()
}

// stroke is an Entry without anything, as a leader proposes it while leases run.
func (c *testCluster) stroke() {
	c.index++
	if _, err := c.machine.Apply(c.index, 1, fsm.Entry{Kind: fsm.Ordinary, Stamp: c.now}); err != nil {
		c.t.Fatal(err)
	}
}

func TestAnInstanceThatOnlyReadsLivesAndWritesOnceInAThirdOfItsLease(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	const seconds = 180
	c.send("IC.INCRBY k reads 5\r\nIC.INCRBY k silent 2\r\n")
	c.cluster.step()
	c.replies()
	c.cluster.history = nil
	beats := 0
	for second := 1; second <= seconds; second++ {
		c.cluster.now += 1000
		c.cluster.stroke()
		c.send("IC.GET k reads\r\n")
		for c.cluster.step() {
		}
		total := 7
		if second >= fsm.DefaultLease/1000 {
			total = 5
		}
		c.wants(three(total, 5, 0))
	}
	for _, asked := range c.cluster.history {
		if asked == "propose 1" {
			beats++
		}
	}
	if most := seconds * 1000 / (fsm.DefaultLease / 3); beats > most || beats < most/2 {
		t.Errorf("%d Heartbeats in %d seconds, want at most %d", beats, seconds, most)
	}
}
