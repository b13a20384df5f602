package sim

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/fsm"
)

// instances are some that live, and the events of their counters. An instance lives as long as somebody gives signs of life for it,
// every third of its lease, at whatever node answers.
type instances struct {
	*run
	over  chan struct{}
	signs sync.WaitGroup

	mu     sync.Mutex
	events map[string]int // "name key" → how many Nodes have told of it, each time
}

// withInstances runs test on three idle nodes whose replicas often begin with an image.
func withInstances(t *testing.T, test func(t *testing.T, c *instances)) {
	synctest.Test(t, func(t *testing.T) {
		c := &instances{run: &run{Cluster: New(t, firstSeed())}, over: make(chan struct{}), events: map[string]int{}}
		defer c.Stop()
		defer c.signs.Wait()
		defer close(c.over)
		c.Snapshots = cluster.SnapshotPolicy{Entries: 20, Every: time.Second, Trailing: 5}
		c.Observe = func(_ string, e fsm.Event) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.events[e.Name+" "+string(e.Key)]++
		}
		c.StartThree()
		test(t, c)
	})
}

// leading waits until there is a leader.
func (c *instances) leading() (leader string) {
	c.T.Helper()
	c.WaitFor("a leader", 10*time.Second, func() bool { leader = c.Leader(); return leader != "" })
	return leader
}

// told is how often Nodes have told of an event.
func (c *instances) told(name, key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[name+" "+key]
}

// instanceOp is an Op that names an instance.
func instanceOp(kind fsm.Kind, key, instance string, amount int64) fsm.Op {
	return fsm.Op{Kind: kind, Key: []byte(key), Instance: []byte(instance), Amount: amount}
}

// heartbeat says that an instance lives, and how long its lease is from now on; 0: as it was.
func heartbeat(instance string, lease time.Duration) fsm.Op {
	return instanceOp(fsm.Heartbeat, "", instance, lease.Milliseconds())
}

// must is a group that is answered in the end.
func (c *instances) must(ops ...fsm.Op) (a Answer) {
	c.T.Helper()
	c.WaitFor("an answer", 20*time.Second, func() bool {
		a = c.Do(hosts[c.Rand.IntN(len(hosts))], fsm.Strong, ops...)
		return a.Err == nil
	})
	for i, result := range a.Results {
		if result.Code != fsm.OK {
			c.T.Fatalf("%v of %s: %v", ops[i].Kind, ops[i].Instance, result.Code)
		}
	}
	return a
}

// live gives signs of life for an instance from now on, until die is called or the test ends. The first is given when it returns.
func (c *instances) live(instance string, lease time.Duration) (die func()) {
	c.must(heartbeat(instance, lease))
	ended := make(chan struct{})
	c.signs.Go(func() {
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-c.over:
				return
			case <-ended:
				return
			case <-tick.C:
				c.sign(instance, ended)
			}
		}
	})
	return sync.OnceFunc(func() { close(ended) })
}

// sign asks one node after the other until one has answered. A node that is slow may answer later.
func (c *instances) sign(instance string, ended <-chan struct{}) {
	const patience, pause = 300 * time.Millisecond, 20 * time.Millisecond
	answered := make(chan bool, 1) // the first yes
	for try := 0; ; try++ {
		c.signs.Go(func() {
			if a := c.Do(hosts[try%len(hosts)], fsm.Strong, heartbeat(instance, 0)); a.Err == nil {
				select {
				case answered <- true:
				default:
				}
			}
		})
		wait := patience
		if c.Node(hosts[try%len(hosts)]) == nil {
			wait = pause
		}
		select {
		case <-answered:
			return
		case <-time.After(wait):
		case <-ended:
			return
		case <-c.over:
			return
		}
	}
}

// counter is an instance counter as one replica holds it.
type counter struct {
	total, epoch int64
	shares       map[string]int64 // those that count, by instance
	parked       map[string]int64
}

func (n counter) String() string {
	return fmt.Sprintf("%d in epoch %d: %v, parked %v", n.total, n.epoch, n.shares, n.parked)
}

// adds reports whether the total is the sum of the shares.
func (n counter) adds() bool {
	sum := n.total
	for share := range maps.Values(n.shares) {
		sum -= share
	}
	return sum == 0
}

const parkedLife = 5 // in the Life of a slice

// readCounter is the group that counterOf reads.
func readCounter(key string) []fsm.Op {
	return []fsm.Op{
		{Kind: fsm.ICGet, Key: []byte(key)},
		{Kind: fsm.ICSlices, Key: []byte(key), Value: fsm.IntValue(1000)},
	}
}

// counterOf takes a counter from the results of readCounter, the first of them at from. whole is false if there are more slices.
func counterOf(a Answer, from int) (n counter, whole bool) {
	n = counter{shares: map[string]int64{}, parked: map[string]int64{}}
	tuple := ints(a.Results[from].Value)
	n.total, n.epoch = tuple[0], tuple[2]
	list := a.Results[from+1].Value.List()
	next, _ := list.Next()
	for instance, ok := list.Next(); ok; instance, ok = list.Next() {
		amount, _ := list.Next()
		life, _ := list.Next()
		list.Next() // how long yet
		where := n.shares
		if life.Int == parkedLife {
			where = n.parked
		}
		where[text(instance)] = amount.Int
	}
	return n, next.Int == 0
}

// ints are the integers of a List.
func ints(v fsm.Value) (all []int64) {
	list := v.List()
	for n, ok := list.Next(); ok; n, ok = list.Next() {
		all = append(all, n.Int)
	}
	return all
}

// at is what the replica of a host holds at this moment. ok is false if none answers.
func (c *Cluster) at(host, key string) (n counter, ok bool) {
	a := c.Do(host, fsm.Stale, readCounter(key)...)
	if a.Err != nil {
		return counter{}, false
	}
	n, whole := counterOf(a, 0)
	if !whole || !n.adds() {
		c.T.Errorf("%s at %s: %v", key, host, n)
	}
	return n, true
}

// now is what all replicas agree on.
func (c *Cluster) now(key string) (n counter) {
	c.T.Helper()
	c.WaitFor("an answer", 20*time.Second, func() bool {
		a := c.Do(hosts[c.Rand.IntN(len(hosts))], fsm.Strong, readCounter(key)...)
		if a.Err != nil {
			return false
		}
		whole := false
		if n, whole = counterOf(a, 0); !whole || !n.adds() {
			c.T.Errorf("%s: %v", key, n)
		}
		return true
	})
	return n
}

// goneWithin waits until an instance's share of a counter counts no more at any node, and returns how long after from that was.
func (c *instances) goneWithin(limit time.Duration, key, instance string, from time.Time) time.Duration {
	c.T.Helper()
	c.WaitFor("the end of "+instance, time.Until(from.Add(limit)), func() bool {
		for _, name := range hosts {
			if n, ok := c.at(name, key); ok {
				if _, there := n.shares[instance]; there {
					return false
				}
			}
		}
		return true
	})
	return time.Since(from)
}
