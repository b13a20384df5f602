package demo

import (
	"os/exec"
	"runtime"
)

// forker starts processes from one thread that lives as long as it does: the system ends a child when the thread that
// forked it ends, see boundToParent.
type forker struct {
	jobs chan job
	idle chan struct{} // closed when the thread is free to go
}

type job struct {
	cmd  *exec.Cmd
	done chan error
}

func newForker() *forker {
	f := &forker{jobs: make(chan job), idle: make(chan struct{})}
	go f.run()
	return f
}

func (f *forker) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(f.idle)
	for job := range f.jobs {
		job.done <- job.cmd.Start()
	}
}

// start starts a process that is bound to this one.
func (f *forker) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = boundToParent()
	done := make(chan error, 1)
	f.jobs <- job{cmd, done}
	return <-done
}

// close is called when no process is left.
func (f *forker) close() {
	close(f.jobs)
	<-f.idle
}
