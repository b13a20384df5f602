package workload

import (
	"context"
	"fmt"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// instance is programs that count their part of a key, one life after the other: they fall silent for less than their lease, or for
// longer and come back, or for ever.
func instance(keys *lineage) func(ctx context.Context, c *client) {
	return func(ctx context.Context, c *client) {
		for ctx.Err() == nil {
			l := life{client: c, keys: keys, key: keys.key(&c.crowd.keys)}
			l.name = fmt.Sprintf("i-%016x", c.rng.Uint64())
			l.live(ctx)
		}
	}
}

// life is one instance. It names one key alone, so that all signs of it are in that key's history.
type life struct {
	*client
	keys  *lineage
	key   string
	name  string
	epoch int64 // of the last answer
}

func (l *life) live(ctx context.Context) {
	for {
		for range 5 + l.rng.IntN(30) {
			if !l.pause(ctx) {
				l.endure()
				return
			}
			l.act()
			if !l.keys.still(l.key) {
				return // dead, with all that it has
			}
		}
		if !rest(ctx, l.silence()) || l.rng.IntN(3) == 0 {
			return
		}
	}
}

// silence is shorter than the lease, or ends after the instance is dead, if there was no outage.
func (l *life) silence() time.Duration {
	lease := l.crowd.options.Lease
	if l.rng.IntN(3) == 0 {
		return lease / 2
	}
	return lease + time.Duration(l.rng.Int64N(int64(6*time.Second)))
}

func (l *life) act() {
	op := history.Op{Kind: history.ICIncr, Key: l.key, Instance: l.name, Arg: l.rng.Int64N(12) - 4}
	switch l.rng.IntN(20) {
	case 0:
		op.Kind, op.Arg = history.ICSet, l.rng.Int64N(20)
	case 1:
		op.Kind, op.Arg = history.ICSetSlice, l.rng.Int64N(20)
	case 2:
		op.Kind, op.Arg = history.ICDelSlice, 0
	case 3, 4:
		op.Kind, op.If, op.Operand = history.ICIncrIf, l.comparator(), l.rng.Int64N(20)
	case 5, 6, 7, 8:
		op.Kind, op.Arg = history.ICGet, 0
	case 9, 10, 11, 12:
		op.Epoch = l.epoch
	case 13, 14, 15:
		op.Kind, op.Arg = history.ICBeat, 0
	case 16:
		if l.rng.IntN(3) == 0 {
			op.Kind, op.Arg = history.ICDel, 0
		}
	}
	outcome, answer := l.do(op)
	switch {
	case outcome == history.Unknown && op.Kind != history.ICGet && op.Kind != history.ICBeat:
		l.keys.spoil(l.key)
	case answer.Code == "STALEEPOCH":
		l.epoch = 0 // unknown, until the next answer
	case outcome == history.Done && op.Kind != history.ICBeat:
		l.epoch = answer.Epoch
	}
}

// endure makes an instance that lives at the end of the run live on, so that its slices can be looked at.
func (l *life) endure() {
	for !l.crowd.dead.Load() {
		outcome, _ := l.do(history.Op{Kind: history.ICBeat, Key: l.key, Instance: l.name, TTL: longSession * time.Millisecond})
		if outcome == history.Done {
			return
		}
		l.restless = true
		rest(context.Background(), afterNo)
	}
}

// observer reads totals, without being an instance.
func observer(keys *lineage) func(ctx context.Context, c *client) {
	return func(ctx context.Context, c *client) {
		for c.pause(ctx) {
			c.do(history.Op{Kind: history.ICGet, Key: keys.key(&c.crowd.keys)})
		}
	}
}
