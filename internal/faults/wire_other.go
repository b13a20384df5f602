//go:build !linux

package main

import (
	"errors"
	"net"
	"os"
	"syscall"
)

func boundToParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func enterOwnNetwork(net.IP) (*os.File, error) {
	return nil, errors.New("networks of their own for the nodes are there on Linux only")
}
