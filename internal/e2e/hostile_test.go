//go:build e2e

package e2e

import (
	"flag"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	attackTime = flag.Duration("attack", 2*time.Second, "how long each attack of hostile clients lasts")
	attackOnly = flag.String("attacks", "", "only attacks whose names begin so")
)

const (
	pace           = 20 * time.Millisecond // of the well-behaved client: 50 increments a second
	quietPart      = 2                     // so many times shorter than an attack is the quiet before it
	mostFiles      = idlers + 500          // descriptors of an attacker, and of a node
	mostNotices    = 20                    // three kinds, one a minute each
	ticksPerSecond = 100                   // of /proc/PID/stat; the same on every Linux
)

// One node of three is attacked, the leader; a client counts there and one elsewhere, at a steady pace, all the time. `make
// hostile` measures for longer and shows the figures alone.
func TestHostileClientsDisturbNobody(t *testing.T) {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Cur < mostFiles {
		t.Skipf("a process may have %d file descriptors, 10,000 connections need %d: ulimit -n %d", files.Cur, mostFiles, mostFiles)
	}
	c := newCluster(t, 3, "--max-clients", strconv.Itoa(idlers+100))
	target := c.leader(t)
	if _, err := target.client(t).Do("SET", bigKey, bigValue); err != nil {
		t.Fatal(err)
	}
	near, far := startSteady(t, target), startSteady(t, c.without(target)[0])
	b := &battle{t: t, cluster: c, target: target, near: near, far: far, table: []string{battleHeader}}
	t.Cleanup(func() { t.Log("\n" + strings.Join(b.table, "\n")) })
	for i := range attacks {
		if strings.HasPrefix(attacks[i].name, *attackOnly) {
			b.fight(i)
		}
	}
	for _, s := range []*steady{near, far} {
		s.end()
		if s.err != nil {
			t.Errorf("the client of %s saw %v", s.node.name, s.err)
		}
		c.wantCount(t, s.key, int64(len(s.samples)))
	}
	if n := strings.Count(target.output.String(), " is cut off: "); n > mostNotices {
		t.Errorf("%d lines of clients that were cut off", n)
	}
}
