package workload

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/truecount/truecount/internal/history"
	"github.com/truecount/truecount/internal/memnet"
)

// fake is nodes that share their counters at once, as if there was a cluster: with the faults that any service may have, and one more.
type fake struct {
	net     *memnet.Network
	faulty  bool   // replies are lost, commands are refused, both rarely
	mistake string // what it does wrong, rarely; empty: nothing
	serving sync.WaitGroup
	stop    []func()

	mu       sync.Mutex
	rng      *rand.Rand
	values   map[string]int64
	ends     map[string]time.Time
	told     map[string]string // replies by token
	mistakes int
	alone    bool // the command is INCR or INCRBY, and not in a transaction
}

const (
	fakeNodes = 3
	fakeDelay = 500 * time.Microsecond
)

func newFake(t *testing.T, mistake string) *fake {
	t.Helper()
	f := &fake{net: memnet.New(nil), faulty: true, mistake: mistake, rng: rand.New(rand.NewPCG(1, 2)),
		values: map[string]int64{}, ends: map[string]time.Time{}, told: map[string]string{}}
	if err := f.net.Delay(fakeDelay, fakeDelay); err != nil {
		t.Fatal(err)
	}
	for _, node := range f.nodes() {
		listener, err := f.net.Listen(node.Addr)
		if err != nil {
			t.Fatal(err)
		}
		f.stop = append(f.stop, func() { listener.Close() })
		f.serving.Go(func() { f.accept(listener) })
	}
	return f
}

func (f *fake) nodes() (nodes []Node) {
	for i := range fakeNodes {
		nodes = append(nodes, Node{fmt.Sprintf("n%d", i+1), fmt.Sprintf("n%d:1", i+1)})
	}
	return nodes
}

func (f *fake) close() {
	for _, stop := range f.stop {
		stop()
	}
	f.serving.Wait()
}

func (f *fake) options(recorder *history.Recorder) Options {
	began := time.Now()
	return Options{Nodes: f.nodes, Recorder: recorder, Seed: 1, Lease: 3 * time.Second,
		Clock: func() time.Duration { return time.Since(began) },
		Dial:  func(ctx context.Context, _, addr string) (net.Conn, error) { return f.net.Dial(ctx, "client", addr) }}
}

func (f *fake) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		f.serving.Go(func() {
			defer conn.Close()
			f.serve(bufio.NewReader(conn), conn)
		})
	}
}

func (f *fake) serve(in *bufio.Reader, out io.Writer) {
	var queue [][]string
	multi := false
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		text := "+OK\r\n"
		switch args[0] = strings.ToUpper(args[0]); {
		case args[0] == "MULTI":
			multi, queue = true, nil
		case args[0] == "EXEC" || multi && args[0] == "ONCE":
			text, multi = f.transaction(args, queue), false
		case multi:
			queue, text = append(queue, args), "+QUEUED\r\n"
		case args[0] != "CONSISTENCY":
			text = f.answer(args)
		}
		f.mu.Lock()
		lost := f.faulty && f.rng.IntN(300) == 0
		f.mu.Unlock()
		if lost {
			return
		}
		if _, err := io.WriteString(out, text); err != nil {
			return
		}
	}
}

func (f *fake) transaction(exec []string, queue [][]string) string {
	text := "" // known already, or the answer now
	if exec[0] == "ONCE" {
		f.mu.Lock()
		text = f.told[exec[1]+"/"+exec[2]]
		f.mu.Unlock()
	}
	if text == "" {
		text = f.answer(queue...)
	}
	if strings.HasPrefix(text, "-") {
		return text
	}
	if exec[0] == "ONCE" {
		f.mu.Lock()
		f.told[exec[1]+"/"+exec[2]] = text
		f.mu.Unlock()
	}
	return fmt.Sprintf("*%d\r\n%s", len(queue), text)
}

// answer performs commands in one step.
func (f *fake) answer(commands ...[]string) (text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.faulty:
	case f.rng.IntN(300) == 0:
		return "-CLUSTERDOWN not applied: for no reason\r\n"
	case f.rng.IntN(300) == 0:
		return "-UNKNOWN outcome unknown: for no reason\r\n"
	}
	f.alone = len(commands) == 1 && strings.HasPrefix(commands[0][0], "INCR") && len(commands[0]) < 4
	for _, args := range commands {
		text += f.once(args)
	}
	return text
}

// errs reports whether it is time for a mistake.
func (f *fake) errs(mistake string) bool {
	if f.mistake != mistake || !f.faulty || f.rng.IntN(50) > 0 {
		return false
	}
	f.mistakes++
	return true
}

