package transport

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

func TestTheOwnerIsToldWhoKnocksForWhat(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		var log journal
		a := open(t, n, "a")
		open(t, n, "b",
			admitting(func(s Stream, from Identity) error { log.printf("%c %s/%s", s, from.Cluster, from.Node); return nil }),
			handling(func(from string, method byte, payload []byte, reply func([]byte)) {
				log.printf("call %d of %s: %s", method, from, payload)
				reply(nil)
			}))
		if got := ask(a.Link(Control, addrOf("b")), "hi"); got.err != nil {
			t.Fatal(got.err)
		}
		conn, err := a.DialRaft(t.Context(), addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if got := strings.Join(log.all(), "; "); got != "C house/a; call 1 of a: hi; R house/a" {
			t.Error(got)
		}
	})
}

func TestARefusalReachesTheDialerInTheOwnersWords(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		var log journal
		words := "n9 is not a member as far as n2 knows" + strings.Repeat(" at all", maxName)
		a := open(t, n, "a")
		open(t, n, "b", noting(&log), admitting(func(Stream, Identity) error { return errors.New(words) }))
		told := words[:maxName]
		_, err := a.DialRaft(t.Context(), addrOf("b"))
		if !errors.Is(err, ErrRefused) || !strings.HasSuffix(err.Error(), ": "+told) {
			t.Errorf("DialRaft = %v", err)
		}
		got := ask(a.Link(Control, addrOf("b")), "x")
		if !errors.Is(got.err, ErrNotSent) || !errors.Is(got.err, ErrRefused) || !strings.HasSuffix(got.err.Error(), ": "+told) {
			t.Errorf("Call = %v", got.err)
		}
		got = ask(a.Link(Control, addrOf("b")), "x") // within redialPause
		if !errors.Is(got.err, ErrNotSent) || !errors.Is(got.err, ErrRefused) {
			t.Errorf("Call = %v", got.err)
		}
		synctest.Wait()
		if lines := log.all(); len(lines) != 2 || !strings.Contains(lines[0], "refused: "+words) {
			t.Errorf("logged %q", lines)
		}
	})
}

func TestAStreamThatNobodyHandlesIsRefused(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b", admitting(func(s Stream, _ Identity) error {
			t.Errorf("asked to admit %q", byte(s))
			return nil
		}))
		for _, stream := range []Stream{Join, 'X', 0} {
			err := sayHello(stranger(t, n, "b"), secret, stream, Identity{"house", "a"})
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "unknown stream") {
				t.Errorf("%q: %v", byte(stream), err)
			}
		}
	})
}

func TestWhoDoesNotSpeakOurLanguageIsHungUpOn(t *testing.T) {
	rows := []struct{ text, logged string }{
		{"GET / HTTP/1.1\r\n\r\n", `refused: not a truecount peer: began with "GET /"`},
		{"TCNT1C\x00\x00", `began with "TCNT1"`},
		{"tcnt3C\x00\x00", `began with "tcnt3"`},
		{"\x16\x03\x01\x02\x00\x01", "not a truecount peer"}, // a TLS client
	}
	for _, row := range rows {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			var log journal
			open(t, n, "b", noting(&log))
			conn := stranger(t, n, "b")
			start := time.Now()
			send(t, conn, []byte(row.text))
			expectHangUp(t, conn)
			synctest.Wait()
			lines := log.all()
			if len(lines) != 1 || !strings.Contains(lines[0], row.logged) || time.Since(start) != 0 {
				t.Errorf("%q: logged %q after %v", row.text, lines, time.Since(start))
			}
		})
	}
}

