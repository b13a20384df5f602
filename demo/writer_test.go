package demo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience bounds every wait for what must happen.
const patience = 10 * time.Second

// fake is a node that answers by a script; hangUp closes the connection instead.
type fake struct {
	door
	listener net.Listener
	answer   func(command string) string

	mu    sync.Mutex
	conns []net.Conn
}

const hangUp = ""

func newFake(t *testing.T, id string, answer func(command string) string) *fake {
	t.Helper()
	l, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{door: door{id, l.Addr().String(), new(atomic.Bool)}, listener: l, answer: answer}
	f.open.Store(true)
	go f.run()
	t.Cleanup(f.die)
	return f
}

func (f *fake) run() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns = append(f.conns, conn)
		f.mu.Unlock()
		go f.talk(conn)
	}
}

func (f *fake) talk(conn net.Conn) {
	defer conn.Close()
	for in := bufio.NewReader(conn); ; {
		command, err := readCommand(in)
		if err != nil {
			return
		}
		answer := f.answer(command)
		if answer == hangUp {
			return
		}
		io.WriteString(conn, answer+"\r\n")
	}
}

// die is kill -9.
func (f *fake) die() {
	f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, conn := range f.conns {
		conn.Close()
	}
}

func readCommand(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimSpace(line[1:]))
	if err != nil {
		return "", err
	}
	words := make([]string, n)
	for i := range words {
		in.ReadString('\n') // the length: no word here has a newline
		word, err := in.ReadString('\n')
		if err != nil {
			return "", err
		}
		words[i] = strings.TrimSpace(word)
	}
	return strings.Join(words, " "), nil
}

// counting lets one writer count at some fakes until the ledger is as wanted.
func counting(t *testing.T, wanted func(*tally) bool, fakes ...*fake) *ledger {
	t.Helper()
	w := &writer{pace: time.Millisecond, ledger: newLedger()}
	for _, f := range fakes {
		w.doors = append(w.doors, f.door)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.run(ctx) })
	defer running.Wait()
	defer cancel()
	until(t, func() bool { return wanted(w.ledger.snapshot()) })
	return w.ledger
}

func until(t *testing.T, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %v", patience)
		}
	}
}

func TestAWriterWhoseNodeDiesGoesOnAtAnotherAndHidesNothing(t *testing.T) {
	var value atomic.Int64
	var first *fake
	first = newFake(t, "n1", func(string) string {
		if value.Add(1) == 5 { // it counts, and dies before it answers
			first.listener.Close()
			return hangUp
		}
		return fmt.Sprintf(":%d", value.Load())
	})
	second := newFake(t, "n2", func(string) string { return fmt.Sprintf(":%d", value.Add(1)) })
	l := counting(t, func(t *tally) bool { return t.acked >= 10 }, first, second)
	s := l.snapshot()
	want := Figures{Acknowledged: s.acked, Value: value.Load(), Unanswered: 1}
	if got := judge(s, s, value.Load()); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if at := l.lossesSince(0); len(at) != 1 || at[0] != "n1" {
		t.Errorf("answers were owed by %v, want n1", at)
	}
}

func TestAWriterSendsAgainWhatSurelyDidNotHappen(t *testing.T) {
	var value, asked atomic.Int64
	node := newFake(t, "n1", func(string) string {
		if asked.Add(1) <= 2 {
			return "-CLUSTERDOWN not applied: no leader"
		}
		return fmt.Sprintf(":%d", value.Add(1))
	})
	s := counting(t, func(t *tally) bool { return t.acked >= 3 }, node).snapshot()
	if got := judge(s, s, value.Load()); got.Refused != 2 || got.Unanswered != 0 || got.Lost != 0 || got.Doubled != 0 {
		t.Errorf("got %+v, want 2 refused and nothing else", got)
	}
}

func TestAWriterCountsAnUnknownOutcomeAsUnanswered(t *testing.T) {
	var value atomic.Int64
	node := newFake(t, "n1", func(string) string {
		if value.Add(1) == 2 {
			return "-UNKNOWN outcome unknown"
		}
		return fmt.Sprintf(":%d", value.Load())
	})
	s := counting(t, func(t *tally) bool { return t.acked >= 3 }, node).snapshot()
	if got := judge(s, s, value.Load()); got.Refused != 0 || got.Unanswered != 1 || got.Lost != 0 || got.Doubled != 0 {
		t.Errorf("got %+v, want 1 unanswered and nothing else", got)
	}
}

func TestALinkNoticesADeathWhileNothingIsAsked(t *testing.T) {
	node := newFake(t, "n1", func(string) string { return "+PONG" })
	l, err := dial(t.Context(), node.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if reply, err := l.ask(t.Context(), "PING"); reply != "PONG" || err != nil {
		t.Fatalf("got %v, %v, want PONG", reply, err)
	}
	node.die()
	select {
	case <-l.gone:
	case <-time.After(patience):
		t.Fatal("the link has not noticed")
	}
	if _, err := l.ask(t.Context(), "PING"); !errors.Is(err, errGone) {
		t.Errorf("got %v, want %v: nothing was sent", err, errGone)
	}
}

func TestAComparisonFindsWhatANodeCountsTwice(t *testing.T) {
	var value atomic.Int64
	node := newFake(t, "n1", func(command string) string {
		if strings.HasPrefix(command, "GET") {
			text := strconv.FormatInt(value.Load(), 10)
			return fmt.Sprintf("$%d\r\n%s", len(text), text)
		}
		if value.Load() == 3 {
			value.Add(1)
		}
		return fmt.Sprintf(":%d", value.Add(1))
	})
	l := counting(t, func(t *tally) bool { return t.acked >= 5 }, node)
	v := l.compare(t.Context(), node.addr)
	if v.err != nil || v.figures.Doubled != 1 || v.figures.Lost != 0 {
		t.Errorf("got %+v, %v, want 1 doubled", v.figures, v.err)
	}
}
