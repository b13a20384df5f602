package resp

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestRepliesComeInTheOrderOfTheCommands(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nPING\r\nINCR a\r\nFOO\r\nINCRBY a x\r\nGET a\r\nECHO end\r\n")
	c.wants()
	c.asked("propose 3")
	c.cluster.step()
	c.wants("(integer) 1", "PONG", "(integer) 2", "(error) ERR unknown command 'FOO', with args beginning with: ",
		"(error) ERR value is not an integer or out of range", `"2"`, `"end"`)
}

func TestOneRequestIsOnItsWayAndTheNextCollects(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\n")
	c.send("INCR a\r\nINCR a\r\n")
	c.send("INCR a\r\n")
	c.asked("propose 1")
	c.cluster.step()
	c.wants("(integer) 1")
	c.asked("propose 3")
	c.cluster.step()
	c.wants("(integer) 2", "(integer) 3", "(integer) 4")
	c.asked()
}

func TestALocalReplyIsGivenAtOnceWhenNothingIsUnfinished(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("PING\r\n")
	c.wants("PONG")
	c.send("INCR a\r\n")
	c.send("PING\r\n")
	c.wants()
	c.cluster.step()
	c.wants("(integer) 1", "PONG")
	c.asked("propose 1")
}

func TestAWriteWaitsForTheReadsInFrontOfIt(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("GET a\r\nEXISTS a b\r\nINCR a\r\nPING\r\n")
	c.asked("read strong 3")
	if !c.session.hungry { // the write collects behind the sent read, so there is no need to stop reading
		t.Error("the session stopped reading")
	}
	c.cluster.step()
	c.wants("(nil)", "(integer) 0")
	c.asked("propose 1")
	c.cluster.step()
	c.wants("(integer) 1", "PONG")
}

func TestAWriteDoesNotJoinReadsThatCollect(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("GET a\r\n")
	c.send("GET a\r\nINCR a\r\nGET a\r\n")
	if c.session.hungry {
		t.Error("the session goes on reading although its write must wait")
	}
	c.asked("read strong 1")
	c.cluster.step()
	c.asked("read strong 1")
	c.cluster.step()
	c.wants("(nil)", "(nil)")
	c.asked("propose 2")
	c.cluster.step()
	c.wants("(integer) 1", `"1"`)
}

func TestAReadBehindCollectedWritesRidesWithThem(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nGET a\r\nINCR a\r\nMGET a b\r\nINCR b\r\nDBSIZE\r\n")
	c.asked("propose 7")
	c.cluster.step()
	c.wants("(integer) 1", `"1"`, "(integer) 2", "1) \"2\"\n2) (nil)", "(integer) 1", "(integer) 2")
}

func TestAReadBehindASentWriteIsReadWhenNoWriteJoinsIt(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\n")
	c.send("GET a\r\n")
	c.cluster.step()
	c.cluster.step()
	c.wants("(integer) 1", `"1"`)
	c.asked("propose 1", "read strong 1")
	c.send("INCR a\r\n")
	c.send("GET a\r\nINCR a\r\n")
	c.cluster.step()
	c.cluster.step()
	c.wants("(integer) 2", `"2"`, "(integer) 3")
	c.asked("propose 1", "propose 2")
}

func TestAReadOfManyKeysWaitsUntilNothingIsUnfinished(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nEXISTS" + strings.Repeat(" a", maxRideKeys) + "\r\nEXISTS" + strings.Repeat(" a", maxRideKeys+1) + "\r\nPING\r\n")
	c.asked("propose 17")
	if c.session.hungry {
		t.Error("the session goes on reading although its read must wait")
	}
	c.cluster.step()
	c.wants("(integer) 1", "(integer) 16")
	c.asked("read strong 17")
	c.cluster.step()
	c.wants("(integer) 17", "PONG")
}

func TestGetStateWaitsUntilNothingIsUnfinishedAndSaysWhatItGot(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nGET a STATE\r\nGET b STATE\r\nGET a\r\n")
	c.asked("propose 1")
	c.cluster.step()
	c.asked("read attempt 2")
	c.cluster.step()
	c.asked("read strong 1")
	c.cluster.step()
	c.wants("(integer) 1", "1) \"1\"\n2) \"CONSISTENT\"", "1) (nil)\n2) \"CONSISTENT\"", `"1"`)

	c.send("GET a STATE\r\n")
	r := c.cluster.pop()
	c.cluster.run(r)
	r.Verified = false
	r.Done(r.Request)
	c.wants("1) \"1\"\n2) \"INCONSISTENT\"")
}

