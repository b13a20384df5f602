package resp

import (
	"strings"
	"testing"
)

const (
	subscribed3   = "1> \"subscribe\"\n2> \"a\"\n3> (integer) 1"
	unsubscribed3 = "1> \"unsubscribe\"\n2> \"a\"\n3> (integer) 0"
	message3      = "1> \"message\"\n2> \"a\"\n3> \"x\""
)

// newClient3 is a client that speaks protocol 3.
func newClient3(t *testing.T) *client {
	c := newClient(t, newTestCluster(t))
	c.session.speak(protocol3)
	return c
}

func TestNoMessageComesBehindTheReplyToUnsubscribe(t *testing.T) {
	c := newClient3(t)
	c.send("SUBSCRIBE a\r\nPUBLISH a x\r\nUNSUBSCRIBE a\r\nPUBLISH a x\r\n")
	c.wants(subscribed3, "(integer) 1", message3, unsubscribed3, "(integer) 0")
}

func TestMessagesFromBeforeAChangeOfProtocolAreInTheOldOne(t *testing.T) {
	c := newClient3(t)
	c.send("SUBSCRIBE a\r\nPUBLISH a x\r\nHELLO 2\r\nPING\r\n")
	got := formatAll(t, c.replies())
	if len(got) != 5 || got[2] != message3 || got[4] != "1) \"pong\"\n2) \"\"" {
		t.Errorf("replies are %q", got)
	}
}

func TestASubscriptionWaitsForTheCommandsInFrontOfIt(t *testing.T) {
	c := newClient3(t)
	c.send("INCR k\r\nSUBSCRIBE a\r\nPUBLISH a x\r\nGET k\r\n")
	if n := c.session.door.switchboard.count(channels, []byte("a")); n != 0 {
		t.Errorf("%d listen before the increment is answered", n)
	}
	for c.cluster.step() {
	}
	c.wants("(integer) 1", subscribed3, "(integer) 1", `"1"`, message3)
}

func TestRepliesThatNobodyWantsAreLeftOutOfAPipeline(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("INCR a\r\nCLIENT REPLY SKIP\r\nINCR a\r\nINCR a\r\nCLIENT REPLY OFF\r\nINCR a\r\nPING\r\nFOO\r\nCLIENT REPLY ON\r\nGET a\r\n")
	for c.cluster.step() {
	}
	c.wants("(integer) 1", "(integer) 3", "OK", `"4"`)
}

func TestRepliesThatNobodyWantsAreLeftOutOfARefusedBurst(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("CLIENT REPLY OFF\r\nINCR a\r\n")
	c.send("INCR a\r\nPING\r\n")
	c.cluster.fail(errNoLeader)
	c.wants()
	c.session.inputEmpty()
	c.send("CLIENT REPLY ON\r\n")
	c.wants("OK")
}

func TestWhoKillsItselfRunsNothingMore(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("CLIENT KILL ID 7 SKIPME no\r\nINCR a\r\nPING\r\n")
	for c.cluster.step() {
	}
	c.wants("(integer) 1")
	c.asked()
	if !c.session.closing {
		t.Error("the session goes on")
	}
}

func TestAMutedReplyBehindACommandAboutTheClusterIsNotSent(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("CLIENT REPLY OFF\r\nTRUECOUNT STATUS\r\nPING\r\nINCR a\r\nECHO x\r\nCLIENT REPLY ON\r\n")
	for c.cluster.step() {
	}
	c.wants("OK")
}

func TestALongNameIsNotComparedWithPatterns(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	c.send("HELLO 3\r\nPSUBSCRIBE *a*a*b\r\n")
	c.replies()
	const want = "(error) ERR the name of a channel, or a pattern, may have 2048 bytes"
	for _, command := range []string{"PUBLISH", "SPUBLISH"} {
		c.send(packed(command, strings.Repeat("a", maxChannel), "x") + packed(command, strings.Repeat("a", maxChannel+1), "x"))
		c.wants("(integer) 0", want)
	}
	c.send(packed("PUBSUB", "CHANNELS", strings.Repeat("*", maxChannel+1)))
	c.wants(want)
}
