package main

import (
	"testing"
	"time"

	"github.com/truecount/truecount/internal/history"
)

func TestPausesAreCountedFromTheFaultOn(t *testing.T) {
	ends := []time.Duration{1, 2, 3, 10, 11, 20}
	for _, c := range []struct{ at, end, want time.Duration }{
		{5, 6, 5},    // from the fault to the first that came
		{5, 15, 9},   // the pause that the end falls into counts in full
		{21, 25, 4},  // nothing came any more
		{0, 1, 1},    // the pause before
		{10, 10, 0},  // an acknowledgement at that moment
		{4, 10, 6},   // up to one at the end
		{12, 30, 10}, // none after the end: up to the end
	} {
		if got := longestPause(ends, history.Fault{At: c.at, End: c.end}); got != c.want {
			t.Errorf("fault from %d to %d: %d, want %d", c.at, c.end, got, c.want)
		}
	}
}

func ack(at, end time.Duration) history.Op {
	return history.Op{Kind: history.Incr, Outcome: history.Done, Reply: history.Int(1), At: at, End: end}
}

func TestAFailoverEndsWithAWriteThatWasCalledAfterTheKill(t *testing.T) {
	const ms = time.Millisecond
	run := &history.Run{
		Faults: []history.Fault{
			{Kind: "kill-leader", Leader: true, At: 1000 * ms, End: 2000 * ms},
			{Kind: "kill-leader", Leader: true, At: 9000 * ms, End: 9500 * ms}, // another touches it
			{Kind: "cut-link", At: 9400 * ms, End: 9900 * ms},
		},
		Ops: []history.Op{
			ack(990*ms, 1005*ms), // was on its way
			{Kind: history.Get, Outcome: history.Done, At: 1100 * ms, End: 1110 * ms},
			{Kind: history.Incr, Outcome: history.Unknown, At: 1010 * ms, End: 1050 * ms},
			ack(1020*ms, 1350*ms), ack(1001*ms, 1400*ms), ack(9100*ms, 9200*ms),
		},
	}
	if got := failovers(run); len(got) != 1 || got[0] != 350*ms {
		t.Errorf("%v, want 350ms once", got)
	}
}

func TestALongPauseOfAFaultAloneIsAnAnomaly(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name   string
		faults []history.Fault
		wrong  bool
	}{
		{"alone", []history.Fault{{Kind: "mute", At: 2 * s, End: 9 * s}}, true},
		{"no leader is missed", []history.Fault{{Kind: "transfers", At: 2 * s, End: 5 * s}}, true},
		{"all are down", []history.Fault{{Kind: "kill-all", At: 2 * s, End: 9 * s}}, false},
		{"with another", []history.Fault{{Kind: "mute", At: 2 * s, End: 9 * s}, {Kind: "kill-follower", At: 3 * s, End: 8 * s}}, false},
	} {
		o := &outcome{run: history.Run{Header: history.Header{Pauses: allowed()}, Faults: c.faults, Ops: []history.Op{ack(s, s), ack(8*s, 10*s)}}}
		if v := o.prompt(); (v.Error != "") != c.wrong || v.Invalid {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
}
