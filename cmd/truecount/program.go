package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/cluster"
	"github.com/truecount/truecount/configs"
	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/resp"
)

const (
	stopTime     = 5 * time.Second         // from the signal to the end of what is in flight
	hangUpTime   = 500 * time.Millisecond  // for closing connections when the node can't go on
	transferTime = 1500 * time.Millisecond // of it, for handing over leadership
	readyTick    = 10 * time.Millisecond   // between two looks for a leader
	readyPatient = 3 * time.Second         // without a leader for so long: a log line says what is waited for
)

// Config is what a Program is told. Dir, RESP, Logger and Ready are required.
type Config struct {
	ID       string         // the node's name; empty: from Dir, or drawn at random
	Dir      string         // data directory
	RESP     string         // address of the door for clients; port 0: the system chooses
	Peer     string         // address of the peer port; empty: RESP's with peerOffset added to its port
	Told     string         // address of the door that nodes and clients are told; empty: RESP
	ToldPeer string         // address of the peer port that nodes are told; empty: Peer
	Join     []string       // RESP addresses of nodes whose cluster to join; empty: found one if Dir is empty
	Insecure bool           // RESP may be an address that is not loopback also without Password
	Secret   []byte         // what all nodes share; empty: Peer must be loopback
	Password []byte         // of clients; empty: none
	Timing   cluster.Timing // Raft's; Commit may be zero
	Version  string
	Logger   hclog.Logger
	Ready    io.Writer // takes the ready line

	Nonvoter      bool   // join without ever voting
	LogStore      string // "wal" or "bolt"
	MaxBytes      configs.MaxBytes
	MaxKeys       configs.MaxKeys
	MinFree       configs.MinFree
	MaxClients    configs.MaxClients // 0: resp's default
	MaxInstances  configs.Count      // 0: fsm's default, as the next two
	MaxSessions   configs.Count
	DeadInstance  time.Duration // of instances that say nothing
	BindGrace     time.Duration // of bound instances whose client is gone
	Facade        resp.Facade
	MasterName    string // of resp.SentinelFacade; empty: resp's default
	SnapshotBytes configs.Size
	Wall          func() time.Time // the wall clock; nil: time.Now
}

// Program is one node with its doors: what `truecount serve` runs.
type Program struct {
	config  Config
	door    net.Listener
	gate    *gate // the node, while it is open
	server  *resp.Server
	served  chan error    // what Serve returned, once
	fatal   chan error    // at most one: the node can't go on
	joining sync.Mutex    // held while the node joins: one at a time
	opening sync.Mutex    // held while the node is opened anew, and from Close on
	left    chan struct{} // closed when the node has left its cluster
	leaving sync.Once
}

// Open checks the addresses, opens the ports, serves clients, then opens the directory. What needs the node waits for it;
// see gate. The error is one line.
func Open(config Config) (*Program, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	door, err := listen("resp", config.RESP)
	if err != nil {
		return nil, err
	}
	config.RESP = boundAddress(config.RESP, door)
	if config.Told == "" {
		config.Told = config.RESP
	}
	peer, err := listen("peer", config.Peer)
	if err != nil {
		door.Close()
		return nil, err
	}
	config.Peer = peer.Addr().String()
	if config.ToldPeer == "" {
		config.ToldPeer = config.Peer
	}

	p := &Program{config: config, door: door, fatal: make(chan error, 1), served: make(chan error, 1), left: make(chan struct{})}
	p.gate = newGate(fsm.Status{ID: config.ID, RESP: config.Told, Peer: config.ToldPeer, Role: fsm.Nonvoter,
		Members: []fsm.Member{}, Warnings: []string{}, Version: config.Version}, p.change)
	p.server = resp.NewServer(resp.Options{
		Cluster:    p.gate,
		Version:    config.Version,
		Password:   config.Password,
		MaxClients: allowedClients(int(config.MaxClients), config.Logger),
		MaxHeld:    int64(configs.ReadMemory().ForClients()),
		Facade:     config.Facade,
		MasterName: config.MasterName,
		BindGrace:  config.BindGrace,
		Now:        config.Wall,
		Logf:       func(format string, args ...any) { config.Logger.Warn(fmt.Sprintf(format, args...)) },
	})
	go func() { p.served <- p.server.Serve(door) }()
	if err := p.openNodeOn(peer); err != nil {
		p.server.Close()
		door.Close()
		return nil, err
	}
	return p, nil
}

// caller asks other nodes' doors, which have the same password.
func (p *Program) caller() *caller { return &caller{password: string(p.config.Password)} }

// openNode opens the peer port and the node.
func (p *Program) openNode() error {
	peer, err := listen("peer", p.config.Peer)
	if err != nil {
		return err
	}
	return p.openNodeOn(peer)
}

func (p *Program) openNodeOn(peer net.Listener) error {
	node, err := cluster.Open(cluster.Config{
		Dir:       p.config.Dir,
		Name:      p.config.ID,
		RESP:      p.config.Told,
		Listener:  peer,
		Peer:      p.config.ToldPeer,
		Bootstrap: len(p.config.Join) == 0,
		Nonvoter:  p.config.Nonvoter,
		Secret:    p.config.Secret,
		Limits:    p.config.limits(),
		LogStore:  p.config.LogStore,
		MinFree:   cluster.MinFree{Bytes: uint64(p.config.MinFree.Size), Percent: float64(p.config.MinFree.Percent)},
		Timing:    p.config.Timing,
		Snapshots: cluster.SnapshotPolicy{Bytes: uint64(p.config.SnapshotBytes)},
		Version:   p.config.Version,
		Wall:      p.config.Wall,
		Logger:    p.config.Logger,
		Fatal:     p.fail,
		Invited:   p.invited,
	})
	if err != nil {
		peer.Close()
		return err
	}
	p.gate.open(node)
	return nil
}

