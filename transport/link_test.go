package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

func TestRepliesMayComeInAnyOrder(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		const calls = 500
		_ = n.Delay(time.Millisecond, 5*time.Millisecond)
		var mu sync.Mutex
		var answers []func()
		a := open(t, n, "a")
		open(t, n, "b", handling(func(_ string, _ byte, payload []byte, reply func([]byte)) {
			mu.Lock()
			defer mu.Unlock()
			answers = append(answers, func() { reply(payload) })
			if len(answers) == calls {
				rand.New(rand.NewPCG(1, 1)).Shuffle(calls, func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
				for _, answer := range answers {
					go answer()
				}
			}
		}))
		link := a.Link(Control, addrOf("b"))
		var callers sync.WaitGroup
		for i := range calls {
			callers.Go(func() {
				if got := ask(link, fmt.Sprint("call ", i)); got.err != nil || got.reply != fmt.Sprint("call ", i) {
					t.Errorf("call %d ended with %q, %v", i, got.reply, got.err)
				}
			})
		}
		callers.Wait()
		if a.dials.Load() != 1 {
			t.Errorf("%d connections for them", a.dials.Load())
		}
	})
}

func TestCallsThatWaitForTheConnectionLeaveInTheirOrder(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		_ = n.Delay(time.Millisecond, time.Millisecond)
		var log journal
		a := open(t, n, "a")
		open(t, n, "b", handling(func(_ string, _ byte, payload []byte, _ func([]byte)) { log.printf("%s", payload) }))
		want := make([]string, 50)
		for i := range want {
			want[i] = fmt.Sprint(i)
			begin(a.Link(Control, addrOf("b")), want[i])
		}
		time.Sleep(time.Second)
		if got := log.all(); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("arrived as %v", got)
		}
	})
}

func TestStreamsAndPeersHaveALinkEach(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		first := a.Link(Control, addrOf("b"))
		if first != a.Link(Control, addrOf("b")) || first == a.Link(Batches, addrOf("b")) || first == a.Link(Control, addrOf("c")) {
			t.Error("links are mixed up")
		}
		if a.dials.Load() != 0 {
			t.Error("a link dialed before anybody called")
		}
	})
}

func TestAPeerMayCallItself(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		expectEcho(t, open(t, n, "a").Link(Control, addrOf("a")), "hello, me")
	})
}

func TestCallsToNobodyAreNotSentAndTheNextDialWaitsALittle(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		_ = n.Delay(time.Millisecond, time.Millisecond)
		a := open(t, n, "a")
		link := a.Link(Control, addrOf("b"))
		trip := 2 * time.Millisecond
		expectFailure(t, begin(link, "x"), ErrNotSent, syscall.ECONNREFUSED, trip, trip)
		time.Sleep(redialPause - time.Nanosecond)
		for range 100 {
			expectFailure(t, begin(link, "x"), ErrNotSent, syscall.ECONNREFUSED, 0, 0)
		}
		if a.dials.Load() != 1 {
			t.Errorf("%d dials within redialPause", a.dials.Load())
		}
		time.Sleep(time.Nanosecond)
		expectFailure(t, begin(link, "x"), ErrNotSent, syscall.ECONNREFUSED, trip, trip)
		open(t, n, "b")
		time.Sleep(redialPause)
		expectEcho(t, link, "somebody")
	})
}

func TestCallsIntoABlackHoleAreNotSent(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b")
		n.Cut("a", "b")
		link := a.Link(Control, addrOf("b"))
		first := begin(link, "x")
		time.Sleep(dialTimeout / 2)
		second := begin(link, "shares the dial")
		expectFailure(t, first, ErrNotSent, context.DeadlineExceeded, dialTimeout, dialTimeout)
		expectFailure(t, second, ErrNotSent, context.DeadlineExceeded, dialTimeout/2, dialTimeout/2)
		if a.dials.Load() != 1 {
			t.Errorf("%d dials", a.dials.Load())
		}
	})
}

func TestACutInMidCallBreaksItAndAfterTheHealCallsGoThrough(t *testing.T) {
	for _, idle := range []time.Duration{0, linkPatience / 2, linkPatience - 1} {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			a := open(t, n, "a")
			open(t, n, "b", handling(echo))
			link := a.Link(Control, addrOf("b"))
			expectEcho(t, link, "before")
			time.Sleep(idle)
			n.Cut("a", "b")
			call := begin(link, "lost")
			expectFailure(t, call, ErrBroken, os.ErrDeadlineExceeded, linkPatience, 2*linkPatience)
			expectFailure(t, begin(link, "cut off"), ErrNotSent, context.DeadlineExceeded, dialTimeout, dialTimeout)
			n.Heal()
			time.Sleep(redialPause)
			expectEcho(t, link, "after")
		})
	}
}

func TestThePeersDeathBreaksItsCallsAtOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		b := open(t, n, "b", handling(silent))
		link := a.Link(Control, addrOf("b"))
		call := begin(link, "x")
		time.Sleep(time.Millisecond)
		n.Kill("b")
		expectFailure(t, call, ErrBroken, syscall.ECONNRESET, time.Millisecond, time.Millisecond)
		expectFailure(t, begin(link, "x"), ErrNotSent, syscall.ECONNREFUSED, 0, 0)
		b.Close()
		open(t, n, "b")
		time.Sleep(redialPause)
		expectEcho(t, link, "it lives")
	})
}

func TestThePeersCloseBreaksItsCallsAtOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		b := open(t, n, "b", handling(silent))
		call := begin(a.Link(Control, addrOf("b")), "x")
		synctest.Wait()
		b.Close()
		expectFailure(t, call, ErrBroken, io.EOF, 0, 0)
	})
}

func TestAWriteThatFailsBreaksTheCallAtOnce(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b")
		a := open(t, n, "a", func(c *Config) {
			dial := c.Dial
			c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
				conn, err := dial(ctx, addr)
				return &readOnly{Conn: conn}, err
			}
		})
		expectFailure(t, begin(a.Link(Control, addrOf("b")), "x"), ErrBroken, net.ErrClosed, 0, 0)
	})
}

// readOnly is a connection that can be read, but after the handshake no longer be written.
type readOnly struct {
	net.Conn
	writes atomic.Int64
}

func (r *readOnly) Write(p []byte) (int, error) {
	if r.writes.Add(1) > 2 {
		return 0, errors.New("no more")
	}
	return r.Conn.Write(p)
}

func TestAnIdleConnectionLives(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b")
		link := a.Link(Control, addrOf("b"))
		expectEcho(t, link, "one")
		time.Sleep(time.Hour)
		expectEcho(t, link, "two")
		if a.dials.Load() != 1 {
			t.Errorf("%d dials", a.dials.Load())
		}
	})
}

func TestAConnectionThatTalksIsNotBrokenForOneLateReply(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b", handling(func(_ string, _ byte, payload []byte, reply func([]byte)) {
			if string(payload) == "late" {
				time.AfterFunc(10*linkPatience, func() { reply(payload) })
				return
			}
			reply(payload)
		}))
		link := a.Link(Control, addrOf("b"))
		late := begin(link, "late")
		for range 10 {
			time.Sleep(linkPatience - time.Millisecond)
			expectEcho(t, link, "prompt")
		}
		if got := <-late; got.reply != "late" || got.err != nil {
			t.Errorf("it ended with %q, %v", got.reply, got.err)
		}
	})
}

func TestAReplyInTwoPiecesSurvivesTheTurnOfAnIdlePatience(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		host(t, n, "b", func(conn net.Conn) {
			in := bufio.NewReader(conn)
			for {
				call, _, payload, err := readFrame(in)
				if err != nil {
					return
				}
				frame := appendFrame(nil, call, 0, payload)
				_, _ = conn.Write(frame[:1])
				time.Sleep(10 * time.Millisecond)
				_, _ = conn.Write(frame[1:])
			}
		})
		link := open(t, n, "a").Link(Control, addrOf("b"))
		expectEcho(t, link, "one")
		time.Sleep(linkPatience - 5*time.Millisecond)
		expectEcho(t, link, "two") // its first byte comes before the deadline of the silence, the rest behind it
	})
}

func TestAReplyThatStopsHalfwayBreaksTheConnection(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		host(t, n, "b", func(conn net.Conn) {
			_, _ = conn.Write(appendFrame(nil, 0, 0, []byte("whole"))[:16])
			_, _ = io.Copy(io.Discard, conn)
		})
		link := open(t, n, "a").Link(Control, addrOf("b"))
		expectFailure(t, begin(link, "x"), ErrBroken, os.ErrDeadlineExceeded, linkPatience, 2*linkPatience)
	})
}

func TestThereIsABoundOnCallsUnderWay(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b", handling(silent))
		link := a.Link(Control, addrOf("b"))
		var ended atomic.Int64
		for range maxCalls {
			link.Call(1, nil, func(_ []byte, err error) {
				ended.Add(1)
				if !errors.Is(err, ErrBroken) {
					t.Error(err)
				}
			})
		}
		got := ask(link, "one more")
		if !errors.Is(got.err, ErrNotSent) || !strings.HasSuffix(got.err.Error(), "1024 calls are under way") || got.after != 0 {
			t.Errorf("it ended with %v after %v", got.err, got.after)
		}
		time.Sleep(2 * linkPatience)
		if ended.Load() != maxCalls {
			t.Errorf("%d of them ended", ended.Load())
		}
	})
}

func TestDoneIsNeverCalledFromWithinCall(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b")
		var within sync.Mutex // held during Call: a done from within would wait for itself for ever
		call := func(link *Link, size int) {
			t.Helper()
			ended := make(chan struct{})
			within.Lock()
			link.Call(1, make([]byte, size), func([]byte, error) {
				within.Lock()
				defer within.Unlock()
				close(ended)
			})
			within.Unlock()
			<-ended
		}
		link, nobody := a.Link(Control, addrOf("b")), a.Link(Control, addrOf("nobody"))
		call(link, 0)            // dials
		call(link, 0)            // is connected
		call(link, maxPayload+1) // is refused
		call(nobody, 0)          // fails to dial
		call(nobody, 0)          // fails at once
		a.Close()
		call(link, 0)
		call(nobody, 0)
	})
}
