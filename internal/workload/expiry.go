package workload

import (
	"context"
	"time"

	"github.com/truecount/truecount/internal/history"
)

const (
	shortTTL, longTTL = 300 * time.Millisecond, 4 * time.Second
	goneAfter         = 6 * time.Second // reads go on for so long behind a deadline, if the key does not end
)

// expire sets keys that end, and reads each of them until it has.
func expire(ctx context.Context, c *client) {
	reader := *c // reads come by another connection, to another node in the end
	reader.conn = nil
	defer reader.hangUp()
	for c.pause(ctx) {
		ttl := (shortTTL + time.Duration(c.rng.Int64N(int64(longTTL-shortTTL)))).Truncate(time.Millisecond)
		set := history.Op{Kind: history.Set, Key: c.crowd.keys.fresh("exp"), Arg: 1 + c.rng.Int64N(100), TTL: ttl}
		if outcome, _ := c.do(set); outcome != history.Done {
			continue
		}
		reader.restless = c.rng.IntN(2) == 0
		for end := time.Now().Add(ttl + goneAfter); time.Now().Before(end) && rest(ctx, ttl/10); {
			outcome, answer := reader.do(history.Op{Kind: history.Get, Key: set.Key})
			if outcome == history.Done && !answer.Present {
				break
			}
		}
	}
}
