package memnet

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestBadAddressesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		for _, addr := range []string{"", "n1", ":1", "n1:", "n1:x", "n1:-1"} {
			if _, err := n.Listen(addr); !errors.Is(err, ErrAddress) {
				t.Errorf("Listen(%q) = %v", addr, err)
			}
			if _, err := n.Dial(t.Context(), "n1", addr); !errors.Is(err, ErrAddress) {
				t.Errorf("Dial(%q) = %v", addr, err)
			}
		}
		if _, err := n.Dial(t.Context(), "", n2); !errors.Is(err, ErrAddress) {
			t.Errorf("Dial from nowhere = %v", err)
		}
	})
}

func TestAnAddressHasOneListenerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, err := n.Listen(n2)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen(n2); !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatalf("second Listen = %v", err)
		}
		l.Close()
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close = %v", err)
		}
		l, err = n.Listen(n2)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
}

func TestDialWithoutAListenerIsRefusedAfterARoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		_ = n.Delay(5*time.Millisecond, 5*time.Millisecond)
		start := time.Now()
		if _, err := n.Dial(t.Context(), "n1", n2); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("Dial = %v", err)
		}
		if d := time.Since(start); d != 10*time.Millisecond {
			t.Errorf("refused after %v, want 10ms", d)
		}
	})
}

func TestAcceptEndsWhenTheListenerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, _ := n.Listen(n2)
		accepted := make(chan error)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		synctest.Wait()
		l.Close()
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Fatalf("Accept = %v", err)
		}
	})
}

func TestConnectionsThatNobodyAcceptedAreResetByClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, _ := n.Listen(n2)
		c, err := n.Dial(t.Context(), "n1", n2)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		l.Close()
		expectReadError(t, c, syscall.ECONNRESET)
	})
}

func TestAFullBacklogLetsDialsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, _ := n.Listen(n2)
		dial := func(ctx context.Context) error {
			c, err := n.Dial(ctx, "n1", n2)
			if err == nil {
				t.Cleanup(func() { c.Close() })
			}
			return err
		}
		for range Backlog {
			if err := dial(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := dial(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Dial to a full backlog = %v", err)
		}
		dialed := make(chan error)
		go func() { dialed <- dial(t.Context()) }()
		synctest.Wait()
		c, _ := l.Accept()
		defer c.Close()
		if err := <-dialed; err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
}

func TestADialOfAKilledHostFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, _ := n.Listen(n2)
		defer l.Close()
		n.Cut("n1", "n2")
		dialed := make(chan error)
		go func() {
			_, err := n.Dial(t.Context(), "n1", n2)
			dialed <- err
		}()
		synctest.Wait()
		n.Kill("n1")
		if err := <-dialed; !errors.Is(err, net.ErrClosed) {
			t.Fatalf("Dial = %v", err)
		}
	})
}
