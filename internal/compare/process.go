package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	host       = "127.0.0.1"
	startLimit = 30 * time.Second // until a system is as it should be
	pollEvery  = 20 * time.Millisecond
	replyLimit = 10 * time.Second // for an answer outside of the load
)

// process is one server with a directory of its own.
type process struct {
	name, address string
	dir           string // with its output in the file "log"
	cmd           *exec.Cmd
	exited        chan struct{}
}

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// startProcess starts a program that will listen at a port nobody else has: a stranger there would be measured instead. Its
// environment is ours and env.
func startProcess(folder, name string, port int, env []string, path string, args ...string) (*process, error) {
	p := &process{name: name, address: address(port), dir: filepath.Join(folder, name), exited: make(chan struct{})}
	listener, err := net.Listen("tcp", p.address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; give another --port", name, err)
	}
	listener.Close()
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p.cmd = exec.Command(path, args...)
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, log, log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	go func() {
		p.cmd.Wait() // whoever sees it ended reads the log
		close(p.exited)
	}()
	return p, nil
}

// stop kills: what is in the directory is of no use to anybody.
func (p *process) stop() {
	p.cmd.Process.Kill()
	<-p.exited
}

func (p *process) ended() error {
	select {
	case <-p.exited:
		log, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		lines := strings.Split(strings.TrimSpace(string(log)), "\n")
		return fmt.Errorf("%s has ended: %s; its last words: %s", p.name, p.cmd.ProcessState, lines[len(lines)-1])
	default:
		return nil
	}
}

func (p *process) dial() (redis.Conn, error) {
	return redis.Dial("tcp", p.address, redis.DialConnectTimeout(replyLimit), redis.DialReadTimeout(replyLimit),
		redis.DialWriteTimeout(replyLimit))
}

// ask sends one command on a connection of its own.
func (p *process) ask(command string, args ...any) (any, error) {
	conn, err := p.dial()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	defer conn.Close()
	reply, err := conn.Do(command, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", p.name, command, err)
	}
	return reply, nil
}

// until polls until the condition holds, or one of the processes has ended, or startLimit is over.
func until(ctx context.Context, processes []*process, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		for _, p := range processes {
			if err := p.ended(); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// ticks is how many of them the kernel counts in a second, for every process on Linux.
const ticks = 100

// cpu is the processor time of a process and its ended children so far; 0 where there is no /proc.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return parseProcessCPU(string(text))
}

// parseProcessCPU reads utime, stime, cutime and cstime, which are fields 14 to 17; the name in field 2 may have blanks.
func parseProcessCPU(stat string) time.Duration {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from field 3 on
	if len(fields) < 15 {
		return 0
	}
	sum := 0
	for _, field := range fields[11:15] {
		n, _ := strconv.Atoi(field)
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}
