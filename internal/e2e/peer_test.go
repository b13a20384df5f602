//go:build e2e

package e2e

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"github.com/truecount/truecount/fsm"
)

const (
	strangers = 300     // at each peer port, of which 128 are kept
	hugeTerm  = 1 << 40 // larger than all terms of a cluster
)

// secretFile is a file with a secret of its own.
func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOnlyWhoKnowsTheSecretIsLetIn(t *testing.T) {
	c := newCluster(t, 3, "--secret-file", secretFile(t, "the cluster's own secret"))
	l := startLoad(t, "hits", 2, c[:2]...)
	l.waitAcked(t, aroundAKill)
	for name, flags := range map[string][]string{
		"other": {"--secret-file", secretFile(t, "what somebody else knows")},
		"none":  nil,
	} {
		p := newProcess(t, name, append(flags, "--join", c[0].resp)...)
		p.start(t)
		eventually(t, name+" says why it has not joined", func() error { return p.said("not joined yet", "--secret-file") })
		if n := strings.Count(p.output.String(), "not joined yet"); n > 3 {
			t.Errorf("%s said %d times why", name, n)
		}
		p.terminate(t)
	}
	l.waitAcked(t, aroundAKill)
	member := c[2]
	member.terminate(t)
	own := member.flags
	member.flags = append(own[:len(own):len(own)], "--secret-file", secretFile(t, "somebody has mixed up the files"))
	member.start(t)
	eventually(t, "it says why it finds no leader", func() error { return member.said("--secret-file") })
	member.terminate(t)
	member.flags = own
	member.start(t)
	l.end()
	l.wantNoErrors(t)
	c.waitWhole(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}
}

// Silent strangers take none of the places that an election needs.
func TestALeaderDiesWhileStrangersCrowdThePeerPorts(t *testing.T) {
	c := newCluster(t, 3)
	leader := c.leader(t)
	others := c.without(leader)
	for _, p := range c {
		for range strangers {
			conn, err := net.Dial("tcp", p.peer)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close() })
		}
	}
	l := startLoad(t, "hits", 2, others...)
	l.waitAcked(t, aroundAKill)
	leader.kill(t)
	l.waitAcked(t, aroundAKill)
	l.end()
	l.wantNoErrors(t)
	t.Logf("longest time without acknowledgements: %v", l.longestSilence().Round(time.Millisecond))
	leader.start(t)
	c.waitWhole(t)
	for key, n := range l.acknowledged(t) {
		c.wantCount(t, key, n)
	}
}

// A stranger sends what raft sends, as it would be understood without a handshake in front of it.
func TestAForgedLeaderIsNotListenedTo(t *testing.T) {
	c := newCluster(t, 3)
	client := c[0].client(t)
	if _, err := client.Do("INCR", "hits"); err != nil {
		t.Fatal(err)
	}
	leader := c.leader(t)
	before, err := leader.status()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c {
		for _, stream := range []string{"", "R"} {
			conn, err := net.Dial("tcp", p.peer)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetDeadline(time.Now().Add(patience))
			if _, err := conn.Write(append([]byte(stream), heartbeat(p.peer)...)); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
			answer, err := io.ReadAll(conn)
			if timeout := net.Error(nil); len(answer) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
				t.Errorf("%s answered %q, %v: want it to hang up", p.name, answer, err)
			}
			conn.Close()
		}
	}
	after, err := leader.status()
	if err != nil || after.Term != before.Term || after.Role != fsm.Leader {
		t.Errorf("%s led in term %d, and is %s in term %d, %v", leader.name, before.Term, after.Role, after.Term, err)
	}
	c.wantCount(t, "hits", 1)
	if value, err := redis.Int64(client.Do("INCR", "hits")); err != nil || value != 2 {
		t.Errorf("INCR: %d, %v", value, err)
	}
}

// heartbeat is raft's AppendEntries of a leader in a huge term: the byte of the call, and a map in MessagePack.
func heartbeat(leader string) []byte {
	text := func(s string) []byte { return append([]byte{0xa0 | byte(len(s))}, s...) }
	number := func(n uint64) []byte {
		return []byte{0xcf, byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	}
	message := []byte{0, 0x80 | 4}
	for _, part := range [][]byte{
		text("ProtocolVersion"), {3},
		text("Term"), number(hugeTerm),
		text("Leader"), text(leader),
		text("LeaderCommitIndex"), number(0),
	} {
		message = append(message, part...)
	}
	return message
}

// Strangers in a network would be taken for nodes, so the peer port is not opened to them without a secret.
func TestThePeerPortIsOpenedToANetworkOnlyWithASecret(t *testing.T) {
	p := newProcess(t, "n1")
	_, port, _ := net.SplitHostPort(p.peer)
	p.peer = net.JoinHostPort("0.0.0.0", port)
	p.wantStartupError(t, "names no interface")
	outside := outsideAddress(t)
	p.peer = net.JoinHostPort(outside, port)
	p.wantStartupError(t, "--secret-file")
	p.flags = []string{"--insecure"} // which is about clients
	p.wantStartupError(t, "--secret-file")
	p.flags = []string{"--secret-file", secretFile(t, "0123456789abcdef")}
	p.start(t)
	p.waitReady(t)
	p.terminate(t)
	p.flags = []string{"--secret-file", secretFile(t, "too short")}
	p.wantStartupError(t, "openssl rand")
}

// outsideAddress is an address of this machine that is not loopback.
func outsideAddress(t *testing.T) string {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range addrs {
		if ip, ok := addr.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but loopback")
	return ""
}
