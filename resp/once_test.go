package resp

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

const firstSession = "00000000000000000000000000000001" // the first id that a test's door draws

// opened is a client with an open session of ONCE.
func opened(t *testing.T, cluster *testCluster) *client {
	c := newClient(t, cluster)
	c.send("ONCE OPEN\r\n")
	cluster.step()
	c.wants(`"` + firstSession + `"`)
	c.asked("propose 1")
	return c
}

func once(seq int, command string) string {
	return fmt.Sprintf("ONCE %s %d %s\r\n", firstSession, seq, command)
}

func TestAPipelineOfOnceIsOneRequest(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	c.send(once(1, "INCR a") + once(2, "MSET a 5 b 1") + once(1, "INCR a") + "GET a\r\n")
	c.asked("propose 5")
	cluster.step()
	c.wants("(integer) 1", "OK", "(integer) 1", `"5"`)
}

// What a client sends again it may send while the first is still on its way, and elsewhere.
func TestARepetitionOvertakesNothing(t *testing.T) {
	cluster := newTestCluster(t)
	first := opened(t, cluster)
	again := newClient(t, cluster)
	first.send(once(1, "INCR a"))
	again.send(once(1, "INCR a"))
	cluster.step()
	cluster.step()
	first.wants("(integer) 1")
	again.wants("(integer) 1")
}

func TestACommandBehindOnceThatMustWaitIsStillBehindOnce(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	c.send("GET a\r\n" + "GET a\r\n" + once(1, "INCR a") + "INCR a\r\n" + once(1, "INCR a"))
	for cluster.step() {
	}
	c.wants("(nil)", "(nil)", "(integer) 1", "(integer) 2", "(integer) 1")
}

func TestARefusedCommandBehindOnceMayBeRepeated(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	c.send(once(1, "INCR a") + once(2, "INCR a"))
	cluster.fail(errNoLeader)
	c.wants(refusedReply, refusedReply)
	c.session.inputEmpty()
	c.send(once(1, "INCR a") + once(2, "INCR a"))
	for cluster.step() {
	}
	c.wants("(integer) 1", "(integer) 2")
}

// The same after an outcome that nobody knows: it was applied.
func TestAnUnknownOutcomeIsKnownWhenItIsAskedForAgain(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	c.send(once(1, "INCR a"))
	cluster.run(cluster.pending[0])
	cluster.fail(errLost)
	c.wants("(error) UNKNOWN leader lost: outcome unknown")
	c.send(once(1, "INCR a") + "GET a\r\n")
	for cluster.step() {
	}
	c.wants("(integer) 1", `"1"`)
}

func TestARefusedOnceExecEndsItsTransaction(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	c.send("INCR a\r\nMULTI\r\nINCR a\r\n")
	cluster.fail(errNoLeader)
	c.wants(refusedReply, refusedReply, refusedReply)
	c.session.inputEmpty()
	c.send(once(1, "EXEC") + "INCR a\r\n")
	for cluster.step() {
	}
	c.wants(refusedReply, "(integer) 1")
}

func TestADisplacedReplyIsToldToBeDone(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	const long = fsm.MaxText - 100
	for seq := 1; seq <= fsm.SessionBytes/long+2; seq++ {
		c.send(packed("ONCE", firstSession, fmt.Sprint(seq), "SET", "k", strings.Repeat("x", long), "GET"))
		cluster.step()
	}
	c.replies()
	c.send(packed("ONCE", firstSession, "2", "SET", "k", strings.Repeat("x", long), "GET"))
	cluster.step()
	c.wants("(error) " + string(errOnceDone))
	c.send("MULTI\r\n" + packed("SET", "k", strings.Repeat("x", long), "GET") + strings.Repeat("INCR n\r\n", 3))
	c.send(packed("ONCE", firstSession, "2", "EXEC"))
	cluster.step()
	got := formatAll(t, c.replies())
	if want := "(error) " + string(errOnceMismatch); got[len(got)-1] != want {
		t.Errorf("a transaction under the same sequence: %q, want %q", got[len(got)-1], want)
	}
}

// What the session says counts for the whole command, not for each of its keys.
func TestASessionRefusesACommandOfManyKeysWithOneError(t *testing.T) {
	for _, command := range []string{"MINCRBY 1 a b c", "MSET a 1 b 2", "MSETNX a 1 b 2", "DEL a b c", "SET a 1 NX GET", "INCREX a BYINT 1"} {
		c := newClient(t, newTestCluster(t))
		c.send(once(1, command) + "ECHO behind\r\n")
		c.cluster.step()
		c.wants("(error) "+string(errNoSession), `"behind"`)
	}
	c := newClient(t, newTestCluster(t))
	c.send("MULTI\r\nINCR a\r\nINCR b\r\n" + once(1, "EXEC") + "ECHO behind\r\n")
	c.cluster.step()
	c.wants("OK", "QUEUED", "QUEUED", "(error) "+string(errNoSession), `"behind"`)
}

func TestSessionsBeyondTheLimitAreToldWhichOne(t *testing.T) {
	cluster := newTestCluster(t)
	c := opened(t, cluster)
	cluster.limit(fsm.Limits{Sessions: 1})
	c.send("ONCE OPEN\r\n")
	cluster.step()
	c.wants("(error) OOM command not allowed when used memory > 'maxmemory': it would go beyond the cluster's max-sessions of 1; " +
		"close sessions that are not needed (ONCE CLOSE) or raise it")
	c.send(once(1, "INCR a")) // those that are open stay
	cluster.step()
	c.wants("(integer) 1")
}

func TestSessionsOfTwoDoorsAreDifferent(t *testing.T) {
	drawn := map[fsm.SessionID]bool{}
	for range 1000 {
		id := drawSession()
		if drawn[id] || id == (fsm.SessionID{}) {
			t.Fatalf("%s was drawn twice", hex.EncodeToString(id[:]))
		}
		drawn[id] = true
	}
}

func TestMonitorsSeeTheWholeCommand(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	watcher, u := s.dial(), s.dial()
	watcher.send("MONITOR\r\n")
	watcher.wants("OK")
	u.send("ONCE " + firstSession + " 7 incr k\r\n")
	u.wants("(error) " + string(errNoSession))
	line, err := readReply(watcher.r)
	if want := `"ONCE" "` + firstSession + `" "7" "incr" "k"`; err != nil || !strings.HasSuffix(line, want) {
		t.Errorf("%q (%v), want it to end with %s", line, err, want)
	}
}

// The hash is compared with that of another node, perhaps of another build.
func TestHashesOfCommandsAreAFormat(t *testing.T) {
	words := func(line string) (args [][]byte) {
		for word := range strings.SplitSeq(line, " ") {
			args = append(args, []byte(word))
		}
		return args
	}
	if got, want := sum(0).add(words("INCR k")), sum(0x44e2d241dcc0dc3a); got != want {
		t.Errorf("%#x, want %#x", uint64(got), uint64(want))
	}
	seen := map[sum]string{}
	for _, line := range []string{"INCR k", "INCRk", "INCR k ", "INCR  k", "incr k", "INCR kk", "INC Rk", "INCR", ""} {
		h := sum(0).add(words(line))
		if other, found := seen[h]; found {
			t.Errorf("%q and %q have the same hash", line, other)
		}
		seen[h] = line
	}
	if two := sum(0).add(words("a b")).add(words("c")); two == sum(0).add(words("a")).add(words("b c")) || two == sum(0).add(words("a b c")) {
		t.Error("commands that are cut elsewhere have the same hash")
	}
}
