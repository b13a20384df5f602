package clients

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// newRueidis opens a client at a node, with default options but one: without its cache. It wants CLIENT TRACKING otherwise.
func newRueidis(t *testing.T, addr string) rueidis.Client {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRueidisIsToldThatThereIsNoTracking(t *testing.T) {
	p := thePlace(t)
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{p.addrs[0]}})
	if !p.ours() {
		wants(t, "with the cache", err, nil, nil)
		c.Close()
		return
	}
	if !errors.Is(err, rueidis.ErrNoCache) {
		t.Fatalf("error %v, want %v", err, rueidis.ErrNoCache)
	}
	if !strings.Contains(err.Error(), "DisableCache") {
		t.Errorf("the error does not name the option: %v", err)
	}
}

func TestRueidis(t *testing.T) {
	p, ctx := thePlace(t), t.Context()
	c, other := newRueidis(t, p.addrs[0]), newRueidis(t, p.addrs[1])
	counter, check := p.key(t, "counter"), checks(t)

	check("it counts to 1000 over three nodes", func(t *testing.T) {
		nodes := [3]rueidis.Client{c, other, newRueidis(t, p.addrs[2])}
		countTogether(t, func(_, node int) (int64, error) {
			return nodes[node].Do(ctx, nodes[node].B().Incr().Key(counter).Build()).AsInt64()
		})
	})
	check("it reads at another node", func(t *testing.T) {
		n, err := other.Do(ctx, other.B().Get().Key(counter).Build()).AsInt64()
		wants(t, "GET", n, err, countTo)
	})
	check("a missing key is null", func(t *testing.T) {
		err := c.Do(ctx, c.B().Get().Key(p.key(t, "missing")).Build()).Error()
		wants(t, "GET is null", rueidis.IsRedisNil(err), nil, true)
	})
	check("an error is an error of its own", func(t *testing.T) {
		key := p.key(t, "text")
		wants(t, "SET", "", c.Do(ctx, c.B().Set().Key(key).Value("abc").Build()).Error(), "")
		told, ok := rueidis.IsRedisErr(c.Do(ctx, c.B().Incr().Key(key).Build()).Error())
		if !ok || told.Error() != "value is not an integer or out of range" {
			t.Errorf("INCR of text: %v, %v", told, ok)
		}
	})
	check("a transaction", func(t *testing.T) { rueidisTransaction(t, p, c, other) })
	check("a pipeline of 10000", func(t *testing.T) {
		key := p.key(t, "piped")
		commands := make(rueidis.Commands, pipelineSize)
		for i := range commands {
			commands[i] = c.B().Incr().Key(key).Build()
		}
		for i, reply := range c.DoMulti(ctx, commands...) {
			n, err := reply.AsInt64()
			wants(t, fmt.Sprint("reply ", i), n, err, int64(i+1))
			if t.Failed() {
				return
			}
		}
	})
	check("an expiry", func(t *testing.T) {
		key := p.key(t, "short")
		wants(t, "SET PX", "", c.Do(ctx, c.B().Set().Key(key).Value("1").Px(50*time.Millisecond).Build()).Error(), "")
		if err := eventually("the key is gone", func() error {
			if err := c.Do(ctx, c.B().Get().Key(key).Build()).Error(); !rueidis.IsRedisNil(err) {
				return fmt.Errorf("GET: %v", err)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		n, err := c.Do(ctx, c.B().Pttl().Key(key).Build()).AsInt64()
		wants(t, "PTTL of a key that is gone", n, err, -2)
	})
	check("it publishes and subscribes", func(t *testing.T) { rueidisPubSub(t, p, c) })
	check("a map is a map", func(t *testing.T) {
		settings, err := c.Do(ctx, c.B().ConfigGet().Parameter("maxclients").Build()).AsStrMap()
		if err != nil || settings["maxclients"] == "" {
			t.Errorf("CONFIG GET: %v, %v", settings, err)
		}
	})
	check("it goes on after a restart", func(t *testing.T) {
		key := p.key(t, "restarted")
		goesOn(t, p, func() (int64, error) { return c.Do(ctx, c.B().Incr().Key(key).Build()).AsInt64() })
	})
}

func rueidisTransaction(t *testing.T, p *place, c, other rueidis.Client) {
	ctx, key := t.Context(), p.key(t, "tx")
	add := func(disturb bool) (reply rueidis.RedisResult) {
		_ = c.Dedicated(func(d rueidis.DedicatedClient) error {
			d.Do(ctx, d.B().Watch().Key(key).Build())
			if disturb {
				other.Do(ctx, other.B().Incrby().Key(key).Increment(100).Build())
			}
			replies := d.DoMulti(ctx, d.B().Multi().Build(), d.B().Incr().Key(key).Build(),
				d.B().Incrby().Key(key).Increment(4).Build(), d.B().Exec().Build())
			reply = replies[len(replies)-1]
			return nil
		})
		return reply
	}
	values, err := add(false).AsIntSlice()
	wants(t, "EXEC", fmt.Sprint(values), err, "[1 5]")
	err = add(true).Error()
	wants(t, "EXEC after another node's client wrote is null", rueidis.IsRedisNil(err), nil, true)
	n, err := c.Do(ctx, c.B().Get().Key(key).Build()).AsInt64()
	wants(t, "GET", n, err, 105)
}

func rueidisPubSub(t *testing.T, p *place, c rueidis.Client) {
	ctx, channel := t.Context(), p.key(t, "news")
	d, release := c.Dedicate()
	defer release()
	heard, confirmed := make(chan string, 1), make(chan struct{}, 1)
	ended := d.SetPubSubHooks(rueidis.PubSubHooks{
		OnMessage:      func(m rueidis.PubSubMessage) { heard <- m.Channel + " " + m.Message },
		OnSubscription: func(rueidis.PubSubSubscription) { confirmed <- struct{}{} },
	})
	if err := d.Do(ctx, d.B().Subscribe().Channel(channel).Build()).Error(); err != nil {
		t.Fatal(err)
	}
	tooLate := time.After(patience)
	select {
	case <-confirmed:
	case err := <-ended:
		t.Fatal(err)
	case <-tooLate:
		t.Fatal("the subscription is not confirmed")
	}
	n, err := c.Do(ctx, c.B().Publish().Channel(channel).Message("hello").Build()).AsInt64()
	wants(t, "PUBLISH", n, err, 1)
	select {
	case message := <-heard:
		wants(t, "message", message, nil, channel+" hello")
	case err := <-ended:
		t.Fatal(err)
	case <-tooLate:
		t.Fatal("the message does not arrive")
	}
	// With RESP3 a connection may go on asking while it is subscribed.
	n, err = d.Do(ctx, d.B().Incr().Key(channel).Build()).AsInt64()
	wants(t, "INCR while subscribed", n, err, 1)
}
