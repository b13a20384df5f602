package clients

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// goRedis opens a client with default options at a node.
func goRedis(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGoRedis(t *testing.T) {
	p, ctx := thePlace(t), t.Context()
	c, other := goRedis(t, p.addrs[0]), goRedis(t, p.addrs[1])
	counter, check := p.key(t, "counter"), checks(t)

	check("it counts to 1000 over three nodes", func(t *testing.T) {
		nodes := [3]*redis.Client{c, other, goRedis(t, p.addrs[2])}
		countTogether(t, func(_, node int) (int64, error) { return nodes[node].Incr(ctx, counter).Result() })
	})
	check("it reads at another node", func(t *testing.T) {
		n, err := other.Get(ctx, counter).Int()
		wants(t, "GET", n, err, countTo)
	})
	check("a missing key is null", func(t *testing.T) {
		if _, err := c.Get(ctx, p.key(t, "missing")).Result(); err != redis.Nil {
			t.Errorf("GET: %v, want redis.Nil", err)
		}
	})
	check("an error is an error of its own", func(t *testing.T) {
		key := p.key(t, "text")
		wants(t, "SET", "OK", c.Set(ctx, key, "abc", 0).Err(), "OK")
		_, err := c.Incr(ctx, key).Result()
		var told redis.Error
		if !errors.As(err, &told) || told.Error() != "ERR value is not an integer or out of range" {
			t.Errorf("INCR of text: %v", err)
		}
	})
	check("a transaction", func(t *testing.T) { goRedisTransaction(t, p, c) })
	check("an optimistic transaction notices who was faster", func(t *testing.T) { goRedisWatch(t, p, c, other) })
	check("a pipeline of 10000", func(t *testing.T) {
		key := p.key(t, "piped")
		commands, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
			for range pipelineSize {
				pipe.Incr(ctx, key)
			}
			return nil
		})
		wants(t, "replies", len(commands), err, pipelineSize)
		for i, command := range commands {
			wants(t, fmt.Sprint("reply ", i), command.(*redis.IntCmd).Val(), command.Err(), int64(i+1))
			if t.Failed() {
				return
			}
		}
	})
	check("an expiry", func(t *testing.T) { goRedisExpiry(t, p, c) })
	check("one address is no cluster for a universal client", func(t *testing.T) {
		u := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{p.addrs[2]}})
		defer u.Close()
		n, err := u.IncrBy(ctx, p.key(t, "universal"), 7).Result()
		wants(t, "INCRBY", n, err, 7)
	})
	check("SET with options", func(t *testing.T) { goRedisSet(t, p, c) })
	check("it adds what is no integer", func(t *testing.T) {
		key := p.key(t, "float")
		c.Set(ctx, key, "10.5", 0)
		x, err := c.IncrByFloat(ctx, key, 0.1).Result()
		wants(t, "INCRBYFLOAT", x, err, 10.6)
	})
	check("it scans", func(t *testing.T) { goRedisScan(t, p, c) })
	check("it publishes and subscribes", func(t *testing.T) { goRedisPubSub(t, p, c) })
	check("it asks about the server", func(t *testing.T) { goRedisServer(t, p, c) })
	check("it goes on after a restart", func(t *testing.T) {
		key := p.key(t, "restarted")
		goesOn(t, p, func() (int64, error) { return c.Incr(ctx, key).Result() })
	})
}

func goRedisTransaction(t *testing.T, p *place, c *redis.Client) {
	ctx, key := t.Context(), p.key(t, "tx")
	var n *redis.IntCmd
	var expires *redis.BoolCmd
	_, err := c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		n = pipe.IncrBy(ctx, key, 5)
		expires = pipe.Expire(ctx, key, time.Hour)
		return nil
	})
	wants(t, "INCRBY in MULTI", n.Val(), err, 5)
	wants(t, "EXPIRE in MULTI", expires.Val(), err, true)

	_, err = c.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Incr(ctx, key)
		pipe.Do(ctx, "incrby", key) // refused when it is queued
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "EXECABORT") && !strings.Contains(err.Error(), "wrong number of arguments") {
		t.Errorf("a transaction with a bad command: %v", err)
	}
	left, err := c.Get(ctx, key).Int()
	wants(t, "GET after a discarded transaction", left, err, 5)
}

func goRedisWatch(t *testing.T, p *place, c, other *redis.Client) {
	ctx, key := t.Context(), p.key(t, "watched")
	double := func(disturb bool) error {
		return c.Watch(ctx, func(tx *redis.Tx) error {
			n, err := tx.Get(ctx, key).Int()
			if err != nil && err != redis.Nil {
				return err
			}
			if disturb {
				other.Incr(ctx, key)
			}
			_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
				pipe.Set(ctx, key, 2*n+10, 0)
				return nil
			})
			return err
		}, key)
	}
	if err := double(false); err != nil {
		t.Fatal(err)
	}
	if err := double(true); err != redis.TxFailedErr {
		t.Errorf("WATCH of a key that another node's client changed: %v", err)
	}
	n, err := c.Get(ctx, key).Int()
	wants(t, "GET", n, err, 11)
}

