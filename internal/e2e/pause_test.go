//go:build e2e

package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
)

var pauseKeys = flag.Int("pause", 0, "counters to load before what an image costs the clients is measured; 0: skip that")

const (
	pauseClients = 50
	pauseWarmUp  = 3 * time.Second        // before anything is counted
	pauseQuiet   = 20 * time.Second       // without an image, at least
	pauseAround  = 8 * time.Second        // before and after an image, to compare it with
	pauseLimit   = 6 * time.Minute        // for an image at every node
	imageMargin  = 200 * time.Millisecond // around what the log line says, for the freeze before and the cut of the log behind
)

// What an image costs the clients, as figures: they depend on the machine, so nothing is asserted of them. `make pause`
// measures with five million counters.
func TestTheCountingGoesOnWhileImagesAreWritten(t *testing.T) {
	if *pauseKeys == 0 {
		t.Skip("a measurement: make pause")
	}
	c := newCluster(t, 3)
	began := time.Now()
	c.loadCounters(t, *pauseKeys)
	t.Logf("%d counters in %v; resident: %s", *pauseKeys, time.Since(began).Round(time.Second), c.resident(t))
	for _, depth := range []int{1, 16} {
		t.Run(fmt.Sprintf("%d clients with pipelines of %d", pauseClients, depth), func(t *testing.T) {
			c.measurePause(t, depth)
		})
	}
}

func counterName(dst []byte, n uint64) []byte {
	dst = append(dst, "key-"...)
	n *= 0x9e3779b97f4a7c15
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[n>>shift&15])
	}
	return dst
}

// loadCounters sets n counters to 1.
func (c cluster) loadCounters(t *testing.T, n int) {
	t.Helper()
	const loaders, each = 6, 500
	var running sync.WaitGroup
	for l := range loaders {
		conn := c[l%len(c)].client(t)
		running.Go(func() {
			for first := l * each; first < n; first += loaders * each {
				var args []any
				for i := first; i < min(first+each, n); i++ {
					args = append(args, counterName(nil, uint64(i)), "1")
				}
				if _, err := conn.Do("MSET", args...); err != nil {
					t.Errorf("MSET: %v", err)
					return
				}
			}
		})
	}
	running.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// sample is one answer, or one pipeline's.
type sample struct {
	at   time.Duration // of the question, since the start
	took time.Duration
}

func (c cluster) measurePause(t *testing.T, depth int) {
	start := time.Now()
	stop := make(chan struct{})
	samples := make([][]sample, pauseClients)
	var running sync.WaitGroup
	for i := range pauseClients {
		conn := c[i%len(c)].client(t)
		running.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), uint64(depth)))
			for {
				select {
				case <-stop:
					return
				default:
				}
				at := time.Now()
				if err := pipeline(conn, depth, rnd); err != nil {
					t.Errorf("INCR: %v", err)
					return
				}
				samples[i] = append(samples[i], sample{at.Sub(start), time.Since(at)})
			}
		})
	}
	before, term := c.resident(t), c.term(t)
	peak := c.untilImages(t, start)
	close(stop)
	running.Wait()
	if elected := c.term(t) - term; elected > 0 {
		t.Logf("%d elections meanwhile: the figures are worth little", elected)
	}
	report(t, slices.Concat(samples...), c.images(t, start), before, peak)
}

func pipeline(conn redis.Conn, depth int, rnd *rand.Rand) error {
	for range depth {
		if err := conn.Send("INCR", counterName(nil, rnd.Uint64N(uint64(*pauseKeys)))); err != nil {
			return err
		}
	}
	if err := conn.Flush(); err != nil {
		return err
	}
	for range depth {
		if _, err := conn.Receive(); err != nil {
			return err
		}
	}
	return nil
}

// imageWindow is the time in which a node wrote an image.
type imageWindow struct {
	node     string
	from, to time.Duration // since the start
	index    uint64
	bytes    string
}

// imageLine is what a node says of an image that it has written.
var imageLine = regexp.MustCompile(`(?m)^(\S+) .* image written: index=(\d+) bytes=(\d+) took=(\S+)$`)

