package demo

import "time"

const (
	beat     = 10 * time.Millisecond // how exactly a pulse knows when
	pulseLen = 6000                  // beats that it remembers: a minute
	wellFor  = 200 * time.Millisecond
	wellFrom = 0.8 // of the usual rate, for wellFor: counting goes on as before
	dipStep  = 100 * time.Millisecond
)

// pulse remembers when increments were acknowledged, and how long their clients had waited. Times are since its beginning.
type pulse struct {
	beats [pulseLen]struct {
		acks    int
		longest time.Duration
	}
	last int // the newest beat
}

// add notes an acknowledgement. What is older than the last one by less than a minute has its place, too.
func (p *pulse) add(now, waited time.Duration) {
	p.turn(now)
	b := &p.beats[int(now/beat)%pulseLen]
	b.acks++
	b.longest = max(b.longest, waited)
}

// turn forgets what is a minute older than now.
func (p *pulse) turn(now time.Duration) {
	for n := int(now / beat); p.last < n; {
		p.last++
		p.beats[p.last%pulseLen] = struct {
			acks    int
			longest time.Duration
		}{}
	}
}

// acks counts from one moment to another, as far as they are remembered.
func (p *pulse) acks(from, to time.Duration) int {
	n := 0
	for i := p.first(from); i < int(to/beat) && i <= p.last; i++ {
		n += p.beats[i%pulseLen].acks
	}
	return n
}

// longestWait is of the increments that were acknowledged from one moment on.
func (p *pulse) longestWait(from time.Duration) time.Duration {
	var longest time.Duration
	for i := p.first(from); i <= p.last; i++ {
		longest = max(longest, p.beats[i%pulseLen].longest)
	}
	return longest
}

func (p *pulse) first(from time.Duration) int { return max(int(from/beat), p.last-pulseLen+1, 0) }

// rate is acknowledgements per second in a span that ends now; shorter at the beginning.
func (p *pulse) rate(now, span time.Duration) float64 {
	span = min(span, now.Truncate(beat))
	if span <= 0 {
		return 0
	}
	return float64(p.acks(now-span, now)) / span.Seconds()
}

// recovered is the first acknowledgement from an accident on, after which counting went on at the usual rate for a while;
// the accident itself if it has never slowed down. It is not known before that while is over.
func (p *pulse) recovered(accident, now time.Duration, usual float64) (time.Duration, bool) {
	enough := wellFrom * usual * wellFor.Seconds()
	for at := accident.Truncate(beat); at+wellFor <= now; at += beat {
		if float64(p.acks(at, at+wellFor)) < enough {
			continue
		}
		if at <= accident {
			return accident, true
		}
		for p.acks(at, at+beat) == 0 && at < now {
			at += beat
		}
		return at, true
	}
	return 0, false
}

// cells are the acknowledgements of steps, the first of which begins at a moment.
func (p *pulse) cells(from, to, step time.Duration) []int {
	var cells []int
	for ; from+step <= to; from += step {
		cells = append(cells, p.acks(from, from+step))
	}
	return cells
}

const levels = "▁▂▃▄▅▆▇"

// sparkline draws cells; full is as high as it gets.
func sparkline(cells []int, full float64) string {
	bars := []rune(levels)
	line := make([]rune, len(cells))
	for i, n := range cells {
		level := 0
		if full > 0 {
			level = int(float64(n)/full*float64(len(bars)-1) + 0.7) // a little below full is full
		}
		line[i] = bars[min(max(level, 0), len(bars)-1)]
	}
	return string(line)
}
