package sim

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// A campaign is one trial after the other until its time is over, each with a seed of its own from which everything is drawn: the
// configuration (setup_test.go), what goes wrong (schedule_test.go, nemesis_test.go), what clients do (workload_test.go). Then
// history.Verify judges what they saw. make sim runs nothing else; make test has three seconds of it.
var (
	campaignTime = flag.Duration("duration", 0, "how long a campaign takes, in real time; 0: as part of the tests, 3 s")
	campaignSeed = flag.Uint64("seed", 0, "the only seed of the campaign, tried again and again; 0: one after the other, from a drawn one")
	campaignTry  = flag.Int("tries", 20, "how often the seed is tried")
	campaignKeep = flag.String("keep", "", "a directory for the histories of trials with an anomaly, for truecount verify")
	campaignStop = flag.Bool("first", false, "end at the first anomaly and look no further into it")
)

const (
	campaignWorkers = 2                // trials at a time
	stuckAfter      = 40 * time.Second // of real time, without a step
	mostInvalid     = 0.05             // of the trials may prove nothing
	fewInvalid      = 2                // may, of the handful that a few seconds have
	manyTrials      = 40               // so many have every kind of fault
	shownAnomalies  = 5
	timeForLong     = 10 * time.Second // that must be left for a trial of many minutes
	checkTime       = 20 * time.Second // of all searches of a trial
)

// TestMain prints the sum of a campaign as the last line of all.
func TestMain(m *testing.M) {
	code := m.Run()
	if *campaignTime > 0 {
		fmt.Println(theTally.details())
		fmt.Println(theTally.line())
	}
	os.Exit(code)
}

// theTally is what TestMain prints.
var theTally = &tally{}

// tally is what the trials of a campaign add up to.
type tally struct {
	mu         sync.Mutex
	trials     int
	invalid    int
	virtual    time.Duration
	crashes    int
	partitions int
	increments int
	anomalies  int
	faults     map[string]int // by kind
	reasons    map[string]int // why trials were invalid
}

func (y *tally) line() string {
	return fmt.Sprintf("sim: %d virtual hours, %d crashes, %d partitions, %d acknowledged, %d anomalies",
		int(y.virtual.Hours()), y.crashes, y.partitions, y.increments, y.anomalies)
}

func TestCampaign(t *testing.T) {
	length := *campaignTime
	if length == 0 {
		length = 3 * time.Second
		if raceDetector || testing.Short() {
			length = time.Second
		}
	}
	c := &campaign{T: t, tally: theTally, end: time.Now().Add(length), seed: *campaignSeed, only: *campaignSeed != 0, stop: *campaignStop}
	if !c.only {
		c.seed = rand.Uint64N(1_000_000) * 1000
	}
	t.Logf("seeds from %d", c.seed)
	c.run()
	t.Log(c.tally.line())
	t.Log(c.tally.details())
	if c.tally.anomalies > 0 {
		t.Errorf("%d anomalies", c.tally.anomalies)
	}
	if n := c.tally.trials; n == c.tally.invalid || float64(c.tally.invalid) > max(fewInvalid, mostInvalid*float64(n)) {
		t.Errorf("%d of %d trials prove nothing: %v", c.tally.invalid, n, c.tally.reasons)
	}
	if !c.only && !c.stop && c.tally.trials >= manyTrials {
		for _, v := range verbs() {
			if c.tally.faults[v.kind] == 0 {
				t.Errorf("no %s (%s) has had an effect, in %d trials", v.kind, v.name, c.tally.trials)
			}
		}
	}
}

func (y *tally) details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d trials, %d of them invalid; faults with an effect:", y.trials, y.invalid)
	for _, kind := range slices.Sorted(maps.Keys(y.faults)) {
		fmt.Fprintf(&b, " %s %d,", kind, y.faults[kind])
	}
	for reason, n := range y.reasons {
		fmt.Fprintf(&b, "\ninvalid, %d times: %s", n, reason)
	}
	return b.String()
}

// campaign hands out seeds.
type campaign struct {
	*testing.T
	tally *tally
	end   time.Time
	only  bool // repeat one seed
	stop  bool

	mu   sync.Mutex
	seed uint64
	done int
	over bool
}

// run makes trials until the time is over, two at a time.
func (c *campaign) run() {
	c.Run("trials", func(t *testing.T) {
		for range campaignWorkers {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for seed, ok := c.next(); ok; seed, ok = c.next() {
					c.judge(t, seed)
				}
			})
		}
	})
}

// next is the seed of the next trial.
func (c *campaign) next() (seed uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.over || time.Now().After(c.end):
		return 0, false
	case c.only && c.done >= *campaignTry:
		return 0, false
	case !c.only && c.done > 0:
		c.seed++
	}
	c.done++
	return c.seed, true
}

// judge makes one trial, adds it up, and looks further into it if something is wrong.
func (c *campaign) judge(t *testing.T, seed uint64) {
	plan := drawPlan(seed)
	if plan.setup.long() && time.Until(c.end) < timeForLong && !c.only {
		return
	}
	if *campaignTime > 0 { // a panic in a goroutine of the product ends the process: it was in one of the last trials named
		fmt.Printf("trial of seed %d\n", seed)
	}
	o := watchedTrial(t, plan)
	first := c.add(o)
	if len(o.anomalies) == 0 {
		return
	}
	c.mu.Lock()
	told := c.tally.anomalies
	c.over = c.over || c.stop || c.only
	c.mu.Unlock()
	if told > shownAnomalies && !first {
		return
	}
	fmt.Println(o.report(c.stop))
	if !c.stop {
		shrunk := c.shrink(t, plan)
		fmt.Printf("the shortest schedule that still failed:\n%s\n", shrunk.faults)
	}
	fmt.Printf("repeat: make sim SEED=%d\n", seed)
}

