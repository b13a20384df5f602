package main

import (
	"net"
	"os/exec"
	"syscall"
)

// member is one process of a system, which is started again with the same arguments.
type member struct {
	binary string
	args   []string
	client string // its address for clients
	cmd    *exec.Cmd
}

// start starts it, where Ctrl-C does not reach it: whoever started it kills it.
func (m *member) start() error {
	m.cmd = exec.Command(m.binary, m.args...)
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return m.cmd.Start()
}

// kill is kill -9.
func (m *member) kill() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Kill() // it may have ended
	_ = m.cmd.Wait()
	m.cmd = nil
}

// freeAddresses are of loopback; nobody listens at them.
func freeAddresses(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // when all are drawn, so that they differ
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}
