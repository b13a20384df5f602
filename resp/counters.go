package resp

import (
	"sync"
	"time"
)

// counters are what INFO tells of a Server that CONFIG RESETSTAT sets to zero. The Server's own go on: INFO subtracts.
type counters struct {
	Stats
	hits, misses, timedOut uint64
	expired                uint64 // only what it was at the reset: the cluster counts it
}

func (d *door) counters() counters {
	return counters{Stats: d.stats(), hits: d.hits.Load(), misses: d.misses.Load(), timedOut: d.timedOut.Load()}
}

// sinceReset are the counters since the last CONFIG RESETSTAT.
func (d *door) sinceReset() counters {
	now, base := d.counters(), d.base.Load()
	now.Accepted -= base.Accepted
	now.Rejected -= base.Rejected
	now.Commands -= base.Commands
	now.BytesIn -= base.BytesIn
	now.BytesOut -= base.BytesOut
	now.hits -= base.hits
	now.misses -= base.misses
	now.timedOut -= base.timedOut
	return now
}

func (d *door) resetStats() {
	now := d.counters()
	now.expired = d.cluster.Local().Expired
	d.base.Store(&now)
	d.errors.reset()
	for _, row := range d.table.rows {
		for _, c := range row.each() {
			c.tally.reset()
		}
	}
}

// pulse is how fast things go on. There is no ticker: whoever asks leaves a beat for those who ask later, and the rate is
// that since the latest beat that is long enough ago, or since the beginning.
type pulse struct {
	mu    sync.Mutex
	beats [beats]beat // a ring
	next  int
}

const (
	beats     = 16
	beatApart = 100 * time.Millisecond // between two beats; so they reach back further than beatSpan
	beatSpan  = time.Second
)

// beat is what had been counted at a moment, by the door's clock.
type beat struct {
	at                      time.Duration
	commands, input, output uint64
}

// rates are per second.
type rates struct{ commands, input, output float64 }

func (p *pulse) rates(now beat) rates {
	p.mu.Lock()
	defer p.mu.Unlock()
	var from beat // the zero beat is the beginning
	latest := p.beats[(p.next+beats-1)%beats]
	for _, b := range p.beats {
		if b.at > from.at && now.at-b.at >= beatSpan {
			from = b
		}
	}
	if now.at-latest.at >= beatApart {
		p.beats[p.next] = now
		p.next = (p.next + 1) % beats
	}
	seconds := max(now.at-from.at, time.Millisecond).Seconds()
	return rates{
		commands: float64(now.commands-from.commands) / seconds,
		input:    float64(now.input-from.input) / seconds,
		output:   float64(now.output-from.output) / seconds,
	}
}

func (d *door) rates() rates {
	return d.pulse.rates(beat{at: d.clock(), commands: d.commands.Load(), input: d.bytesIn.Load(), output: d.bytesOut.Load()})
}
