package resp

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestInMemoryConnectionsWorkToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newTestCluster(t)
		cluster.auto = true
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster})
		end := make(chan error, 1)
		go func() { end <- s.Serve(l) }()
		u := newUser(t, l.dial())
		u.send("INCR a\r\n")
		u.wants("(integer) 1")
		time.Sleep(2 * quietAfter) // virtual
		go u.send(strings.Repeat("INCR a\r\nPING\r\n", 5000))
		for range 5000 {
			if _, err := readReply(u.r); err != nil {
				t.Fatal(err)
			}
			u.wants("PONG")
		}
		time.Sleep(2 * quietAfter) // virtual
		u.send("GET a\r\n")
		u.wants(`"5001"`)
		s.Close()
		if err := <-end; err != nil {
			t.Errorf("Serve returned %v", err)
		}
		cluster.answers.Wait()
	})
}

func TestAnInMemoryClientThatNeverReadsIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newTestCluster(t)
		var log lines
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster, Logf: log.logf})
		go s.Serve(l)
		u := newUser(t, l.dial())
		u.send("PING\r\n")
		began := time.Now()
		if _, err := io.WriteString(u, strings.Repeat("PING\r\n", 1<<20)); err == nil {
			t.Error("the server takes everything")
		}
		if waited := time.Since(began); waited != writePatience {
			t.Errorf("it was cut off after %v", waited)
		}
		synctest.Wait()
		if st := s.Stats(); st.Clients != 0 || st.Unread != 1 || log.with("has read none of its replies for 30s") != 1 {
			t.Errorf("stats are %+v, the log has %q", st, log.all)
		}
		s.Close()
	})
}

func TestABurstInMemoryIsRefusedUntilTheInputIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &refusingCluster{testCluster: newTestCluster(t)}
		cluster.auto = true
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster})
		go s.Serve(l)
		u := newUser(t, l.dial())
		cluster.refuse(1)
		u.send("INCR a\r\nINCR a\r\nINC")
		u.wants(refusedReply, refusedReply)
		time.Sleep(halfPatience / 2) // virtual; half a command has come in, so it is still the same burst
		u.send("R a\r\n")
		u.wants(refusedReply)
		time.Sleep(2 * emptyAfter) // virtual
		u.send("INCR a\r\n")
		u.wants("(integer) 1")
		s.Close()
		cluster.answers.Wait()
	})
}

func TestABurstIsNotOverBeforeItsErrorsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &refusingCluster{testCluster: newTestCluster(t)}
		cluster.auto = true
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster})
		go s.Serve(l)
		u := newUser(t, l.dial())
		cluster.refuse(1)
		u.send("INCR a\r\n")
		for range 2 {
			time.Sleep(time.Second) // virtual; nothing comes in, but the client has not seen its error yet
			u.send("INCR a\r\n")
		}
		u.wants(refusedReply, refusedReply, refusedReply)
		time.Sleep(time.Second) // virtual
		u.send("INCR a\r\n")
		u.wants("(integer) 1")
		s.Close()
		cluster.answers.Wait()
	})
}

// peekedConn knows whether input is pending, as a socket does.
type peekedConn struct {
	net.Conn
	pending atomic.Bool
}

func (c *peekedConn) Pending() bool { return c.pending.Load() }

func TestABurstIsNotOverWhileInputIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := &refusingCluster{testCluster: newTestCluster(t)}
		cluster.auto = true
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster})
		go s.Serve(l)
		ours, theirs := net.Pipe()
		u, peeked := newUser(t, ours), &peekedConn{Conn: theirs}
		l.conns <- peeked
		cluster.refuse(1)
		peeked.pending.Store(true)
		u.send("INCR a\r\n")
		u.wants(refusedReply)
		time.Sleep(time.Second) // virtual
		peeked.pending.Store(false)
		u.send("INCR a\r\n")
		u.wants(refusedReply)
		time.Sleep(time.Second) // virtual
		u.send("INCR a\r\n")
		u.wants("(integer) 1")
		s.Close()
		cluster.answers.Wait()
	})
}
