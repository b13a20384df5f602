package clients

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	binaryVariable = "TRUECOUNT"  // path of the program whose nodes are tested
	redisVariable  = "REDIS_ADDR" // address of a Redis that takes the place of all three nodes

	// patience bounds waits that are no promise of speed.
	patience  = 30 * time.Second
	pollEvery = 10 * time.Millisecond
)

// place is where the clients count: three nodes of ours, or a Redis that stands for each of the three.
type place struct {
	addrs [3]string
	nodes []*node // none in a Redis
	run   string  // begins all keys, so that a Redis may be tested against twice
	drawn atomic.Int64
}

// here is the place that all tests share; nil when neither variable is set. TestMain sets it.
var here *place

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	run := fmt.Sprintf("clients:%d:", os.Getpid())
	if addr := os.Getenv(redisVariable); addr != "" {
		here = &place{addrs: [3]string{addr, addr, addr}, run: run}
		return m.Run()
	}
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "truecount-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	nodes, err := startNodes(binary, dir)
	defer stopNodes(nodes)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	here = &place{nodes: nodes, run: run}
	for i, n := range nodes {
		here.addrs[i] = n.resp
	}
	code := m.Run()
	if code != 0 {
		for _, n := range nodes {
			fmt.Fprintf(os.Stderr, "%s at %s said:\n%s", n.name, n.resp, n.lastWords())
		}
	}
	return code
}

// thePlace is where t's clients count, or the end of t.
func thePlace(t *testing.T) *place {
	t.Helper()
	if here == nil {
		t.Skipf("set %s to the program to test, as make clients does, or %s to a Redis", binaryVariable, redisVariable)
	}
	return here
}

// ours reports whether it is Truecount that is tested, not Redis.
func (p *place) ours() bool { return len(p.nodes) > 0 }

// key makes a name that nobody has used before, not even the same test (go test -count 2).
func (p *place) key(t *testing.T, name string) string {
	return fmt.Sprintf("%s%s:%d:%s", p.run, t.Name(), p.drawn.Add(1), name)
}

// restart kills the first node and starts it again. A Redis only cuts its connections: it may not have been started by us.
func (p *place) restart() error {
	if p.ours() {
		return restartNode(p.nodes[0])
	}
	conn, err := redis.Dial("tcp", p.addrs[0])
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, kind := range []string{"normal", "pubsub"} {
		if _, err := conn.Do("CLIENT", "KILL", "TYPE", kind); err != nil {
			return err
		}
	}
	return nil
}

// eventually polls until the condition holds.
func eventually(what string, condition func() error) error {
	deadline := time.After(patience)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-deadline:
			return fmt.Errorf("not within %v: %s: %w", patience, what, err)
		case <-tick.C:
		}
	}
}

var errEnded = errors.New("the process has ended")
