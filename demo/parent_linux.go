package demo

import "syscall"

// boundToParent makes a child that Ctrl-C does not reach, and that dies when the thread that forked it does, however that
// comes: nobody is left to stop it then.
func boundToParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
