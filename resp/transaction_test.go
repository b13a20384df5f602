package resp

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestATransactionIsOneGroupOfOneRequest(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("MULTI\r\nINCR a\r\nMGET a b\r\nEXEC\r\nINCR a\r\n")
	c.asked("propose 4") // the INCR behind it is in the same Request
	if first, rest := fsm.CutGroup(cluster.pending[0].Groups); len(rest) == 0 {
		t.Fatal("the INCR behind the transaction is in its group")
	} else if n, _ := fsm.CountOps(first); n != 3 {
		t.Fatalf("the transaction's group has %d Ops", n)
	}
	cluster.step()
	c.wants("OK", "QUEUED", "QUEUED", "1) (integer) 1\n2) 1) \"1\"\n   2) (nil)", "(integer) 2")
}

func TestATransactionThatOnlyReadsNeedsNoEntry(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("MULTI\r\nGET a\r\nGET b\r\nEXEC\r\n")
	c.asked("read strong 2")
	cluster.step()
	c.wants("OK", "QUEUED", "QUEUED", "1) (nil)\n2) (nil)")
	c.send("CONSISTENCY STALE\r\nMULTI\r\nGET a\r\nEXEC\r\nGET a\r\n")
	cluster.step()
	cluster.step()
	c.asked("read strong 1", "read stale 1") // a transaction is strong at every level
}

func TestWhoWatchesReadsStrongly(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("CONSISTENCY STALE\r\nGET a\r\n")
	cluster.step()
	c.send("WATCH a\r\n")
	cluster.step()
	c.send("GET a\r\n")
	cluster.step()
	c.send("UNWATCH\r\nGET a\r\n")
	cluster.step()
	c.asked("read stale 1", "read strong 1", "read strong 1", "read stale 1")
}

func TestExecWaitsForTheAnswerToWatch(t *testing.T) {
	cluster := newTestCluster(t)
	c, other := newClient(t, cluster), newClient(t, cluster)
	c.send("WATCH a\r\nMULTI\r\nINCR a\r\nEXEC\r\n")
	c.asked("read strong 1")
	cluster.step()
	c.asked("propose 1")
	for cluster.step() {
	}
	c.wants("OK", "OK", "QUEUED", "1) (integer) 1")
	c.send("WATCH a\r\n")
	cluster.step()
	other.send("SET a 1\r\n")
	cluster.step()
	c.send("MULTI\r\nINCR a\r\nEXEC\r\nGET a\r\n")
	for cluster.step() {
	}
	c.wants("OK", "OK", "QUEUED", "(nil)", `"1"`)
}

// What stands behind a refused MULTI, or a refused command of a transaction, must not run by itself, be it in a later packet.
func TestARefusedTransactionIsRefusedAsAWhole(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("INCR a\r\nMULTI\r\nINCR b\r\n")
	cluster.fail(errNoLeader)
	c.wants(refusedReply, refusedReply, refusedReply)
	c.session.inputEmpty() // the driver has looked
	c.send("INCR b\r\nEXEC\r\n")
	c.wants(refusedReply, refusedReply)
	c.session.inputEmpty()
	c.send("GET b\r\nEXEC\r\n")
	for cluster.step() {
	}
	c.wants("(nil)", "(error) ERR EXEC without MULTI")
}

func TestAWatchThatFailedFailsTheTransaction(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("WATCH a\r\n")
	cluster.fail(errNoLeader)
	c.wants(refusedReply)
	c.session.inputEmpty()
	c.send("MULTI\r\nINCR a\r\nEXEC\r\n")
	c.wants("OK", "QUEUED", "(error) EXECABORT Transaction discarded because a WATCH was answered with an error.")
}

func TestATransactionWithoutRoomIsDiscarded(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	cluster.limit(fsm.Limits{Keys: 1})
	c.send("MULTI\r\nINCR a\r\nINCR b\r\nEXEC\r\nEXISTS a b\r\n")
	for cluster.step() {
	}
	replies := formatAll(t, c.replies())
	if !strings.HasPrefix(replies[3], "(error) EXECABORT Transaction discarded because of: OOM ") || replies[4] != "(integer) 0" {
		t.Fatalf("replies are %q", replies)
	}
}

func TestATransactionIsBounded(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	for what, commands := range map[string]string{
		"old values": strings.Repeat("GETSET a b\r\n", maxOldValues+1),
		"bytes":      strings.Repeat("ECHO "+strings.Repeat("x", 32<<10)+"\r\n", 33),
		"keys":       strings.Repeat("MGET"+strings.Repeat(" a", 1000)+"\r\n", 17),
	} {
		c.send("MULTI\r\n" + commands + "EXEC\r\n")
		for cluster.step() {
		}
		replies := formatAll(t, c.replies())
		if n := len(replies); !strings.HasPrefix(replies[n-2], "(error) ERR ") || !strings.HasPrefix(replies[n-1], "(error) EXECABORT") {
			t.Errorf("%s: the last replies are %q", what, replies[n-2:])
		}
	}
	c.send("MULTI\r\n" + strings.Repeat("ECHO x\r\n", 2) + strings.Repeat("COMMAND DOCS\r\n", 200) + "EXEC\r\n")
	if n := len(c.replies()); n > 3*maxReplies {
		t.Errorf("a transaction was answered with %d bytes", n)
	}
}

