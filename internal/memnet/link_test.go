package memnet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/bits"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// shape sets a Link from n1 to n2, where connect's near end writes.
func shape(t *testing.T, n *Network, l Link) {
	t.Helper()
	if err := n.Shape("n1", "n2", l); err != nil {
		t.Fatal(err)
	}
}

func expectCounts(t *testing.T, n *Network, want Counts) {
	t.Helper()
	got := n.Counts("n1", "n2")
	got.Sent = 0
	if got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestALinkWithoutAMeaningIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		for _, l := range []Link{{Lo: -1}, {Lo: 2, Hi: 1}, {Hi: MaxDelay + 1}, {Loss: -0.1}, {Loss: 1.1}, {Rate: -1}, {Corrupt: 2}} {
			if n.Shape("n1", "n2", l) == nil {
				t.Errorf("Shape took %+v", l)
			}
		}
	})
}

func TestALinkDelaysOneDirectionOnTopOfDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		_ = n.Delay(time.Millisecond, time.Millisecond)
		shape(t, n, Link{Lo: 20 * time.Millisecond, Hi: 40 * time.Millisecond})
		start := time.Now()
		send(t, near, "there")
		expect(t, far, "there")
		if d := time.Since(start); d < 21*time.Millisecond || d > 41*time.Millisecond {
			t.Errorf("there took %v", d)
		}
		start = time.Now()
		send(t, far, "back")
		expect(t, near, "back")
		if d := time.Since(start); d != time.Millisecond {
			t.Errorf("back took %v", d)
		}
		expectCounts(t, n, Counts{Delayed: 1})
	})
}

// A loss is not seen in a stream, but what is sent again comes late, and all behind it.
func TestALostSegmentComesLateAndHoldsUpTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		shape(t, n, Link{Loss: 0.3})
		start := time.Now()
		late := 0
		for range 100 {
			from := time.Now()
			send(t, near, "x")
			expect(t, far, "x")
			switch d := time.Since(from); d {
			case 0:
			case firstResend, 3 * firstResend, 7 * firstResend, 15 * firstResend, 31 * firstResend:
				late++
			default:
				t.Fatalf("a segment took %v", d)
			}
		}
		if late < 15 || late > 50 {
			t.Errorf("%d of 100 segments were late, at 30 %% loss; all took %v", late, time.Since(start))
		}
		shape(t, n, Link{Loss: 0.999999}) // until 15 s, unless fortune is very good
		from := time.Now()
		send(t, near, "lost")
		shape(t, n, Link{})
		send(t, near, "behind")
		_ = far.SetReadDeadline(from.Add(patience - 1))
		expectReadError(t, far, os.ErrDeadlineExceeded)
	})
}

func TestAConnectionThatLosesForLongIsResetAtBothEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		shape(t, n, Link{Loss: 1})
		start := time.Now()
		send(t, near, "never")
		send(t, far, "the other way is good") // until then
		expect(t, near, "the other way is good")
		expectReadError(t, far, syscall.ECONNRESET)
		expectReadError(t, near, syscall.ECONNRESET)
		expectWriteError(t, near, syscall.ECONNRESET)
		expectWriteError(t, far, syscall.ECONNRESET)
		if d := time.Since(start); d != patience {
			t.Errorf("reset after %v, want %v", d, patience)
		}
		expectCounts(t, n, Counts{Lost: 7, GaveUp: 1})
	})
}

func TestHealSavesWhatALinkHasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		shape(t, n, Link{Loss: 1})
		send(t, near, "saved")
		time.Sleep(time.Second)
		n.Heal()
		start := time.Now()
		expect(t, far, "saved")
		send(t, near, "good again")
		expect(t, far, "good again")
		if d := time.Since(start); d != 0 {
			t.Errorf("after Heal they came %v late", d)
		}
		time.Sleep(patience)
		send(t, near, "and not reset")
		expect(t, far, "and not reset")
	})
}

func TestADialOverALossyLinkComesLateOrFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		l, _ := n.Listen(n2)
		defer l.Close()
		shape(t, n, Link{Loss: 1})
		start := time.Now()
		if _, err := n.Dial(t.Context(), "n1", n2); !errors.Is(err, syscall.ETIMEDOUT) || time.Since(start) != 63*time.Second {
			t.Errorf("Dial = %v after %v, want ETIMEDOUT after 63s", err, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.Dial(ctx, "n1", n2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial = %v, want its context's error", err)
		}
		shape(t, n, Link{Loss: 0.5})
		start = time.Now()
		for range 20 {
			if c, err := n.Dial(t.Context(), "n1", n2); err == nil {
				c.Close()
			}
		}
		if d := time.Since(start); d < 10*time.Second {
			t.Errorf("20 dials took %v in all, at 50 %% loss", d)
		}
	})
}

