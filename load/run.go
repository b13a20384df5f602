package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

const dialAtOnce = 100 // connections that are opened at the same time

// Run makes a load and measures it. An error says that it could not: bad options, or a node that does not answer; all that
// happens later is in the Report. When ctx ends, the run does: with the figures so far.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	r := newRun(o)
	defer r.close()
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	if o.Warmup > 0 {
		newPhase(r, o.Warmup, 0).work(ctx)
	}
	p := newPhase(r, o.Duration, o.Requests)
	p.measured = true
	p.work(ctx)
	report := newReport(p)
	if o.Verify {
		report.Verify = r.verify(context.WithoutCancel(ctx))
	}
	return report, nil
}

// run is what all workers and phases share.
type run struct {
	Options
	began   time.Time // what clock counts from
	keys    *keys
	encoder *encoder
	tally   *tally // nil: nothing is verified
	dialer  dialer
	shards  [][shardsPerNode]shard // by node
	workers []*worker
}

func newRun(o Options) *run {
	r := &run{Options: o, began: time.Now(), keys: newKeys(o.Keys, o.Distribution), shards: make([][shardsPerNode]shard, len(o.Nodes))}
	if o.Verify {
		r.KeyPrefix = fmt.Sprintf("%s%08x:", o.KeyPrefix, rand.Uint32()) // nobody has counted with these
		r.tally = newTally(int(r.keys.count))
	}
	r.encoder = newEncoder(r.KeyPrefix, int(r.keys.count), o.Wait)
	level, _ := o.consistency()
	r.dialer = dialer{dial: o.Dial, clock: r.clock, pipeline: o.Pipeline, level: level}
	if o.Dial == nil {
		r.dialer.dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	for n := range r.shards {
		for i := range r.shards[n] {
			r.shards[n][i].now = new(figures)
		}
	}
	for id := range o.Clients {
		r.workers = append(r.workers, newWorker(r, id))
	}
	return r
}

// clock is the time since the run was made.
func (r *run) clock() time.Duration { return time.Since(r.began) }

func (r *run) close() {
	for _, w := range r.workers {
		w.disconnect()
	}
}

// connect connects every worker to its home, one of each node first: an address that is wrong is named at once.
func (r *run) connect(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var waiting sync.WaitGroup
	turn := make(chan struct{}, dialAtOnce)
	for i, w := range r.workers {
		if i == len(r.Nodes) {
			waiting.Wait()
		}
		turn <- struct{}{}
		waiting.Go(func() {
			defer func() { <-turn }()
			l, err := r.dialer.open(ctx, r.Nodes[w.home])
			if err != nil {
				cancel(inWords(r.Nodes[w.home], err))
				return
			}
			w.link = l
		})
		if ctx.Err() != nil {
			break
		}
	}
	waiting.Wait()
	return context.Cause(ctx)
}
