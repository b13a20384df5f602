//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

const clientsPerNode = 4

// load is clients that increment keys, one after the other and as fast as they are answered, and repeat nothing.
type load struct {
	keys    []string
	stop    chan struct{}
	clients []*counting
	running sync.WaitGroup
	acked   atomic.Int64
}

// counting is what one client was told; read it after load.end.
type counting struct {
	node    *process
	replies []reply
	err     error  // what ended it; nil: load.end did
	key     string // of the increment that was in flight when err came
}

// reply is one acknowledged increment.
type reply struct {
	key   int // index into load.keys
	value int64
	at    time.Time
}

// startLoad connects clientsPerNode clients to each node and sets them counting on some keys, whose names begin with name.
func startLoad(t *testing.T, name string, keys int, nodes ...*process) *load {
	t.Helper()
	l := &load{stop: make(chan struct{})}
	for k := range keys {
		l.keys = append(l.keys, name+":"+strconv.Itoa(k))
	}
	for i := range clientsPerNode * len(nodes) {
		client := &counting{node: nodes[i%len(nodes)]}
		conn := client.node.client(t)
		l.clients = append(l.clients, client)
		l.running.Go(func() { l.count(client, conn, i) })
	}
	return l
}

func (l *load) count(client *counting, conn redis.Conn, first int) {
	for n := first; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		key := n % len(l.keys)
		value, err := redis.Int64(conn.Do("INCR", l.keys[key]))
		if err != nil {
			client.err, client.key = err, l.keys[key]
			return
		}
		client.replies = append(client.replies, reply{key, value, time.Now()})
		l.acked.Add(1)
	}
}

// waitAcked waits until n more increments than now are acknowledged.
func (l *load) waitAcked(t *testing.T, n int64) {
	t.Helper()
	want := l.acked.Load() + n
	eventually(t, fmt.Sprintf("%d increments more", n), func() error {
		if got := l.acked.Load(); got < want {
			return fmt.Errorf("%d of %d", got, want)
		}
		return nil
	})
}

// end stops the clients after the answers that they wait for.
func (l *load) end() {
	close(l.stop)
	l.running.Wait()
}

// wait is for clients whose nodes were killed.
func (l *load) wait() { l.running.Wait() }

// wantNoErrors reports clients that saw an error.
func (l *load) wantNoErrors(t *testing.T) {
	t.Helper()
	for _, client := range l.clients {
		if client.err != nil {
			t.Errorf("a client of %s saw an error at INCR %s: %v", client.node.name, client.key, client.err)
		}
	}
}

// acknowledged returns how many increments of each key were; an error for each value that was handed out twice.
func (l *load) acknowledged(t *testing.T) map[string]int64 {
	t.Helper()
	count := map[string]int64{}
	seen := make([]map[int64]bool, len(l.keys))
	for k := range seen {
		seen[k] = map[int64]bool{}
	}
	for _, client := range l.clients {
		for _, r := range client.replies {
			if seen[r.key][r.value] {
				t.Errorf("%s: the value %d was handed out twice", l.keys[r.key], r.value)
			}
			seen[r.key][r.value] = true
			count[l.keys[r.key]]++
		}
	}
	return count
}

// inFlight returns how many increments of each key have an unknown outcome.
func (l *load) inFlight() map[string]int64 {
	count := map[string]int64{}
	for _, client := range l.clients {
		if client.err != nil {
			count[client.key]++
		}
	}
	return count
}

// longestSilence is the longest time between two acknowledgements, whoever got them.
func (l *load) longestSilence() time.Duration {
	var times []time.Time
	for _, client := range l.clients {
		for _, r := range client.replies {
			times = append(times, r.at)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	var longest time.Duration
	for i := 1; i < len(times); i++ {
		longest = max(longest, times[i].Sub(times[i-1]))
	}
	return longest
}
