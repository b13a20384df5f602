package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

func TestCloseEndsEveryCallBeforeItReturns(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b", handling(silent))
		open(t, n, "black hole")
		n.Cut("a", "black hole")
		sent, dialing := a.Link(Control, addrOf("b")), a.Link(Control, addrOf("black hole"))
		nobody := a.Link(Control, addrOf("nobody"))
		ask(nobody, "the dial fails, and calls fail at once for a while")
		var broken, unsent, others atomic.Int64
		count := func(_ []byte, err error) {
			switch {
			case errors.Is(err, ErrBroken):
				broken.Add(1)
			case errors.Is(err, ErrNotSent):
				unsent.Add(1)
			default:
				others.Add(1)
			}
		}
		for range 10 {
			sent.Call(1, nil, count)
			dialing.Call(1, nil, count)
		}
		synctest.Wait()
		start := time.Now()
		for range 10 {
			nobody.Call(1, nil, func(reply []byte, err error) {
				time.Sleep(time.Millisecond) // a done that is slow: Close waits for it
				count(reply, err)
			})
		}
		a.Close()
		if broken.Load() != 10 || unsent.Load() != 20 || others.Load() != 0 {
			t.Errorf("%d broken, %d not sent, %d others", broken.Load(), unsent.Load(), others.Load())
		}
		if time.Since(start) != time.Millisecond {
			t.Errorf("Close took %v", time.Since(start))
		}
		for _, link := range []*Link{sent, dialing, nobody, a.Link(Batches, addrOf("b"))} {
			if got := ask(link, "too late"); !errors.Is(got.err, ErrNotSent) {
				t.Errorf("a call after Close ended with %v", got.err)
			}
		}
		expectFailure(t, begin(sent, "too late"), ErrNotSent, net.ErrClosed, 0, 0)
	})
}

func TestCloseEndsConnectionsInEveryState(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		b := open(t, n, "b", handling(silent))
		conns := []net.Conn{stranger(t, n, "b"), guest(t, n, "b", Control), guest(t, n, "b", Raft)}
		busy := guest(t, n, "b", Control)
		send(t, busy, appendFrame(nil, 1, 1, nil))
		taken := guest(t, n, "b", Raft)
		for range 2 {
			if _, err := b.AcceptRaft(); err != nil { // raft keeps it, and never closes it
				t.Fatal(err)
			}
		}
		waiting := guest(t, n, "b", Raft) // for AcceptRaft
		synctest.Wait()
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		for _, conn := range append(conns, busy, taken, waiting) {
			expectHangUp(t, conn)
		}
		if _, err := n.Dial(t.Context(), "stranger", addrOf("b")); err == nil {
			t.Error("somebody still listens")
		}
		if err := b.Close(); err != nil || time.Since(start) != 0 {
			t.Errorf("a second Close: %v, after %v", err, time.Since(start))
		}
	})
}

func TestCloseEndsADialAndAHandshakeUnderWay(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		l, err := n.Listen(addrOf("mute"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		open(t, n, "b")
		n.Cut("a", "b")
		a := open(t, n, "a")
		handshake := begin(a.Link(Control, addrOf("mute")), "x")
		dial := begin(a.Link(Control, addrOf("b")), "x")
		raft := make(chan error)
		go func() {
			_, err := a.DialRaft(context.Background(), addrOf("mute"))
			raft <- err
		}()
		synctest.Wait()
		a.Close()
		expectFailure(t, handshake, ErrNotSent, ErrNotSent, 0, 0)
		expectFailure(t, dial, ErrNotSent, context.Canceled, 0, 0)
		if err := <-raft; !errors.Is(err, net.ErrClosed) {
			t.Errorf("DialRaft = %v", err)
		}
		if _, err := a.DialRaft(context.Background(), addrOf("mute")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("DialRaft after Close = %v", err)
		}
	})
}

func TestADialThatOutlivesCloseLeavesNoConnection(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		l, err := n.Listen(addrOf("b"))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		a := open(t, n, "a", func(c *Config) {
			c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
				<-ctx.Done()
				return n.Dial(context.Background(), "a", addr)
			}
		})
		call := begin(a.Link(Control, addrOf("b")), "x")
		synctest.Wait()
		start := time.Now()
		a.Close()
		expectFailure(t, call, ErrNotSent, net.ErrClosed, 0, 0)
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(start.Add(time.Minute))
		expectHangUp(t, conn)
		if time.Since(start) != 0 {
			t.Errorf("it stayed open for %v", time.Since(start))
		}
	})
}

func TestAPeerWithTooManyUnansweredCallsIsNotReadOn(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		var handled atomic.Int64
		answers := make(chan func([]byte), 2*maxCalls)
		b := open(t, n, "b", handling(func(_ string, _ byte, _ []byte, reply func([]byte)) {
			handled.Add(1)
			answers <- reply
		}))
		conn := guest(t, n, "b", Control)
		for i := range maxCalls + 10 {
			send(t, conn, appendFrame(nil, uint64(i), 1, nil))
		}
		synctest.Wait()
		if handled.Load() != maxCalls {
			t.Errorf("%d calls were handled", handled.Load())
		}
		(<-answers)(nil)
		synctest.Wait()
		if handled.Load() != maxCalls+1 {
			t.Errorf("%d calls were handled after one reply", handled.Load())
		}
		b.Close() // must not wait for the replies that never come
	})
}