func TestWhatATransactionSaysIsBounded(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\n" + strings.Repeat("COMMAND DOCS\r\n", 100) + "EXEC\r\n")
	got := c.replies()
	if len(got) > 3*maxSaid || strings.Count(got, "-ERR not run: ") < 50 {
		t.Errorf("EXEC answers %d bytes, with %d refusals", len(got), strings.Count(got, "-ERR not run: "))
	}
}

func TestArgumentsOfATransactionCountAlsoIfTheyAreEmpty(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	many := packed(repeat("INFO", 40_000, "")...)
	c.send("MULTI\r\n" + many)
	c.wants("OK", "QUEUED")
	if held := c.session.holds(); held < 40_000*perArg {
		t.Errorf("it holds %d bytes, it says", held)
	}
	c.send(many)
	if got := c.replies(); !strings.HasPrefix(got, "-ERR transaction is too large") {
		t.Errorf("the second: %q", got)
	}
}

func TestCommandsBehindAnExecSeeWhatItHasDone(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\nCLIENT SETNAME x\r\nINCR k\r\nEXEC\r\nCLIENT GETNAME\r\nCLIENT SETNAME y\r\n")
	for c.cluster.step() {
	}
	c.send("CLIENT GETNAME\r\n")
	c.wants("OK", "QUEUED", "QUEUED", "1) OK\n2) (integer) 1", `"x"`, "OK", `"y"`)
}

func TestAMatchInATransactionIsNotMadeByTheCluster(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\nSCAN 0 MATCH a*b\r\nINCR k\r\nEXEC\r\n")
	if u := c.session.sent; u == nil || !u.slow {
		t.Error("the replies would be made by the cluster's goroutine, for which others wait")
	}
	c.send("MULTI\r\nINFO\r\nINCR k\r\nEXEC\r\n")
	for len(c.cluster.pending) > 1 {
		c.cluster.step()
	}
	c.cluster.step()
	if u := c.session.sent; u == nil || !u.slow {
		t.Error("INFO would be run by the cluster's goroutine")
	}
}

func TestATransactionReadsABoundedNumberOfPages(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\n" + strings.Repeat("SCAN 0 COUNT 1000\r\n", maxQueuedPages) + "SCAN 0\r\nEXEC\r\n")
	got := formatAll(t, c.replies())
	if want := "(error) ERR transaction is too large: it may read 100 pages of keys"; got[maxQueuedPages+1] != want {
		t.Errorf("got %q, want %q", got[maxQueuedPages+1], want)
	}
	c.asked()
}

func TestAUnitReadsABoundedNumberOfPages(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("GET a\r\n")
	c.send(strings.Repeat("SCAN 0 COUNT 1000\r\n", 200))
	c.cluster.step()
	if n := c.session.sent.request.Ops; n != 1 {
		t.Errorf("%d pages of %d keys are read in one Request, want 1", n, fsm.MaxScan)
	}
}

func TestWatchedKeysAreHeld(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	before := c.session.holds()
	c.send(packed(repeat("WATCH", 1000, strings.Repeat("k", 1000))...))
	c.cluster.step()
	c.wants("OK")
	c.session.rest()
	if held := c.session.holds() - before; held < 1_000_000 {
		t.Errorf("they hold %d bytes, the session says", held)
	}
	c.send("UNWATCH\r\n")
	c.session.rest()
	if held := c.session.holds() - before; held > 100_000 {
		t.Errorf("without them the session holds %d bytes more than before", held)
	}
}

// Each client reads k in the middle of a pipeline and sets it to one more in the next: whatever comes between, k is in the end
// as large as there were transactions that were not aborted.
func TestNoWatchedIncrementIsLost(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		cluster := newTestCluster(t)
		clients := make([]*client, 3)
		next := make([]string, len(clients))
		for i := range clients {
			clients[i] = newClient(t, cluster)
			next[i] = watchAndRead(rng)
		}
		done := 0
		for range 300 {
			i := rng.IntN(len(clients))
			c := clients[i]
			switch {
			case rng.IntN(3) > 0:
				cluster.step()
			case next[i] != "" && c.session.hungry:
				c.send(next[i])
				next[i] = ""
			case next[i] == "" && !c.session.unfinished() && c.session.hungry:
				replies := formatAll(t, c.replies())
				last := replies[len(replies)-1]
				if n, err := strconv.Atoi(strings.Trim(last, `"`)); err == nil || last == "(nil)" && replies[len(replies)-2] == "OK" {
					next[i] = "INCR other\r\nMULTI\r\nSET k " + strconv.Itoa(n+1) + "\r\nEXEC\r\n"
					continue
				}
				if last == "1) OK" {
					done++
				}
				next[i] = watchAndRead(rng)
			}
		}
		var r fsm.Request
		r.Add(fsm.Op{Kind: fsm.Get, Key: []byte("k")})
		results, _ := cluster.machine.Query(nil, r.Groups, 0)
		unheard := 0
		for _, c := range clients {
			unheard += strings.Count(c.replies(), "*1\r\n+OK\r\n")
		}
		if k, _ := results.Next(); k.Value.Int < int64(done) || k.Value.Int > int64(done+unheard) {
			t.Fatalf("seed %d: k is %d after %d increments, and %d of which nobody has heard", seed, k.Value.Int, done, unheard)
		}
	}
}

func watchAndRead(rng *rand.Rand) string {
	front := []string{"", "INCR other\r\n", "GET other\r\n", "CONSISTENCY STALE\r\n", "INCR other\r\nINCR other\r\nGET other\r\n"}
	return front[rng.IntN(len(front))] + "WATCH k\r\nGET k\r\n"
}