func (f *fake) once(args []string) string {
	if args[0] != "ONCE" {
		return f.do(args)
	}
	if args[1] == "OPEN" {
		return bulk(strconv.Itoa(f.rng.Int()))
	}
	token := args[1] + "/" + args[2]
	if text, ok := f.told[token]; ok && !f.errs("token forgotten") {
		if f.errs("token answers anew") {
			return integer(f.values[args[4]])
		}
		return text
	}
	text := f.do(args[3:])
	if !strings.HasPrefix(text, "-CLUSTERDOWN") {
		f.told[token] = text
	}
	return text
}

func (f *fake) do(args []string) string {
	key := args[1]
	if end, ok := f.ends[key]; ok && !time.Now().Before(end) {
		delete(f.ends, key)
		delete(f.values, key)
	}
	old, there := f.values[key]
	switch args[0] {
	case "MGET":
		text := fmt.Sprintf("*%d\r\n", len(args)-1)
		for _, key := range args[1:] {
			text += f.do([]string{"GET", key})
		}
		return text
	case "TRUECOUNT":
		if key == "DIGEST" {
			return bulk(`{"index":1,"digest":"00000000000000ff"}`)
		}
		return bulk(`{"term":1,"applied_index":1,"leader":{"id":"n1"}}`)
	case "GET":
		text := bulk(strconv.FormatInt(old, 10))
		switch {
		case old > 0 && f.errs("stale read"):
			text = bulk(strconv.FormatInt(old-1, 10))
		case !there || !f.ends[key].IsZero() && f.errs("expired early"):
			text = "$-1\r\n"
		}
		if len(args) == 3 {
			return "*2\r\n" + text + bulk("CONSISTENT")
		}
		return text
	case "DEL":
		delete(f.values, key)
		delete(f.ends, key)
		if there {
			return integer(1)
		}
		return integer(0)
	}
	return f.change(key, old, args)
}

// change performs what changes numbers.
func (f *fake) change(key string, old int64, args []string) string {
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(args[i], 10, 64)
		return n
	}
	switch args[0] {
	case "INCR":
		return f.add(key, old, 1)
	case "INCRBY":
		return f.add(key, old, number(2))
	case "SET":
		f.values[key] = number(2)
		if delete(f.ends, key); len(args) == 5 {
			f.ends[key] = time.Now().Add(time.Duration(number(4)) * time.Millisecond)
		}
		return "+OK\r\n"
	case "CAS":
		if old == number(2) {
			f.values[key] = number(3)
		}
		return integer(old)
	case "INCREX":
		if n := old + number(3); args[4] == "LBOUND" && n < number(5) || args[4] == "UBOUND" && n > number(5) {
			return "*2\r\n" + integer(old) + integer(0)
		}
		return "*2\r\n" + f.add(key, old, number(3)) + integer(number(3))
	}
	if !compare(args[2], old, number(3)) && !f.errs("condition ignored") {
		return "*3\r\n" + integer(0) + integer(old) + integer(old)
	}
	if args[0] == "SETIF" {
		f.values[key] = number(4)
		return "*3\r\n" + integer(1) + integer(number(4)) + integer(old)
	}
	return "*3\r\n" + integer(1) + f.add(key, old, number(4)) + integer(old)
}

func (f *fake) add(key string, old, n int64) string {
	f.values[key] = old + n
	switch {
	case f.errs("applied twice"):
		f.values[key] += n
	case f.errs("acknowledged, not done"):
		f.values[key] = old
	case f.alone && f.errs("refused, but done"):
		return "-CLUSTERDOWN not applied: a lie\r\n"
	}
	return integer(old + n)
}

func compare(how string, a, b int64) bool {
	return map[string]bool{"EQ": a == b, "NE": a != b, "LT": a < b, "LE": a <= b, "GT": a > b, "GE": a >= b, "ANY": true}[how]
}

func integer(n int64) string { return fmt.Sprintf(":%d\r\n", n) }

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func readCommand(in *bufio.Reader) ([]string, error) {
	n, err := readLength(in, "*")
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		size, err := readLength(in, "$")
		if err != nil {
			return nil, err
		}
		text := make([]byte, size+2)
		if _, err := io.ReadFull(in, text); err != nil {
			return nil, err
		}
		args[i] = string(text[:size])
	}
	return args, nil
}

func readLength(in *bufio.Reader, prefix string) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(line), prefix))
}
