package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	subnetBits  = 24
	dialTime    = time.Second // to a host: it is on this machine
	hostsAtMost = 5
)

// host is where a node lives: an address, and a thread in the host's network, from which its processes are started and its
// ports are dialed. A process dies when the thread that started it does, so nobody survives the harness, however that ends.
type host struct {
	number int // from 0
	ip     net.IP
	front  string       // address at which other nodes are told to reach this one's; empty: its peer port
	pid    atomic.Int64 // of the process that was started last
	jobs   chan func()
	door   *door
}

// newHost starts the thread. What enter does to it, such as going into a namespace, holds for all that is run on it.
func newHost(number int, ip net.IP, enter func() error) (*host, error) {
	h := &host{number: number, ip: ip, jobs: make(chan func())}
	entered := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := enter()
		entered <- err
		if err != nil {
			return
		}
		for job := range h.jobs {
			job()
		}
	}()
	if err := <-entered; err != nil {
		return nil, fmt.Errorf("host %d: %w", number+1, err)
	}
	d, err := openDoor(h)
	if err != nil {
		close(h.jobs)
		return nil, err
	}
	h.door = d
	return h, nil
}

func (h *host) address(port int) string { return net.JoinHostPort(h.ip.String(), strconv.Itoa(port)) }

// do runs a job on the host's thread.
func (h *host) do(job func() error) error {
	done := make(chan error, 1)
	h.jobs <- func() { done <- job() }
	return <-done
}

// start starts a process on the host that dies with the harness, and that Ctrl-C does not reach.
func (h *host) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = boundToParent()
	if err := h.do(cmd.Start); err != nil {
		return err
	}
	h.pid.Store(int64(cmd.Process.Pid))
	return nil
}

// dial connects to a port of the host, from the host itself.
func (h *host) dial(ctx context.Context, port int) (conn net.Conn, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	err = h.do(func() error {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", h.address(port))
		return err
	})
	return conn, err
}

// close ends the thread. All processes must have ended.
func (h *host) close() {
	h.door.close()
	close(h.jobs)
}
