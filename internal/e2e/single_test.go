//go:build e2e

package e2e

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// readyTime is the promise: an empty directory is a cluster of one, ready in under a second.
	readyTime = time.Second
	// benchmarkRequests keeps redis-benchmark to about ten seconds a node.
	benchmarkRequests = 200000
)

func TestOneNodeIsReadyInASecondAndKeepsItsCount(t *testing.T) {
	node := newProcess(t, "n1")
	start := time.Now()
	node.start(t)
	within(t, readyTime, "one node counts", func() error {
		conn, err := node.dial()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Do("INCR", "hits")
		return err
	})
	t.Logf("counted %v after its start", time.Since(start))
	node.waitReady(t)

	client := node.client(t)
	before, err := redis.Int64(client.Do("INCRBY", "hits", 40))
	if err != nil {
		t.Fatal(err)
	}
	node.terminate(t)
	node.start(t)
	node.waitReady(t)
	cluster{node}.wantCount(t, "hits", before)
}

func TestRedisBenchmarkAtAFollowerAndAtTheLeaderIsExact(t *testing.T) {
	tool, err := exec.LookPath("redis-benchmark")
	if err != nil {
		t.Skip("redis-benchmark is not installed (apt-get install redis-tools)")
	}
	c := newCluster(t, 3)
	leader := c.leader(t)
	for i, node := range []*process{c.without(leader)[0], leader} {
		out, err := exec.Command(tool, "-p", port(node), "-t", "incr", "-c", "50", "-n", strconv.Itoa(benchmarkRequests), "-q").CombinedOutput()
		if err != nil {
			t.Fatalf("redis-benchmark: %v\n%s", err, out)
		}
		t.Logf("at %s: %s", node.name, lastLine(string(out)))
		c.wantCount(t, "counter:__rand_int__", int64(i+1)*benchmarkRequests)
	}
}

func port(p *process) string { return p.resp[len("127.0.0.1:"):] }

// lastLine leaves out the progress that redis-benchmark has overwritten.
func lastLine(out string) string {
	out = strings.TrimSpace(out)
	return out[strings.LastIndexByte(out, '\r')+1:]
}
