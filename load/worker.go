package load

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	minPause, maxPause = 10 * time.Millisecond, 500 * time.Millisecond // between rounds of trying to connect; it doubles
	refusedPause       = 10 * time.Millisecond                         // after a pipeline in which something was refused
	maxRefused         = 2                                             // pipelines in a row, wholly refused: another node is tried
	maxTimerLate       = time.Millisecond                              // that a timer is late by on an idle machine: not in the latency
)

// worker is one client: one connection, and one goroutine that writes a pipeline, reads its replies, and goes on.
type worker struct {
	*run
	id, home int   // home: the node that it tries first
	node     int   // that it is connected to, or was
	link     *link // nil: it is not connected
	random   *rand.PCG
	timer    *time.Timer

	out     []byte // the pipeline
	sent    []sent // what is in it
	refused int    // how many of it were refused
	streak  int    // pipelines in a row of which all was refused
}

// sent is a command of the pipeline.
type sent struct {
	key     uint32
	kind    kind
	outcome outcome
	value   int64 // that an increment has answered
}

// outcome is what a worker knows of what it sent.
type outcome uint8

const (
	waiting      outcome = iota // for an answer
	acknowledged                // done
	rejected                    // surely not done
	doubtful                    // answered, but not whether it was done
)

func newWorker(r *run, id int) *worker {
	home := id % len(r.Nodes)
	w := &worker{run: r, id: id, home: home, node: home, random: rand.NewPCG(r.Seed, uint64(id)), timer: time.NewTimer(0)}
	<-w.timer.C
	return w
}

// work runs pipelines until the phase is over.
func (w *worker) work(ctx context.Context, p *phase) {
	for n := int64(0); ; n++ {
		from, ok := w.await(ctx, p, n)
		size := 0
		if ok {
			size = p.take(w.Pipeline)
		}
		if size == 0 || w.link == nil && !w.connect(ctx, p, w.home) {
			w.giveBack(p, n)
			return
		}
		w.draw(size)
		w.exchange(ctx, p, from)
		if w.refused > 0 {
			w.recover(ctx, p)
		}
	}
}

// await waits until pipeline number n is due, and returns from when on its latency counts; 0 is the moment of sending. A
// pipeline that had to wait for the one before counts from when it was due. One for which the worker slept counts from up to
// maxTimerLate after that: so much is the timer's. A worker that woke even later stood still with the program, or with the
// machine, and what that hides of the server nobody knows.
func (w *worker) await(ctx context.Context, p *phase, n int64) (from time.Duration, ok bool) {
	now := w.clock()
	if ctx.Err() != nil || now >= p.end {
		return 0, false
	}
	if !p.schedule.open() {
		return 0, true
	}
	due := p.start + p.schedule.due(w.id, n)
	if due >= p.end {
		return 0, false
	}
	if due <= now {
		return due, true
	}
	if !w.sleep(ctx, due-now) {
		return 0, false
	}
	now = w.clock()
	w.note(func(f *figures) { f.wake(now - due) })
	return min(now, due+maxTimerLate), true
}

// giveBack accounts for what was due and is not sent any more.
func (w *worker) giveBack(p *phase, n int64) {
	if !p.schedule.open() || p.bounded {
		return
	}
	end := min(w.clock(), p.end) - p.start
	w.note(func(f *figures) { f.miss(p.schedule, w.id, n, end, int64(w.Pipeline)) })
}

// draw chooses the pipeline's commands and writes them into out.
func (w *worker) draw(size int) {
	w.out, w.sent = w.out[:0], w.sent[:0]
	for range size {
		s := sent{key: w.keys.draw(w.random.Uint64()), kind: w.Operation.write}
		if w.Operation.reads() {
			s.kind = w.Operation.draw(w.random.Uint64())
		}
		w.out = w.encoder.append(w.out, s.kind, s.key)
		w.sent = append(w.sent, s)
	}
	w.out = append(w.out, w.encoder.wait...)
}

// connect tries the nodes from first on, until one answers or the phase is over.
func (w *worker) connect(ctx context.Context, p *phase, first int) bool {
	for pause := minPause; ctx.Err() == nil && w.clock() < p.end; pause = min(2*pause, maxPause) {
		for i := range w.Nodes {
			node := (first + i) % len(w.Nodes)
			l, err := w.dialer.open(ctx, w.Nodes[node])
			if err != nil {
				continue
			}
			w.link, w.node = l, node
			w.note(func(f *figures) { f.reconnects++ })
			return true
		}
		w.sleep(ctx, pause)
	}
	return false
}

func (w *worker) disconnect() {
	if w.link != nil {
		w.link.Close()
		w.link = nil
	}
}

// recover lets a node breathe that has refused something, and leaves it if it goes on refusing everything.
func (w *worker) recover(ctx context.Context, p *phase) {
	w.sleep(ctx, refusedPause)
	if w.refused < len(w.sent) {
		w.streak = 0
		return
	}
	if w.streak++; w.streak >= maxRefused {
		w.streak = 0
		w.disconnect()
		w.connect(ctx, p, w.node+1)
	}
}

// sleep reports whether ctx was on all the time.
func (w *worker) sleep(ctx context.Context, d time.Duration) bool {
	w.timer.Reset(d)
	select {
	case <-w.timer.C:
		return true
	case <-ctx.Done():
		w.timer.Stop()
		return false
	}
}

// note writes into the figures of the node that the worker is connected to. It is not for every pipeline.
func (w *worker) note(write func(*figures)) {
	s := w.shard()
	s.mu.Lock()
	defer s.mu.Unlock()
	write(s.now)
}

func (w *worker) shard() *shard { return &w.shards[w.node][w.id/len(w.Nodes)%shardsPerNode] }