func TestAHandshakeThatStopsHalfwayEndsAfterItsTime(t *testing.T) {
	whole := hello(Control, Identity{"house", "a"})
	for cut := range len(whole) + sha256.Size {
		inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
			b, a := open(t, n, "b"), open(t, n, "a")
			conn := stranger(t, n, "b")
			start := time.Now()
			if cut < len(whole) {
				send(t, conn, whole[:cut])
			} else {
				send(t, conn, knock(t, conn, Control)[:cut-len(whole)])
			}
			synctest.Wait()
			expectEcho(t, a.Link(Control, addrOf("b")), "others are not kept waiting")
			expectHangUp(t, conn)
			if time.Since(start) != handshakeTimeout {
				t.Errorf("after %d bytes hung up after %v", cut, time.Since(start))
			}
			if len(b.strangers) != 0 || seatsOf(b, Control) != 1 {
				t.Error("it still counts")
			}
		})
	}
}

func TestAHandshakeMayNotTakeItsTimeAnewWithEveryByte(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		open(t, n, "b")
		conn, start := stranger(t, n, "b"), time.Now()
		var writer sync.WaitGroup
		defer writer.Wait()
		writer.Go(func() {
			for _, c := range hello(Control, Identity{"house", "a"}) {
				if _, err := conn.Write([]byte{c}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		expectHangUp(t, conn)
		if took := time.Since(start); took != handshakeTimeout {
			t.Errorf("it was listened to for %v", took)
		}
	})
}

func TestADialToOneWhoNeverAnswersEnds(t *testing.T) {
	silence := func(t *testing.T, n *memnet.Network) {
		l, err := n.Listen(addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() }) // the backlog takes the connections, nobody reads them
	}
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		silence(t, n)
		a, start := open(t, n, "a"), time.Now()
		if conn, err := a.DialRaft(t.Context(), addrOf("b")); err == nil || time.Since(start) != handshakeTimeout {
			t.Errorf("without a deadline: %v, %v after %v", conn, err, time.Since(start))
		}
	})
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		silence(t, n)
		a, start := open(t, n, "a"), time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := a.DialRaft(ctx, addrOf("b"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("with a deadline: %v after %v", err, time.Since(start))
		}
	})
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		silence(t, n)
		a, start := open(t, n, "a"), time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		_, err := a.DialRaft(ctx, addrOf("b"))
		if !errors.Is(err, context.Canceled) || time.Since(start) != time.Millisecond {
			t.Errorf("cancelled: %v after %v", err, time.Since(start))
		}
	})
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		silence(t, n)
		expectFailure(t, begin(open(t, n, "a").Link(Control, addrOf("b")), "x"), ErrNotSent, context.DeadlineExceeded, dialTimeout, dialTimeout)
	})
}

func TestNothingBehindTheHandshakeIsReadBeforeTheOwnerHasDecided(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		var calls journal
		decide := make(chan error)
		open(t, n, "b", admitting(func(Stream, Identity) error { return <-decide }),
			handling(func(_ string, _ byte, payload []byte, _ func([]byte)) { calls.printf("%s", payload) }))
		conn := stranger(t, n, "b")
		send(t, conn, appendRecord(knock(t, conn, Control), appendFrame(nil, 1, 1, []byte("too early"))))
		synctest.Wait()
		decide <- errors.New("no")
		expectBytes(t, conn, "\x02no")
		expectHangUp(t, conn)
		if got := calls.all(); len(got) != 0 {
			t.Errorf("%q of a stranger was handled", got)
		}
	})
}

func TestLongNamesAreCutAndEveryByteOfANameArrives(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		l, err := n.Listen("b:1")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		sent := Identity{Cluster: "\x00\r\n\xff", Node: strings.Repeat("n", maxName+9)}
		var dialer sync.WaitGroup
		defer dialer.Wait()
		dialer.Go(func() {
			conn, err := n.Dial(context.Background(), "a", "b:1")
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if err := sayHello(conn, secret, Join, sent); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				t.Errorf("an answer that is cut off: %v", err)
			}
		})
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		x, stream, from, err := hearHello(conn, secret)
		if stream != Join || from.Cluster != sent.Cluster || from.Node != sent.Node[:maxName] || err != nil {
			t.Errorf("heard %q, %+v, %v", byte(stream), from, err)
		}
		_ = x.say([]byte("\x05n"))
	})
}
