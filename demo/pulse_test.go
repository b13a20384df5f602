package demo

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// steadily adds an acknowledgement each 10 ms from one moment to another: a hundred a second.
func (p *pulse) steadily(from, to time.Duration) *pulse {
	for ; from < to; from += 10 * ms {
		p.add(from, 2*ms)
	}
	return p
}

func TestARateIsOfASpanThatEndsNow(t *testing.T) {
	p := new(pulse).steadily(0, 2*time.Second)
	for _, test := range []struct {
		now, span time.Duration
		want      float64
	}{
		{0, time.Second, 0},
		{500 * ms, time.Second, 100}, // shorter at the beginning
		{2 * time.Second, time.Second, 100},
		{2500 * ms, time.Second, 50},
		{4 * time.Second, time.Second, 0},
	} {
		if got := p.rate(test.now, test.span); got != test.want {
			t.Errorf("at %v, of %v: got %v, want %v", test.now, test.span, got, test.want)
		}
	}
}

func TestRecoveryIsTheFirstAnswerAfterWhichCountingGoesOnAsUsual(t *testing.T) {
	const accident = 5 * time.Second
	before := func() *pulse { return new(pulse).steadily(0, accident) }
	for _, test := range []struct {
		name  string
		pulse *pulse
		now   time.Duration
		want  time.Duration // -1: not recovered
	}{
		{"no dip", before().steadily(accident, 6*time.Second), 6 * time.Second, accident},
		{"a dip", before().steadily(5340*ms, 6*time.Second), 6 * time.Second, 5340 * ms},
		{"some answers right after the accident", before().steadily(accident, 5050*ms).steadily(5340*ms, 6*time.Second), 6 * time.Second, 5340 * ms},
		{"a hiccup behind the dip", before().steadily(5340*ms, 5400*ms).steadily(5600*ms, 6*time.Second), 6 * time.Second, 5600 * ms},
		{"nothing since", before(), 6 * time.Second, -1},
		{"not for long enough yet", before().steadily(5340*ms, 5450*ms), 5450 * ms, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.pulse.turn(test.now)
			got, ok := test.pulse.recovered(accident, test.now, 100)
			if !ok {
				got = -1
			}
			if got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestAPulseRemembersAMinute(t *testing.T) {
	p := new(pulse).steadily(0, 100*time.Second)
	if got := p.acks(0, 100*time.Second); got != pulseLen {
		t.Errorf("%d acknowledgements remembered, want %d", got, pulseLen)
	}
	p.turn(300 * time.Second)
	if got := p.acks(0, 300*time.Second); got != 0 {
		t.Errorf("%d acknowledgements remembered after a long silence, want none", got)
	}
}

func TestTheLongestWaitIsOfAnswersSinceTheAccident(t *testing.T) {
	p := new(pulse)
	p.add(time.Second, 900*ms)
	p.add(2*time.Second, 300*ms)
	p.add(3*time.Second, 2*ms)
	if got := p.longestWait(1500 * ms); got != 300*ms {
		t.Errorf("got %v, want 300ms", got)
	}
}

func TestASparklineIsFullALittleBelowFull(t *testing.T) {
	if got, want := sparkline([]int{0, 1, 3, 5, 7, 9, 10, 25}, 10), "▁▂▃▄▅▇▇▇"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := sparkline([]int{0, 3}, 0), "▁▁"; got != want {
		t.Errorf("without a rate: got %s, want %s", got, want)
	}
}
