package resp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

// request in protocol form: an inline command ends at 64 KiB.
func packed(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}

func repeat(first string, n int, arg ...string) []string {
	args := []string{first}
	for range n {
		args = append(args, arg...)
	}
	return args
}

func TestKeysAndValuesBeyondTheirLimitsAreRefusedAtTheDoor(t *testing.T) {
	long, full := strings.Repeat("k", fsm.MaxKey+1), strings.Repeat("k", fsm.MaxKey)
	text := strings.Repeat("v", fsm.MaxText+1)
	const (
		emptyKey = "(error) ERR key is empty (a key has 1 to 1024 bytes)"
		longKey  = "(error) ERR key is longer than 1024 bytes"
		longText = "(error) ERR value is longer than 4096 bytes"
	)
	for _, row := range []struct {
		want string
		args []string
	}{
		{emptyKey, []string{"INCR", ""}},
		{emptyKey, []string{"GET", ""}},
		{emptyKey, []string{"SET", "", "v"}},
		{emptyKey, []string{"EXPIRE", "", "1"}},
		{longKey, []string{"INCRBY", long, "1"}},
		{longKey, []string{"MGET", "a", long}},
		{longKey, []string{"MSET", "a", "1", long, "1"}},
		{longKey, []string{"DEL", long}},
		{longKey, []string{"TTL", long}},
		{longText, []string{"SET", "k", text}},
		{longText, []string{"MSET", "a", "1", "k", text}},
		{"(error) ERR too many keys: 'mget' takes at most 16384", repeat("MGET", maxCommandKeys+1, "k")},
		{"(error) ERR too many keys: 'mset' takes at most 16384", repeat("MSET", maxCommandKeys+1, "k", "1")},
		{"(error) ERR command is too large: its keys and values may have 1048576 bytes, and each pair counts 32 more",
			repeat("DEL", 1000, full)},
	} {
		c := newClient(t, newTestCluster(t))
		c.send(packed(row.args...))
		c.wants(row.want)
		c.asked()
	}

	c := newClient(t, newTestCluster(t))
	c.send(packed("SET", full, text[1:]) + packed("GET", full))
	c.cluster.step()
	c.wants("OK", `"`+text[1:]+`"`)
}

func TestAUnitIsBounded(t *testing.T) {
	for _, row := range []struct {
		name, command string
		times         int
		asked         string
	}{
		{"in Ops", "INCR a\r\n", 5000, "[propose 4000 propose 1000]"},
		{"in bytes", "SET a " + strings.Repeat("x", 4000) + "\r\n", 20, "[propose 16 propose 4]"},
		{"in old values that may come back", "SET a 1 GET\r\n", 300, "[propose 112 propose 112 propose 76]"},
		{"in reads", "MGET" + strings.Repeat(" a", 100) + "\r\n", 15, "[read strong 1000 read strong 500]"},
		{"in replies that were made on the spot", "ECHO " + strings.Repeat("x", 4000) + "\r\n", 40, "[propose 1]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newClient(t, newTestCluster(t))
			input := strings.Repeat(row.command, row.times)
			if strings.HasPrefix(row.command, "ECHO") {
				input = "INCR a\r\n" + input
			}
			c.send(input)
			if c.session.open != nil && len(c.session.open.text.buf) > maxUnitBytes+fsm.MaxText {
				t.Errorf("%d bytes of replies wait", len(c.session.open.text.buf))
			}
			for c.cluster.step() {
			}
			if got := fmt.Sprint(c.cluster.history); got != row.asked {
				t.Errorf("the cluster was asked %s, want %s", got, row.asked)
			}
			if got := len(formatAll(t, c.replies())); got < row.times {
				t.Errorf("%d replies to %d commands", got, row.times)
			}
		})
	}
}

func TestALargeCommandGoesAlone(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\n" + packed(repeat("DEL", 5000, "a", "b")...) + "INCR a\r\n")
	for c.cluster.step() {
	}
	c.wants("(integer) 1", "(integer) 1", "(integer) 1")
	c.asked("propose 1", "propose 10000", "propose 1")
}

func TestALongMGETIsReadInGroupsOfOneRequest(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\n")
	c.cluster.step()
	c.replies()
	c.send(packed(repeat("MGET", 1250, "a", "b")...))
	c.asked("propose 1", "read strong 2500")
	c.cluster.step()
	replies := formatAll(t, c.replies())
	if len(replies) != 1 || strings.Count(replies[0], `"1"`) != 1250 || strings.Count(replies[0], "(nil)") != 1250 {
		t.Errorf("reply is %.80q…", replies)
	}
}

func TestNoCommandIsTakenWhileRepliesPileUp(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	echo := packed("ECHO", strings.Repeat("x", 64<<10))
	const sent = 40
	c.send(strings.Repeat(echo, sent))
	if c.session.hungry {
		t.Error("the session goes on reading")
	}
	n := len(formatAll(t, c.replies()))
	if n > maxReplies/(64<<10)+1 {
		t.Errorf("%d replies were made at once", n)
	}
	for c.session.ready() {
		c.session.pump()
		n += len(formatAll(t, c.replies()))
	}
	if n != sent || !c.session.hungry {
		t.Errorf("%d replies of %d; reads again: %t", n, sent, c.session.hungry)
	}
}

func TestATransactionMayPublishAHundredTimes(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	for _, test := range []struct {
		messages int
		want     string
	}{{maxQueuedBarriers, "100) (integer) 0"}, {maxQueuedBarriers + 1, "(error) EXECABORT Transaction discarded because of previous errors."}} {
		c.send("MULTI\r\n" + strings.Repeat("PUBLISH a b\r\n", test.messages))
		c.replies()
		c.send("EXEC\r\n")
		if got := strings.Join(formatAll(t, c.replies()), ""); !strings.HasSuffix(got, test.want) {
			t.Errorf("%d messages end with %q", test.messages, got)
		}
	}
}

func TestAGlobTakesLinearTimeForEachByteOfTheName(t *testing.T) {
	name := strings.Repeat("a", 1000)
	pattern := []byte(strings.Repeat("a*", 500) + "b")
	if (fsm.Glob{Pattern: pattern, Fold: true}).Matches([]byte(name)) {
		t.Error("it matches")
	}
	for pattern, want := range map[string]bool{
		"": false, "*": true, "maxclients": true, "MAX*": true, "max?lients": true, "max[abc]lients": true, "max[^c]lients": false,
		"max[a-c]lients": true, "max[c-a]lients": true, "max[d-z]lients": false, `max\clients`: true, `max[\c]lients`: true,
		"max[": false, "maxclient[s": true, "maxclient[": false, `maxclients\`: false, "*s*": true, "m*x*s": true, "*x": false,
	} {
		if got := (fsm.Glob{Pattern: []byte(pattern), Fold: true}).Matches([]byte("maxclients")); got != want {
			t.Errorf("%q matches: %t, want %t", pattern, got, want)
		}
	}
}
