package resp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

// patience bounds waits on real sockets; nothing is expected to take so long.
const patience = 20 * time.Second

// served is a Server on a loopback socket.
type served struct {
	*Server
	t    testing.TB
	addr string
	end  chan error // what Serve returned
}

func serveTCP(t testing.TB, o Options) *served {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{Server: NewServer(o), t: t, addr: l.Addr().String(), end: make(chan error, 1)}
	go func() { s.end <- s.Serve(l) }()
	t.Cleanup(s.Close)
	return s
}

// user is the other end of a connection.
type user struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *served) dial() *user {
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return newUser(s.t, conn)
}

func newUser(t testing.TB, conn net.Conn) *user { return &user{conn, t, bufio.NewReader(conn)} }

func (u *user) send(input string) {
	u.t.Helper()
	if _, err := io.WriteString(u, input); err != nil {
		u.t.Fatal(err)
	}
}

func (u *user) wants(want ...string) {
	u.t.Helper()
	for _, w := range want {
		got, err := readReply(u.r)
		if err != nil || got != w {
			u.t.Fatalf("reply is %q (%v), want %q", got, err, w)
		}
	}
}

func (u *user) wantsEnd() {
	u.t.Helper()
	if b, err := u.r.ReadByte(); err == nil {
		u.t.Fatalf("got %q after the end", b)
	} else if errors.Is(err, errTimeout) {
		u.t.Fatal("the connection stays open")
	}
}

func autoCluster(t testing.TB) *testCluster {
	c := newTestCluster(t)
	c.auto = true
	t.Cleanup(c.answers.Wait)
	return c
}

func TestManyClientsCountTogether(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	const clients, pipeline, rounds = 8, 500, 4
	var group sync.WaitGroup
	for range clients {
		u := s.dial()
		group.Go(func() {
			for range rounds {
				if _, err := io.WriteString(u, strings.Repeat("INCR total\r\n", pipeline)); err != nil {
					t.Error(err)
					return
				}
				for range pipeline {
					if got, err := readReply(u.r); err != nil || !strings.HasPrefix(got, "(integer) ") {
						t.Errorf("reply is %q (%v)", got, err)
						return
					}
				}
			}
		})
	}
	group.Wait()
	u := s.dial()
	u.send("GET total\r\n")
	u.wants(`"16000"`)
	if st := s.Stats(); st.Commands != 16001 || st.Accepted != clients+1 || st.BytesIn == 0 || st.BytesOut == 0 {
		t.Errorf("stats are %+v", st)
	}
}

func TestQuitAnswersAndCloses(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	u := s.dial()
	u.send("INCR a\r\nQUIT\r\nINCR a\r\n")
	u.wants("(integer) 1", "OK")
	u.wantsEnd()
	u = s.dial()
	u.send("GET a\r\n")
	u.wants(`"1"`)
}

func TestAProtocolErrorIsToldAndClosesTheConnection(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	u := s.dial()
	u.send("INCR a\r\n*1\r\n$x\r\n")
	u.wants("(integer) 1", "(error) ERR Protocol error: invalid bulk length")
	u.wantsEnd()
}

func TestAClientThatStopsSendingStillGetsItsReplies(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	u := s.dial()
	u.send(strings.Repeat("INCR a\r\n", 3) + "half a command")
	if err := u.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	u.wants("(integer) 1", "(integer) 2", "(integer) 3")
	u.wantsEnd()
}

func TestClientsBeyondTheLimitAreTurnedAway(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t), MaxClients: 2})
	first, second := s.dial(), s.dial()
	for _, u := range []*user{first, second} {
		u.send("PING\r\n")
		u.wants("PONG")
	}
	third := s.dial()
	third.wants("(error) ERR max number of clients reached")
	third.wantsEnd()
	first.send("QUIT\r\n")
	first.wants("OK")
	first.wantsEnd()
	for { // the place is free as soon as the server has noticed
		u := s.dial()
		u.send("PING\r\n")
		if got, _ := readReply(u.r); got == "PONG" {
			break
		}
	}
	if st := s.Stats(); st.Rejected == 0 {
		t.Errorf("stats are %+v", st)
	}
}

