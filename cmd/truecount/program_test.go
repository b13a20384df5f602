package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// patience bounds every wait for what must happen.
const patience = 20 * time.Second

// node is a Program that runs in this process until the test ends.
type node struct {
	*Program
	stop  func() error // ends Run and returns its error
	ready readyLine
}

// readyLine is a writer that tells when the first line is there.
type readyLine struct {
	once sync.Once
	text chan string
}

func (r *readyLine) Write(line []byte) (int, error) {
	r.once.Do(func() { r.text <- string(line) })
	return len(line), nil
}

// startNode opens a program on free ports and waits until it is ready. Raft's timing is loose: under the race detector
// on a busy machine an election takes long.
func startNode(t *testing.T, config Config) *node {
	t.Helper()
	n := &node{ready: readyLine{text: make(chan string, 1)}}
	config.RESP, config.Version, config.Logger, config.Ready = "127.0.0.1:0", "test", hclog.NewNullLogger(), &n.ready
	config.Timing = cluster.Timing{Heartbeat: 500 * time.Millisecond, Election: 500 * time.Millisecond, Lease: 400 * time.Millisecond}
	program, err := Open(config)
	if err != nil {
		t.Fatal(err)
	}
	n.Program = program
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- program.Run(ctx) }()
	n.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("%s: stopped with %v", config.ID, err)
		}
	})
	select {
	case line := <-n.ready.text:
		if !strings.Contains(line, program.config.RESP) || strings.Count(line, "\n") != 1 {
			t.Errorf("ready line %q, want one with the address %s", line, program.config.RESP)
		}
	case err := <-ended:
		t.Fatalf("%s: ended with %v before it was ready", config.ID, err)
	case <-time.After(patience):
		t.Fatalf("%s: not ready after %v", config.ID, patience)
	}
	return n
}

// cli is run with what it printed.
func cli(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, &out, &errs)
	return code, out.String(), errs.String()
}

// wantDo runs one command at n and compares what is printed.
func (n *node) wantDo(t *testing.T, want string, command ...string) {
	t.Helper()
	code, out, errs := cli(append([]string{"do", "--node", n.config.RESP}, command...)...)
	if out != want+"\n" || errs != "" || (code == 1) != strings.HasPrefix(want, "ERR") {
		t.Errorf("%s: exit code %d, %q and %q on stderr, want %q", strings.Join(command, " "), code, out, errs, want)
	}
}

func TestANodeCountsAndKeepsItsCount(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	n := startNode(t, Config{ID: "n1", Dir: dir})
	n.wantDo(t, "1", "INCR", "hits")
	n.wantDo(t, "-4", "INCRBY", "hits", "-5")
	n.wantDo(t, "OK", "SET", "name", "x y")
	n.wantDo(t, "ERR value is not an integer or out of range", "INCR", "name")
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	n = startNode(t, Config{Dir: dir})
	n.wantDo(t, "-4", "GET", "hits")
	n.wantDo(t, "x y", "GET", "name")
}

// A grace that is longer than a lease shows in how long the instance lives yet.
func TestABoundInstanceHasTheGraceOfItsNode(t *testing.T) {
	const grace, lease = 50_000, 40_000 // milliseconds
	n := startNode(t, Config{ID: "n1", Dir: filepath.Join(t.TempDir(), "data"), BindGrace: grace * time.Millisecond, DeadInstance: lease * time.Millisecond})
	n.wantDo(t, "OK", "IC.BIND", "web") // its connection ends behind it
	deadline := time.Now().Add(patience)
	for {
		_, out, _ := cli("do", "--node", n.config.RESP, "IC.INSTANCES")
		var left, own int
		if _, told, found := strings.Cut(out, "alive"); found {
			if _, err := fmt.Fscan(strings.NewReader(told), &left, &own); err != nil {
				t.Fatalf("%v in %q", err, out)
			}
		}
		if left > lease && left <= grace && own == lease {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it lives for %d ms yet, with a lease of %d ms", left, own)
		}
	}
}

func TestANodeThatCannotGoOnHangsUpAndEndsInWords(t *testing.T) {
	ready := readyLine{text: make(chan string, 1)}
	p, err := Open(Config{ID: "n1", Dir: t.TempDir(), RESP: "127.0.0.1:0", Peer: "127.0.0.1:0", Version: "test",
		Logger: hclog.NewNullLogger(), Ready: &ready, Timing: cluster.DefaultTiming()})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Run(context.Background()) }()
	select {
	case <-ready.text:
	case <-time.After(patience):
		t.Fatal("not ready")
	}
	client, err := net.Dial("tcp", p.config.RESP)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	hangs := errors.New("disk: append to the log: no answer for 30s")
	p.fail(hangs)
	p.fail(errors.New("another, later"))
	select {
	case err := <-ended:
		if err != hangs {
			t.Errorf("Run = %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run goes on")
	}
	if err := client.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a client reads %d bytes, %v", n, err)
	}
	for _, addr := range []string{p.config.RESP, p.config.Peer} {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s is still open", addr)
		}
	}
	if err := p.gate.node.Load().Close(); err != nil { // for the sake of this process, which goes on
		t.Log(err)
	}
}

