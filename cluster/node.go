package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/transport"
)

// Node is one member of a cluster, or one that waits to become a member. Its methods may be called from any goroutine.
type Node struct {
	config   Config
	logger   hclog.Logger
	close    func() error // the stores
	stable   raft.StableStore
	images   raft.SnapshotStore
	port     *transport.Port
	trans    gatedTransport
	raft     *endable
	log      *parallelLog  // a leader writes while its followers do   parallel.go
	replica  *replica      // the Machine                              replica.go
	clock    *clock        // stamps                                   clock.go
	contact  *contact      // is there a ready leader                  contact.go
	leader   *leader       // Entries, while this node leads           leader.go
	proposer *proposer     // Batches of this node                   proposer.go
	reader   *reader       // rounds of reads                          reader.go, confirm.go
	watch    *watch        // writes to the disk that are under way    watch.go
	silence  *silence      // of a leader whose disk hangs             silence.go
	trials   chan struct{} // holds a token while a trial is under way: one at a time
	space    *space        // free space                               space.go

	guests  guests        // admitted, but no members         admit.go
	detours detours       // where members say that they are detour.go
	damaged atomic.Uint64 // connections ended for changed bytes refusals.go

	snapshots *snapshots // when an image is written              snapshots.go, pace.go

	idMu sync.Mutex
	id   identity // ID and Name never change

	changes chan struct{} // holds a token while a change of members is under way: one at a time
	joining atomic.Bool   // this node holds the token, to join another cluster
	gone    atomic.Bool   // it is marked as removed: it answers nobody        removed.go
	out     atomic.Bool   // and it is in no configuration any more: its raft has ended
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	fatal   sync.Once
}

// Open starts a node on its data directory and peer port. Errors are one line that names the thing and the cure.
func Open(config Config) (*Node, error) {
	if config.Logger == nil {
		config.Logger = hclog.NewNullLogger()
	}
	if config.Wall == nil {
		config.Wall = time.Now
	}
	if config.Dial == nil {
		config.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		}
	}
	if config.LogStore == "" {
		config.LogStore = walKind
	}
	if config.Stores == nil {
		config.Stores = func() (Stores, error) { return openDirectory(config.Dir, config.LogStore, config.Logger) }
	}
	if len(config.Secret) > 0 {
		if err := transport.CheckSecret(config.Secret); err != nil {
			return nil, err
		}
	}
	stores, err := openClean(config)
	if err != nil {
		return nil, err
	}
	n, err := open(config, stores)
	if err != nil {
		stores.Close()
		return nil, err
	}
	return n, nil
}

// open puts the parts together, those first that others need.
func open(config Config, stores Stores) (*Node, error) {
	n := &Node{config: config, logger: config.Logger, close: stores.Close, contact: &contact{}, changes: make(chan struct{}, 1)}
	n.contact.failed() // no leader yet
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.watch, n.silence, n.trials = &watch{}, &silence{}, make(chan struct{}, 1)
	n.space = newSpace(config, stores.Snapshots)
	stores = n.watch.watched(stores)
	n.stable, n.images = stores.Stable, stores.Snapshots
	var err error
	if n.id, err = ownIdentity(n.stable, &n.config); err != nil {
		return nil, err
	}
	incarnation, err := nextIncarnation(n.stable)
	if err != nil {
		return nil, err
	}
	n.clock = &clock{}
	n.replica = newReplica(n.clock.see, n.fail)
	n.replica.images = imageWriter{dir: config.Dir, stop: n.ctx.Done(), logger: n.logger}
	n.leader = &leader{replica: n.replica, clock: n.clock, walls: n.walls, halted: n.halted,
		wake: make(chan struct{}, 1), idle: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{})}
	n.proposer = &proposer{route: n.route, deliver: n.sendBatch, contact: n.contact,
		number: fsm.Number{Origin: n.id.ID, Incarnation: incarnation}}
	n.reader = &reader{confirm: n.confirm, replica: n.replica, clock: n.clock, contact: n.contact,
		joined: n.Joined, strong: newReadQueue(), attempt: newReadQueue(), stale: newReadQueue(), ctx: n.ctx}
	n.snapshots = &snapshots{policy: config.Snapshots, growth: &n.replica.growth, rank: n.rank, logger: n.logger,
		write: func() error { return n.raft.Snapshot().Error() }, forced: make(chan struct{}, 1)}
	if images, ok := stores.Snapshots.(*images); ok {
		images.damaged = func(error) { n.snapshots.snapshotNow() } // what is in memory is whole
	}

	started := make(chan struct{}) // peers are answered once there is something to answer with
	n.port = transport.NewPort(transport.Config{
		Listener: config.Listener, Told: config.Peer, Dial: n.dial, Secret: config.Secret, Handlers: n.handlers(),
		Me: n.introduce,
		Admit: func(stream transport.Stream, from transport.Identity) error {
			<-started
			return n.admitPeer(stream, from)
		},
		Logf:    func(format string, args ...any) { n.logger.Debug(fmt.Sprintf(format, args...)) },
		Damaged: n.noteDamage,
	})
	err = n.startRaft(stores)
	close(started)
	if err != nil {
		n.cancel()
		n.port.Close()
		return nil, err
	}
	go n.leader.run() // Close waits for it, but not for ever
	n.wg.Go(func() { n.reader.run(&n.reader.strong) })
	n.wg.Go(func() { n.reader.run(&n.reader.attempt) })
	n.wg.Go(func() { n.snapshots.run(n.ctx) })
	for _, job := range []func(){n.reader.runStale, n.tick, n.tend, n.keepWatch, n.keepSpace} {
		n.wg.Go(job)
	}
	return n, nil
}

