package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/truecount/truecount/internal/history"
	"github.com/truecount/truecount/internal/workload"
)

const (
	calmTime   = 3 * time.Second // under load before the first fault and after the last
	lookEvery  = 500 * time.Millisecond
	settleTime = 60 * time.Second // for the clients' open tokens; and for the last looks, with lookPart of the run
	lookPart   = 10               // which has more keys, the longer it is
	checkTime  = 2 * time.Minute
	leastRate  = 50                     // acknowledgements a second, or the run proves nothing
	stagger    = 500 * time.Millisecond // at most between the beginnings of two faults that overlap
)

// campaign is one cluster, loaded and broken.
type campaign struct {
	options  options
	c        *cluster
	rng      *rand.Rand // of the schedule; used by its goroutine only
	recorder *history.Recorder
	crowd    *workload.Crowd
	progress io.Writer
	usable   []nemesis
	bag      []int // of usable: those that come before any comes again

	mu  sync.Mutex // guards what follows
	out *outcome
	bad error // what ends the campaign early
}

// campaignOf runs a campaign in a folder of its own. An outcome without an error may still hold anomalies.
func campaignOf(ctx context.Context, o options, n int, list []nemesis, progress io.Writer) (*outcome, error) {
	part := o.duration / time.Duration(len(o.nodes))
	folder := filepath.Join(o.out, fmt.Sprintf("%d-nodes", n))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	net, err := openNetwork(o.net, n)
	if err != nil {
		return nil, err
	}
	defer net.close()
	rng := rand.New(rand.NewPCG(o.seed, uint64(n)))
	flags, lease := drawFlags(rng)
	c, err := newCluster(folder, o.binary, n, net, flags)
	if err != nil {
		return nil, err
	}
	defer c.removeDisks()
	defer c.close()
	c.equip(ctx, list)
	c.length = part
	k := &campaign{options: o, c: c, rng: rng, progress: progress, out: newOutcome(folder)}
	k.out.run.Header = history.Header{
		Program: "faults", Seed: o.seed, Commit: commit(), Nodes: n, Length: part, Lease: lease,
		Config: "network " + net.name() + " " + strings.Join(flags, " "), Repeat: o.repeat(n, part),
		Rate: leastRate, Pauses: allowed(),
	}
	for _, nem := range list {
		if why := nem.available(c); why != "" {
			k.out.notRun = append(k.out.notRun, nem.name()+": "+why)
		} else {
			if nem != (upgrade{}) { // which comes first, and once
				k.usable = append(k.usable, nem)
			}
			k.out.kinds = append(k.out.kinds, nem.name())
		}
	}
	if err := k.play(ctx, part, lease); err != nil {
		return nil, err
	}
	c.close()
	k.out.judge(c)
	return k.out, errors.Join(k.out.save(), k.out.tidy(c, o.keep))
}

// drawFlags draws a configuration: what is small in one run is large in the next.
func drawFlags(rng *rand.Rand) (flags []string, lease time.Duration) {
	pick := func(choices ...string) string { return choices[rng.IntN(len(choices))] }
	heartbeat := pick("100ms", "150ms", "300ms")
	lease = time.Duration(3+rng.IntN(3)) * time.Second
	return []string{
		"--log-store", pick("wal", "wal", "bolt"), "--snapshot-bytes", pick("1", "64KiB", "1MiB"),
		"--heartbeat", heartbeat, "--election", heartbeat, "--lease", pick("50ms", "100ms"),
		"--dead-instance-threshold", lease.String(), "--bind-grace", pick("100ms", "1s"),
	}, lease
}

// play loads the cluster, breaks it for so long, heals it, and looks at what is left.
func (k *campaign) play(ctx context.Context, length, lease time.Duration) error {
	k.say("starting %d nodes: %s", len(k.c.nodes), k.out.run.Header.Config)
	k.c.began = time.Now()
	if err := k.c.start(ctx); err != nil {
		return fmt.Errorf("the cluster has not started: %w", err)
	}
	k.recorder = &history.Recorder{Now: k.c.clock}
	k.crowd = workload.Start(context.WithoutCancel(ctx), workload.Options{
		Nodes: k.doors, Recorder: k.recorder, Clock: k.c.clock, Seed: k.options.seed, Password: k.c.password, Lease: lease,
		Pace: k.options.pace,
	})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var looking sync.WaitGroup
	for _, n := range k.c.nodes {
		looking.Go(func() { k.look(ctx, n) })
	}
	wait(ctx, calmTime)
	if k.c.older != "" {
		k.harm(ctx, upgrade{}, k.rng)
	}
	for began := time.Now(); ctx.Err() == nil && k.failed() == nil && time.Since(began) < length-2*calmTime; {
		k.round(ctx, length-2*calmTime-time.Since(began))
	}
	wait(ctx, calmTime)
	interrupted := ctx.Err()
	stop()
	looking.Wait()
	if interrupted != nil {
		quick, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		k.crowd.Stop(quick)
		return interrupted
	}
	return k.finish()
}

