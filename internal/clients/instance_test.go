package clients

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
)

// What docs/CLIENTS.md shows: a pool of one connection that binds the instance whenever it is opened.
func TestAnInstanceThatGoRedisBindsOutlivesAConnectionAndNotItsClient(t *testing.T) {
	p := thePlace(t)
	if !p.ours() {
		t.Skip("Redis has no instance counters")
	}
	ctx, key := t.Context(), p.key(t, "seats")
	instance, other := key+" instance", newRedigo(t, p.addrs[1])
	client := goredis.NewClient(&goredis.Options{Addr: p.addrs[0], PoolSize: 1, ConnMaxIdleTime: -1,
		OnConnect: func(ctx context.Context, c *goredis.Conn) error { return c.Do(ctx, "IC.BIND", instance).Err() }})
	defer client.Close()
	told, err := client.Do(ctx, "IC.INCRBY", key, instance, 5).Int64Slice()
	wants(t, "an increment is told", fmt.Sprint(told[:2]), err, "[5 5]")

	id, err := client.ClientID(ctx).Result()
	wants(t, "an id", id > 0, err, true)
	killed, err := redis.Int(do(newRedigo(t, p.addrs[0]), "CLIENT", "KILL", "ID", id))
	wants(t, "connections that were cut off", killed, err, 1)
	again, err := client.ClientID(ctx).Result()
	wants(t, "another connection", again != id, err, true)
	wants(t, "its life", lifeOf(t, other, key, instance), nil, "bound")

	client.Close()
	for deadline := time.Now().Add(patience); lifeOf(t, other, key, instance) != "none"; time.Sleep(pollEvery) {
		if time.Now().After(deadline) {
			t.Fatal("the slice of a client that is closed does not end")
		}
	}
	total, err := redis.Int64s(do(other, "IC.GET", key))
	wants(t, "the total", total[0], err, int64(0))
}

// lifeOf is what IC.SLICES says of an instance, or "none" if it has no slice of the counter.
func lifeOf(t *testing.T, pool *redis.Pool, key, instance string) string {
	t.Helper()
	page, err := redis.Values(do(pool, "IC.SLICES", key))
	if err != nil {
		t.Fatal(err)
	}
	slices, err := redis.Values(page[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, slice := range slices {
		if words, err := redis.Values(slice, nil); err == nil && string(words[0].([]byte)) == instance {
			return string(words[2].([]byte))
		}
	}
	return "none"
}
