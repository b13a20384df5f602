package clients

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

// newRedigo is a pool of connections to a node, without any limit or test of what is borrowed, as it is by default.
func newRedigo(t *testing.T, addr string) *redis.Pool {
	pool := &redis.Pool{Dial: func() (redis.Conn, error) { return redis.Dial("tcp", addr) }}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// do is one command on a connection of the pool.
func do(pool *redis.Pool, command string, args ...any) (any, error) {
	conn := pool.Get()
	defer conn.Close()
	return conn.Do(command, args...)
}

func TestRedigo(t *testing.T) {
	p := thePlace(t)
	c, other := newRedigo(t, p.addrs[0]), newRedigo(t, p.addrs[1])
	counter, check := p.key(t, "counter"), checks(t)

	check("it counts to 1000 over three nodes", func(t *testing.T) {
		nodes := [3]*redis.Pool{c, other, newRedigo(t, p.addrs[2])}
		countTogether(t, func(_, node int) (int64, error) { return redis.Int64(do(nodes[node], "INCR", counter)) })
	})
	check("it reads at another node", func(t *testing.T) {
		n, err := redis.Int(do(other, "GET", counter))
		wants(t, "GET", n, err, countTo)
	})
	check("a missing key is null", func(t *testing.T) {
		reply, err := do(c, "GET", p.key(t, "missing"))
		wants(t, "GET", reply, err, nil)
	})
	check("an error is an error of its own", func(t *testing.T) {
		key := p.key(t, "text")
		reply, err := do(c, "SET", key, "abc")
		wants(t, "SET", reply, err, "OK")
		_, err = do(c, "INCR", key)
		var told redis.Error
		if !errors.As(err, &told) || told.Error() != "ERR value is not an integer or out of range" {
			t.Errorf("INCR of text: %v", err)
		}
	})
	check("a transaction", func(t *testing.T) { redigoTransaction(t, p, c) })
	check("a pipeline of 10000", func(t *testing.T) { redigoPipeline(t, p, c) })
	check("an expiry", func(t *testing.T) {
		key := p.key(t, "short")
		reply, err := do(c, "PSETEX", key, 50, "1")
		wants(t, "PSETEX", reply, err, "OK")
		if err := eventually("the key is gone", func() error {
			if n, err := redis.Int(do(c, "EXISTS", key)); n != 0 || err != nil {
				return fmt.Errorf("EXISTS: %d, %v", n, err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	check("it scans", func(t *testing.T) { redigoScan(t, p, c) })
	check("it publishes and subscribes", func(t *testing.T) { redigoPubSub(t, p, c) })
	check("it goes on after a restart", func(t *testing.T) {
		key := p.key(t, "restarted")
		goesOn(t, p, func() (int64, error) { return redis.Int64(do(c, "INCR", key)) })
	})
}

func redigoTransaction(t *testing.T, p *place, c *redis.Pool) {
	key, conn := p.key(t, "tx"), c.Get()
	for _, command := range []string{"MULTI", "INCR", "INCR"} {
		if command == "MULTI" {
			conn.Send(command)
			continue
		}
		conn.Send(command, key)
	}
	values, err := redis.Ints(conn.Do("EXEC"))
	wants(t, "EXEC", fmt.Sprint(values), err, "[1 2]")

	// A connection that goes back in the middle of a transaction is cleaned by the pool, with DISCARD.
	conn.Do("MULTI")
	conn.Do("INCR", key)
	conn.Close()
	n, err := redis.Int(do(c, "GET", key))
	wants(t, "GET after a transaction was left", n, err, 2)
}

func redigoPipeline(t *testing.T, p *place, c *redis.Pool) {
	key, conn := p.key(t, "piped"), c.Get()
	defer conn.Close()
	for range pipelineSize {
		if err := conn.Send("INCR", key); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range pipelineSize {
		n, err := redis.Int(conn.Receive())
		wants(t, fmt.Sprint("reply ", i), n, err, i+1)
		if t.Failed() {
			return
		}
	}
}

func redigoScan(t *testing.T, p *place, c *redis.Pool) {
	prefix, conn := p.key(t, "scan:"), c.Get()
	defer conn.Close()
	const keys = 100
	for i := range keys {
		if _, err := conn.Do("SET", prefix+strconv.Itoa(i), i); err != nil {
			t.Fatal(err)
		}
	}
	found := map[string]bool{}
	for cursor := "0"; ; {
		reply, err := redis.Values(conn.Do("SCAN", cursor, "MATCH", prefix+"*", "COUNT", 30))
		if err != nil {
			t.Fatal(err)
		}
		var page []string
		if _, err := redis.Scan(reply, &cursor, &page); err != nil {
			t.Fatal(err)
		}
		for _, key := range page {
			found[key] = true
		}
		if cursor == "0" {
			break
		}
	}
	wants(t, "keys scanned", len(found), nil, keys)
}

// With RESP2 a subscribed connection says nothing else; it goes back to the pool with UNSUBSCRIBE, PUNSUBSCRIBE and an
// ECHO to find the end.
func redigoPubSub(t *testing.T, p *place, c *redis.Pool) {
	channel := p.key(t, "news")
	sub := redis.PubSubConn{Conn: c.Get()}
	if err := sub.Subscribe(channel); err != nil {
		t.Fatal(err)
	}
	if got := sub.ReceiveWithTimeout(patience); got != any(redis.Subscription{Kind: "subscribe", Channel: channel, Count: 1}) {
		t.Fatalf("no confirmation: %v", got)
	}
	n, err := redis.Int(do(c, "PUBLISH", channel, "hello"))
	wants(t, "PUBLISH", n, err, 1)
	m, _ := sub.ReceiveWithTimeout(patience).(redis.Message)
	wants(t, "message", m.Channel+" "+string(m.Data), nil, channel+" hello")
	if err := sub.Ping("alive"); err != nil {
		t.Error(err)
	}
	wants[any](t, "PING while subscribed", sub.ReceiveWithTimeout(patience), nil, redis.Pong{Data: "alive"})
	start := time.Now()
	sub.Conn.Close()
	reply, err := do(c, "ECHO", "usable")
	wants(t, "ECHO after the subscription", fmt.Sprintf("%s", reply), err, "usable")
	if waited := time.Since(start); waited > patience/2 {
		t.Errorf("the connection went back to the pool in %v", waited)
	}
}
