package load

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
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// delay is how long everything travels between the load and a fake, so that virtual time passes.
const delay = time.Millisecond

// fake is a server that counts, as well as it is told to.
type fake struct {
	addr     string
	listener net.Listener
	began    time.Time

	mu      *sync.Mutex      // of all fakes together
	values  map[string]int64 // as well
	conns   map[net.Conn]bool
	heard   map[string]int // commands by name
	serving sync.WaitGroup
	// twist may answer a command itself; "" leaves it to the fake, and hangUp closes the connection.
	twist func(f *fake, args []string) string
}

const hangUp = "hang up"

// stage is a network with fakes, which share their counters; it ends with the bubble of the test.
type stage struct {
	net   *memnet.Network
	fakes []*fake
}

func newStage(t *testing.T, fakes int) *stage {
	t.Helper()
	s := &stage{net: memnet.New(nil)}
	if err := s.net.Delay(delay, delay); err != nil {
		t.Fatal(err)
	}
	mu, values := new(sync.Mutex), map[string]int64{}
	for i := range fakes {
		f := &fake{addr: fmt.Sprintf("n%d:1", i+1), began: time.Now(), mu: mu, values: values, conns: map[net.Conn]bool{}, heard: map[string]int{}}
		s.fakes = append(s.fakes, f)
		s.start(t, f)
	}
	t.Cleanup(func() {
		for _, f := range s.fakes {
			f.stop()
		}
	})
	return s
}

// options are some that suit the stage: ten clients, a second, no warm-up.
func (s *stage) options() Options {
	o := Defaults()
	o.Clients, o.Duration, o.Warmup = 10, time.Second, 0
	for _, f := range s.fakes {
		o.Nodes = append(o.Nodes, f.addr)
	}
	o.Dial = func(ctx context.Context, addr string) (net.Conn, error) { return s.net.Dial(ctx, "client", addr) }
	return o
}

func (s *stage) start(t *testing.T, f *fake) {
	t.Helper()
	var err error
	if f.listener, err = s.net.Listen(f.addr); err != nil {
		t.Fatal(err)
	}
	f.serving.Go(func() {
		for {
			conn, err := f.listener.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[conn] = true
			f.mu.Unlock()
			f.serving.Go(func() { f.serve(conn) })
		}
	})
}

// stop hangs up on everybody and is not there any more.
func (f *fake) stop() {
	f.listener.Close()
	f.mu.Lock()
	for conn := range f.conns {
		conn.Close()
	}
	f.mu.Unlock()
	f.serving.Wait()
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	in, out := bufio.NewReader(conn), bufio.NewWriter(conn)
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		reply := f.answer(args)
		if reply == hangUp {
			out.Flush()
			return
		}
		out.WriteString(reply)
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
	}
}

func readCommand(in *bufio.Reader) ([]string, error) {
	line := func() (string, error) {
		text, err := in.ReadString('\n')
		return strings.TrimSuffix(text, "\r\n"), err
	}
	head, err := line()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimPrefix(head, "*"))
	if err != nil {
		return nil, errors.New("not an array")
	}
	args := make([]string, n)
	for i := range args {
		size, err := line()
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(strings.TrimPrefix(size, "$"))
		if err != nil {
			return nil, err
		}
		text := make([]byte, n+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:n])
	}
	return args, nil
}

func (f *fake) answer(args []string) string {
	if f.twist != nil {
		if reply := f.twist(f, args); reply != "" {
			return reply
		}
	}
	return f.count(args)
}

// count does what Redis does.
func (f *fake) count(args []string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.heard[args[0]]++
	switch args[0] {
	case "INCR":
		f.values[args[1]]++
		return fmt.Sprintf(":%d\r\n", f.values[args[1]])
	case "GET":
		return bulkOf(f.values, args[1])
	case "MGET":
		reply := fmt.Sprintf("*%d\r\n", len(args)-1)
		for _, key := range args[1:] {
			reply += bulkOf(f.values, key)
		}
		return reply
	case "DEL":
		for _, key := range args[1:] {
			delete(f.values, key)
		}
		return fmt.Sprintf(":%d\r\n", len(args)-1)
	case "SET":
		return "+OK\r\n"
	case "WAIT":
		return ":1\r\n"
	case "PING":
		return "+PONG\r\n"
	}
	return fmt.Sprintf("-ERR unknown command '%s'\r\n", args[0])
}

func bulkOf(values map[string]int64, key string) string {
	n, ok := values[key]
	if !ok {
		return "$-1\r\n"
	}
	text := strconv.FormatInt(n, 10)
	return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text)
}

// play runs a load against fakes in virtual time; set makes them and the options special.
func play(t *testing.T, fakes int, set func(s *stage, o *Options)) *Report {
	t.Helper()
	var report *Report
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, fakes)
		o := s.options()
		set(s, &o)
		var err error
		if report, err = Run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	})
	return report
}
