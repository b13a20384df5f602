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
