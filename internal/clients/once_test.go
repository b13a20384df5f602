package clients

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
)

// go-redis sends a command again by itself when it has heard no reply, up to three times. What that does to increments in a network
// that fails, and what ONCE does about it.

const (
	onceCalls   = 10_000
	plainCalls  = 2_000 // enough to see doubles
	onceWorkers = 16
	asked       = 50 // calls of a worker, whose replies it asks for again in one pipeline

	shortRead = 200 * time.Millisecond // a time-out that a late reply costs
)

func TestOnceCountsEachCallOfGoRedisOnce(t *testing.T) {
	p := thePlace(t)
	if !p.ours() {
		t.Skip("Redis has no ONCE")
	}
	u, c := unreliably(t, p)
	key := p.key(t, "counter")
	var calls onceTally
	var workers sync.WaitGroup
	for range onceWorkers {
		workers.Go(func() { calls.countOnce(t, c, key, onceCalls/onceWorkers) })
	}
	killLeader(t, p, &calls)
	workers.Wait()

	total, err := redis.Int(do(newRedigo(t, p.addrs[1]), "GET", key))
	wants(t, "the counter", total, err, onceCalls)
	slices.Sort(calls.told)
	for i, n := range calls.told {
		if n != int64(i+1) {
			t.Fatalf("of %d replies the %dth is %d: an increment is lost or doubled", len(calls.told), i+1, n)
		}
	}
	wants(t, "replies", len(calls.told), nil, onceCalls)
	t.Logf("%d calls failed and were made again; requests, by what became of them: %v", calls.failed.Load(), u.drawn)
	u.wantsTrouble(t)
}

// The same without ONCE: if it counted right, the test above would prove nothing.
func TestWithoutOnceCallsOfGoRedisAreDoubled(t *testing.T) {
	p := thePlace(t)
	u, c := unreliably(t, p)
	key := p.key(t, "counter")
	var workers sync.WaitGroup
	for range onceWorkers {
		workers.Go(func() {
			for range plainCalls / onceWorkers {
				for c.Do(t.Context(), "INCR", key).Err() != nil && t.Context().Err() == nil {
				}
			}
		})
	}
	workers.Wait()
	total, err := redis.Int(do(newRedigo(t, p.addrs[1]), "GET", key))
	if err != nil || total <= plainCalls {
		t.Errorf("%d calls make %d, %v; the network has done: %v", plainCalls, total, err, u.drawn)
	}
	t.Logf("%d calls have counted %d too many", plainCalls, total-plainCalls)
}

// unreliably is a client with default options, but for a shorter time-out, and the network between it and all nodes.
func unreliably(t *testing.T, p *place) (*unreliable, *goredis.Client) {
	u := newUnreliable(t, 1, p.addrs[:]...)
	c := goredis.NewClient(&goredis.Options{Addr: u.Addr().String(), ReadTimeout: shortRead})
	t.Cleanup(func() { c.Close() })
	return u, c
}

func (u *unreliable) wantsTrouble(t *testing.T) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for f, n := range u.drawn {
		if n == 0 {
			t.Errorf("no request had the fate %d: %v", f, u.drawn)
		}
	}
}

// onceTally is what the callers have heard.
type onceTally struct {
	failed atomic.Int64 // calls that go-redis gave up
	done   atomic.Int64

	mu   sync.Mutex
	told []int64 // by each call that succeeded
}

// countOnce makes calls in a session of its own, and asks for each reply again.
func (o *onceTally) countOnce(t *testing.T, c *goredis.Client, key string, calls int) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var session string
	o.untilTold(t, ctx, func() (err error) {
		session, err = c.Do(ctx, "ONCE", "OPEN").Text()
		return err
	})
	told := make([]int64, calls)
	for i := range told {
		o.untilTold(t, ctx, func() (err error) {
			told[i], err = c.Do(ctx, "ONCE", session, i+1, "INCR", key).Int64()
			return err
		})
		o.done.Add(1)
		if (i+1)%asked == 0 {
			o.askAgain(t, ctx, c, session, key, i+1-asked, told[i+1-asked:i+1])
		}
		if t.Failed() {
			return
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, told...)
}

// askAgain sends the last calls once more, and wants the replies that they had.
func (o *onceTally) askAgain(t *testing.T, ctx context.Context, c *goredis.Client, session, key string, before int, told []int64) {
	var again []goredis.Cmder
	o.untilTold(t, ctx, func() (err error) {
		again, err = c.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for i := range told {
				pipe.Do(ctx, "ONCE", session, before+i+1, "INCR", key)
			}
			return nil
		})
		return err
	})
	for i, call := range again {
		if n, err := call.(*goredis.Cmd).Int64(); err != nil || n != told[i] {
			t.Errorf("sequence %d replies %d, %v, and had replied %d", before+i+1, n, err, told[i])
		}
	}
}

// untilTold makes a call again until it succeeds. An error that says a definite no, or that the session is lost, fails the test.
func (o *onceTally) untilTold(t *testing.T, ctx context.Context, call func() error) {
	for {
		err := call()
		if err == nil {
			return
		}
		o.failed.Add(1)
		var told goredis.Error
		definite := errors.As(err, &told) && !strings.HasPrefix(err.Error(), "CLUSTERDOWN ") && !strings.HasPrefix(err.Error(), "UNKNOWN ")
		if definite || ctx.Err() != nil {
			t.Errorf("a call fails: %v", err)
			return
		}
	}
}

// killLeader kills the node that leads when half of the calls are done, and starts it again.
func killLeader(t *testing.T, p *place, calls *onceTally) {
	err := eventually("half of the calls are done", func() error {
		if n := calls.done.Load(); n < onceCalls/2 && !t.Failed() {
			return fmt.Errorf("%d are", n)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
		return
	}
	for _, n := range p.nodes {
		if role, err := n.role(); err != nil || role == "leader" {
			t.Logf("%s leads and is killed (%v) after %d calls", n.name, err, calls.done.Load())
			if err := restartNode(n); err != nil {
				t.Error(err)
			}
			return
		}
	}
	t.Error("nobody leads")
}

func (n *node) role() (string, error) {
	conn, err := redis.Dial("tcp", n.resp, redis.DialConnectTimeout(answerTime), redis.DialReadTimeout(answerTime))
	if err != nil {
		return "", err
	}
	defer conn.Close()
	text, err := redis.Bytes(conn.Do("TRUECOUNT", "STATUS"))
	if err != nil {
		return "", err
	}
	var status struct{ Role string }
	return status.Role, json.Unmarshal(text, &status)
}
