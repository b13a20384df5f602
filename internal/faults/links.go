package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// shape chooses the links of n hosts to be cut, by from and to; l is the host that leads, or -1. The text says which.
type shape func(n, l int, rng *rand.Rand) (cut func(from, to int) bool, text string)

// cut cuts links for a while.
type cut struct {
	kind  string
	shape shape
}

func (k cut) name() string { return k.kind }

func (k cut) available(c *cluster) string {
	if k.kind == "cut-ring" && len(c.nodes) < 5 {
		return "needs five nodes: of three, each is everybody's neighbour"
	}
	return c.net.lacks(link{cut: true})
}

func (k cut) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.claim(&c.netTaken) {
		return nil, errBusy
	}
	l := c.leader(ctx)
	chosen, text := k.shape(len(c.nodes), c.number(l), rng)
	in := c.impair(link{cut: true}, chosen)
	in.fault.Target, in.fault.Leader, in.hold = text, l != nil, between(rng, 300*time.Millisecond, 8*time.Second)
	return in, nil
}

// impair makes the chosen links bad, in an injury that makes all good again, and proves itself by the network's counters.
func (c *cluster) impair(bad link, chosen func(from, to int) bool) *injury {
	before := c.net.counted()
	at := c.clock()
	c.links(bad, chosen)
	return &injury{
		fault: history.Fault{At: at, Detail: bad.String()},
		heal: func(ctx context.Context) (string, error) {
			proof := func() string { return c.net.counted().since(before).proof(bad) }
			c.proven(ctx, func() bool { return proof() != "" })
			c.links(link{}, func(_, _ int) bool { return true })
			c.release(&c.netTaken)
			return proof(), nil
		},
	}
}

// links sets all chosen links.
func (c *cluster) links(l link, chosen func(from, to int) bool) {
	for from := range c.nodes {
		for to := range c.nodes {
			if from != to && chosen(from, to) {
				c.net.set(from, to, l)
			}
		}
	}
}

// number is the place of a node, or -1 of nil.
func (c *cluster) number(n *node) int {
	for i, o := range c.nodes {
		if o == n {
			return i
		}
	}
	return -1
}

// split cuts all links between two sides.
func split(side []bool) func(from, to int) bool {
	return func(from, to int) bool { return side[from] != side[to] }
}

// drawn is the leader, if there is one and a coin says so, or any host.
func drawn(n, l int, rng *rand.Rand) int {
	if l >= 0 && rng.IntN(3) > 0 {
		return l
	}
	return rng.IntN(n)
}

func minority(n, _ int, rng *rand.Rand) (func(from, to int) bool, string) {
	side, text := make([]bool, n), ""
	for _, i := range rng.Perm(n)[:(n-1)/2] {
		side[i] = true
		text += fmt.Sprintf(" n%d", i+1)
	}
	return split(side), text[1:] + " | others"
}

func isolated(n, l int, rng *rand.Rand) (func(from, to int) bool, string) {
	if l < 0 {
		l = rng.IntN(n)
	}
	side := make([]bool, n)
	side[l] = true
	return split(side), fmt.Sprintf("n%d | others", l+1)
}

// bridge leaves two halves that only one host connects. It is not the leader: followers have nothing to say to each other, so
// nothing would be cut.
func bridge(n, l int, rng *rand.Rand) (func(from, to int) bool, string) {
	order := rng.Perm(n)
	if order[0] == l {
		order[0], order[1] = order[1], order[0]
	}
	side := make([]int, n) // -1, 0 (the bridge) or 1
	for k, i := range order[1:] {
		side[i] = 2*(k%2) - 1
	}
	return func(from, to int) bool { return side[from]*side[to] < 0 }, fmt.Sprintf("halves that only n%d connects", order[0]+1)
}