func TestThreeNodesByJoin(t *testing.T) {
	dir := t.TempDir()
	first := startNode(t, Config{ID: "n1", Dir: filepath.Join(dir, "1")})
	second := startNode(t, Config{ID: "n2", Dir: filepath.Join(dir, "2"), Join: []string{first.config.RESP}})
	third := startNode(t, Config{ID: "n3", Dir: filepath.Join(dir, "3"), Join: []string{"127.0.0.1:1", second.config.RESP}})
	third.wantDo(t, "1", "INCR", "hits")
	second.wantDo(t, "2", "INCR", "hits")
	first.wantDo(t, "2", "GET", "hits")

	code, out, errs := cli("status", "--node", third.config.RESP, "--json")
	var status fsm.Status
	if err := json.Unmarshal([]byte(out), &status); err != nil || code != 0 || errs != "" {
		t.Fatalf("status --json: exit code %d, %q, %q: %v", code, out, errs, err)
	}
	if status.ID != "n3" || status.Leader == nil || status.Leader.RESP != first.config.RESP || len(status.Members) != 3 {
		t.Errorf("status of n3: %s", out)
	}
	_, out, _ = cli("status", "--node", third.config.RESP)
	for _, want := range []string{"n3 is ", "leader n1 at " + first.config.RESP, second.config.RESP, third.config.Peer} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in the table:\n%s", want, out)
		}
	}
}

func TestStartupErrorsAreOneLine(t *testing.T) {
	dir := t.TempDir()
	running := startNode(t, Config{ID: "n1", Dir: filepath.Join(dir, "1")})
	foreign := filepath.Join(dir, "letters")
	if err := os.MkdirAll(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "dear.txt"), []byte("Dear"), 0o644); err != nil {
		t.Fatal(err)
	}
	free := func(dir string, flags ...string) []string {
		return append([]string{"serve", "--resp", "127.0.0.1:0", "--dir", dir}, flags...)
	}
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", free(dir, "--speed", "9"), "unknown flag: --speed"},
		{"an argument", free(dir, "n1"), `not "n1"`},
		{"bad log level", free(dir, "--log-level", "loud"), "--log-level"},
		{"bad address", []string{"serve", "--resp", "here"}, "--resp"},
		{"port in use", []string{"serve", "--resp", running.config.RESP, "--peer", "127.0.0.1:0"}, "the port is in use"},
		{"a stranger's address", []string{"serve", "--resp", "192.0.2.1:7379"}, "--insecure"},
		{"an address that isn't ours", []string{"serve", "--insecure", "--resp", "192.0.2.1:7379", "--peer", "127.0.0.1:0"}, "no interface"},
		{"a stranger's peer address", []string{"serve", "--insecure", "--resp", "192.0.2.1:7379"}, "--peer 192.0.2.1:17379"},
		{"no secret", free(dir, "--secret-file", filepath.Join(dir, "none")), "openssl rand -hex 32"},
		{"bad setting", free(dir, "--max-bytes", "much"), "--max-bytes: "},
		{"no configuration", free(dir, "--config", filepath.Join(dir, "none")), "configuration file"},
		{"second process on a directory", free(running.config.Dir), running.config.Dir},
		{"foreign directory", free(foreign), foreign},
		{"nobody there", []string{"status", "--node", closedPort(t)}, "connection refused"},
		{"nobody to count with", []string{"do", "--node", closedPort(t), "GET", "k"}, "connection refused"},
		{"no command", []string{"do"}, "no command given"},
		{"nobody named to leave", []string{"leave"}, "say which with --node"},
		{"two heirs", []string{"transfer", "--node", running.config.RESP, "n1", "n2"}, "one argument at most"},
		{"a peer port", []string{"status", "--node", running.config.Peer}, "not its peer address"},
		{"a refused change", []string{"remove", "--node", running.config.RESP, "n9"}, `answered: ERR refused: no member "n9"`},
		{"unknown subcommand", []string{"count"}, `"count"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, out, errs := cli(test.args...)
			if code != 1 || out != "" || !strings.HasPrefix(errs, "truecount: ") || !strings.Contains(errs, test.want) {
				t.Errorf("exit code %d, %q, stderr %q; want 1, nothing, and %q", code, out, errs, test.want)
			}
			if strings.Count(errs, "\n") != 1 {
				t.Errorf("more than one line on stderr: %q", errs)
			}
		})
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestVersionIsOneLine(t *testing.T) {
	code, out, errs := cli("version")
	if code != 0 || errs != "" || !strings.HasPrefix(out, "truecount ") || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d, %q, %q", code, out, errs)
	}
}