func TestRepliesThatNobodyReadsDoNotPileUp(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		var handled atomic.Int64
		var mute atomic.Bool
		answer := make([]byte, 1<<10)
		open(t, n, "b", handling(func(_ string, _ byte, _ []byte, reply func([]byte)) {
			handled.Add(1)
			if !mute.Load() {
				reply(answer)
			}
		}))
		conn := guest(t, n, "b", Control)
		go func() {
			for i := range uint64(20 * maxCalls) {
				if _, err := conn.Write(appendFrame(nil, i, 1, nil)); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		const wire = 2 * memnet.Window >> 10 // replies on their way, and in the write that waits
		if handled.Load() > 2*maxCalls+wire {
			t.Errorf("%d calls were handled for one who reads no reply", handled.Load())
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
		synctest.Wait()
		if handled.Load() != 20*maxCalls {
			t.Errorf("%d calls were handled when all is read", handled.Load())
		}
		mute.Store(true)
		for i := range uint64(maxCalls) {
			send(t, conn, appendFrame(nil, i, 1, nil))
		}
		synctest.Wait()
		if handled.Load() != 21*maxCalls {
			t.Errorf("%d calls were handled: some replies still count as unwritten", handled.Load())
		}
		conn.Close()
	})
}

func TestRepliesAfterTheEndOfTheirConnectionAreDropped(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		answers := make(chan func([]byte), maxCalls)
		b := open(t, n, "b", handling(func(_ string, _ byte, _ []byte, reply func([]byte)) { answers <- reply }))
		conn := guest(t, n, "b", Control)
		for i := range uint64(maxCalls) {
			send(t, conn, appendFrame(nil, i, 1, nil))
		}
		synctest.Wait()
		conn.Close()
		synctest.Wait()
		for range maxCalls / 2 {
			(<-answers)([]byte("late"))
		}
		b.Close()
		for range maxCalls / 2 {
			(<-answers)([]byte("too late"))
		}
	})
}

func TestAHandlerThatAnswersLateKeepsNobodyElseWaiting(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b", func(c *Config) { c.Handlers = map[Stream]Handler{Batches: silent, Control: echo} })
		begin(a.Link(Batches, addrOf("b")), "never answered")
		expectEcho(t, a.Link(Control, addrOf("b")), "small and never behind Batches")
	})
}

func TestAListenerThatFailsForAWhileIsAskedAgain(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		var failures atomic.Int64
		a := open(t, n, "a")
		open(t, n, "b", func(c *Config) { c.Listener = &moody{Listener: c.Listener, failures: &failures} })
		call := begin(a.Link(Control, addrOf("b")), "x")
		if got := <-call; got.err != nil || got.after != 5*acceptPause || failures.Load() != 5 {
			t.Errorf("the call ended with %v after %v and %d failures", got.err, got.after, failures.Load())
		}
	})
}

// moody is a listener whose first five Accepts fail.
type moody struct {
	net.Listener
	failures *atomic.Int64
}

func (m *moody) Accept() (net.Conn, error) {
	if m.failures.Load() < 5 {
		m.failures.Add(1)
		return nil, errors.New("too many open files")
	}
	return m.Listener.Accept()
}

func TestConnectionsOfAStreamAreBoundedAndOthersKeepTheirs(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		a := open(t, n, "a")
		open(t, n, "b", func(c *Config) { c.Handlers = map[Stream]Handler{Join: echo, Control: echo} })
		var guests []net.Conn
		for range maxServed {
			guests = append(guests, guest(t, n, "b", Join))
		}
		got := ask(a.Link(Join, addrOf("b")), "let me in")
		if !errors.Is(got.err, ErrNotSent) || !errors.Is(got.err, ErrRefused) {
			t.Errorf("one more ended with %v", got.err)
		}
		expectEcho(t, a.Link(Control, addrOf("b")), "of another stream")
		guests[0].Close()
		time.Sleep(redialPause)
		expectEcho(t, a.Link(Join, addrOf("b")), "there is a seat")
	})
}

func TestOneWhoLeavesBeforeTheAnswerLeavesHisSeat(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, n *memnet.Network) {
		admit := make(chan struct{})
		b := open(t, n, "b", admitting(func(Stream, Identity) error {
			<-admit
			return nil
		}))
		conn := stranger(t, n, "b")
		send(t, conn, knock(t, conn, Control))
		synctest.Wait()
		n.Kill("stranger") // so that the answer can't be written
		close(admit)
		synctest.Wait()
		if seatsOf(b, Control) != 0 {
			t.Error("the seat is lost")
		}
	})
}

// seatsOf counts the connections of a Stream that have a seat.
func seatsOf(p *peer, stream Stream) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seats[stream]
}