// add counts a trial, and reports whether it is the first with an anomaly.
func (c *campaign) add(o outcomeOf) (first bool) {
	y := c.tally
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.faults == nil {
		y.faults, y.reasons = map[string]int{}, map[string]int{}
	}
	y.trials++
	y.virtual += o.length
	y.increments += o.increments
	for kind, n := range o.faults {
		y.faults[kind] += n
	}
	y.crashes += o.crashes
	y.partitions += o.partitions
	if o.invalid != "" {
		y.invalid++
		y.reasons[o.invalid]++
		c.Logf("seed %d proves nothing: %s", o.plan.seed, o.invalid)
	}
	first = y.anomalies == 0 && len(o.anomalies) > 0
	if len(o.anomalies) > 0 {
		y.anomalies++
	}
	return first
}

// outcomeOf is what came of a trial.
type outcomeOf struct {
	plan       plan
	anomalies  []string // "checker: what clashed"
	invalid    string
	length     time.Duration // of virtual time
	crashes    int
	partitions int
	increments int // acknowledged
	faults     map[string]int
	answered   int
	run        *history.Run
}

func (o outcomeOf) report(short bool) string {
	var b strings.Builder
	for _, a := range o.anomalies {
		fmt.Fprintf(&b, "anomaly: %s\n", a)
	}
	fmt.Fprintf(&b, "seed %d: %v", o.plan.seed, o.plan.setup)
	if !short {
		fmt.Fprintf(&b, "\n%s", o.plan.faults)
	}
	return b.String()
}

// watchedTrial makes a trial in a bubble of its own, and judges it.
func watchedTrial(t *testing.T, p plan) (o outcomeOf) {
	var steps atomic.Int64
	over := make(chan struct{})
	go watchdog(p, &steps, over)
	t.Run(fmt.Sprintf("seed %d", p.seed), func(t *testing.T) {
		defer func() {
			if r := recover(); r != nil { // blocked goroutines remain
				o.plan = p
				if left := blocked(); left != "" {
					o.anomalies = append(o.anomalies, fmt.Sprintf("panic: %v\n%s", r, left))
				}
			}
		}()
		synctest.Test(t, func(t *testing.T) { runTrial(t, p, &steps, &o) })
	})
	close(over) // what follows takes its time, and no steps
	o.judge()
	return o
}

// blocked are the stacks of goroutines that a bubble has left behind: one that nobody runs any more. Those don't count that wait for
// what raft never answers when it stops; they would end with the process: see Node.await.
func blocked() string {
	all := make([]byte, 16<<20)
	all = all[:runtime.Stack(all, true)]
	bubbles, run := map[string][]string{}, map[string]bool{}
	for stack := range strings.SplitSeq(string(all), "\n\n") {
		head, _, _ := strings.Cut(stack, "\n")
		if _, bubble, inside := strings.Cut(head, "synctest bubble "); inside && !strings.Contains(stack, "(*Node).await.func") {
			bubbles[bubble] = append(bubbles[bubble], stack)
			run[bubble] = run[bubble] || strings.Contains(stack, "synctest.Run(")
		}
	}
	var left []string
	for bubble, stacks := range bubbles {
		if !run[bubble] {
			left = append(left, stacks[:min(len(stacks), 10)]...)
		}
	}
	return strings.Join(left, "\n\n")
}

// watchdog ends the process if a trial takes no steps for long. In a hot loop virtual time stands still, so the bubble can't tell.
func watchdog(p plan, steps *atomic.Int64, over <-chan struct{}) {
	tick := time.NewTicker(stuckAfter)
	defer tick.Stop()
	for last := int64(-1); ; {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		if now := steps.Load(); now != last {
			last = now
			continue
		}
		fmt.Printf("anomaly: stuck: no step in %v of real time\nseed %d: %v\n%s\nrepeat: make sim SEED=%d\n",
			stuckAfter, p.seed, p.setup, p.faults, p.seed)
		debug.SetTraceback("all")
		panic(fmt.Sprintf("stuck trial of seed %d", p.seed))
	}
}

// judge asks the checkers.
func (o *outcomeOf) judge() {
	if o.run == nil {
		return
	}
	if len(o.anomalies) == 0 {
		for _, v := range history.Verify(o.run, checkTime) {
			switch {
			case v.Anomaly():
				o.anomalies = append(o.anomalies, v.Checker+": "+v.Error)
			case v.Invalid:
				o.invalid = v.Checker + ": " + v.Error
			}
		}
	}
	if o.answered < enoughAnswers && o.invalid == "" {
		o.invalid = "too few answers"
	}
	if *campaignKeep != "" && len(o.anomalies) > 0 {
		if err := o.keep(filepath.Join(*campaignKeep, fmt.Sprintf("sim-%d.jsonl", o.plan.seed))); err != nil {
			o.anomalies = append(o.anomalies, "harness: "+err.Error())
		}
	}
	o.run.Ops, o.run.Looks = nil, nil
}

func (o *outcomeOf) keep(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(history.WriteRun(f, o.run), f.Close())
}
