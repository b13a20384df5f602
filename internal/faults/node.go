package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const (
	respPort, peerPort = 7379, 17379      // of every node: each has a host of its own
	askTime            = 3 * time.Second  // for an answer to the harness
	changeTime         = 15 * time.Second // for a change of the members, which waits for a majority
	endTime            = 15 * time.Second // for a process to end by itself
)

var (
	errRunning = errors.New("it runs already")
	errDown    = errors.New("it does not run")
	errHanging = errors.New("it has not ended in time")
)

// node is one member: a process that is started again and again, on a host of its own. What stands in the fields above the
// mutex may be changed by the nemesis that has taken the node, while it does not run.
type node struct {
	name   string
	host   *host
	addr   string   // where clients reach it: at its door, in the harness's own network
	dir    string   // data directory
	log    string   // file with the output of all its lives
	clock  string   // file that says how wrong its wall clock is; empty: it is right
	binary string   // truecount, or an older one
	flags  []string // more flags for serve
	env    []string // more variables

	c  *cluster
	mu sync.Mutex // guards what follows
	life
	taken bool
}

// life is one process of a node.
type life struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has ended; nil before the first
	killed bool          // the harness ended it by force: any exit is right
}

// args are those of serve. The join address is ignored by a node that is a member.
func (n *node) args() []string {
	args := []string{"serve", "--id", n.name, "--dir", n.dir, "--resp", n.host.address(respPort), "--peer", n.host.address(peerPort),
		"--secret-file", n.c.secretFile, "--password-file", n.c.passwordFile}
	if n.host.front != "" {
		args = append(args, "--advertise-peer", n.host.front)
	}
	if n.clock != "" {
		args = append(args, "--debug-clock", n.clock)
	}
	if n.c.seeded.Load() {
		args = append(args, "--join", n.c.others(n))
	}
	return append(append(args, n.c.flags...), n.flags...)
}

// start starts the process and does not wait until it is ready.
func (n *node) start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.alive() {
		return fmt.Errorf("%s: %w", n.name, errRunning)
	}
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(n.binary, n.args()...)
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, append(n.c.environ(), n.env...)
	if err := n.host.start(cmd); err != nil {
		return fmt.Errorf("%s could not be started: %w", n.name, err)
	}
	exited := make(chan struct{})
	n.life = life{cmd: cmd, exited: exited}
	go func() {
		cmd.Wait() // how it ended is in ProcessState
		close(exited)
	}()
	return nil
}

// alive is called with the mutex held.
func (n *node) alive() bool {
	if n.exited == nil {
		return false
	}
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.alive()
}

// pid is that of the present process, or 0.
func (n *node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.alive() {
		return 0
	}
	return n.cmd.Process.Pid
}

func (n *node) signal(s syscall.Signal) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.alive() {
		return fmt.Errorf("%s: %w", n.name, errDown)
	}
	if s == syscall.SIGKILL {
		n.killed = true
	}
	return n.cmd.Process.Signal(s)
}

// kill is kill -9, and waits for the end.
func (n *node) kill() error {
	if err := n.signal(syscall.SIGKILL); err != nil {
		return err
	}
	return n.waitExit(endTime)
}

// terminate is SIGTERM, and waits for the end; after endTime it kills, which is an error.
func (n *node) terminate() error {
	if err := n.signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := n.waitExit(endTime)
	if err != nil {
		n.kill()
	}
	return err
}

func (n *node) waitExit(limit time.Duration) error {
	n.mu.Lock()
	exited := n.exited
	n.mu.Unlock()
	select {
	case <-exited:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("%s: %w", n.name, errHanging)
	}
}

// expectEnd says that the present process may end by itself.
func (n *node) expectEnd() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.killed = true
}

// expectLife takes that back, for one that runs on.
func (n *node) expectLife() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.killed = false
}

// unexpected says how the present process has ended although nobody killed it; empty: it runs, was killed, or ended with 0.
func (n *node) unexpected() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.exited == nil || n.alive() || n.killed || n.cmd.ProcessState.ExitCode() == 0 {
		return ""
	}
	return n.cmd.ProcessState.String()
}

// killedWord is how a process ends by kill -9.
const killedWord = "signal: killed"

// ending says how the last process has ended.
func (n *node) ending() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.exited == nil || n.alive() {
		return "it runs"
	}
	return n.cmd.ProcessState.String()
}

// ask sends one command on a connection of its own.
func (n *node) ask(ctx context.Context, limit time.Duration, command string, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := n.dial(ctx, limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	defer conn.Close()
	reply, err := redis.DoContext(conn, ctx, command, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", n.name, command, err)
	}
	return reply, nil
}

// dial connects and logs in. A reply may take so long.
func (n *node) dial(ctx context.Context, limit time.Duration) (redis.Conn, error) {
	return redis.DialContext(ctx, "tcp", n.addr, redis.DialPassword(n.c.password), redis.DialReadTimeout(limit))
}

// status is TRUECOUNT STATUS.
func (n *node) status(ctx context.Context) (fsm.Status, error) {
	var s fsm.Status
	text, err := redis.Bytes(n.ask(ctx, askTime, "TRUECOUNT", "STATUS"))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

// output is what the node has said in all its lives.
func (n *node) output() []byte {
	text, _ := os.ReadFile(n.log) // a node that never ran has said nothing
	return text
}

// said counts the words in the output.
func (n *node) said(words string) int { return bytes.Count(n.output(), []byte(words)) }

// wipe removes all data of a node that does not run.
func (n *node) wipe() error {
	if n.running() {
		return fmt.Errorf("%s: %w", n.name, errRunning)
	}
	entries, err := os.ReadDir(n.dir) // the directory itself may be a mount point
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(n.dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
