package demo

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	// Key is what a demo's writers count on. It is the demo's own: what others count there is seen as doubled.
	Key = "demo:visits"

	tryAgain   = 20 * time.Millisecond  // after nobody could be reached
	afterNo    = 100 * time.Millisecond // after a refusal
	lastAnswer = 300 * time.Millisecond // for what is on its way when the demo stops
)

// writer counts on Key, one increment after the other, as a decent client does: when its node dies it goes on with another
// one, and what has no answer is not sent again but noted. When its own node is back, it returns to it.
type writer struct {
	home   int
	doors  []door
	pace   time.Duration // from one increment to the next
	phase  time.Duration // before the first one
	ledger *ledger

	at   int // the node that link leads to
	link *link
}

// door is where a node answers.
type door struct {
	id, addr string
	open     *atomic.Bool // false: its node is down, or is not ready yet
}

// run counts until ctx ends.
func (w *writer) run(ctx context.Context) {
	defer func() { w.hangUp() }()
	if !pause(ctx, w.phase) {
		return
	}
	tick := time.NewTicker(w.pace)
	defer tick.Stop()
	for {
		w.count(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// count makes one increment: it returns when one is acknowledged, or ctx has ended.
func (w *writer) count(ctx context.Context) {
	// What is on its way when ctx ends has a moment to come in.
	answer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswer, cancel) })()

	for since := w.ledger.now(); ctx.Err() == nil; {
		if !w.connect(ctx) {
			pause(ctx, tryAgain)
			continue
		}
		after := w.ledger.send()
		value, err := redis.Int64(w.link.ask(answer, "INCR", Key))
		switch {
		case err == nil:
			w.ledger.ack(after, value, since)
			return
		case errors.Is(err, errGone):
			w.ledger.drop(after)
			w.hangUp()
		case surelyNot(err):
			w.ledger.refuse(after, err.Error())
			pause(ctx, afterNo)
		default:
			w.ledger.fail(after, w.doors[w.at].id)
			w.hangUp()
		}
	}
}

// surelyNot tells a refusal from an unknown outcome.
func surelyNot(err error) bool {
	refusal := redis.Error("")
	return errors.As(err, &refusal) && !strings.HasPrefix(string(refusal), "UNKNOWN")
}

// connect sees to it that there is a link, home if possible.
func (w *writer) connect(ctx context.Context) bool {
	if w.link != nil && w.at != w.home && w.doors[w.home].open.Load() {
		w.hangUp()
	}
	if w.link != nil {
		return true
	}
	for i := range w.doors {
		at := (w.home + i) % len(w.doors)
		if !w.doors[at].open.Load() {
			continue
		}
		if link, err := dial(ctx, w.doors[at].addr); err == nil {
			w.at, w.link = at, link
			return true
		}
	}
	return false
}

func (w *writer) hangUp() {
	if w.link != nil {
		w.link.close()
		w.link = nil
	}
}

// pause reports whether it came to its end before ctx did.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
