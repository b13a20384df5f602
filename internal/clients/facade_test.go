package clients

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// What clients are promised when the node that they use is killed.
const (
	othersBy  = 2 * time.Second // by then the facade names only others
	countBy   = 3 * time.Second // from then on every increment succeeds
	countOn   = time.Second     // and it is watched for so long
	warmUp    = 50              // increments of each counter before the kill
	countings = 4               // counters, each incremented by a goroutine of its own
)

// facadeClient is a way to count through a facade, or without one, with the options that OPERATIONS.md recommends. open returns
// an increment.
type facadeClient struct {
	name   string
	facade string
	victim string // the role of the node that is killed under it
	open   func(t *testing.T, addrs []string) func(ctx context.Context, key string) error
}

var facadeClients = []facadeClient{
	{"go-redis and HAProxy", "none", "leader", proxied},
	{"go-redis and HAProxy", "none", "follower", proxied},
	{"go-redis with several addresses", "none", "leader", severalAddresses},
	{"go-redis", "sentinel", "leader", failoverClient},
	{"go-redis", "sentinel", "follower", failoverClient},
	{"rueidis", "sentinel", "leader", rueidisSentinel},
	{"redis-py", "sentinel", "leader", pythonFacade("sentinel")},
	{"go-redis", "cluster", "leader", clusterClient},
	{"go-redis", "cluster", "follower", clusterClient},
	{"rueidis", "cluster", "leader", rueidisCluster},
	{"redis-py", "cluster", "leader", pythonFacade("cluster")},
}

func TestClientsOutliveTheirNode(t *testing.T) {
	thePlace(t)
	binary := os.Getenv(binaryVariable)
	if binary == "" {
		t.Skip("facades are ours")
	}
	for _, facade := range []string{"none", "sentinel", "cluster"} {
		nodes, err := startNodes(binary, t.TempDir(), "--facade", facade)
		t.Cleanup(func() { stopNodes(nodes) })
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range facadeClients {
			if c.facade == facade {
				t.Run(facade+" "+c.name+" "+c.victim, func(t *testing.T) { c.outlives(t, nodes) })
			}
		}
	}
}

// outlives counts, kills the node that the client uses, and counts on.
func (c *facadeClient) outlives(t *testing.T, nodes []*node) {
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.resp)
	}
	victim, keys := c.choose(t, nodes)
	increment := c.open(t, addrs)
	count := newCounting(keys)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	for i := range keys {
		running.Go(func() { count.up(ctx, i, increment) })
	}
	if err := eventually("it counts", func() error { return count.reached(warmUp) }); err != nil {
		t.Error(err)
	}
	victim.kill()
	killed := time.Now()
	for _, n := range nodes {
		if n != victim && c.facade != "none" {
			c.awaitOthers(t, n, victim, killed)
		}
	}
	<-time.After(time.Until(killed.Add(countBy + countOn)))
	stop()
	running.Wait()
	if err := victim.start(); err != nil {
		t.Fatal(err)
	}
	if err := victim.waitWhole(); err != nil {
		t.Fatal(err)
	}
	count.check(t, nodes[0].resp, killed)
}