// finish takes down everything that was seen.
func (k *campaign) finish() error {
	k.say("healed: open tokens are settled, then every node is read")
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	k.out.unresolved = k.crowd.Stop(ctx)
	k.out.run.Header.Length = k.c.clock()
	late, cancel := context.WithTimeout(context.Background(), settleTime+k.out.run.Header.Length/lookPart)
	defer cancel()
	run := &k.out.run
	run.Looks = append(run.Looks, k.crowd.Finals(late)...)
	run.Looks = append(run.Looks, k.crowd.Wrong()...)
	if err := k.failed(); err != nil {
		run.Looks = append(run.Looks, history.Look{At: k.c.clock(), Wrong: err.Error()})
	}
	run.Ops = k.recorder.Ops()
	k.out.acknowledged = k.crowd.Acknowledged()
	return k.recorder.Err()
}

func (k *campaign) doors() []workload.Node {
	var nodes []workload.Node
	for _, n := range k.c.nodes {
		nodes = append(nodes, workload.Node{Name: n.name, Addr: n.addr})
	}
	return nodes
}

// round does one fault, or two that overlap, and waits until the cluster is whole again.
func (k *campaign) round(ctx context.Context, left time.Duration) {
	if len(k.usable) == 0 {
		wait(ctx, calmTime)
		return
	}
	var all sync.WaitGroup
	for i := range 1 + k.rng.IntN(3)/2 { // each third time two
		nem := k.draw(left)
		own := rand.New(rand.NewPCG(k.rng.Uint64(), 0)) // so that what one does draws nothing from the other
		delay := time.Duration(i) * time.Duration(k.rng.Int64N(int64(stagger)))
		all.Go(func() {
			wait(ctx, delay)
			k.harm(ctx, nem, own)
		})
	}
	all.Wait()
	if ctx.Err() != nil || k.failed() != nil {
		return
	}
	if err := k.c.whole(ctx); err != nil && ctx.Err() == nil {
		k.fail(fmt.Errorf("the cluster is not whole again after all was healed: %w", err))
	}
	wait(ctx, between(k.rng, 300*time.Millisecond, 2*time.Second))
}

// draw takes the next nemesis of a bag, so that each comes before any comes again. The one that takes long is left out when
// too little time is left for it.
func (k *campaign) draw(left time.Duration) nemesis {
	for {
		if len(k.bag) == 0 {
			k.bag = k.rng.Perm(len(k.usable))
		}
		nem := k.usable[k.bag[0]]
		k.bag = k.bag[1:]
		if nem != nemesis(away{}) || left > awayLimit || len(k.usable) == 1 {
			return nem
		}
	}
}

// harm does one fault from beginning to end.
func (k *campaign) harm(ctx context.Context, nem nemesis, rng *rand.Rand) {
	in, err := nem.inflict(ctx, k.c, rng)
	if err != nil {
		told := !errors.Is(err, errBusy) && ctx.Err() == nil
		k.mu.Lock()
		if k.out.skipped[nem.name()]++; told {
			k.out.why[nem.name()] = err.Error()
		}
		k.mu.Unlock()
		if told {
			k.say("%s: not done: %v", nem.name(), err)
		}
		return
	}
	if in.hold == 0 {
		in.hold = between(rng, 300*time.Millisecond, 6*time.Second)
	}
	wait(ctx, in.hold)
	in.fault.Effect, err = in.heal(context.WithoutCancel(ctx))
	in.fault.Kind, in.fault.End = nem.name(), k.c.clock()
	k.c.give(in.targets...)
	k.say("%s %s, %v: %s", in.fault.Kind, in.fault.Target, (in.fault.End - in.fault.At).Round(time.Millisecond), in.fault.Effect)
	k.mu.Lock()
	k.out.run.Faults = append(k.out.run.Faults, in.fault)
	k.mu.Unlock()
	if err != nil {
		k.fail(fmt.Errorf("%s of %s could not be healed: %w", in.fault.Kind, in.fault.Target, err))
	}
}

// look notes what a node says of itself, and whether it has died without being killed.
func (k *campaign) look(ctx context.Context, n *node) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if why := n.unexpected(); why != "" {
			k.fail(fmt.Errorf("%s has ended by itself: %s", n.name, why))
		}
		s, err := n.status(ctx)
		if err != nil {
			continue // it may be down, or paused
		}
		l := history.Look{Node: n.name, At: k.c.clock(), Index: s.AppliedIndex, Term: s.Term}
		if s.Leader != nil {
			l.Leader = s.Leader.ID
		}
		k.mu.Lock()
		k.out.run.Looks = append(k.out.run.Looks, l)
		k.mu.Unlock()
	}
}

func (k *campaign) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bad == nil {
		k.bad = err
	}
}

func (k *campaign) failed() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.bad
}

func (k *campaign) say(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	fmt.Fprintf(k.progress, "%s %s\n", time.Now().UTC().Format("15:04:05.0"), fmt.Sprintf(format, args...))
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