// limits are the cluster's, as this node would have them.
func (c *Config) limits() cluster.Limits {
	return cluster.Limits{
		Bytes: cluster.Limit{Value: uint64(c.MaxBytes.Bytes(configs.ReadMemory())), Given: !c.MaxBytes.Auto},
		Keys:  cluster.Limit{Value: uint64(c.MaxKeys), Given: true},

		Instances: cluster.Limit{Value: uint64(c.MaxInstances), Given: true},
		Sessions:  cluster.Limit{Value: uint64(c.MaxSessions), Given: true},
		Lease:     cluster.Limit{Value: uint64(c.DeadInstance.Milliseconds()), Given: true},
	}
}

// check refuses bad addresses and fills in the peer port's.
func (c *Config) check() error {
	door, port := strangersCount, strangersReplicate
	if c.Insecure || len(c.Password) > 0 {
		door = ""
	}
	if len(c.Secret) > 0 {
		port = ""
	}
	if err := cmp.Or(checkTold("advertise", c.Told), checkTold("advertise-peer", c.ToldPeer)); err != nil {
		return err
	}
	if err := checkPort("resp", c.RESP, c.Told, door); err != nil {
		return err
	}
	if c.Peer == "" {
		peer, err := peerAddress(c.RESP)
		if err != nil {
			return err
		}
		c.Peer = peer
	}
	if err := checkPort("peer", c.Peer, c.ToldPeer, port); err != nil {
		return err
	}
	for _, addr := range c.Join {
		if err := checkTarget("join", addr); err != nil {
			return err
		}
	}
	return nil
}

// fail is the node's last word. It never blocks: the disk that failed may hold everything else up.
func (p *Program) fail(err error) {
	select {
	case p.fatal <- err:
	default:
	}
}

// Run serves until ctx ends (nil, after Close), the cluster refuses the node, or the node can't go on. In the last case
// nothing is handed over or finished, for that may need the disk that failed: the process must end.
func (p *Program) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running sync.WaitGroup
	ended := make(chan error, 1)
	running.Go(func() {
		if err := p.settle(ctx); err != nil && ctx.Err() == nil {
			ended <- err
		}
	})

	var err error
	select {
	case err = <-p.fatal:
		p.hangUp()
		return err
	case err = <-ended:
	case <-p.left:
		p.config.Logger.Info("left the cluster, and end")
	case err = <-p.served:
		err = fmt.Errorf("the door at %s: %w", p.config.RESP, err)
	case <-ctx.Done():
		p.config.Logger.Info("stopping: handing over and finishing what is in flight")
	}
	cancel()
	err = errors.Join(err, p.Close())
	running.Wait()
	return err
}

// hangUp closes the connections of clients and peers, without the disk. A process of which a thread waits for a disk may take
// long to end, and its sockets stay with it: nobody would hear that it is gone.
func (p *Program) hangUp() {
	var closing sync.WaitGroup
	closing.Go(p.server.Close)
	if node := p.gate.node.Load(); node != nil {
		closing.Go(node.HangUp)
	}
	closed := make(chan struct{})
	go func() { closing.Wait(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(hangUpTime):
	}
}

// Close hands leadership over if this node leads, answers what is in flight, closes the clients' connections and then the
// node. It takes little more than stopTime at most. Not to be called while Run runs, which calls it itself.
func (p *Program) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	transfer, cancelTransfer := context.WithTimeout(ctx, transferTime)
	defer cancelTransfer()
	p.opening.Lock() // and never let go: nothing is opened any more
	node := p.gate.node.Load()
	if node == nil { // it could not be opened anew
		p.server.Close()
		return p.door.Close()
	}
	if err := node.Transfer(transfer); err != nil {
		p.config.Logger.Warn("leadership was not handed over, the others will elect", "reason", err)
	}
	if err := p.server.Shutdown(ctx); err != nil {
		p.config.Logger.Warn("closed with clients' commands in flight", "reason", err)
	}
	p.door.Close()
	return node.Close()
}

// settle makes the node a member if it has yet to become one, and says when it can count.
func (p *Program) settle(ctx context.Context) error {
	if node := p.gate.wait(ctx); node != nil && !node.Joined() {
		j := joiner{addrs: p.config.Join, own: p.config.Told, join: node.Join, joined: node.Joined, log: p.config.Logger}
		j.ask = func(ctx context.Context, addr string) (fsm.Status, error) {
			status, _, err := p.caller().status(ctx, addr, joinAskTime)
			return status, err
		}
		if err := j.run(ctx); err != nil {
			return err
		}
	}
	return p.announce(ctx)
}

// announce prints the ready line once a leader is known, and known by name: others can be told where to find it.
func (p *Program) announce(ctx context.Context) error {
	tick := time.NewTicker(readyTick)
	defer tick.Stop()
	patience := time.After(readyPatient)
	for {
		status := p.gate.Local()
		if status.Leader != nil && status.Leader.RESP != "" {
			fmt.Fprintf(p.config.Ready, "truecount: %s ready: RESP %s, peer %s, members %d, leader %s\n",
				status.ID, p.config.RESP, p.config.Peer, len(status.Members), status.Leader.ID)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-patience:
			p.config.Logger.Warn("waiting for a leader: is a majority of the members running?", "members", len(status.Members))
		case <-tick.C:
		}
	}
}
