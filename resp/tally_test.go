package resp

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/truecount/truecount/fsm"
)

func (c *client) infoOf(section string) string {
	c.t.Helper()
	c.replies()
	c.send("INFO " + section + "\r\n")
	return c.replies()
}

func (c *client) wantsInfo(section string, lines ...string) {
	c.t.Helper()
	text := c.infoOf(section)
	for _, line := range lines {
		if !strings.Contains(text, line+"\r\n") {
			c.t.Errorf("INFO %s does not say %q:\n%s", section, line, text)
		}
	}
}

func TestACommandLastsFromBeingTakenToBeingAnswered(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("INCR a\r\nINCR a\r\n")
	cluster.now += 20
	c.send("INCR a\r\n")
	cluster.now += 6
	c.send("INCR a\r\nGET b\r\n") // together with the one before
	cluster.now += 4
	cluster.step() // the first two, after 30 ms
	cluster.now += 5
	for cluster.step() { // the others, after 15 and 9 ms
	}
	c.wantsInfo("commandstats",
		"cmdstat_incr:calls=4,usec=84000,usec_per_call=21000.00,rejected_calls=0,failed_calls=0",
		"cmdstat_get:calls=1,usec=9000,usec_per_call=9000.00,rejected_calls=0,failed_calls=0")
	c.send("LATENCY HISTOGRAM incr\r\n")
	if got := strings.Join(formatAll(t, c.replies()), "\n"); !strings.Contains(got, "(integer) 16908\n") || !strings.Contains(got, "(integer) 33816\n") {
		t.Errorf("LATENCY HISTOGRAM says\n%s", got)
	}
}

func TestSurelyNotAppliedIsRejectedAndUnknownHasFailed(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("INCR a\r\nINCR a\r\n")
	cluster.fail(fmt.Errorf("%w: nobody leads", fsm.ErrNotApplied))
	c.send("INCR a\r\n") // the burst goes on
	c.session.inputEmpty()
	c.send("INCR a\r\n")
	cluster.fail(fmt.Errorf("%w: lost", fsm.ErrUnknown))
	c.wantsInfo("commandstats", "cmdstat_incr:calls=1,usec=0,usec_per_call=0.00,rejected_calls=3,failed_calls=1")
	c.wantsInfo("errorstats", "errorstat_CLUSTERDOWN:count=3", "errorstat_UNKNOWN:count=1")
}

func TestACommandAboutTheClusterIsCountedWhenItIsAnswered(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("TRUECOUNT MEMBERS\r\nTRUECOUNT TRANSFER\r\n")
	cluster.made = errors.New("no")
	cluster.now += 40
	for cluster.step() {
	}
	c.wantsInfo("commandstats",
		"cmdstat_truecount|members:calls=1,usec=40000,usec_per_call=40000.00,rejected_calls=0,failed_calls=0",
		"cmdstat_truecount|transfer:calls=1,usec=0,usec_per_call=0.00,rejected_calls=0,failed_calls=1")
}

func TestServersCountForThemselves(t *testing.T) {
	one, two := newClient(t, newTestCluster(t)), newClient(t, newTestCluster(t))
	one.send("PING\r\n")
	if text := two.infoOf("commandstats"); strings.Contains(text, "cmdstat_ping") {
		t.Errorf("a Server tells what another one has counted:\n%s", text)
	}
}

func TestErrorCodesAreBounded(t *testing.T) {
	var e errorTally
	for i := range 2 * maxErrorCodes {
		e.add(fmt.Appendf(nil, "-E%d x\r\n", i))
	}
	e.add([]byte("-E0\r\n"))
	n := 0
	e.each(func(code string, times uint64) {
		n++
		if code == "E0" && times != 2 {
			t.Errorf("E0 was counted %d times", times)
		}
	})
	if n != maxErrorCodes || e.total.Load() != 2*maxErrorCodes+1 {
		t.Errorf("%d codes, %d errors", n, e.total.Load())
	}
}

