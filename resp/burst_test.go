package resp

import (
	"fmt"
	"testing"

	"github.com/truecount/truecount/fsm"
)

var (
	errNoLeader = fmt.Errorf("no leader: %w", fsm.ErrNotApplied)
	errLost     = fmt.Errorf("leader lost: %w", fsm.ErrUnknown)
)

const refusedReply = "(error) CLUSTERDOWN no leader: not applied"

func TestNothingIsExecutedBehindARefusedCommandOfTheSameBurst(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nPING\r\n")
	c.send("INCR a\r\nPING\r\n") // collects
	c.cluster.fail(errNoLeader)
	c.wants(refusedReply, refusedReply, refusedReply, refusedReply)
	c.send("INCR a\r\nGET a\r\nFOO\r\nPING\r\n")
	c.wants(refusedReply, refusedReply, refusedReply, refusedReply)
	c.session.inputEmpty()
	c.send("GET a\r\n")
	c.cluster.step()
	c.wants("(nil)")
	c.asked("propose 1", "read strong 1")
}

func TestABurstIsRefusedFromAFailedReadOnToo(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("PING\r\nGET a\r\nINCR a\r\n")
	c.cluster.fail(errNoLeader)
	c.wants("PONG", refusedReply, refusedReply)
	c.asked("read strong 1")
}

func TestACommandThatWaitedIsRefusedWithItsBurst(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nGET a STATE\r\nINCR a\r\n")
	c.cluster.fail(errNoLeader)
	c.wants(refusedReply, refusedReply, refusedReply)
	c.asked("propose 1")
}

func TestHalfACommandIsStillTheSameBurst(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nINC")
	c.cluster.fail(errNoLeader)
	c.session.inputEmpty()
	c.send("R a\r\n")
	c.wants(refusedReply, refusedReply)
	c.session.inputEmpty()
	c.send("INCR a\r\n")
	c.cluster.step()
	c.wants("(integer) 1")
}

func TestQuitIsAnsweredEvenInARefusedBurst(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nQUIT\r\nINCR a\r\n")
	c.cluster.fail(errNoLeader)
	c.wants(refusedReply, "OK")
	if !c.session.closing {
		t.Error("the session goes on")
	}
}

func TestAnUnknownOutcomeIsToldEachCommandAndTheBurstGoesOn(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nPING\r\nINCR a\r\n")
	c.send("INCR a\r\n")
	c.cluster.fail(errLost)
	unknown := "(error) UNKNOWN leader lost: outcome unknown"
	c.wants(unknown, "PONG", unknown)
	c.cluster.step()
	c.wants("(integer) 1")
}

// It is of no use to repeat it at this node, and libraries don't. Reads go on, those behind a refused write too.
func TestAWriteWithoutDiskSpaceIsRefusedAloneAndReadsAreAnswered(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	full := fmt.Errorf("this node is low: %w", fsm.ErrNoSpace)
	refused := "(error) MISCONF this node is low: not applied for want of disk space"
	c.send("INCR a\r\nPING\r\nGET a\r\nSET a 1\r\nMGET a b\r\n")
	c.send("INCR a\r\n")
	c.cluster.fail(full)
	c.wants()
	c.cluster.step()
	c.wants(refused, "PONG", "(nil)", refused, "1) (nil)\n2) (nil)")
	c.cluster.step()
	c.wants("(integer) 1")
	c.asked("propose 5", "read strong 3", "propose 1")

	c.send("SET a 2\r\nGET a\r\n")
	c.cluster.fail(full)
	c.cluster.fail(errNoLeader)
	c.wants(refused, refused)
	if c.session.refusing() {
		t.Error("the burst is refused")
	}
}

func TestARefusedTransactionEndsWhenTheClientHasGivenItUp(t *testing.T) {
	for end, want := range map[string]string{"EXEC": refusedReply, "DISCARD": refusedReply, "MULTI\r\nEXEC": "OK", "RESET": "RESET"} {
		c := newClient(t, newTestCluster(t))
		c.send("INCR a\r\nMULTI\r\nMULTI\r\nRESET\r\n")
		c.cluster.fail(errNoLeader)
		c.wants(refusedReply, refusedReply, refusedReply, refusedReply)
		c.session.inputEmpty()
		c.send("INCR a\r\n")
		c.wants(refusedReply) // it may be the rest of the transaction
		c.send(end + "\r\n")
		if got := formatAll(t, c.replies()); got[0] != want {
			t.Errorf("%s: %q, want %q", end, got, want)
		}
		c.send("INCR a\r\n")
		c.cluster.step()
		c.cluster.step()
		c.wants("(integer) 1")
	}
}
