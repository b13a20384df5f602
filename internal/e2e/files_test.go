//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const (
	fewFiles  = 20 // descriptors that are left
	manyDials = 200
	spinTime  = time.Second
)

// A node leaves descriptors for itself; here they are taken away while it runs.
func TestANodeWithoutFileDescriptorsGoesOn(t *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil {
		t.Skip("prlimit is not installed (util-linux)")
	}
	p := newCluster(t, 1)[0]
	conn := p.client(t)
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(prlimit, "--pid", fmt.Sprint(p.cmd.Process.Pid), fmt.Sprintf("--nofile=%d", len(open)+fewFiles)).CombinedOutput(); err != nil {
		t.Skipf("prlimit: %v: %s", err, out)
	}
	var crowd []net.Conn
	for range manyDials { // the system takes those that the node does not
		c, err := net.DialTimeout("tcp", p.resp, answerTime)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		crowd = append(crowd, c)
	}
	eventually(t, "the node is short of descriptors", func() error { return p.said("accept", "too many open files") })
	used := cpuTime(t, p)
	for deadline := time.Now().Add(spinTime); time.Now().Before(deadline); pass(pollEvery) {
		if _, err := conn.Do("INCR", "a"); err != nil {
			t.Fatal(err)
		}
	}
	if used = cpuTime(t, p) - used; used > spinTime/2 {
		t.Errorf("the node has used %v of a processor in %v: it spins", used, spinTime)
	}
	if n := strings.Count(p.output.String(), "too many open files"); n != 1 {
		t.Errorf("%d lines about it in the log", n)
	}
	for _, c := range crowd {
		c.Close()
	}
	eventually(t, "a new client is served", func() error {
		c, err := p.dial()
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Do("INCR", "a")
		return err
	})
}
