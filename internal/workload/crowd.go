// Package workload is the users of a cluster that is being broken: clients over RESP, who count, compare, expire, die and
// repeat themselves, and record all that they asked for and were told.
//
//	Start              sets a Crowd of clients to work, at all nodes
//	Crowd.Stop         no new work; what has a token is repeated until its answer is definite
//	Crowd.Finals       what every node answers when all is quiet
//	Crowd.Wrong        replies that no rule allows
//
// A kind of work is a file: count.go (+1 on few keys and on many; stale reads), pipeline.go, mixed.go, group.go (MULTI),
// stock.go (conditions), expiry.go, instance.go, bond.go (IC.BIND), once.go. They ask through a client (client.go), which
// stamps, sends, sorts the reply into one of the three families (outcome.go) and goes to another node when its own fails.
//
// Rules. What was not sent is not recorded. What was sent and has no answer is Unknown, whatever the client thinks of it. A connection
// is a Client of the history; after a lost reply there is another. Keys that see more than +1 and reads live for some hundred
// operations and few unknown ones (lineage.go), as the search for an order is exponential; an instance names one key in its life.
package workload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/truecount/truecount/internal/history"
)

// Node is where clients find a node.
type Node struct{ Name, Addr string }

// Options say where the crowd works, and how hard.
type Options struct {
	Nodes    func() []Node // to ask now, never none; called by many
	Recorder *history.Recorder
	Clock    func() time.Duration // since the run began, for what is Wrong
	Seed     uint64
	Password string        // of the nodes, or empty
	Lease    time.Duration // of instances at these nodes
	Pace     float64       // 1, or 0: some thousand operations a second; 0.5 is half of that
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Crowd is all clients of a run.
type Crowd struct {
	options Options
	stop    context.CancelFunc
	dead    atomic.Bool // Stop has lost its patience: nobody repeats anything any more
	clients sync.WaitGroup

	ids, groups  atomic.Int64
	acknowledged atomic.Int64
	unresolved   atomic.Int64
	keys         keyring

	mu    sync.Mutex
	wrong []history.Look
	open  []promise      // tokens that their clients have given up on
	texts map[string]int // of wrong, how often
}

// Start sets the crowd to work until ctx ends or Stop is called.
func Start(ctx context.Context, o Options) *Crowd { return start(ctx, o, staff()) }

func start(ctx context.Context, o Options, staff []trade) *Crowd {
	if o.Pace == 0 {
		o.Pace = 1
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: dialTime}).DialContext
	}
	ctx, stop := context.WithCancel(ctx)
	c := &Crowd{options: o, stop: stop, texts: map[string]int{}}
	for _, s := range staff {
		for range s.clients {
			id := c.ids.Add(1)
			one := &client{crowd: c, think: time.Duration(float64(s.think) / o.Pace), rng: rand.New(rand.NewPCG(o.Seed, uint64(id)))}
			c.clients.Go(func() {
				defer one.hangUp()
				s.work(ctx, one)
			})
		}
	}
	return c
}

// trade is a kind of work, and how many do it.
type trade struct {
	clients int
	think   time.Duration // on average, between two operations of a client
	work    func(ctx context.Context, c *client)
}

// staff is who works. With answers in 2 ms these are some 1,000 operations a second, as much as two cores bear beside a cluster.
func staff() []trade {
	staff := []trade{
		{6, 30 * time.Millisecond, countHot},
		{4, 15 * time.Millisecond, countMany},
		{3, 30 * time.Millisecond, readStale},
		{2, 1200 * time.Millisecond, pipeline},
		{6, 40 * time.Millisecond, onceUser(newLineage("oncemulti", 80))},
		{2, 250 * time.Millisecond, expire},
		{2, 300 * time.Millisecond, bond},
	}
	for range shared { // each with a lineage of keys of its own
		staff = append(staff,
			trade{2, 40 * time.Millisecond, mixed(newLineage("mix", 150))},
			trade{2, 60 * time.Millisecond, group(newLineage("multi", 80))},
			trade{2, 50 * time.Millisecond, trader(newLineage("stock", 150))})
	}
	for range shared {
		keys := newLineage("ic", 400)
		staff = append(staff, trade{2, 150 * time.Millisecond, instance(keys)}, trade{1, 150 * time.Millisecond, observer(keys)})
	}
	return staff
}

// shared is how many lineages of each kind of short-lived keys there are at a time.
const shared = 3

// Acknowledged is how many writes were, until now.
func (c *Crowd) Acknowledged() int64 { return c.acknowledged.Load() }

// Stop lets the clients finish. What has a token is repeated until it has a definite answer, or until ctx ends: how many have
// none then is returned. The cluster should be healed before.
func (c *Crowd) Stop(ctx context.Context) (unresolved int) {
	c.stop()
	defer context.AfterFunc(ctx, func() { c.dead.Store(true) })()
	c.clients.Wait()
	c.mu.Lock()
	open := c.open
	c.mu.Unlock()
	last := c.newcomer()
	defer last.hangUp()
	for _, p := range open {
		last.keep(p)
	}
	return int(c.unresolved.Load())
}

// newcomer is a client who comes when the others have gone.
func (c *Crowd) newcomer() *client {
	return &client{crowd: c, rng: rand.New(rand.NewPCG(c.options.Seed, uint64(c.ids.Add(1))))}
}

// Wrong is what must not have been, such as an error that belongs to no family: of each text the first.
func (c *Crowd) Wrong() []history.Look {
	c.mu.Lock()
	defer c.mu.Unlock()
	wrong := slices.Clone(c.wrong)
	for i := range wrong {
		if n := c.texts[wrong[i].Wrong]; n > 1 {
			wrong[i].Wrong += fmt.Sprintf(" (%d times)", n)
		}
	}
	return wrong
}

// complain notes what must not be, as told by a node.
func (c *Crowd) complain(node, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.texts[text] == 0 {
		if len(c.wrong) == mostWrong {
			return
		}
		c.wrong = append(c.wrong, history.Look{Node: node, At: c.options.Clock(), Wrong: text})
	}
	c.texts[text]++
}

// mostWrong bounds what is kept: a cluster that is this broken needs no more.
const mostWrong = 1000