// choose is the node that will be killed, and counters of which the first is counted there.
func (c *facadeClient) choose(t *testing.T, nodes []*node) (victim *node, keys []string) {
	for i := range countings {
		keys = append(keys, fmt.Sprintf("facade:%d:%d", time.Now().UnixNano(), i))
	}
	victim = nodes[0]
	if c.facade != "none" {
		victim = c.used(t, nodes)
	}
	if c.facade == "cluster" {
		keys[0] = keyInLastSlots(t, nodes[0])
	}
	leader := victim
	if c.victim == "follower" {
		leader = nodes[(slices.Index(nodes, victim)+1)%len(nodes)]
	}
	if err := eventually(leader.name+" leads", func() error {
		_, err := ask(victim, "TRUECOUNT", "TRANSFER", leader.name)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return victim, keys
}

// used waits until the facade names all that it should, and returns the node that the first of the counters is counted at.
func (c *facadeClient) used(t *testing.T, nodes []*node) (used *node) {
	if err := eventually("the facade knows all", func() error {
		for _, n := range slices.Backward(nodes) {
			named := c.named(n)
			i := slices.IndexFunc(nodes, func(n *node) bool { return n.resp == named[len(named)-1] })
			if i < 0 || c.facade == "cluster" && len(named) < len(nodes) {
				return fmt.Errorf("%s names %v", n.name, named)
			}
			used = nodes[i] // at last, what the first node says
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return used
}

// keyInLastSlots is the name of a counter whose slot is one of the last thousand. Not of the first: redis-py 4.3.4 can't ask
// for the slots again when the dead node is the first of those it knows ("cannot pickle '_thread.lock' object").
func keyInLastSlots(t *testing.T, n *node) string {
	for i := range 1000 {
		key := fmt.Sprintf("facade:%d:last:%d", time.Now().UnixNano(), i)
		slot, err := redis.Int(ask(n, "CLUSTER", "KEYSLOT", key))
		if err != nil {
			t.Fatal(err)
		}
		if slot >= 16384-1000 {
			return key
		}
	}
	t.Fatal("no key in the last slots")
	return ""
}

// named is the addresses that node n sends clients to.
func (c *facadeClient) named(n *node) (addrs []string) {
	if c.facade == "sentinel" {
		parts, _ := redis.Strings(ask(n, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"))
		return []string{strings.Join(parts, ":")}
	}
	ranges, err := redis.Values(ask(n, "CLUSTER", "SLOTS"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, r := range ranges {
		fields, _ := redis.Values(r, nil)
		owner, _ := redis.Values(fields[2], nil)
		addrs = append(addrs, fmt.Sprintf("%s:%d", owner[0], owner[1]))
	}
	return addrs
}

func (c *facadeClient) awaitOthers(t *testing.T, n, dead *node, killed time.Time) {
	if err := eventually("others are named", func() error {
		if named := c.named(n); len(named) == 0 || slices.Contains(named, dead.resp) {
			return fmt.Errorf("%s names %v", n.name, named)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	took := time.Since(killed)
	t.Logf("%s names only others after %v", n.name, took.Round(time.Millisecond))
	if took > othersBy {
		t.Errorf("%s named the dead node for %v", n.name, took)
	}
}

// ask sends one command over a connection of its own.
func ask(n *node, command string, args ...any) (any, error) {
	conn, err := redis.Dial("tcp", n.resp, redis.DialReadTimeout(answerTime))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.Do(command, args...)
}

// counting is what a client was told, by counter.
type counting struct {
	keys []string
	mu   sync.Mutex
	told []told
}

type told struct {
	acknowledged int64
	last         time.Time     // of the last increment that succeeded
	gap          time.Duration // the longest between two
	failed       []failure
}

type failure struct {
	at  time.Time
	err error
}

func newCounting(keys []string) *counting {
	return &counting{keys: keys, told: make([]told, len(keys))}
}

// up increments the i-th counter until ctx ends.
func (c *counting) up(ctx context.Context, i int, increment func(context.Context, string) error) {
	const pause = 2 * time.Millisecond
	for ctx.Err() == nil {
		err := increment(ctx, c.keys[i])
		now := time.Now()
		c.mu.Lock()
		switch told := &c.told[i]; {
		case err == nil:
			if told.acknowledged > 0 {
				told.gap = max(told.gap, now.Sub(told.last))
			}
			told.acknowledged, told.last = told.acknowledged+1, now
		case ctx.Err() == nil:
			told.failed = append(told.failed, failure{now, err})
		}
		c.mu.Unlock()
		<-time.After(pause)
	}
}

func (c *counting) reached(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, told := range c.told {
		if told.acknowledged < n {
			return fmt.Errorf("%s: %d, errors %v", c.keys[i], told.acknowledged, told.failed)
		}
	}
	return nil
}

// check compares what was told with what is counted. More than was acknowledged may be counted: a library repeats what was on
// its way when the connection broke, or gives it up, and in either case it may have been counted.
func (c *counting) check(t *testing.T, addr string, killed time.Time) {
	conn, err := redis.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, told := range c.told {
		counted, err := redis.Int64(conn.Do("GET", c.keys[i]))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: acknowledged %d, counted %d, errors %d, longest pause %v",
			c.keys[i], told.acknowledged, counted, len(told.failed), told.gap.Round(time.Millisecond))
		if counted < told.acknowledged {
			t.Errorf("%s: %d were acknowledged, and %d counted", c.keys[i], told.acknowledged, counted)
		}
		if told.last.Before(killed.Add(countBy)) {
			t.Errorf("%s: none succeeded later than %v after the kill", c.keys[i], told.last.Sub(killed))
		}
		for _, f := range told.failed {
			if after := f.at.Sub(killed); after > countBy {
				t.Errorf("%s: failed %v after the kill: %v", c.keys[i], after, f.err)
			}
		}
		if n := len(told.failed); n > 0 {
			t.Logf("%s: the last error %v after the kill: %v", c.keys[i], told.failed[n-1].at.Sub(killed), told.failed[n-1].err)
		}
	}
}

func failoverClient(t *testing.T, addrs []string) func(context.Context, string) error {
	c := goredis.NewFailoverClient(&goredis.FailoverOptions{MasterName: "mymaster", SentinelAddrs: addrs})
	t.Cleanup(func() { c.Close() })
	return func(ctx context.Context, key string) error { return c.Incr(ctx, key).Err() }
}

// By default the client asks for the slots once a minute: nobody is there to tell it MOVED when a node is dead.
func clusterClient(t *testing.T, addrs []string) func(context.Context, string) error {
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: addrs, ClusterStateReloadInterval: time.Second})
	t.Cleanup(func() { c.Close() })
	return func(ctx context.Context, key string) error { return c.Incr(ctx, key).Err() }
}

func rueidisSentinel(t *testing.T, addrs []string) func(context.Context, string) error {
	return rueidisWith(t, rueidis.ClientOption{InitAddress: addrs, DisableCache: true,
		Sentinel: rueidis.SentinelOption{MasterSet: "mymaster"}})
}

func rueidisCluster(t *testing.T, addrs []string) func(context.Context, string) error {
	return rueidisWith(t, rueidis.ClientOption{InitAddress: addrs, DisableCache: true})
}

func rueidisWith(t *testing.T, option rueidis.ClientOption) func(context.Context, string) error {
	c, err := rueidis.NewClient(option)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return func(ctx context.Context, key string) error { return c.Do(ctx, c.B().Incr().Key(key).Build()).Error() }
}
