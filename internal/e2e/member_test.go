//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

// cli runs the program as an operator does, and wants success.
func cli(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("truecount %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// cliFails runs the program, and wants an error of one line that holds the words.
func cliFails(t *testing.T, words string, args ...string) {
	t.Helper()
	out, err := exec.Command(binary, args...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("truecount %s: %v, want exit code 1\n%s", strings.Join(args, " "), err, out)
	}
	if text := string(out); strings.Count(text, "\n") != 1 || !strings.Contains(text, words) {
		t.Errorf("truecount %s said %q, want one line with %q", strings.Join(args, " "), text, words)
	}
}

// One node becomes three, five, and three again while clients count at the two that stay. The leader of five is removed
// through another node; another one leaves.
func TestOneThreeFiveThreeUnderLoad(t *testing.T) {
	c := newCluster(t, 1)
	l := startLoad(t, "hits", 2, c[0])
	for i := 2; i <= 5; i++ {
		p := newProcess(t, fmt.Sprintf("n%d", i)) // each a cluster of its own, at first
		p.start(t)
		p.waitReady(t)
		if out := cli(t, "join", "--node", p.resp, c[0].resp); !strings.Contains(out, "done: ") {
			t.Errorf("join said %q", out)
		}
		c = append(c, p)
		l.waitAcked(t, 100)
	}
	c.waitVoters(t)
	if out := cli(t, "transfer", "--node", c[1].resp, "n4"); !strings.Contains(out, "leader is n4") {
		t.Errorf("transfer said %q", out)
	}
	l.waitAcked(t, 100)
	removed, left := c.byName("n4"), c.byName("n3")
	cli(t, "remove", "--node", c[1].resp, "n4")
	cli(t, "leave", "--node", left.resp)
	left.waitExit(t, 0)
	c = c.without(removed).without(left)
	c.waitVoters(t)
	l.waitAcked(t, 100)
	l.end()
	l.wantNoErrors(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}

	// The removed one knows, says so, and is refused when it is started again; so is the one that has left.
	conn := removed.client(t)
	for _, command := range []string{"PING", "DBSIZE", "FLUSHALL"} {
		eventually(t, "n4 says that it was removed", func() error {
			_, err := conn.Do(command)
			if refusal := redis.Error(""); !errors.As(err, &refusal) || !strings.Contains(string(refusal), "was removed") {
				return fmt.Errorf("%s answers %v", command, err)
			}
			return nil
		})
	}
	if status, err := removed.status(); err != nil || status.Role != fsm.Removed {
		t.Errorf("status of a removed node: %+v, %v", status, err)
	}
	// It may be stopped before it has heard that its removal is done. Then it hears so in its next life, and notes it.
	for lives := 2; ; lives++ {
		removed.terminate(t)
		removed.start(t)
		select {
		case <-removed.exited:
			if code := removed.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(removed.output.String(), "was removed from its cluster: choose an empty --dir") {
				t.Errorf("the removed node ended with exit code %d", code)
			}
		case <-time.After(2 * time.Second):
			if lives < 4 {
				continue
			}
			t.Error("the removed node is started again and again")
			removed.kill(t)
		}
		break
	}
	removed.cmd = nil
	left.wantStartupError(t, "was removed from its cluster")
}

func TestANodeWithAnEmptyDiskTakesThePlaceOfTheOldOne(t *testing.T) {
	c := newCluster(t, 3)
	l := startLoad(t, "hits", 2, c[0], c[1])
	c[2].kill(t)
	if err := os.RemoveAll(c[2].dir); err != nil {
		t.Fatal(err)
	}
	c[2].wantStartupError(t, "remove that member first")
	cli(t, "remove", "--node", c[0].resp, "n3")
	c[2].start(t)
	c.waitVoters(t)
	l.waitAcked(t, 100)
	l.end()
	l.wantNoErrors(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}
}

func TestClusterMeet(t *testing.T) {
	var nodes cluster
	for i := range 4 {
		p := newProcess(t, fmt.Sprintf("n%d", i+1))
		p.start(t)
		p.waitReady(t)
		nodes = append(nodes, p)
	}
	meet := func(at, named *process) error {
		host, port, _ := net.SplitHostPort(named.resp)
		_, err := at.client(t).Do("CLUSTER", "MEET", host, port)
		return err
	}
	if _, err := nodes[0].client(t).Do("INCR", "hits"); err != nil {
		t.Fatal(err)
	}
	if err := meet(nodes[1], nodes[0]); err != nil { // the receiver holds nothing
		t.Errorf("the pristine one was told to meet: %v", err)
	}
	if err := meet(nodes[0], nodes[2]); err != nil { // the named one holds nothing
		t.Errorf("the pristine one was named: %v", err)
	}
	if err := meet(nodes[2], nodes[0]); err != nil {
		t.Errorf("those who are together already: %v", err)
	}
	nodes[:3].waitWhole(t)
	nodes[:3].wantCount(t, "hits", 1)
	if _, err := nodes[3].client(t).Do("INCR", "others"); err != nil {
		t.Fatal(err)
	}
	if err := meet(nodes[3], nodes[0]); err == nil || !strings.Contains(err.Error(), "holds 1 counter") {
		t.Errorf("both hold counters: %v", err)
	}
	nodes[3:].wantCount(t, "others", 1)
	id, err := redis.String(nodes[2].client(t).Do("CLUSTER", "MYID"))
	if err != nil || !strings.HasPrefix(id, "n3-") {
		t.Errorf("MYID %q, %v", id, err)
	}
	if _, err := nodes[1].client(t).Do("CLUSTER", "FORGET", id); err != nil {
		t.Errorf("FORGET: %v", err)
	}
	nodes[:2].waitVoters(t)
}

func TestAMemberRestartsUnderOtherAddresses(t *testing.T) {
	c := newCluster(t, 3)
	l := startLoad(t, "hits", 2, c[0], c[1])
	c[2].terminate(t)
	c[2].resp, c[2].peer = freeAddress(t), freeAddress(t)
	c[2].start(t)
	c.waitVoters(t)
	eventually(t, "all know the new addresses", func() error {
		for _, p := range c {
			status, err := p.status()
			if err != nil {
				return err
			}
			for _, m := range status.Members {
				if m.ID == "n3" && (m.Peer != c[2].peer || m.RESP != c[2].resp) {
					return fmt.Errorf("%s knows n3 at %s, %s", p.name, m.RESP, m.Peer)
				}
			}
		}
		return nil
	})
	l.end()
	l.wantNoErrors(t)
	c.leader(t)
}

func TestAReadReplicaGetsEverythingAndNeverVotes(t *testing.T) {
	c := newCluster(t, 1)
	replica := newProcess(t, "r1", "--nonvoter", "--join", c[0].resp)
	replica.start(t)
	replica.waitReady(t)
	if got, err := redis.Int64(replica.client(t).Do("INCR", "hits")); err != nil || got != 1 {
		t.Errorf("INCR at the replica: %d, %v", got, err)
	}
	out := cli(t, "members", "--node", replica.resp)
	if !strings.Contains(out, "nonvoter") {
		t.Errorf("members:\n%s", out)
	}
	replica.terminate(t)
	c.wantCount(t, "hits", 1)
	voter := newProcess(t, "n9", "--nonvoter")
	voter.wantStartupError(t, "a cluster needs a voter")
}

func TestErrorsOfMemberCommands(t *testing.T) {
	c := newCluster(t, 1)
	cliFails(t, "no member", "remove", "--node", c[0].resp, "n9")
	cliFails(t, "only member", "remove", "--node", c[0].resp, "n1")
	cliFails(t, "only member", "leave", "--node", c[0].resp)
	cliFails(t, "itself", "join", "--node", c[0].resp, c[0].resp)
	cliFails(t, "no answer from", "join", "--node", c[0].resp, freeAddress(t))
	cliFails(t, "is not an address", "join", "--node", c[0].resp, "nowhere")
	cliFails(t, "takes one argument", "remove", "--node", c[0].resp)
	if _, err := os.Stat(filepath.Join(c[0].dir, "stable.db")); err != nil {
		t.Error(err)
	}
}
