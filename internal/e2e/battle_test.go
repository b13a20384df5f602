//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// battle is a cluster under one attack after the other.
type battle struct {
	t         *testing.T
	cluster   cluster
	target    *process // who is attacked
	near, far *steady  // clients of the target, and of another node
	table     []string // what was measured, a line for each attack
}

// What may happen to the near client and to the memory of the node; the figures are printed. Measured on a quiet machine, the
// median is 1 to 2.5 times that of quiet moments. Here the attackers take their processors from the nodes, and in CI so do
// others: only what no load explains is an error.
const (
	worstRatio  = 20
	worstMedian = 250 * time.Millisecond // an attack is a failure if its median is worse than both
	// All buffers of clients have 256 MiB; Go lets garbage come to as much again before it collects it, and buffers that were
	// given up on the way, of connections that were cut off, are garbage.
	mostMiB = 4 * 256
)

var battleHeader = fmt.Sprintf("%-47s %8s %7s %9s %7s %13s %13s %18s %5s %13s %8s\n%-47s %8s %7s %9s %7s %7s %5s %7s %5s %6s %5s %5s %5s %13s %8s",
	"", "quiet", "", "attacked", "", "times", "elsewhere", "RSS MiB", "", "connections", "sent",
	"attack, latency of an increment in ms", "p50", "p99", "p50", "p99", "p50", "p99", "p50", "p99", "before", "most", "after", "CPU", "closed of all", "MB")

// fight looks at the quiet before the attack, then at the attack, and waits until its connections are gone.
func (b *battle) fight(i int) {
	t, a := b.t, attacks[i]
	clients := b.target.clients(t)
	from := time.Now()
	pass(*attackTime / quietPart)
	calm, calmFar := b.near.between(from, time.Now()), b.far.between(from, time.Now())
	before := residentMiB(t, b.target)
	resetPeak(t, b.target)

	worker := startAttack(t, a.name, b.target.resp)
	from, used := time.Now(), cpuTime(t, b.target)
	pass(*attackTime)
	to := time.Now()
	used, peak := cpuTime(t, b.target)-used, peakMiB(t, b.target)
	sum := worker.end(t)
	eventually(t, "the connections of the attack are gone", func() error {
		if n := b.target.clients(t); n > clients {
			return fmt.Errorf("%d clients, %d before", n, clients)
		}
		return nil
	})
	during, duringFar := b.near.between(from, to), b.far.between(from, to)
	b.table = append(b.table, fmt.Sprintf("%-47s %8.2f %7.2f %9.2f %7.2f %7.1f %5.1f %7.1f %5.1f %6d %5d %5d %4.0f%% %6d/%-6d %8d",
		a.name, ms(calm, 0.5), ms(calm, 0.99), ms(during, 0.5), ms(during, 0.99),
		ms(during, 0.5)/ms(calm, 0.5), ms(during, 0.99)/ms(calm, 0.99), ms(duringFar, 0.5)/ms(calmFar, 0.5), ms(duringFar, 0.99)/ms(calmFar, 0.99),
		before, peak, residentMiB(t, b.target), 100*used.Seconds()/to.Sub(from).Seconds(), sum.Closed, sum.Connected, sum.Sent>>20))
	if err := a.wants(sum); err != nil {
		t.Errorf("%s: %v", a.name, err)
	}
	if peak > mostMiB {
		t.Errorf("%s: %d MiB are resident", a.name, peak)
	}
	if len(during) == 0 || len(calm) == 0 || quantile(during, 0.5) > max(worstMedian, worstRatio*quantile(calm, 0.5)) {
		t.Errorf("%s: an increment takes %.1f ms, in quiet %.1f ms (%d and %d measured)", a.name, ms(during, 0.5), ms(calm, 0.5), len(during), len(calm))
	}
}

// ms is a quantile in milliseconds.
func ms(s []sample, q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	return float64(quantile(s, q)) / float64(time.Millisecond)
}

// pass lets time pass: here it is what is tested.
func pass(d time.Duration) { <-time.After(d) }

// clients is how many connections a node has, that which asks included.
func (p *process) clients(t *testing.T) int {
	t.Helper()
	conn, err := p.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text, err := conn.Do("INFO", "clients")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text.([]byte)), "connected_clients:")
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// resetPeak makes peakMiB begin anew.
func resetPeak(t *testing.T, p *process) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// peakMiB is the most memory that was resident since resetPeak.
func peakMiB(t *testing.T, p *process) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// cpuTime is what a process has used of the processors.
func cpuTime(t *testing.T, p *process) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(text[strings.LastIndex(string(text), ")")+1:]))
	ticks := 0
	for _, field := range fields[11:13] { // utime and stime
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}