// images reads from the nodes' output which images they have written since start.
func (c cluster) images(t *testing.T, start time.Time) (found []imageWindow) {
	for _, p := range c {
		for _, line := range imageLine.FindAllStringSubmatch(p.output.String(), -1) {
			at, err := time.Parse("2006-01-02T15:04:05.000Z0700", line[1])
			if err != nil {
				t.Fatal(err)
			}
			took, err := time.ParseDuration(line[4])
			if err != nil {
				t.Fatal(err)
			}
			index, err := strconv.ParseUint(line[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if from := at.Add(-took - imageMargin); from.After(start) {
				found = append(found, imageWindow{p.name, from.Sub(start), at.Add(imageMargin).Sub(start), index, line[3]})
			}
		}
	}
	return found
}

// untilImages waits until every node has written an image and there was quiet for long enough, and returns the most memory
// that each node took meanwhile.
func (c cluster) untilImages(t *testing.T, start time.Time) string {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	peak := make([]int, len(c))
	for range tick.C {
		for i, p := range c {
			peak[i] = max(peak[i], residentMiB(t, p))
		}
		wrote := map[string]bool{}
		quiet := time.Since(start) - pauseWarmUp
		for _, w := range c.images(t, start) {
			wrote[w.node] = true
			quiet -= w.to - w.from
		}
		if len(wrote) == len(c) && quiet > pauseQuiet || time.Since(start) > pauseLimit {
			break
		}
	}
	return fmt.Sprint(peak, " MiB")
}

func (c cluster) term(t *testing.T) uint64 {
	status, err := c[0].status()
	if err != nil {
		t.Fatal(err)
	}
	return status.Term
}

func (c cluster) resident(t *testing.T) string {
	var mib []int
	for _, p := range c {
		mib = append(mib, residentMiB(t, p))
	}
	return fmt.Sprint(mib, " MiB")
}

func residentMiB(t *testing.T, p *process) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// report compares each image with the time around it in which no node wrote one: on a machine that has other work, what was
// minutes ago says little.
func report(t *testing.T, samples []sample, images []imageWindow, before, peak string) {
	slices.SortFunc(images, func(a, b imageWindow) int { return int(a.from - b.from) })
	in := func(s sample, w imageWindow) bool { return s.at+s.took >= w.from && s.at <= w.to }
	var quiet, busy []sample
	for _, s := range samples {
		switch {
		case s.at < pauseWarmUp:
		case slices.ContainsFunc(images, func(w imageWindow) bool { return in(s, w) }):
			busy = append(busy, s)
		default:
			quiet = append(quiet, s)
		}
	}
	t.Logf("%d answers; without an image %v; resident before %s, at most %s", len(samples), quantiles(quiet), before, peak)
	for _, w := range images {
		around := imageWindow{from: w.from - pauseAround, to: w.to + pauseAround}
		local := slices.DeleteFunc(slices.Clone(quiet), func(s sample) bool { return !in(s, around) })
		during := slices.DeleteFunc(slices.Clone(busy), func(s sample) bool { return !in(s, w) })
		t.Logf("%s, %s bytes, %v at %v: %v; around it %v: p99 x %.2f", w.node, w.bytes, (w.to - w.from).Round(time.Second/10),
			w.from.Round(time.Second/10), quantiles(during), quantiles(local), float64(quantile(during, 0.99))/float64(quantile(local, 0.99)))
	}
}

func quantiles(samples []sample) string {
	round := func(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }
	return fmt.Sprintf("p50 %v p99 %v p99.9 %v max %v", round(quantile(samples, 0.5)), round(quantile(samples, 0.99)),
		round(quantile(samples, 0.999)), round(quantile(samples, 1)))
}

// quantile sorts.
func quantile(samples []sample, q float64) time.Duration {
	if len(samples) == 0 {
		return 0
	}
	slices.SortFunc(samples, func(a, b sample) int { return cmp.Compare(a.took, b.took) })
	return samples[int(q*float64(len(samples)-1))].took
}