func (n *Node) startRaft(stores Stores) (err error) {
	running := &atomic.Pointer[raft.Raft]{}
	parallel := &parallelLog{LogStore: stores.Log,
		leading: func() bool { r := running.Load(); return r != nil && r.State() == raft.Leader },
		failed: func(err error) {
			failing(n.failWrite, appending, err)
			n.HangUp()
		},
	}
	n.log = parallel
	n.replica.durable = parallel.await
	stream := streamLayer{n.ctx, n.port, &refusals{logger: n.logger, open: map[string]refusal{}}}
	absences := &absences{dial: stream.Dial, over: n.ctx.Done(),
		leads: func(to raft.Server, term uint64) bool { return leadsMember(running.Load(), to, term) }}
	n.trans = gatedTransport{namedTransport{raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: stream, MaxPool: 3, Timeout: raftTimeout, MaxRPCsInFlight: noPipeline, Logger: n.logger.Named("raft"),
	})}, n.silence, parallel, absences, running, n.ctx.Done()}
	defer func() {
		if err != nil {
			n.trans.Close()
		}
	}()
	rc := n.config.raftConfig(n.id.ID)
	summed := &summedLog{LogStore: parallel}
	log, stable := fatalLog{summed, n.failWrite, n.ctx.Done()}, fatalStable{stores.Stable, n.failWrite, n.ctx.Done()}
	if err := closeGap(log, stores.Snapshots); err != nil {
		return err
	}
	if err := checkLog(summed); err != nil {
		return fmt.Errorf("data directory %s: %w", n.config.Dir, err)
	}
	n.clock.recall(summed)
	state, err := raft.HasExistingState(log, stable, stores.Snapshots)
	if err == nil && !state && n.id.Founder {
		err = raft.BootstrapCluster(rc, log, stores.Stable, stores.Snapshots, n.trans, raft.Configuration{Servers: []raft.Server{
			{ID: rc.LocalID, Address: n.trans.LocalAddr(), Suffrage: raft.Voter},
		}})
	}
	var r *raft.Raft
	if err == nil {
		sparing := &sparingLog{LogStore: outrunLog{log, stores.Snapshots, n.fail}, tight: n.space.tight}
		r, err = raft.NewRaft(rc, n.replica, sparing, stable, stores.Snapshots, n.trans)
	}
	if err != nil {
		return fmt.Errorf("raft: %w", err)
	}
	running.Store(r)
	n.raft = newEndable(r)
	n.leader.raft, n.leader.changed = r, r.LeaderCh()
	return nil
}

// endable is raft, with a Shutdown whose end every caller can wait for, and one must before the stores are closed: the
// library's own tells only the first that it has not ended yet, and a node that was removed shuts it down before Close does.
type endable struct {
	*raft.Raft
	shutdown func() raft.Future
}

func newEndable(r *raft.Raft) *endable { return &endable{r, sync.OnceValue(r.Shutdown)} }

// Shutdown begins the end; the future waits for it.
func (e *endable) Shutdown() raft.Future { return e.shutdown() }

// noPipeline makes raft send one AppendEntries at a time to each follower. With one Entry in flight a pipeline gains
// nothing, and the library's can hang for ever when leadership ends while it is full: the sender waits for a decoder that
// has gone, and Shutdown for the sender (raft: replication.go pipelineReplicate, net_transport.go netPipeline.AppendEntries).
const noPipeline = 1

