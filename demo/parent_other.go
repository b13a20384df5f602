//go:build unix && !linux

package demo

import "syscall"

// boundToParent makes a child that Ctrl-C does not reach. Nothing ends it here if the demo itself is killed.
func boundToParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
