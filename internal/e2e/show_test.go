//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/demo"
)

// playground is where a demo runs: a place and a folder for data of its own.
type playground struct {
	env  []string
	temp string
	port int
}

func newPlayground(t *testing.T) *playground {
	t.Helper()
	runtime, err := os.MkdirTemp("", "tc") // short: a socket's path has a hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(runtime) })
	g := &playground{temp: t.TempDir(), port: 21379 + rand.IntN(1000)}
	g.env = append(os.Environ(), "XDG_RUNTIME_DIR="+runtime, "TMPDIR="+g.temp)
	return g
}

// folders are the data that demos have left or are using.
func (g *playground) folders(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(g.temp, "truecount-demo-[0-9]*[0-9]"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// say runs truecount demo ARGS and returns what it said on stdout, or on stderr if it failed.
func (g *playground) say(args ...string) (string, error) {
	cmd := exec.Command(binary, append([]string{"demo"}, args...)...)
	cmd.Env = g.env
	out, err := cmd.Output()
	if failure, ok := err.(*exec.ExitError); ok {
		return string(failure.Stderr), err
	}
	return string(out), err
}

// ask is say with an answer in JSON.
func ask[T any](t *testing.T, g *playground, args ...string) (answer T) {
	t.Helper()
	out, err := g.say(append(args, "--json")...)
	if err != nil {
		t.Fatalf("demo %v: %v: %s", args, err, out)
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatalf("demo %v: %v in %s", args, err, out)
	}
	return answer
}

// happening is any event; what a type does not have is zero.
type happening struct {
	Type    string
	AfterMs *int64 `json:"after_ms"`
	Notice  string
	DataDir string `json:"data_dir"`
	Nodes   []demo.Node
	Waiting json.RawMessage // of an outcome, or whether a count waits
	raw     []byte
}

// show is a running demo and what it has told so far.
type show struct {
	*playground
	cmd    *exec.Cmd
	exited chan struct{}
	stderr output

	mu     sync.Mutex
	events []happening
}

// open starts a demo and waits for its first event.
func (g *playground) open(t *testing.T, args ...string) *show {
	t.Helper()
	s := &show{playground: g, exited: make(chan struct{})}
	s.cmd = exec.Command(binary, append([]string{"demo", "--json", "--port", fmt.Sprint(g.port)}, args...)...)
	s.cmd.Env, s.cmd.Stderr = g.env, &s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.listen(stdout)
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.exited
		if t.Failed() {
			t.Logf("the demo said: %s\n%s", &s.stderr, s.told())
		}
	})
	s.wait(t, "ready", 1)
	return s
}

func (s *show) listen(stdout io.Reader) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		h := happening{raw: append([]byte(nil), lines.Bytes()...)}
		json.Unmarshal(h.raw, &h)
		s.mu.Lock()
		s.events = append(s.events, h)
		s.mu.Unlock()
	}
	s.cmd.Wait() // the exit code is in ProcessState
	close(s.exited)
}

func (s *show) all(kind string) []happening {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []happening
	for _, h := range s.events {
		if h.Type == kind {
			found = append(found, h)
		}
	}
	return found
}

// told is the events but counts, as they came.
func (s *show) told() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, h := range s.events {
		if h.Type != "count" {
			fmt.Fprintf(&b, "%s\n", h.raw)
		}
	}
	return b.String()
}

// wait waits for the nth event of a kind, and returns it.
func (s *show) wait(t *testing.T, kind string, n int) happening {
	t.Helper()
	eventually(t, fmt.Sprintf("the demo tells %s %d times", kind, n), func() error {
		if got := len(s.all(kind)); got < n {
			return fmt.Errorf("%d times; stderr: %s", got, &s.stderr)
		}
		return nil
	})
	return s.all(kind)[n-1]
}

// waitEnd waits until the demo has ended by itself.
func (s *show) waitEnd(t *testing.T, limit time.Duration) {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(limit):
		t.Fatalf("the demo has not ended within %v", limit)
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the demo ended with exit code %d: %s", code, &s.stderr)
	}
	if left := s.folders(t); len(left) > 0 {
		t.Errorf("the demo has left %v", left)
	}
}

func (s *show) nodes(t *testing.T) []demo.Node {
	t.Helper()
	return ask[demo.Status](t, s.playground, "status").Nodes
}

// value reads the demo's counter at a node that lives.
func (s *show) value(t *testing.T) int64 {
	t.Helper()
	for _, n := range s.nodes(t) {
		if n.Role == demo.RoleDead {
			continue
		}
		conn, err := redis.Dial("tcp", n.RESP, redis.DialReadTimeout(answerTime))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		value, err := redis.Int64(conn.Do("GET", demo.Key))
		if err != nil {
			t.Fatalf("GET at %s: %v", n.ID, err)
		}
		return value
	}
	t.Fatal("no node lives")
	return 0
}

// waitCount waits until the writers have counted on.
func (s *show) waitCount(t *testing.T, n int64) {
	t.Helper()
	want := s.value(t) + n
	eventually(t, "the writers count", func() error {
		if got := s.value(t); got < want {
			return fmt.Errorf("%d, want %d", got, want)
		}
		return nil
	})
}

// alive reports whether a process runs.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil && !zombie(pid) }

func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}
