package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/memnet"
)

// peer is a Port on a network in memory. It closes itself when its test ends.
type peer struct {
	*Port
	dials   atomic.Int64 // of this peer
	accepts atomic.Int64
}

// secret is what all peers of the tests know, unless told otherwise.
var secret = []byte("as long as sixteen bytes and longer")

// addrOf is the peer port of a host.
func addrOf(host string) string { return host + ":17379" }

// open opens the port of a host that is in the cluster "house", welcomes everybody and echoes all calls, unless told
// otherwise.
func open(t *testing.T, n *memnet.Network, host string, changes ...func(*Config)) *peer {
	t.Helper()
	l, err := n.Listen(addrOf(host))
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{}
	config := Config{
		Listener: countingListener{l, &p.accepts},
		Dial: func(ctx context.Context, addr string) (net.Conn, error) {
			p.dials.Add(1)
			return n.Dial(ctx, host, addr)
		},
		Secret:   secret,
		Me:       func() Identity { return Identity{Cluster: "house", Node: host} },
		Admit:    func(Stream, Identity) error { return nil },
		Handlers: map[Stream]Handler{Batches: echo, Control: echo},
	}
	for _, change := range changes {
		change(&config)
	}
	p.Port = NewPort(config)
	t.Cleanup(func() { p.Close() })
	return p
}

type countingListener struct {
	net.Listener
	accepts *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepts.Add(1)
	}
	return conn, err
}

// handling answers Control calls by h.
func handling(h Handler) func(*Config) {
	return func(c *Config) { c.Handlers = map[Stream]Handler{Control: h} }
}

// admitting asks rule about everybody.
func admitting(rule func(Stream, Identity) error) func(*Config) {
	return func(c *Config) { c.Admit = rule }
}

// sharing makes s the peer's secret.
func sharing(s []byte) func(*Config) { return func(c *Config) { c.Secret = s } }

// noting keeps what is logged.
func noting(log *journal) func(*Config) { return func(c *Config) { c.Logf = log.printf } }

func echo(from string, method byte, payload []byte, reply func([]byte)) { reply(payload) }

func silent(string, byte, []byte, func([]byte)) {}

// journal is a list of lines, safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) printf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

// outcome is how a call ended.
type outcome struct {
	reply string
	err   error
	after time.Duration
}

// begin makes a call; its outcome comes out of the channel.
func begin(l *Link, text string) <-chan outcome {
	got, start := make(chan outcome, 1), time.Now()
	l.Call(1, []byte(text), func(reply []byte, err error) { got <- outcome{string(reply), err, time.Since(start)} })
	return got
}

// ask makes a call and waits for its outcome.
func ask(l *Link, text string) outcome { return <-begin(l, text) }

func expectEcho(t *testing.T, l *Link, text string) {
	t.Helper()
	if got := ask(l, text); got.err != nil || got.reply != text {
		t.Fatalf("a call of %q ended with %q, %v", text, got.reply, got.err)
	}
}

// expectFailure waits for a call to fail in its family, for one of the causes, no sooner and no later than it should.
func expectFailure(t *testing.T, call <-chan outcome, family, cause error, soonest, latest time.Duration) {
	t.Helper()
	got := <-call
	if !errors.Is(got.err, family) || !errors.Is(got.err, cause) {
		t.Fatalf("the call ended with %q, %v; want %q because of %q", got.reply, got.err, family, cause)
	}
	if got.after < soonest || got.after > latest {
		t.Fatalf("the call failed after %v (%v), want %v to %v", got.after, got.err, soonest, latest)
	}
}

// stranger connects to a peer port without a Port of his own.
func stranger(t *testing.T, n *memnet.Network, to string) *memnet.Conn {
	t.Helper()
	conn, err := n.Dial(t.Context(), "stranger", addrOf(to))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*memnet.Conn)
}

// guest is a stranger who has been let in and speaks frames by hand.
func guest(t *testing.T, n *memnet.Network, to string, stream Stream) net.Conn {
	t.Helper()
	conn := stranger(t, n, to)
	if err := sayHello(conn, secret, stream, Identity{"house", "guest"}); err != nil {
		t.Fatal(err)
	}
	return &records{Conn: conn}
}

// knock goes through a handshake by hand, as a node of the house, up to the proof that it returns.
func knock(t *testing.T, conn net.Conn, stream Stream) (proof []byte) {
	t.Helper()
	x := &exchange{conn: conn, secret: secret}
	if err := x.say(hello(stream, Identity{"house", "guest"})); err != nil {
		t.Fatal(err)
	}
	if _, err := x.hear(nonceSize); err != nil {
		t.Fatal(err)
	}
	return x.proof(proofOfDialer)
}

// host answers handshakes and calls by hand: behave gets every connection to it after the handshake.
func host(t *testing.T, n *memnet.Network, name string, behave func(net.Conn)) {
	t.Helper()
	l, err := n.Listen(addrOf(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if x, _, _, err := hearHello(conn, secret); err == nil && x.welcome() == nil {
					behave(&records{Conn: conn})
				}
			}()
		}
	}()
}

func send(t *testing.T, conn net.Conn, bytes []byte) {
	t.Helper()
	if _, err := conn.Write(bytes); err != nil {
		t.Fatal(err)
	}
}

func expectBytes(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got, err, want)
	}
}

// expectHangUp waits for the far end to close without another byte.
func expectHangUp(t *testing.T, conn net.Conn) {
	t.Helper()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Fatalf("read %d bytes, %v; want the end", n, err)
	}
}

// inVirtualTime runs a test in a bubble of its own network. The bubble ends when every goroutine in it has.
func inVirtualTime(t *testing.T, test func(t *testing.T, n *memnet.Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, memnet.New(nil)) })
}