func TestOfSlowCommandsThatWouldBePushedOutAtOnceOnlyTheIdsAreUsed(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("CONFIG SET slowlog-max-len 3\r\n" + strings.Repeat("INCR a\r\n", 10))
	cluster.now += 11
	for cluster.step() {
	}
	ids := []int64{}
	for _, e := range c.session.door.slowlog.newest(10) {
		ids = append(ids, e.id)
	}
	if fmt.Sprint(ids) != "[9 8 7]" {
		t.Errorf("ids are %v", ids)
	}
}

func TestSpikesAreRememberedBySecond(t *testing.T) {
	cluster := newTestCluster(t)
	c := newClient(t, cluster)
	c.send("CONFIG SET latency-monitor-threshold 10\r\n")
	for _, millis := range []int64{30, 9, 40, 12} {
		c.send("INCR a\r\n")
		cluster.now += millis
		cluster.step()
	}
	cluster.now += 3000
	c.send("SET a 1\r\n")
	cluster.now += 15
	cluster.step()
	c.send("INCR a\r\n")
	cluster.now += 11
	cluster.step()
	c.replies()
	c.send("LATENCY HISTORY fast-command\r\nLATENCY LATEST\r\nLATENCY RESET fast-command\r\nLATENCY LATEST\r\n")
	c.wants("1) 1) (integer) 1700000000\n   2) (integer) 40\n2) 1) (integer) 1700000003\n   2) (integer) 11",
		"1) 1) \"command\"\n   2) (integer) 1700000003\n   3) (integer) 15\n   4) (integer) 15\n"+
			"2) 1) \"fast-command\"\n   2) (integer) 1700000003\n   3) (integer) 11\n   4) (integer) 40",
		"(integer) 1", "1) 1) \"command\"\n   2) (integer) 1700000003\n   3) (integer) 15\n   4) (integer) 15")
}

func TestLatencyHistoryIsBounded(t *testing.T) {
	var m latencyMonitor
	for i := range int64(2 * maxSpikes) {
		m.add(eventCommand, spike{at: i, millis: 1})
	}
	if n := len(m.history()[eventCommand].latest); n != maxSpikes {
		t.Errorf("%d spikes are kept", n)
	}
}

func TestADurationIsInThePartThatEndsBehindIt(t *testing.T) {
	for d := time.Duration(0); d < 40*time.Second; d += d/50 + 1 {
		i := part(d)
		last := i == octaves*octaveParts-1
		if d > partEnd(i) && !last || i > 0 && d <= partEnd(i-1) {
			t.Fatalf("%v is in part %d, from %v to %v", d, i, partEnd(max(i-1, 0)), partEnd(i))
		}
	}
}

func TestPercentilesAreRightToOnePartInEight(t *testing.T) {
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1)*time.Millisecond, 1)
	}
	for percent, want := range map[float64]time.Duration{50: 500, 99: 990, 99.9: 999, 0.1: 1, 100: 1000} {
		want *= time.Millisecond
		if got := h.percentile(percent, h.total()); got < want || got > want+want/octaveParts {
			t.Errorf("p%v is %v, want %v", percent, got, want)
		}
	}
}

func TestTheRateIsThatOfTheLastSecondAtLeast(t *testing.T) {
	var p pulse
	for _, step := range []struct {
		at       time.Duration
		commands uint64
		rate     float64
	}{
		{10 * time.Second, 1000, 100}, // since the beginning
		{10*time.Second + 50*time.Millisecond, 2000, 199},
		{11 * time.Second, 1500, 500}, // since the beat at 10 s; there was none 50 ms later
		{11500 * time.Millisecond, 1600, 400},
		{12 * time.Second, 1600, 100},
	} {
		if got := p.rates(beat{at: step.at, commands: step.commands}).commands; int64(got) != int64(step.rate) {
			t.Errorf("at %v the rate is %v, want %v", step.at, got, step.rate)
		}
	}
}
