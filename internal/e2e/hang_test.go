//go:build e2e

package e2e

import (
	"bufio"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// hangLimit is how long nobody may be acknowledged when the leader's disk hangs: a second is the promise.
	hangLimit = 1500 * time.Millisecond
	// endLimit is when a node has ended whose disk hangs: 30 s is the promise.
	endLimit = 33 * time.Second
)

func TestTheOthersCountWithinASecondWhenTheLeadersDiskHangs(t *testing.T) {
	c, disks := onDisks(t, 3)
	hung := c.leader(t)
	others := c.without(hung)
	l, own := startLoad(t, "hits", 2, others...), startLoad(t, "own", 2, hung)
	l.waitAcked(t, aroundAKill)
	freeze(t, disks[hung])
	others.waitLeads(t)
	l.waitAcked(t, aroundAKill)
	own.waitAcked(t, 100) // a node whose disk hangs still passes its clients' writes on
	must(t, disks[hung].Thaw())
	c.waitVoters(t)
	l.waitAcked(t, aroundAKill)
	l.end()
	own.end()
	c.waitWhole(t)
	t.Logf("longest time without acknowledgements: %v at the others, %v at the node itself",
		l.longestSilence().Round(time.Millisecond), own.longestSilence().Round(time.Millisecond))
	if got := l.longestSilence(); got > hangLimit {
		t.Errorf("no increment was acknowledged for %v, want at most %v", got, hangLimit)
	}
	for _, l := range []*load{l, own} {
		l.wantNoErrors(t)
		for key, n := range l.acknowledged(t) {
			c.wantCount(t, key, n)
		}
	}
}

func TestANodeWhoseDiskHangsForThirtySecondsEnds(t *testing.T) {
	long(t)
	c, disks := onDisks(t, 3)
	hung := c.leader(t)
	others := c.without(hung)
	l := startLoad(t, "hits", 2, others...)
	l.waitAcked(t, aroundAKill)
	client := hung.client(t)
	freeze(t, disks[hung])
	within(t, endLimit, "it closes its clients' connections", func() error {
		_, err := client.Do("PING")
		if err == nil || errors.As(err, new(redis.Error)) {
			return errors.New("it is there")
		}
		return nil
	})
	if conn, err := hung.dial(); err == nil {
		conn.Close()
		t.Error("it takes new clients")
	}
	l.waitAcked(t, aroundAKill)
	must(t, disks[hung].Thaw())
	hung.waitExit(t, 1)
	hung.wantLastLine(t, "the disk hangs")
	hung.start(t)
	c.waitVoters(t)
	l.end()
	l.wantNoErrors(t)
	c.waitWhole(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}
}

func TestAWriteThatFailsEndsTheNodeAndTheOthersGoOn(t *testing.T) {
	for _, row := range []struct{ name, role, store, calls, fault, want string }{
		{"a sync of the leader's", "leader", "wal", "fsync,fdatasync", "EIO", "input/output error"},
		{"a sync of a follower's", "follower", "bolt", "fsync,fdatasync", "EIO", "input/output error"},
		{"a write of the leader's", "leader", "bolt", "pwrite64", "ENOSPC", "no space left on device"},
		{"a write of a follower's", "follower", "wal", "pwrite64", "EIO", "input/output error"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newCluster(t, 3, "--log-store", row.store)
			bad := c.leader(t)
			if row.role == "follower" {
				bad = c.without(bad)[0]
			}
			l := startLoad(t, "hits", 2, c.without(bad)...)
			l.waitAcked(t, aroundAKill)
			bad.inject(t, row.calls, row.fault)
			bad.waitExit(t, 1)
			bad.wantLastLine(t, row.want)
			l.waitAcked(t, aroundAKill)
			l.end()
			l.wantNoErrors(t)
			bad.start(t) // the fault has gone with the process
			c.waitWhole(t)
			for key, n := range l.acknowledged(t) {
				c.wantCount(t, key, n)
			}
		})
	}
}

// inject makes system calls of a running node fail from now on. Where that can't be done the test is skipped.
func (p *process) inject(t *testing.T, calls, fault string) {
	t.Helper()
	tracer, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed (apt-get install strace)")
	}
	cmd := exec.Command(tracer, "-f", "-p", strconv.Itoa(p.cmd.Process.Pid), "-o", "/dev/null",
		"-e", "trace="+calls, "-e", "inject="+calls+":error="+fault)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(said).ReadString('\n')
	if !strings.Contains(line, "attached") {
		cmd.Wait()
		t.Skip("strace can't attach: " + line)
	}
	t.Cleanup(func() { // it ends with the node
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// wantLastLine wants the line by which a node ended to be of its disk and to have the words.
func (p *process) wantLastLine(t *testing.T, words string) {
	t.Helper()
	text := strings.TrimSpace(p.output.String())
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if !strings.HasPrefix(last, "truecount: disk: ") || !strings.Contains(last, words) {
		t.Errorf("%s ended with %q, want a line about the disk with %q", p.name, last, words)
	}
	t.Log(last)
}
