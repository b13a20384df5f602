package load

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// drowsy keeps whoever waits for it from looking up for a while, as a machine does that stands still.
type drowsy struct {
	context.Context
	pause time.Duration
}

func (d drowsy) Done() <-chan struct{} {
	time.Sleep(d.pause)
	return nil
}

func TestAStallOfTheGeneratorIsInTheLatency(t *testing.T) {
	for late, want := range map[time.Duration]time.Duration{
		0:                      0,
		300 * time.Microsecond: 0,
		time.Millisecond:       0,
		3 * time.Millisecond:   2 * time.Millisecond,
		time.Second:            999 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			w, p := lonely(t, func(o *Options) { o.Rate = 1 })
			p.start = w.clock()
			due := p.start + time.Second
			from, ok := w.await(drowsy{t.Context(), time.Second + late}, p, 1)
			if now := w.clock(); !ok || now != due+late {
				t.Fatalf("it woke at %v, want %v", now, due+late)
			}
			if latency := w.clock() - from; latency != want {
				t.Errorf("woke %v late: its latency begins with %v, want %v", late, latency, want)
			}
			if noted := w.shard().now.late.Max(); noted < int64(late/latencyUnit) {
				t.Errorf("woke %v late, and %d µs are reported", late, noted)
			}
		})
	}
}