func goRedisExpiry(t *testing.T, p *place, c *redis.Client) {
	ctx, key := t.Context(), p.key(t, "short")
	wants(t, "INCR", c.Incr(ctx, key).Val(), nil, 1)
	ok, err := c.PExpire(ctx, key, 50*time.Millisecond).Result()
	wants(t, "PEXPIRE", ok, err, true)
	if left := c.PTTL(ctx, key).Val(); left > 50*time.Millisecond {
		t.Errorf("PTTL: %v", left)
	}
	if err := eventually("the key is gone", func() error {
		if err := c.Get(ctx, key).Err(); err != redis.Nil {
			return fmt.Errorf("GET: %v", err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	left, err := c.TTL(ctx, key).Result()
	wants(t, "TTL of a key that is gone", left, err, -2)
	n, err := c.Incr(ctx, key).Result()
	wants(t, "INCR of a key that is gone", n, err, 1)
	left, err = c.TTL(ctx, key).Result()
	wants(t, "TTL of a new key", left, err, -1)
}

func goRedisSet(t *testing.T, p *place, c *redis.Client) {
	ctx, key := t.Context(), p.key(t, "lock")
	for _, want := range []bool{true, false} {
		ok, err := c.SetNX(ctx, key, "me", 90*time.Second).Result() // SET … EX 90 NX
		wants(t, "SET NX EX", ok, err, want)
	}
	short := p.key(t, "short")
	ok, err := c.SetNX(ctx, short, "me", 1500*time.Millisecond).Result() // SET … PX 1500 NX
	wants(t, "SET NX PX", ok, err, true)
	if left := c.PTTL(ctx, short).Val(); left <= 0 || left > 1500*time.Millisecond {
		t.Errorf("PTTL: %v", left)
	}
	old, err := c.SetArgs(ctx, key, "you", redis.SetArgs{Mode: "XX", Get: true, KeepTTL: true}).Result()
	wants(t, "SET XX GET KEEPTTL", old, err, "me")
	if left := c.TTL(ctx, key).Val(); left < time.Minute {
		t.Errorf("TTL after KEEPTTL: %v", left)
	}
	got, err := c.GetDel(ctx, key).Result()
	wants(t, "GETDEL", got, err, "you")
	values, err := c.MGet(ctx, short, key).Result()
	wants(t, "MGET", fmt.Sprint(values), err, "[me <nil>]")
}

func goRedisScan(t *testing.T, p *place, c *redis.Client) {
	ctx, prefix := t.Context(), p.key(t, "scan:")
	const keys = 250
	if _, err := c.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for i := range keys {
			pipe.Set(ctx, fmt.Sprint(prefix, i), i, 0)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	each := c.Scan(ctx, 0, prefix+"*", 20).Iterator()
	for each.Next(ctx) {
		found[each.Val()] = true
	}
	wants(t, "keys scanned", len(found), each.Err(), keys)
}

func goRedisPubSub(t *testing.T, p *place, c *redis.Client) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	channel := p.key(t, "news")
	sub := c.Subscribe(ctx, channel)
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	if err := sub.PSubscribe(ctx, channel+"*"); err != nil {
		t.Fatal(err)
	}
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	n, err := c.Publish(ctx, channel, "hello").Result()
	wants(t, "PUBLISH", n, err, 2)
	for _, pattern := range []string{"", channel + "*"} {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, "message", m.Channel+" "+m.Pattern+" "+m.Payload, nil, channel+" "+pattern+" hello")
	}
	if err := sub.Ping(ctx, "alive"); err != nil {
		t.Error(err)
	}
	pong, err := sub.Receive(ctx)
	wants(t, "PING while subscribed", fmt.Sprint(pong), err, "Pong<alive>")
}

func goRedisServer(t *testing.T, p *place, c *redis.Client) {
	ctx := t.Context()
	pong, err := c.Ping(ctx).Result()
	wants(t, "PING", pong, err, "PONG")
	info, err := c.Info(ctx).Result()
	for _, want := range []string{"# Server", "redis_version:7.", "redis_mode:standalone", "role:master", "loading:0"} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO lacks %q, %v:\n%s", want, err, info)
		}
	}
	if p.ours() && !strings.Contains(info, "redis_version:7.2.4\r\n") {
		t.Errorf("INFO does not claim 7.2.4:\n%s", info)
	}
	list, err := c.ClientList(ctx).Result()
	if err != nil || !strings.Contains(list, "addr=127.0.0.1:") || !strings.Contains(list, "resp=3") && p.ours() {
		t.Errorf("CLIENT LIST: %q, %v", list, err)
	}
	if p.ours() && !strings.Contains(list, "lib-name=go-redis") {
		t.Errorf("CLIENT LIST does not show the library: %q", list)
	}
	settings, err := c.ConfigGet(ctx, "maxclients").Result()
	if err != nil || settings["maxclients"] == "" {
		t.Errorf("CONFIG GET: %v, %v", settings, err)
	}
	commands, err := c.Command(ctx).Result()
	incr := commands["incr"]
	if err != nil || incr == nil || incr.Arity != 2 || incr.FirstKeyPos != 1 || incr.ReadOnly {
		t.Errorf("COMMAND: %+v, %v", incr, err)
	}
}