func TestASlowLinkTakesItsTimeForAllConnectionsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		l, _ := n.Listen("n2:1")
		defer l.Close()
		near2, _ := n.Dial(t.Context(), "n1", "n2:1")
		far2, _ := l.Accept()
		defer near2.Close()
		defer far2.Close()
		shape(t, n, Link{Rate: 125_000}) // 1 Mbit/s
		start := time.Now()
		send(t, near, string(make([]byte, 62_500)))
		send(t, near2, string(make([]byte, 125_000)))
		expect(t, far, string(make([]byte, 62_500)))
		if d := time.Since(start); d != 500*time.Millisecond {
			t.Errorf("the first half second's worth took %v", d)
		}
		expect(t, far2, string(make([]byte, 125_000)))
		if d := time.Since(start); d != 1500*time.Millisecond {
			t.Errorf("what came behind it on another connection took %v, want 1.5s", d)
		}
		send(t, far, "back")
		expect(t, near, "back")
		if d := time.Since(start); d != 1500*time.Millisecond {
			t.Errorf("the other direction is slow, too: %v", d)
		}
		expectCounts(t, n, Counts{Slowed: 2})
	})
}

func TestACorruptingLinkFlipsOneBitOfASegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		shape(t, n, Link{Corrupt: 1})
		sent := []byte("all is well")
		send(t, near, string(sent))
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(far, got); err != nil {
			t.Fatal(err)
		}
		flipped := 0
		for i := range got {
			flipped += bits.OnesCount8(got[i] ^ sent[i])
		}
		if flipped != 1 {
			t.Errorf("%q became %q: %d bits flipped, want 1", sent, got, flipped)
		}
		expectCounts(t, n, Counts{Corrupted: 1})
		near.Close() // an end has no bits to flip
		expectReadError(t, far, io.EOF)
	})
}

func TestBreakResetsBothEndsAndOthersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		l, _ := n.Listen("n3:1")
		defer l.Close()
		other, _ := n.Dial(t.Context(), "n1", "n3:1")
		end, _ := l.Accept()
		defer other.Close()
		defer end.Close()
		send(t, near, "arrived")
		time.Sleep(time.Millisecond)
		_ = n.Delay(time.Second, time.Second)
		send(t, near, "on its way")
		failed := make(chan error)
		go func() {
			_, err := near.Read(make([]byte, 1))
			failed <- err
		}()
		synctest.Wait()
		if broken := n.Break("n2", "n1"); broken != 1 {
			t.Errorf("Break found %d connections", broken)
		}
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a Read that waits: %v", err)
		}
		expect(t, far, "arrived")
		expectReadError(t, far, syscall.ECONNRESET)
		expectWriteError(t, near, syscall.ECONNRESET)
		n.Heal()
		expectReadError(t, far, syscall.ECONNRESET)
		send(t, other, "whole")
		expect(t, end, "whole")
		if broken := n.Break("n1", "n2"); broken != 0 {
			t.Errorf("Break found %d connections again", broken)
		}
	})
}

func TestABlockedWriterLearnsOfABreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, _ := connect(t, n)
		n.Cut("n1", "n2")
		failed := make(chan error)
		go func() {
			_, err := near.Write(make([]byte, 2*Window))
			failed <- err
		}()
		synctest.Wait()
		n.Break("n1", "n2")
		if err := <-failed; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("Write = %v", err)
		}
	})
}

func TestCountsTellWhatACutHasHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(nil)
		near, far := connect(t, n)
		_ = n.Delay(time.Second, time.Second)
		send(t, near, "on its way")
		before := n.Counts("", "")
		n.Cut("n1", "n2")
		send(t, near, "held")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := n.Dial(ctx, "n1", n2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial = %v", err)
		}
		if got := n.Counts("", "").Since(before); got != (Counts{Held: 2, Hung: 1}) {
			t.Errorf("counted %+v", got)
		}
		n.Heal()
		expect(t, far, "on its wayheld")
	})
}

func TestLinksFollowTheSeed(t *testing.T) {
	journey := func() (took time.Duration, got []byte) {
		synctest.Test(t, func(t *testing.T) {
			n := New(nil)
			near, far := connect(t, n)
			shape(t, n, Link{Lo: 0, Hi: time.Second, Loss: 0.2, Rate: 1000, Corrupt: 0.5})
			start := time.Now()
			for range 50 {
				send(t, near, "0123456789")
			}
			got = make([]byte, 500)
			_, _ = io.ReadFull(far, got)
			took = time.Since(start)
		})
		return took, got
	}
	took, got := journey()
	again, same := journey()
	if took != again || !bytes.Equal(got, same) || bytes.Equal(got, bytes.Repeat([]byte("0123456789"), 50)) {
		t.Errorf("two journeys with one seed: %v with %q, %v with %q", took, got, again, same)
	}
}
