//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const (
	// patience bounds waits that are no promise of speed.
	patience = 30 * time.Second
	// answerTime is how long a client waits for a reply: more than a node ever takes, so that no answer is a failure.
	answerTime = 5 * time.Second
	pollEvery  = 10 * time.Millisecond

	// Ports are drawn from below the range of outgoing connections: while a node is down, nobody else may get its port.
	firstPort, lastPort = 20000, 30000
)

// binary is the program under test, built by TestMain.
var binary string

func TestMain(m *testing.M) {
	if os.Getenv(attackVariable) != "" {
		os.Exit(runAttack())
	}
	if os.Getenv(instanceVariable) != "" {
		os.Exit(runInstance())
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "truecount-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "truecount")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "github.com/truecount/truecount/cmd/truecount")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// process is one node: the flags it is started with each time, and the process that runs at present, if any.
type process struct {
	name, dir, resp, peer string
	flags                 []string // besides the four above
	bare                  bool     // started with flags alone: the four come from elsewhere
	env                   []string // besides the test's own
	cmd                   *exec.Cmd
	output                *output       // of all its lives
	earlier               int           // how much of that is of those before the present one
	exited                chan struct{} // closed when the present process has ended
}

// output collects what a process says; it is read while the process runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newProcess chooses directory and ports, and starts nothing. When the test ends the node is killed; if the test has
// failed, its output is shown.
func newProcess(t *testing.T, name string, flags ...string) *process {
	t.Helper()
	p := &process{
		name: name, dir: filepath.Join(t.TempDir(), name), resp: freeAddress(t), peer: freeAddress(t),
		flags: flags, output: &output{},
	}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill(t)
		}
		if t.Failed() {
			t.Logf("%s at %s said:\n%s", p.name, p.resp, p.output)
		}
	})
	return p
}

func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port found")
	return ""
}

func (p *process) args() []string {
	if p.bare {
		return append([]string{"serve"}, p.flags...)
	}
	return append([]string{"serve", "--id", p.name, "--dir", p.dir, "--resp", p.resp, "--peer", p.peer}, p.flags...)
}

func (p *process) start(t *testing.T) {
	t.Helper()
	cmd, exited := exec.Command(binary, p.args()...), make(chan struct{})
	cmd.Stdout, cmd.Stderr, cmd.Env = p.output, p.output, append(os.Environ(), p.env...)
	p.earlier = len(p.output.String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		cmd.Wait() // the exit code is in ProcessState
		close(exited)
	}()
	p.cmd, p.exited = cmd, exited
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	p.cmd.Process.Kill()
	<-p.exited
	p.cmd = nil
}

// terminate is SIGTERM, and wants exit code 0.
func (p *process) terminate(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.waitExit(t, 0)
}

// waitExit waits until a process has ended by itself, and wants the exit code.
func (p *process) waitExit(t *testing.T, want int) {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		t.Fatalf("%s has not ended within %v", p.name, patience)
	}
	if code := p.cmd.ProcessState.ExitCode(); code != want {
		t.Errorf("%s ended with exit code %d, want %d", p.name, code, want)
	}
	p.cmd = nil
}

func (p *process) running() bool { return p.cmd != nil }

// waitReady waits for the ready line of the present life.
func (p *process) waitReady(t *testing.T) {
	t.Helper()
	eventually(t, p.name+" is ready", func() error {
		if said := p.output.String()[p.earlier:]; !strings.Contains(said, p.name+" ready: ") {
			return fmt.Errorf("it has said %q", said)
		}
		return nil
	})
}

// said is nil when the node has said a line with all the words, in any of its lives.
func (p *process) said(words ...string) error {
	for line := range strings.Lines(p.output.String()) {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			return nil
		}
	}
	return fmt.Errorf("no line of %s has %q", p.name, words)
}

// dial opens a client's connection.
func (p *process) dial() (redis.Conn, error) {
	return redis.Dial("tcp", p.resp,
		redis.DialConnectTimeout(answerTime), redis.DialReadTimeout(answerTime), redis.DialWriteTimeout(answerTime))
}

// client is a connection that lives as long as the test.
func (p *process) client(t *testing.T) redis.Conn {
	t.Helper()
	conn, err := p.dial()
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (p *process) status() (fsm.Status, error) {
	var status fsm.Status
	conn, err := p.dial()
	if err != nil {
		return status, err
	}
	defer conn.Close()
	text, err := redis.Bytes(conn.Do("TRUECOUNT", "STATUS"))
	if err != nil {
		return status, err
	}
	return status, json.Unmarshal(text, &status)
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() error) {
	t.Helper()
	within(t, patience, what, condition)
}

func within(t *testing.T, limit time.Duration, what string, condition func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("not within %v: %s: %v", limit, what, err)
		case <-tick.C:
		}
	}
}

// long is for tests that take long and for which internal/faults, too, does what they do: go test -short leaves them out.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long: left out by -short")
	}
}
