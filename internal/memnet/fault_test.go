package memnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestADelayOutsideItsBoundsIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		for _, d := range [][2]time.Duration{{-1, 0}, {2, 1}, {0, MaxDelay + 1}} {
			if n.Delay(d[0], d[1]) == nil {
				t.Errorf("Delay(%v, %v) was taken", d[0], d[1])
			}
		}
	})
}

// arrivals sends 50 numbers with random delays and tells when each came.
func arrivals(t *testing.T, seed uint64) (list []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		n := New(rand.New(rand.NewPCG(seed, 0)))
		_ = n.Delay(10*time.Millisecond, 30*time.Millisecond)
		near, far := connect(t, n)
		start := time.Now()
		for i := range 50 {
			send(t, near, fmt.Sprintf("%02d", i))
		}
		for i := range 50 {
			expect(t, far, fmt.Sprintf("%02d", i))
			list = append(list, time.Since(start))
		}
	})
	return list
}

func TestDelaysKeepTheOrderAndFollowTheSeed(t *testing.T) {
	list := arrivals(t, 1)
	if first, last := list[0], list[49]; first < 10*time.Millisecond || last > 30*time.Millisecond || first == last {
		t.Errorf("arrivals from %v to %v, want some of 10ms to 30ms", first, last)
	}
	if !slices.Equal(list, arrivals(t, 1)) {
		t.Error("the same seed gave other delays")
	}
	if slices.Equal(list, arrivals(t, 2)) {
		t.Error("another seed gave the same delays")
	}
}

func TestACutIsSilentAndItsBytesArriveAfterTheHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		_ = n.Delay(time.Second, time.Second)
		near, far := connect(t, n)
		send(t, near, "on its way,")
		n.Cut("n1", "n2")
		send(t, near, "sent later")
		_ = far.SetReadDeadline(time.Now().Add(time.Hour))
		expectReadError(t, far, os.ErrDeadlineExceeded)
		_ = far.SetReadDeadline(time.Time{})
		n.Heal()
		start := time.Now()
		expect(t, far, "on its way,sent later")
		if d := time.Since(start); d != time.Second {
			t.Errorf("arrived %v after the heal, want one delay", d)
		}
	})
}

func TestWhatArrivedBeforeACutIsStillRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		send(t, near, "here")
		n.Cut("n1", "n2")
		expect(t, far, "here")
	})
}

func TestACutFillsTheWindowAndThenBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		n.Cut("n1", "n2")
		far.Close() // can't be noticed through the cut
		send(t, near, strings.Repeat("x", Window))
		_ = near.SetWriteDeadline(time.Now().Add(time.Second))
		expectWriteError(t, near, os.ErrDeadlineExceeded)
		_ = near.SetWriteDeadline(time.Time{})
		n.Heal()
		expectReadError(t, near, io.EOF)
		expectWriteError(t, near, syscall.ECONNRESET)
	})
}

func TestACutOneWayLetsTheOtherDirectionPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		n.CutOneWay("n1", "n2")
		send(t, near, "lost")
		send(t, far, "heard")
		expect(t, near, "heard")
		if far.Pending() {
			t.Error("bytes passed the cut direction")
		}
		n.Heal()
		expect(t, far, "lost")
	})
}

func TestADialOverACutHangsUntilItsContextEndsOrTheHeal(t *testing.T) {
	for _, cut := range []func(*Network){
		func(n *Network) { n.Cut("n1", "n2") },
		func(n *Network) { n.CutOneWay("n1", "n2") },
		func(n *Network) { n.CutOneWay("n2", "n1") },
		func(n *Network) { n.Isolate("n2") },
	} {
		synctest.Test(t, func(t *testing.T) {
			n := New(nil)
			l, _ := n.Listen(n2)
			defer l.Close()
			cut(n)
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := n.Dial(ctx, "n1", n2); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
				t.Fatalf("Dial = %v after %v", err, time.Since(start))
			}
			time.AfterFunc(time.Second, n.Heal)
			c, err := n.Dial(t.Context(), "n1", n2)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		})
	}
}

func TestAnIsolatedHostStillTalksToItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		_ = n.Delay(time.Second, time.Second)
		l, _ := n.Listen(n1)
		defer l.Close()
		n.Isolate("n1")
		start := time.Now()
		c, err := n.Dial(t.Context(), "n1", n1)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("the loopback took %v", d)
		}
	})
}

func TestKillResetsTheFarEndAfterWhatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		_ = n.Delay(time.Second, time.Second)
		near, far := connect(t, n)
		send(t, far, "last words")
		n.Kill("n2")
		send(t, near, "not known yet")
		expectReadError(t, far, net.ErrClosed)
		expectWriteError(t, far, net.ErrClosed)
		expect(t, near, "last words")
		expectReadError(t, near, syscall.ECONNRESET)
		expectWriteError(t, near, syscall.ECONNRESET)
	})
}

func TestAResetDoesNotOvertakeData(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			n := New(rand.New(rand.NewPCG(seed, 0)))
			near, far := connect(t, n)
			_ = n.Delay(0, time.Second)
			for range 5 {
				send(t, far, "data")
			}
			n.Kill("n2")
			for {
				if _, err := near.Write([]byte("x")); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			start := time.Now()
			expect(t, near, strings.Repeat("data", 5))
			if d := time.Since(start); d != 0 {
				t.Errorf("seed %d: Write failed %v before the last data arrived", seed, d)
			}
		})
	}
}

func TestKillClosesListenersAndTheHostMayComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, _ := n.Listen(n2)
		n.Kill("n2")
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("Accept = %v", err)
		}
		if _, err := n.Dial(t.Context(), "n1", n2); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("Dial = %v", err)
		}
		near, far := connect(t, n)
		send(t, near, "back")
		expect(t, far, "back")
	})
}

func TestAResetDoesNotCrossACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		n.CutOneWay("n2", "n1")
		send(t, far, "held")
		n.Kill("n2")
		send(t, near, "into the void")
		_ = near.SetReadDeadline(time.Now().Add(time.Hour))
		expectReadError(t, near, os.ErrDeadlineExceeded)
		_ = near.SetReadDeadline(time.Time{})
		n.Heal()
		expect(t, near, "held")
		expectReadError(t, near, syscall.ECONNRESET)
	})
}

func TestABlockedWriterLearnsOfTheReset(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		n.CutOneWay("n1", "n2") // the writer's bytes fill the window and stay in it
		failed := make(chan error)
		go func() {
			_, err := near.Write(make([]byte, 2*Window))
			failed <- err
		}()
		synctest.Wait()
		_ = n.Delay(time.Second, time.Second)
		start := time.Now()
		n.Kill("n2")
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) || time.Since(start) != time.Second {
			t.Fatalf("Write = %v after %v", err, time.Since(start))
		}
		expectReadError(t, far, net.ErrClosed)
	})
}