// ring lets each host see its neighbours only: overlapping majorities of five.
func ring(n, _ int, rng *rand.Rand) (func(from, to int) bool, string) {
	place := rng.Perm(n)
	return func(from, to int) bool {
		d := (place[from] - place[to] + n) % n
		return d != 1 && d != n-1
	}, fmt.Sprintf("ring in the order %v", place)
}

// deaf lets a host hear nobody, while all hear it.
func deaf(n, l int, rng *rand.Rand) (func(from, to int) bool, string) {
	x := drawn(n, l, rng)
	return func(_, to int) bool { return to == x }, fmt.Sprintf("others>n%d", x+1)
}

// mute lets nobody hear a host, which hears all.
func mute(n, l int, rng *rand.Rand) (func(from, to int) bool, string) {
	x := drawn(n, l, rng)
	return func(from, _ int) bool { return from == x }, fmt.Sprintf("n%d>others", x+1)
}

// oneLink cuts one way between the leader and another.
func oneLink(n, l int, rng *rand.Rand) (func(from, to int) bool, string) {
	a := max(l, 0)
	b := (a + 1 + rng.IntN(n-1)) % n
	if rng.IntN(2) == 0 {
		a, b = b, a
	}
	return func(from, to int) bool { return from == a && to == b }, fmt.Sprintf("n%d>n%d", a+1, b+1)
}

// flap cuts a host off again and again, each 50 to 500 ms.
type flap struct{}

func (flap) name() string                { return "flapping" }
func (flap) available(c *cluster) string { return c.net.lacks(link{cut: true}) }

func (flap) inflict(ctx context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.claim(&c.netTaken) {
		return nil, errBusy
	}
	l := c.leader(ctx)
	chosen, text := isolated(len(c.nodes), drawn(len(c.nodes), c.number(l), rng), rng)
	in := c.impair(link{cut: true}, chosen)
	period := 50*time.Millisecond + time.Duration(rng.Int64N(int64(450*time.Millisecond)))
	in.fault.Target, in.fault.Leader = text, l != nil
	in.fault.Detail = fmt.Sprintf("cut and whole each %v", period.Round(time.Millisecond))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(period)
		defer tick.Stop()
		for bad := false; ; bad = !bad {
			select {
			case <-stop:
				return
			case <-tick.C:
				c.links(link{cut: bad}, chosen)
			}
		}
	}()
	whole := in.heal
	in.heal = func(ctx context.Context) (string, error) {
		close(stop)
		<-stopped
		c.links(link{cut: true}, chosen) // as it was left it might not drop anything
		return whole(ctx)
	}
	return in, nil
}

// spoil makes all links bad for a while, without cutting any.
type spoil struct {
	kind string
	draw func(rng *rand.Rand) link
}

func (s spoil) name() string                { return s.kind }
func (s spoil) available(c *cluster) string { return c.net.lacks(s.draw(rand.New(rand.NewPCG(0, 0)))) }

func (s spoil) inflict(_ context.Context, c *cluster, rng *rand.Rand) (*injury, error) {
	if !c.claim(&c.netTaken) {
		return nil, errBusy
	}
	in := c.impair(s.draw(rng), func(_, _ int) bool { return true })
	in.fault.Target, in.fault.Leader = "all links", true
	in.hold = between(rng, time.Second, 8*time.Second)
	return in, nil
}

func lossy(rng *rand.Rand) link   { return link{loss: 0.01 + 0.29*rng.Float64()} }
func doubled(rng *rand.Rand) link { return link{dup: 0.05 + 0.45*rng.Float64()} }

func slow(rng *rand.Rand) link {
	d := between(rng, 5*time.Millisecond, 300*time.Millisecond)
	return link{delay: d, jitter: d / 2}
}

func resets(rng *rand.Rand) link { return link{reset: 0.001 + 0.02*rng.Float64()} }

func narrow(rng *rand.Rand) link { return link{rate: 125_000 << rng.IntN(4)} } // 1 to 8 Mbit/s
