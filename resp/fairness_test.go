package resp

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestATurnIsShort(t *testing.T) {
	for name, command := range map[string]string{"many": "PING\r\n", "large": "COMMAND\r\n"} {
		c := newClient(t, newTestCluster(t))
		const sent = 10_000
		feedString(c.session.in, strings.Repeat(command, sent))
		c.session.pump()
		if n := c.session.taken; n > turnCommands || n == 0 || len(c.session.out.buf) > 2*turnReplies || !c.session.ready() {
			t.Errorf("%s: %d commands and %d bytes of replies in a turn, more to come: %t", name, n, len(c.session.out.buf), c.session.ready())
		}
	}
}

// With 63 others who get a message each time, a command is as much work as 64.
func TestEachMessageCountsAsACommandOfTheTurn(t *testing.T) {
	const work, sent = 64, 1000
	for listen, command := range map[string]string{"SUBSCRIBE c\r\n": "PUBLISH c x\r\n", "MONITOR\r\n": "PING\r\n"} {
		c := newClient(t, newTestCluster(t))
		for range work - 1 {
			c.beside().send(listen)
		}
		feedString(c.session.in, strings.Repeat(command, sent))
		c.session.pump()
		if n := c.session.taken; n < turnCommands/work*9/10 || n > turnCommands/work {
			t.Errorf("%d of %q in a turn, want %d or a few less", n, command, turnCommands/work)
		}
	}
}

// All that one packet asks for may be far more than may wait to be written; the kernel may take it at once nevertheless.
func TestRepliesBeyondTheirBoundAllCome(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	u := s.dial()
	const sent = 2000
	u.send(strings.Repeat("COMMAND\r\n", sent) + "ECHO end\r\n")
	var received int
	for line, err := u.r.ReadString('\n'); line != "end\r\n"; line, err = u.r.ReadString('\n') {
		if err != nil {
			t.Fatalf("%v after %d bytes", err, received)
		}
		received += len(line)
	}
	if received < 2*maxReplies {
		t.Errorf("%d bytes are no test", received)
	}
}

func TestWhoDoesNotWaitForItsClientNeedsALane(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	calm, endless := s.dial(), s.dial()
	for _, u := range []*user{calm, endless} {
		u.send("PING\r\n")
		u.wants("PONG")
	}
	eventually(t, "both wait for their clients", func() bool { return s.waiting() == 2 })
	for range cap(s.lanes) {
		s.lanes.enter()
	}
	var leave sync.Once
	leaveAll := func() {
		for range cap(s.lanes) {
			s.lanes.leave()
		}
	}
	t.Cleanup(func() { leave.Do(leaveAll) }) // or the Server would never end
	// More than a turn, so that it needs a lane before it has answered all; and who comes anew needs one, too.
	endless.send(strings.Repeat("PING\r\n", 20*turnCommands))
	newcomer := s.dial()
	newcomer.send("PING\r\n")
	for range 100 {
		calm.send("PING\r\n")
		calm.wants("PONG")
	}
	if n := s.Stats().Commands; n > 102+(freeTurns+1)*turnCommands {
		t.Errorf("%d commands were taken without a lane", n)
	}
	leave.Do(leaveAll)
	newcomer.wants("PONG")
	for range 20 * turnCommands {
		endless.wants("PONG")
	}
}

// waiting is how many connections wait for their clients.
func (s *Server) waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.mu.Lock()
		if c.reading && c.streak == 0 {
			n++
		}
		c.mu.Unlock()
	}
	return n
}

// beside is another client of the same door.
func (c *client) beside() *client {
	other := &client{t: c.t, cluster: c.cluster}
	other.session = newSession(c.session.door, NewReader(Limits{}), 8, func(u *unit) {
		other.session.complete(u)
		other.turns()
	})
	return other
}

// waits is how many Ops of pipelines are at the cluster.
func (c *testCluster) waits() (ops int) {
	for _, r := range c.pending {
		if r.Ops > lightOps {
			ops += r.Ops
		}
	}
	return ops
}

func TestWhoHasOneCommandToSendDoesNotWaitForEverybodysPipeline(t *testing.T) {
	cluster := newTestCluster(t)
	light := newClient(t, cluster)
	for range 200 {
		light.beside().send(strings.Repeat("INCR a\r\n", 500))
	}
	if n := cluster.waits(); n > heavyOps || n <= heavyTight {
		t.Errorf("%d Ops of pipelines are at the cluster", n)
	}
	light.send("INCR b\r\n")
	if last := cluster.pending[len(cluster.pending)-1]; last.Ops != 1 {
		t.Error("a single increment waits at the door")
	}
	for light.session.unfinished() {
		cluster.step()
	}
	light.wants("(integer) 1")
	light.send("INCR b\r\n") // as before: it is no rest of a pipeline
	for light.session.unfinished() {
		cluster.step()
	}
	light.wants("(integer) 2")
	for round := 0; cluster.waits() > heavyTight; round++ { // those that were let through before
		if round > heavyOps {
			t.Fatalf("%d Ops of pipelines are at the cluster though there is a single increment now and then", cluster.waits())
		}
		cluster.step()
	}
	for n := range 100 {
		light.send("INCR b\r\n")
		if n := cluster.waits(); n > heavyTight {
			t.Fatalf("a single increment comes behind %d Ops", n)
		}
		for light.session.unfinished() {
			cluster.step()
		}
		light.wants(fmt.Sprintf("(integer) %d", n+3))
	}
}

func TestEveryPipelineIsAnsweredWhole(t *testing.T) {
	cluster := newTestCluster(t)
	first := newClient(t, cluster)
	clients := []*client{first}
	for range 99 {
		clients = append(clients, first.beside())
	}
	const sent = 1000
	for _, c := range clients {
		c.send(strings.Repeat("INCR a\r\n", sent))
	}
	if n := cluster.waits(); n > heavyOps {
		t.Errorf("%d Ops are at the cluster", n)
	}
	for cluster.step() {
	}
	for i, c := range clients {
		if n := bytes.Count([]byte(c.replies()), []byte(":")); n != sent || c.session.unfinished() {
			t.Errorf("client %d: %d replies", i, n)
		}
	}
	if g := &first.session.door.gate; g.passed != 0 || g.heavy != 0 || len(g.waiting) != 0 {
		t.Errorf("the gate is left with %d, %d, %d", g.passed, g.heavy, len(g.waiting))
	}
}

func TestAClosedConnectionsUnitLeavesTheGate(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send(strings.Repeat("INCR a\r\n", 100))
	c.session.drop(c.session.sent)
	if g := &c.session.door.gate; g.passed != 0 || g.heavy != 0 {
		t.Errorf("the gate is left with %d, %d", g.passed, g.heavy)
	}
}

func TestOneUnitLargerThanTheRoomGoesAlone(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	other := c.beside()
	large := packed(repeat("DEL", 9000, "k")...)
	c.send(large)
	other.send(large)
	c.asked("propose 9000")
	for cluster.step() {
	}
	c.asked("propose 9000")
	c.wants("(integer) 0")
	other.wants("(integer) 0")
}
