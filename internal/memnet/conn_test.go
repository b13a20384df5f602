package memnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const (
	n1 = "n1:17379"
	n2 = "n2:17379"
)

// connect gives both ends of a connection from n1 to a listener on n2.
func connect(t *testing.T, n *Network) (near, far *Conn) {
	t.Helper()
	l, err := n.Listen(n2)
	if err != nil {
		t.Fatal(err)
	}
	a, err := n.Dial(t.Context(), "n1", n2)
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.Close()
		b.Close()
		l.Close()
	})
	return a.(*Conn), b.(*Conn)
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if n, err := c.Write([]byte(text)); n != len(text) || err != nil {
		t.Fatalf("Write(%q) = %d, %v", text, n, err)
	}
}

func expect(t *testing.T, c net.Conn, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("read %q, %v, want %q", got, err, text)
	}
}

func expectReadError(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, want) {
		t.Fatalf("Read = %d, %v, want %v", n, err, want)
	}
}

func expectWriteError(t *testing.T, c net.Conn, want error) {
	t.Helper()
	if _, err := c.Write([]byte("x")); !errors.Is(err, want) {
		t.Fatalf("Write = %v, want %v", err, want)
	}
}

func TestBytesTravelBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		send(t, near, "ping")
		expect(t, far, "ping")
		send(t, far, "pong")
		expect(t, near, "pong")
		if near.LocalAddr().String() != far.RemoteAddr().String() || near.RemoteAddr().String() != n2 {
			t.Errorf("addresses: near %v to %v, far %v to %v", near.LocalAddr(), near.RemoteAddr(), far.LocalAddr(), far.RemoteAddr())
		}
	})
}

func TestReadJoinsWhatHasArrivedAndKeepsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		send(t, near, "ab")
		send(t, near, "cd")
		p := make([]byte, 3)
		if n, err := far.Read(p); n != 3 || err != nil || string(p) != "abc" {
			t.Fatalf("Read = %d, %v, %q", n, err, p)
		}
		expect(t, far, "d")
	})
}

func TestTheWriterMayReuseItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		p := []byte("old")
		if _, err := near.Write(p); err != nil {
			t.Fatal(err)
		}
		copy(p, "new")
		expect(t, far, "old")
	})
}

func TestAFullWindowBlocksTheWriterUntilItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		big := bytes.Repeat([]byte("0123456789abcdef"), Window/16*3)
		wrote := make(chan error, 1)
		go func() {
			_, err := near.Write(big)
			wrote <- err
		}()
		synctest.Wait()
		select {
		case err := <-wrote:
			t.Fatalf("%d bytes fitted into a window of %d (error %v)", len(big), Window, err)
		default:
		}
		got := make([]byte, len(big))
		if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, big) {
			t.Fatalf("what came is not what was sent (error %v)", err)
		}
		if err := <-wrote; err != nil {
			t.Fatal(err)
		}
	})
}

func TestConcurrentWritesDoNotMixTheirBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		var all sync.WaitGroup
		defer all.Wait()
		all.Go(func() { _, _ = near.Write(bytes.Repeat([]byte("a"), 2*Window)) })
		synctest.Wait()
		const rivals = 8
		for range rivals {
			all.Go(func() { _, _ = near.Write([]byte("b")) })
		}
		synctest.Wait()
		var got []byte
		for range 100 { // each byte read is a chance for one of them to jump the queue
			p := make([]byte, 1)
			_, _ = far.Read(p)
			got = append(got, p...)
			synctest.Wait()
		}
		rest := make([]byte, 2*Window+rivals-len(got))
		if _, err := io.ReadFull(far, rest); err != nil {
			t.Fatal(err)
		}
		got = append(got, rest...)
		if first := bytes.IndexByte(got, 'b'); first != 2*Window {
			t.Errorf("another goroutine's write begins at byte %d, in the middle of one", first)
		}
	})
}

func TestDeadlinesEndWaitingCallsOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := connect(t, New(nil))
		start := time.Now()
		_ = near.SetReadDeadline(start.Add(time.Second))
		_ = near.SetWriteDeadline(start.Add(3 * time.Second))
		_, err := near.Read(make([]byte, 1))
		var timeout net.Error
		if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("Read = %v, want a time-out", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Fatalf("Read ended after %v, want 1s", d)
		}
		sent, err := near.Write(make([]byte, 2*Window))
		if sent != Window || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Fatalf("Write = %d, %v after %v, want %d, a time-out after 3s", sent, err, time.Since(start), Window)
		}
	})
}

func TestADeadlineMayBeSetAndLiftedWhileACallWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		_ = near.SetDeadline(time.Now().Add(time.Minute))
		failed := make(chan error)
		go func() {
			_, err := near.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		start := time.Now()
		_ = near.SetReadDeadline(start.Add(-time.Second))
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 0 {
			t.Fatalf("a deadline in the past: %v after %v", err, time.Since(start))
		}
		send(t, far, "late")
		expectReadError(t, near, os.ErrDeadlineExceeded) // though there is data: as in package net
		_ = near.SetReadDeadline(time.Time{})
		expect(t, near, "late")
	})
}

func TestAfterTheFarEndClosedTheRestIsReadThenEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		send(t, near, "bye")
		near.Close()
		expect(t, far, "bye")
		expectReadError(t, far, io.EOF)
		send(t, far, "into the void") // TCP learns of it only by the reset that this provokes
		expectWriteError(t, far, syscall.ECONNRESET)
		expectReadError(t, far, io.EOF)
	})
}

func TestAWriterThatWaitsForRoomLearnsThatTheFarEndClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := connect(t, New(nil))
		failed := make(chan error)
		go func() {
			_, err := near.Write(make([]byte, 3*Window))
			failed <- err
		}()
		synctest.Wait()
		far.Close()
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("Write = %v", err)
		}
	})
}

func TestCloseEndsTheCallsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, _ := connect(t, New(nil))
		errs := make(chan error, 3)
		go func() {
			_, err := near.Read(make([]byte, 1))
			errs <- err
		}()
		for range 2 { // one fills the window, the other waits for its turn
			go func() {
				_, err := near.Write(make([]byte, 2*Window))
				errs <- err
			}()
		}
		synctest.Wait()
		near.Close()
		for range 3 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("a waiting call = %v, want net.ErrClosed", err)
			}
		}
		if err := near.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close = %v", err)
		}
		if err := near.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("SetDeadline = %v", err)
		}
	})
}

func TestClosingBothEndsLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		near.Close()
		if len(n.conns) != 2 {
			t.Errorf("%d conns known while one end is open, want both", len(n.conns))
		}
		far.Close()
		if len(n.conns) != 0 {
			t.Errorf("%d conns known after both were closed", len(n.conns))
		}
	})
}

func TestPendingTellsOfInputThatHasArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		_ = n.Delay(time.Second, time.Second)
		near, far := connect(t, n)
		send(t, near, "x")
		if far.Pending() {
			t.Error("pending while the byte is on its way")
		}
		time.Sleep(time.Second)
		if !far.Pending() {
			t.Error("not pending when it has arrived")
		}
		expect(t, far, "x")
		near.Close()
		time.Sleep(time.Second)
		if far.Pending() {
			t.Error("pending though only the end has come")
		}
	})
}

func TestItWorksInRealTime(t *testing.T) {
	n := New(rand.New(rand.NewPCG(1, 2)))
	_ = n.Delay(0, time.Millisecond)
	l, err := n.Listen("n2:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var server sync.WaitGroup
	server.Go(func() {
		c, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c)
	})
	c, err := n.Dial(context.Background(), "n1", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		send(t, c, "echo")
		expect(t, c, "echo")
	}
	c.Close()
	server.Wait()
}