const raftTimeout = 5 * time.Second // for one of raft's messages to be written and answered

// Propose takes writes. Its Request is answered within maxWait: with Results, or with an error that says whether it may
// have happened.
func (n *Node) Propose(r *fsm.Request) {
	if n.gone.Load() {
		n.refuse(r)
		return
	}
	if err := n.space.refusal(); err != nil && !fsm.OnlySigns(r.Groups) { // those take no space that strokes would not
		r.Err = err
		go r.Done(r) // not from within: the caller may hold what Done needs
		return
	}
	n.proposer.propose(r)
}

// Read takes reads, to be answered at the Request's level. A strong read is answered within about holdTime, with Results
// or with an error.
func (n *Node) Read(r *fsm.Request) {
	if n.gone.Load() {
		n.refuse(r)
		return
	}
	n.reader.read(r)
}

// Observe has sink told of every change of a key that this node applies from now on, in order; nil: no more. sink is called with
// the replica's lock held: it must neither block nor call the Node. What comes by an image is not told.
func (n *Node) Observe(sink func(fsm.Event)) { n.replica.observe(sink) }

// Joined reports whether this node belongs to a cluster. If not, it waits for Join.
func (n *Node) Joined() bool { return n.identity().Cluster != "" }

// Name is what operators call this node.
func (n *Node) Name() string { return n.id.Name }

// HangUp closes every connection to other nodes, and takes none any more. It does not touch the disk: it is for a process that
// is about to end because of it. Close may follow, and need not.
func (n *Node) HangUp() { n.port.Close() }

// Close stops the node: what is under way is given closeLimit to end, the rest learns that it can't. It does not hand over
// leadership.
func (n *Node) Close() error {
	n.leader.close(closeLimit)
	n.proposer.close()
	n.endChanges(closeLimit)
	n.cancel()
	stopped := n.raft.Shutdown() // joins goroutines that may wait for the network until the port is closed
	err := n.trans.Close()       // before the port, or it would report that it can't accept any more
	n.port.Close()
	err = errors.Join(err, stopped.Error())
	n.leader.join(closeLimit) // raft may never answer an Entry that was committed while it stopped (hashicorp/raft issue 498)
	n.wg.Wait()
	n.reader.wg.Wait()
	n.log.await(math.MaxUint64) // a write that is under way
	return errors.Join(err, n.close())
}

const closeLimit = 2 * time.Second // for the Entry, and the change of members, under way at Close

// tick keeps the deadlines, until the node ends.
func (n *Node) tick() {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	probing := false
	probed := make(chan struct{}, 1)
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-probed:
			probing = false
			continue
		case <-tick.C:
		}
		n.standAside()
		if _, known := n.route(); !known {
			n.contact.failed()
		}
		if !probing && !n.contact.lost().IsZero() {
			probing = true // an empty read: its round finds out whether there is a ready leader
			n.Read(&fsm.Request{Done: func(*fsm.Request) { probed <- struct{}{} }})
		}
		n.proposer.tick(time.Now())
		n.dismissGuests()
	}
}

// introduce is what this node says of itself to peers.
func (n *Node) introduce() transport.Identity {
	id := n.identity()
	return transport.Identity{Cluster: id.Cluster, Node: id.ID}
}

// fail ends the node: see Config.Fatal.
func (n *Node) fail(err error) {
	n.fatal.Do(func() {
		n.logger.Error("this node can't go on", "error", err)
		if n.config.Fatal != nil {
			n.config.Fatal(err)
		}
	})
}

// after is a channel that closes when the time is up or the context ends.
func after(ctx context.Context, d time.Duration) <-chan struct{} {
	ctx, cancel := context.WithTimeout(ctx, d)
	context.AfterFunc(ctx, cancel)
	return ctx.Done()
}

// streamLayer shows raft its part of the peer port.
type streamLayer struct {
	ctx      context.Context // of the node: Close must not wait for a dial that hangs
	port     *transport.Port
	refusals *refusals
}

func (s streamLayer) Accept() (net.Conn, error) { return s.port.AcceptRaft() }
func (s streamLayer) Addr() net.Addr            { return s.port.Addr() }
func (s streamLayer) Close() error              { return nil } // the Port has its own owner

func (s streamLayer) Dial(addr raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.ctx, timeout)
	defer cancel()
	conn, err := s.port.DialRaft(ctx, string(addr))
	s.refusals.note(string(addr), err, time.Now())
	return conn, err
}