func TestAStaleReadStaysBehindTheConnectionsOwnWrites(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("READONLY\r\nINCR a\r\n")
	c.cluster.step()
	c.send("GET a\r\n")
	c.asked("propose 1", "read stale 1")
	if got, want := c.cluster.pending[0].MinIndex, c.cluster.index; got != want {
		t.Errorf("the read may be answered from index %d on, want %d", got, want)
	}
	c.cluster.step()
	c.wants("OK", "(integer) 1", `"1"`)
}

func TestALevelChangesBehindTheCommandsInFrontOfIt(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("GET a\r\nCONSISTENCY STALE\r\nGET a\r\nREADWRITE\r\nGET a\r\n")
	for c.cluster.step() {
	}
	c.wants("(nil)", "OK", "(nil)", "OK", "(nil)")
	c.asked("read strong 1", "read stale 1", "read strong 1")
}

func TestStatusKeepsItsPlaceInTheOrder(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nTRUECOUNT STATUS\r\nINCR a\r\n")
	for c.cluster.step() {
	}
	replies := formatAll(t, c.replies())
	if len(replies) != 3 || replies[0] != "(integer) 1" || !strings.HasPrefix(replies[1], `"{`) || replies[2] != "(integer) 2" {
		t.Errorf("replies are %q", replies)
	}
}

// The machine stops answering riders when a Batch's Results are full.
func TestARiderThatFindsTheResultsFullIsReadAgainInItsPlace(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	big := strings.Repeat("x", fsm.MaxText)
	c.send("SET big " + big + "\r\n")
	c.cluster.step()
	c.wants("OK")
	const riders = 400
	c.send("INCR a\r\n" + strings.Repeat("GET big\r\n", riders) + "INCR a\r\n")
	c.cluster.step()
	c.wants() // the whole unit waits
	c.cluster.step()
	replies := formatAll(t, c.replies())
	if len(replies) != riders+2 || replies[0] != "(integer) 1" || replies[riders+1] != "(integer) 2" {
		t.Fatalf("%d replies, %.20q … %.20q", len(replies), replies[0], replies[len(replies)-1])
	}
	for i, r := range replies[1 : riders+1] {
		if r != `"`+big+`"` {
			t.Fatalf("rider %d answers %.20q", i, r)
		}
	}
	if h := c.cluster.history; len(h) != 3 || !strings.HasPrefix(h[2], "read strong ") {
		t.Errorf("the cluster was asked %v", h)
	}
}

func TestReadsInAPipelineLeaveRoomForTheOldValueOfAWrite(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	value := strings.Repeat("x", fsm.MaxText)
	c.send("SET k " + value + "\r\n")
	c.cluster.step()
	c.wants("OK")
	c.send("INCR a\r\n" + strings.Repeat("GET k\r\n", 300) + "SET k v GET\r\n")
	for c.cluster.step() {
	}
	got := formatAll(t, c.replies())
	if len(got) != 302 || got[301] != strconv.Quote(value) {
		t.Errorf("%d replies, the last %.80q", len(got), got[len(got)-1])
	}
}

// The writes beside it are done: an error that libraries repeat would have them done twice.
func TestARiderThatCanNotBeReadAgainIsUnknown(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nGET a\r\nINCR a\r\n")
	r := c.cluster.pop()
	r.Results = fsm.Results{byte(fsm.Int), 2, byte(fsm.ReadLater) << 4, byte(fsm.Int), 4}
	r.Done(r.Request)
	c.cluster.fail(fmt.Errorf("no leader: %w", fsm.ErrNotApplied))
	c.wants("(integer) 1", "(error) UNKNOWN the writes of this pipeline are applied, but this read could not be answered behind them", "(integer) 2")
	if c.session.refusing() {
		t.Error("the burst is refused although it was executed")
	}
}

func TestQuitEndsTheConversation(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nQUIT\r\nINCR a\r\n")
	c.cluster.step()
	c.wants("(integer) 1", "OK")
	c.asked("propose 1")
	if !c.session.closing || c.session.unfinished() {
		t.Error("the session goes on")
	}
}

func TestAProtocolErrorIsToldBehindTheCommandsInFrontOfIt(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\n*x\r\nINCR a\r\n")
	c.wants()
	c.cluster.step()
	c.wants("(integer) 1", "(error) ERR Protocol error: invalid multibulk length")
	c.asked("propose 1")
	if !c.session.closing {
		t.Error("the session goes on")
	}
}
