package clients

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	answerTime = 5 * time.Second // more than a node takes for anything
	lastLines  = 20              // of a program's output, shown when it fails

	// Ports are drawn from below the range of outgoing connections: while a node is down, nobody else may get its port.
	firstPort, lastPort = 22400, 22600
)

// node is a process of ours.
type node struct {
	binary, name, resp, out string
	args                    []string
	cmd                     *exec.Cmd
	exited                  chan struct{} // closed when cmd has ended
}

// startNodes starts three nodes with their data below dir, and waits until they are a cluster. It returns those that it
// has started even if it fails. The flags come on top of those that every node needs.
func startNodes(binary, dir string, flags ...string) ([]*node, error) {
	var nodes []*node
	addrs, err := freeAddresses(6)
	if err != nil {
		return nil, err
	}
	for i := range 3 {
		resp, peer := addrs[2*i], addrs[2*i+1]
		name := fmt.Sprintf("n%d", i+1)
		n := &node{binary: binary, name: name, resp: resp, out: filepath.Join(dir, name+".log")}
		n.args = []string{"serve", "--id", name, "--dir", filepath.Join(dir, name), "--resp", resp, "--peer", peer}
		n.args = append(n.args, flags...)
		if i > 0 {
			n.args = append(n.args, "--join", nodes[0].resp)
		}
		if err := n.start(); err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		if err := n.waitWhole(); err != nil {
			for _, n := range nodes {
				err = fmt.Errorf("%w\n%s at %s said:\n%s", err, n.name, n.resp, n.lastWords())
			}
			return nodes, err
		}
	}
	return nodes, nil
}

// freeAddresses returns n different ones.
func freeAddresses(n int) (addrs []string, err error) {
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		defer l.Close() // when all are found: none is found twice
		if addrs = append(addrs, addr); len(addrs) == n {
			return addrs, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d", n, firstPort, lastPort)
}

func stopNodes(nodes []*node) {
	for _, n := range nodes {
		n.kill()
	}
}

func (n *node) start() error {
	out, err := os.OpenFile(n.out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close() // the process has it now
	cmd, exited := exec.Command(n.binary, n.args...), make(chan struct{})
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		cmd.Wait() // the exit code is in ProcessState
		close(exited)
	}()
	n.cmd, n.exited = cmd, exited
	return nil
}

// kill is kill -9.
func (n *node) kill() {
	n.cmd.Process.Kill()
	<-n.exited
}

// restartNode kills a node, starts it again, and waits until it counts as a member that answers.
func restartNode(n *node) error {
	n.kill()
	if err := n.start(); err != nil {
		return err
	}
	return n.waitWhole()
}

// waitWhole waits until this node says that one of three may be lost: it is back, and all of them are voters.
func (n *node) waitWhole() error {
	return eventually(n.name+" is one of three", func() error {
		select {
		case <-n.exited:
			return errEnded
		default:
		}
		conn, err := redis.Dial("tcp", n.resp,
			redis.DialConnectTimeout(answerTime), redis.DialReadTimeout(answerTime), redis.DialWriteTimeout(answerTime))
		if err != nil {
			return err
		}
		defer conn.Close()
		text, err := redis.Bytes(conn.Do("TRUECOUNT", "STATUS"))
		if err != nil {
			return err
		}
		var status struct {
			CanLose int `json:"can_lose"`
		}
		if err := json.Unmarshal(text, &status); err != nil {
			return err
		}
		if status.CanLose < 1 {
			return fmt.Errorf("it can't lose a node yet")
		}
		_, err = conn.Do("GET", "nosuch")
		return err
	})
}

// lastWords is the end of what the node has printed.
func (n *node) lastWords() string {
	text, err := os.ReadFile(n.out)
	if err != nil {
		return err.Error() + "\n"
	}
	return lastPart(string(text))
}

func lastPart(text string) string {
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, len(lines)-lastLines):], "")
}
