package load

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"
)

// echo is a connection to a server that acknowledges every increment at once, without a system call.
type echo struct {
	net.Conn // nil: nothing else is used
	owed     int
}

func (e *echo) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("*1\r\n")) { // PING
		e.owed++
	}
	e.owed += bytes.Count(p, []byte("INCR"))
	return len(p), nil
}

func (e *echo) Read(p []byte) (int, error) {
	const reply = ":1234567\r\n"
	n := 0
	for ; e.owed > 0 && n+len(reply) <= len(p); e.owed-- {
		n += copy(p[n:], reply)
	}
	return n, nil
}

func (e *echo) SetDeadline(time.Time) error { return nil }
func (e *echo) Close() error                { return nil }

// lonely is a worker that is connected to an echo, and its phase.
func lonely(t testing.TB, set func(*Options)) (*worker, *phase) {
	o := Defaults()
	o.Nodes, o.Clients = []string{"echo:1"}, 1
	o.Dial = func(context.Context, string) (net.Conn, error) { return &echo{}, nil }
	set(&o)
	r := newRun(o)
	if err := r.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := newPhase(r, time.Hour, 0)
	p.silence.begin(r.clock())
	return r.workers[0], p
}

func round(w *worker, p *phase) {
	w.draw(w.Pipeline)
	w.exchange(context.Background(), p, 0)
}

func TestAPipelineAllocatesNothing(t *testing.T) {
	for name, set := range map[string]func(*Options){
		"one command":         func(*Options) {},
		"64 of one key":       func(o *Options) { o.Pipeline = 64 },
		"64 of many keys":     func(o *Options) { o.Pipeline, o.Keys, o.Distribution = 64, 1000, Distribution{exponent: 1} },
		"1,000, and verified": func(o *Options) { o.Pipeline, o.Keys, o.Verify = 1000, 1000, true },
	} {
		w, p := lonely(t, set)
		round(w, p) // makes the buffers
		if n := testing.AllocsPerRun(1000, func() { round(w, p) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		if f := w.shard().now; f.acknowledged() < int64(1000*w.Pipeline) || f.errors() > 0 {
			t.Errorf("%s: %d acknowledged, %d errors", name, f.acknowledged(), f.errors())
		}
	}
}

func BenchmarkCommand(b *testing.B) {
	for name, set := range map[string]func(*Options){
		"alone":          func(*Options) {},
		"hot×64":         func(o *Options) { o.Pipeline = 64 },
		"zipf×64":        func(o *Options) { o.Pipeline, o.Keys, o.Distribution = 64, 100_000, Distribution{exponent: 1} },
		"verified×64":    func(o *Options) { o.Pipeline, o.Keys, o.Verify = 64, 100_000, true },
		"verifiedHot×64": func(o *Options) { o.Pipeline, o.Verify = 64, true },
	} {
		b.Run(name, func(b *testing.B) {
			w, p := lonely(b, set)
			b.ReportAllocs()
			for n := 0; n < b.N; n += w.Pipeline {
				round(w, p)
			}
		})
	}
}

func TestNeighboursOfOneKeyKeepTheirOwnOutcomes(t *testing.T) {
	w, _ := lonely(t, func(o *Options) { o.Keys, o.Verify = 2, true })
	for i, o := range []outcome{rejected, acknowledged, acknowledged, waiting, doubtful, acknowledged, doubtful} {
		w.sent = append(w.sent, sent{key: 1, kind: incr, outcome: o, value: int64(10 + i)})
	}
	w.sent = append(w.sent, sent{key: 1, kind: get, outcome: acknowledged}, sent{key: 0, kind: incr, outcome: acknowledged})
	w.settle()
	one := &w.tally.keys[1]
	if a, u := one.acknowledged.Load(), one.unanswered.Load(); a != 3 || u != 3 || w.tally.keys[0].acknowledged.Load() != 1 {
		t.Errorf("%d acknowledged, %d unanswered, want 3 and 3", a, u)
	}
	if told := one.told.Load(); told != 15 {
		t.Errorf("told up to %d, want 15: what is in doubt is no promise", told)
	}
}
