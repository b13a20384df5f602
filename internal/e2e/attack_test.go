//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// An attack runs in a process of its own, this test's binary once more: what it costs its sender is not measured as the
// node's, and its goroutines don't delay those that measure. It has a low priority, for a real attacker uses the processors
// of another machine.
//
//	parent                              attacker
//	startAttack: E2E_ATTACK=name …  →   runAttack: prepare, then "ready"
//	attacker.end: closes stdin      →   stops, and prints a tally as JSON
const (
	attackVariable  = "E2E_ATTACK" // the name of the attack
	targetVariable  = "E2E_TARGET" // the address of the node
	attackNiceness  = 10
	attackReadiness = 60 * time.Second // 10,000 connections take a while
	attackEnd       = 20 * time.Second
)

// tally is what an attack has done and seen.
type tally struct {
	Connected int64            // connections that came about
	Failed    int64            // that didn't
	Closed    int64            // that the node has closed
	Sent      int64            // bytes
	Received  int64            // bytes
	Said      map[string]int64 // error replies, and how often
}

// attacker is a running attack, as its parent sees it.
type attacker struct {
	cmd   *exec.Cmd
	stdin io.Closer
	out   *bufio.Scanner
}

// startAttack returns when the attack is on.
func startAttack(t *testing.T, name, target string) *attacker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := &attacker{cmd: exec.Command(self)}
	a.cmd.Env = append(os.Environ(), attackVariable+"="+name, targetVariable+"="+target)
	a.cmd.Stderr = os.Stderr
	stdout, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if a.stdin, err = a.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.cmd.Process.Kill()
		a.cmd.Wait() // once more, in vain, after end
	})
	a.out = bufio.NewScanner(stdout)
	tooLate := time.AfterFunc(attackReadiness, func() { a.cmd.Process.Kill() })
	defer tooLate.Stop()
	if !a.out.Scan() || a.out.Text() != "ready" {
		t.Fatalf("the attack %s did not begin: %q", name, a.out.Text())
	}
	return a
}

// end stops the attack and returns what came of it.
func (a *attacker) end(t *testing.T) (sum tally) {
	t.Helper()
	a.stdin.Close()
	tooLate := time.AfterFunc(attackEnd, func() { a.cmd.Process.Kill() })
	defer tooLate.Stop()
	if !a.out.Scan() {
		t.Fatal("the attack has told nothing")
	}
	if err := json.Unmarshal(a.out.Bytes(), &sum); err != nil {
		t.Fatalf("%v: %s", err, a.out.Text())
	}
	if err := a.cmd.Wait(); err != nil {
		t.Errorf("the attack ended with %v", err)
	}
	return sum
}

// runAttack is the attacker's main function.
func runAttack() int {
	name := os.Getenv(attackVariable)
	i := slices.IndexFunc(attacks, func(a attack) bool { return a.name == name })
	if i < 0 {
		fmt.Fprintln(os.Stderr, "no such attack:", name)
		return 1
	}
	syscall.Setpriority(syscall.PRIO_PROCESS, 0, attackNiceness) // without it the figures are worse, not wrong
	f := &field{target: os.Getenv(targetVariable), stop: make(chan struct{})}
	attacks[i].begin(f)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	close(f.stop)
	f.closeAll()
	f.running.Wait()
	text, err := json.Marshal(f.sum())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(string(text))
	return 0
}

// field is where an attack takes place: its connections and what they count.
type field struct {
	target  string
	stop    chan struct{}
	running sync.WaitGroup

	connected, failed, closed, sent, received atomic.Int64

	mu    sync.Mutex
	conns map[*foe]struct{}
	said  map[string]int64
}

func (f *field) stopped() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

func (f *field) sum() tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	return tally{Connected: f.connected.Load(), Failed: f.failed.Load(), Closed: f.closed.Load(),
		Sent: f.sent.Load(), Received: f.received.Load(), Said: f.said}
}

func (f *field) closeAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		c.conn.Close()
	}
}

// hear counts the error replies in what a node sent at the end of a connection.
func (f *field) hear(text string) {
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-") {
			continue
		}
		f.mu.Lock()
		if f.said == nil {
			f.said = map[string]int64{}
		}
		f.said[strings.TrimSpace(line)]++
		f.mu.Unlock()
	}
}
