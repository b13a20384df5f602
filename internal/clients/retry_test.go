package clients

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"

	"github.com/gomodule/redigo/redis"
	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

// lossy stands between a client and a server. It takes the reply of the first INCR away, and closes that connection.
type lossy struct {
	net.Listener
	server string
	lost   atomic.Bool
}

func newLossy(t *testing.T, server string) *lossy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &lossy{Listener: l, server: server}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go r.relay(client)
		}
	}()
	return r
}

// relay ends when either side does, or with the lost reply.
func (r *lossy) relay(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	defer server.Close()
	var losing atomic.Bool
	go func() {
		defer server.Close()
		relayChunks(server, client, func(chunk []byte) bool {
			if bytes.Contains(bytes.ToLower(chunk), []byte("\r\nincr\r\n")) && r.lost.CompareAndSwap(false, true) {
				losing.Store(true)
			}
			return true
		})
	}()
	relayChunks(client, server, func([]byte) bool { return !losing.Load() })
}

func relayChunks(to, from net.Conn, pass func(chunk []byte) bool) {
	chunk := make([]byte, 64<<10)
	for {
		n, err := from.Read(chunk)
		if err != nil || !pass(chunk[:n]) {
			return
		}
		if _, err := to.Write(chunk[:n]); err != nil {
			return
		}
	}
}

// What docs/CLIENTS.md says of clients that send an increment again, and of the options against it.
func TestWhoCountsTwiceWhenAReplyIsLost(t *testing.T) {
	p := thePlace(t)
	goRedisWith := func(retries int) func(addr, key string) (int64, error) {
		return func(addr, key string) (int64, error) {
			c := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: retries})
			defer c.Close()
			return c.Incr(t.Context(), key).Result()
		}
	}
	rows := []struct {
		client string
		counts int // how often the increment happens
		incr   func(addr, key string) (int64, error)
	}{
		{"go-redis", 2, goRedisWith(0)},
		{"go-redis with MaxRetries -1", 1, goRedisWith(-1)},
		{"rueidis", 1, func(addr, key string) (int64, error) {
			c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
			if err != nil {
				return 0, err
			}
			defer c.Close()
			return c.Do(t.Context(), c.B().Incr().Key(key).Build()).AsInt64()
		}},
		{"redigo", 1, func(addr, key string) (int64, error) {
			c, err := redis.Dial("tcp", addr)
			if err != nil {
				return 0, err
			}
			defer c.Close()
			return redis.Int64(c.Do("INCR", key))
		}},
	}
	for _, row := range rows {
		t.Run(row.client, func(t *testing.T) {
			key := p.key(t, "counter")
			told, err := row.incr(newLossy(t, p.addrs[0]).Addr().String(), key)
			if again := row.counts > 1; again != (err == nil) || again && told != 2 {
				t.Errorf("the client is told %d, %v", told, err)
			}
			value, err := redis.Int(do(newRedigo(t, p.addrs[0]), "GET", key))
			wants(t, "the counter", value, err, row.counts)
		})
	}
}
