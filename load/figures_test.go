package load

import (
	"fmt"
	"testing"
	"time"
)

func TestErrorsBelongToFamiliesByTheirFirstWord(t *testing.T) {
	for text, want := range map[string]family{
		"CLUSTERDOWN not applied: no leader": refused, "LOADING Redis is loading": refused, "TRYAGAIN": refused, "MISCONF disk": refused,
		"UNKNOWN outcome unknown": unknown, "ERR unknown command": other, "WRONGTYPE Operation": other, "OOM command": other, "": other,
	} {
		if got := familyOf(firstWord(text)); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestWordsAreBounded(t *testing.T) {
	var f, sum figures
	for i := range 100 {
		f.fail(other, fmt.Sprint("E", i), "text", 2)
	}
	sum.add(&f)
	sum.add(&f)
	count := int64(0)
	for _, w := range sum.words {
		count += w.count
	}
	if len(sum.words) > maxWords+1 || count != 400 || sum.errors() != 400 {
		t.Errorf("%d words with %d errors of %d", len(sum.words), count, sum.errors())
	}
}

func TestFiguresAddUpAndForget(t *testing.T) {
	var f, sum figures
	f.acknowledge(incr, time.Millisecond, 3)
	f.acknowledge(get, 2*time.Hour, 1) // longer than what is told apart
	f.acknowledge(get, -1, 1)
	f.missing, f.reconnects = 1, 2
	sum.add(&f)
	f.reset()
	sum.add(&f)
	if sum.acknowledged() != 5 || sum.missing != 1 || sum.reconnects != 2 {
		t.Errorf("%d acknowledged, %d missing, %d reconnects", sum.acknowledged(), sum.missing, sum.reconnects)
	}
	if l := newLatency(sum.all()); l.P50 != 1 || l.Max < 599_000 || l.Max > 601_000 {
		t.Errorf("latency %+v", l)
	}
}

func TestWhatWasNeverSentHasWaitedUntilTheEnd(t *testing.T) {
	s := newSchedule(1000, 1, 1)
	var f figures
	f.acknowledge(incr, time.Millisecond, 7000)
	f.miss(s, 0, 7000, 10*time.Second, 1) // stalled from second 7 on
	l := newLatency(f.all())
	if n := f.unsent.TotalCount(); n != 3000 || f.acknowledged() != 7000 {
		t.Errorf("%d unsent, want 3000; %d acknowledged", n, f.acknowledged())
	}
	if l.P50 != 1 || l.P90 < 1950 || l.P90 > 2050 || l.Max < 2990 || l.Max > 3010 {
		t.Errorf("latency %+v, want a tenth above 2 s", l)
	}
}
