package resp

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// lines collects what a Server logs.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf(format, args...))
}

// with counts the lines that have the text in them.
func (l *lines) with(text string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// eventually polls until the condition holds, and fails when it doesn't in time.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("not in time: ", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestWhoHoldsTheMostIsCutOffWhenAllHoldTooMuch(t *testing.T) {
	var log lines
	s := serveTCP(t, Options{Cluster: autoCluster(t), MaxHeld: 4 << 20, Logf: log.logf})
	small := s.dial()
	small.send("*2\r\n$4\r\nECHO\r\n$10\r\n01234")
	hoarders := make([]*user, 12)
	half := "*2\r\n$4\r\nECHO\r\n$1048576\r\n" + strings.Repeat("x", 900<<10)
	for i := range hoarders {
		hoarders[i] = s.dial()
		_, _ = io.WriteString(hoarders[i], half) // fails when it is cut off meanwhile
	}
	eventually(t, "most are cut off", func() bool { return s.Stats().Overheld >= 8 })
	eventually(t, "the rest hold less", func() bool { return s.Stats().Held <= 4<<20 })
	small.send("56789\r\n")
	small.wants(`"0123456789"`)
	if n := s.Stats().Overheld; n == uint64(len(hoarders)) {
		t.Error("all are cut off")
	}
	if n := log.with("its buffers are the largest"); n != 1 {
		t.Errorf("%d lines in the log: %q", n, log.all)
	}
	for _, u := range hoarders {
		u.Close()
	}
	small.send("QUIT\r\n")
	small.wants("OK")
	small.wantsEnd()
	eventually(t, "nothing is held for nobody", func() bool { return s.Stats().Held == 0 })
}

func TestAQuietConnectionGivesBackWhatItHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newTestCluster(t)
		cluster.auto = true
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster})
		go s.Serve(l)
		u := newUser(t, l.dial())
		go u.send(packed(repeat("DEL", 4000, "key")...) + strings.Repeat("INCR a\r\n", 2000))
		u.wants("(integer) 0")
		for range 2000 {
			if _, err := readReply(u.r); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.Stats().Held; n < 64<<10 {
			t.Errorf("a busy connection holds %d bytes: no test", n)
		}
		time.Sleep(2 * quietAfter) // virtual
		synctest.Wait()
		if n := s.Stats().Held; n > quietHeld {
			t.Errorf("a quiet connection holds %d bytes", n)
		}
		u.send("GET a\r\n")
		u.wants(`"2000"`)
		s.Close()
		cluster.answers.Wait()
	})
}

func TestABusyConnectionKeepsItsBuffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := newTestCluster(t)
		l := newPipeListener()
		s := NewServer(Options{Cluster: cluster})
		go s.Serve(l)
		u := newUser(t, l.dial())
		for range 20 {
			go u.send(strings.Repeat("PING\r\n", 10_000))
			for range 10_000 {
				u.wants("PONG")
			}
			if n := s.Stats().Held; n <= quietHeld {
				t.Fatalf("a busy connection holds %d bytes", n)
			}
			time.Sleep(quietAfter / 2) // virtual
		}
		s.Close()
	})
}

func TestANoticeIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		var n notice
		for range 150 {
			n.log(log.logf, "line %d", 1)
			time.Sleep(time.Second) // virtual
		}
		want := []string{"line 1", "line 1 (and 59 more like this since the last such line)", "line 1 (and 59 more like this since the last such line)"}
		if fmt.Sprint(log.all) != fmt.Sprint(want) {
			t.Errorf("the log has %q", log.all)
		}
	})
}

// shortListener is short of file descriptors now and then.
type shortListener struct {
	*pipeListener
	errors chan error
}

func (l *shortListener) Accept() (net.Conn, error) {
	select {
	case err := <-l.errors:
		return nil, &net.OpError{Op: "accept", Err: err}
	default:
		return l.pipeListener.Accept()
	}
}

func TestAShortageOfFileDescriptorsIsWaitedOutAndLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		l := &shortListener{newPipeListener(), make(chan error, 1000)}
		for _, err := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM} {
			for range 100 {
				l.errors <- err
			}
		}
		s := NewServer(Options{Cluster: newTestCluster(t), Logf: log.logf})
		began := time.Now()
		go s.Serve(l)
		u := newUser(t, l.dial())
		u.send("PING\r\n")
		u.wants("PONG")
		if took := time.Since(began); took < 300*acceptPause || len(log.all) != 1 {
			t.Errorf("%v for 400 errors: it spins; the log has %q", took, log.all)
		}
		s.Close()
	})
}

func TestAWalkHoldsWhatItHasCollected(t *testing.T) {
	c := newClient(t, newTestCluster(t))
	key := strings.Repeat("k", fsm.MaxKey)
	for i := range 20 {
		c.send(packed("SET", key[:fsm.MaxKey-i], "1"))
		c.cluster.step()
	}
	c.replies()
	c.send("KEYS *\r\n")
	before := c.session.holds()
	w := c.session.sent.walk.(*keysWalk)
	c.cluster.mu.Lock()
	r := c.cluster.pop()
	c.cluster.run(r)
	c.cluster.mu.Unlock()
	w.page(r.Request)
	if n := c.session.holds() - before; n < 19*fsm.MaxKey {
		t.Errorf("with 20 long keys it holds %d bytes more", n)
	}
}