func TestAClientThatNeverReadsStopsBeingRead(t *testing.T) {
	s := serveTCP(t, Options{Cluster: autoCluster(t)})
	u := s.dial()
	_ = u.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)) // long after the buffers are full
	echo := packed("ECHO", strings.Repeat("x", 32<<10))
	var err error
	sent := 0
	for ; err == nil && sent < 1<<30; sent += len(echo) {
		_, err = io.WriteString(u, echo)
	}
	if !errors.Is(err, errTimeout) {
		t.Fatalf("the server took %d bytes: %v", sent, err)
	}
	u.wants(`"` + strings.Repeat("x", 32<<10) + `"`) // what it has taken it answers
}

func TestABurstOnASocketIsRefusedUntilItsEnd(t *testing.T) {
	cluster := &refusingCluster{testCluster: autoCluster(t)}
	s := serveTCP(t, Options{Cluster: cluster})
	u := s.dial()
	const burst = 2000 // more than the server reads at once, less than the network cuts
	for range 3 {
		cluster.refuse(1)
		u.send(strings.Repeat("INCR a\r\n", burst))
		for range burst {
			u.wants(refusedReply)
		}
	}
	got := refusedReply
	for got == refusedReply { // we may be faster than the server looks for an empty input
		u.send("GET a\r\n")
		var err error
		if got, err = readReply(u.r); err != nil {
			t.Fatal(err)
		}
	}
	if got != "(nil)" {
		t.Errorf("a is %s", got)
	}
}

func TestShutdownAnswersWhatWasTaken(t *testing.T) {
	cluster := newTestCluster(t)
	taken := &gatedCluster{testCluster: cluster, proposed: make(chan struct{}, 1)}
	s := serveTCP(t, Options{Cluster: taken})
	idle, u := s.dial(), s.dial()
	idle.send("PING\r\n")
	idle.wants("PONG")
	u.send("INCR a\r\n")
	<-taken.proposed
	done := make(chan error)
	go func() { done <- s.Shutdown(context.Background()) }()
	idle.wantsEnd()
	if err := <-s.end; err != nil {
		t.Errorf("Serve returned %v", err)
	}
	cluster.mu.Lock()
	r := cluster.pop()
	cluster.mu.Unlock()
	cluster.answer(r)
	u.wants("(integer) 1")
	u.wantsEnd()
	if err := <-done; err != nil {
		t.Errorf("Shutdown returned %v", err)
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("the server still takes connections")
	}
}

func TestShutdownGivesUpWhenItsContextEnds(t *testing.T) {
	taken := &gatedCluster{testCluster: newTestCluster(t), proposed: make(chan struct{}, 1)}
	s := serveTCP(t, Options{Cluster: taken})
	u := s.dial()
	u.send("INCR a\r\n")
	<-taken.proposed
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown returned %v", err)
	}
	u.wantsEnd()
	taken.answer(taken.pop()) // too late for anybody, and harmless
}

// gatedCluster tells when something was proposed.
type gatedCluster struct {
	*testCluster
	proposed chan struct{}
}

func (c *gatedCluster) Propose(r *fsm.Request) {
	c.testCluster.Propose(r)
	c.proposed <- struct{}{}
}

// refusingCluster refuses some requests first.
type refusingCluster struct {
	*testCluster
	left int
}

func (c *refusingCluster) refuse(requests int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = requests
}

func (c *refusingCluster) Propose(r *fsm.Request) {
	c.mu.Lock()
	refused := c.left > 0
	c.left--
	c.mu.Unlock()
	if !refused {
		c.testCluster.Propose(r)
		return
	}
	c.answers.Go(func() {
		r.Err = errNoLeader
		r.Done(r)
	})
}
