package demo

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/truecount/truecount/fsm"
)

// RoleDead is the role of a node whose process has ended. The others are fsm's.
const RoleDead fsm.Role = "dead"

// Node is one line of the demo's table.
type Node struct {
	ID   string   `json:"id"`
	RESP string   `json:"resp"` // address for clients
	Role fsm.Role `json:"role"` // RoleDead, or as the node itself says; empty while it does not answer
	PID  int      `json:"pid"`  // of its present process, or its last
}

// node is a process that is started again and again with the same arguments. The stage owns it.
type node struct {
	id, addr string
	args     []string
	cores    int    // that its process may use
	log      string // file
	open     atomic.Bool

	process *os.Process
	lives   int // how often it was started
	alive   bool
	since   time.Time // of its present life
	applied uint64    // the index up to which it was seen to have applied the log
}

// exit says that a process of a node has ended.
type exit struct {
	node  *node
	life  int
	state *os.ProcessState
	at    time.Time
}

// newNodes arranges n nodes on ports from first on, with their data in dir.
func newNodes(n, first int, dir string) []*node {
	nodes := make([]*node, n)
	for i := range nodes {
		id := "n" + strconv.Itoa(i+1)
		nodes[i] = &node{id: id, cores: max(1, runtime.GOMAXPROCS(0)/n), addr: net.JoinHostPort(host, strconv.Itoa(first+i)), log: filepath.Join(dir, id+".log")}
		nodes[i].args = []string{"serve", "--id", id, "--dir", filepath.Join(dir, id), "--resp", nodes[i].addr}
		if i > 0 {
			nodes[i].args = append(nodes[i].args, "--join", nodes[0].addr)
		}
	}
	return nodes
}

// start starts the node's process, which says on exits when it ends.
func (n *node) start(f *forker, executable string, exits chan<- exit) error {
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(executable, n.args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, ownEnviron(os.Environ(), n.cores)
	if err := f.start(cmd); err != nil {
		return fmt.Errorf("%s could not be started: %w", n.id, err)
	}
	n.process, n.alive, n.since = cmd.Process, true, time.Now()
	n.lives++
	life := n.lives
	go func() {
		cmd.Wait() // how it ended is in ProcessState
		exits <- exit{n, life, cmd.ProcessState, time.Now()}
	}()
	return nil
}

// ownEnviron leaves out what would configure the nodes: a demo is the same wherever it runs. Each has its share of the cores,
// unless the caller has said how many it may use: threads that wait for each other's cores halve the speed of all.
func ownEnviron(environ []string, cores int) []string {
	const key = "GOMAXPROCS="
	own := slices.DeleteFunc(slices.Clone(environ), func(v string) bool { return strings.HasPrefix(v, "TRUECOUNT_") })
	if !slices.ContainsFunc(own, func(v string) bool { return strings.HasPrefix(v, key) }) {
		own = append(own, key+strconv.Itoa(cores))
	}
	return own
}

const tailLen = 4096 // bytes at the end of a log, in which its last line is looked for

// lastLine is what the node said last.
func (n *node) lastLine() string {
	f, err := os.Open(n.log)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailLen {
		f.Seek(-tailLen, io.SeekEnd)
	}
	text, _ := io.ReadAll(f)
	text = bytes.TrimSpace(text)
	return string(text[bytes.LastIndexByte(text, '\n')+1:])
}

// ending says how a process ended, in the words one would use on a shell.
func ending(state *os.ProcessState) string {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return fmt.Sprintf("kill -%d", int(status.Signal()))
	}
	return fmt.Sprintf("exit code %d", state.ExitCode())
}
