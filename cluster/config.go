package cluster

import (
	"cmp"
	"context"
	"math"
	"net"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Config says what a Node is made of. Dir (or Stores), Listener and RESP must be set.
type Config struct {
	Dir       string       // data directory; made if it does not exist
	Name      string       // what operators call the node; empty: as in the directory, or drawn at random
	LogStore  string       // "wal" or "bolt": how the log in Dir is kept; empty: wal. It can't be changed later
	RESP      string       // address of this node's Redis-protocol door, as others shall reach it
	Listener  net.Listener // the peer port
	Peer      string       // address at which other members dial it; empty: the Listener's
	Bootstrap bool         // an empty directory becomes a cluster of one; without it, it waits for Join
	Nonvoter  bool         // it shall get everything and never vote: a replica to read from
	Version   string       // of the program
	Timing    Timing
	Snapshots SnapshotPolicy
	Limits    Limits  // of the cluster, for when this node leads it
	MinFree   MinFree // free space below which this node refuses the writes of its clients
	Logger    hclog.Logger

	// Secret is what all members know: who does not know it is not listened to at the peer port. 16 to 4096 bytes
	// (transport.CheckSecret); empty: anybody who reaches the port may say who he is.
	Secret []byte

	// Dial opens a connection to another node's peer port. Nil: TCP.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	// Fatal is called, at most once, when the node can't go on: a write to its disk failed, or its log can't be read by
	// this build. The process must end; what was acknowledged is safe.
	Fatal func(error)

	// Invited is called when a member of a cluster asks this node to join, which its program must do: see Join. An error is the
	// refusal. Nil: it takes no invitations.
	Invited func(peer string) error

	// Wall is the clock that the cluster's time is first taken from. Nil: time.Now.
	Wall func() time.Time

	// Space says how much of the file system that Dir is on is free, and how large it is, in bytes. Nil: as the system says
	// of Dir; nothing is known if there is no Dir.
	Space func() (free, total uint64, err error)

	// Stores opens what must survive a crash. Nil: files in Dir.
	Stores func() (Stores, error)
}

// Stores are the places of what must survive a crash. Each write must be durable when it returns; LogStore and StableStore
// belong together.
type Stores struct {
	Log       raft.LogStore
	Stable    raft.StableStore
	Snapshots raft.SnapshotStore
	Close     func() error

	// Wipe durably forgets log, term, vote and snapshots, and keeps the rest of Stable. It is called before anything else
	// is read; then the stores are closed, and opened again.
	Wipe func() error
}

// Timing is how fast Raft notices things. The zero value of a field is its default.
type Timing struct {
	Heartbeat time.Duration // silence after which a follower thinks of an election: once to twice this long
	Election  time.Duration // how long a candidate waits for votes: once to twice this long
	Lease     time.Duration // silence of the majority after which a leader steps down
	Commit    time.Duration // how soon an idle follower learns of a commit: once to twice this long
}

// MinFree is the low-water mark of free space: Bytes, else Percent of the file system, else the default: the smaller of 5 %
// and 1 GiB, but room for the next 64 MiB of the log twice, and for one more image.
type MinFree struct {
	Bytes   uint64
	Percent float64
}

// DefaultTiming is what the zero Timing means: the fastest of those tried that showed no election without a fault in ten
// minutes of full load with three nodes on two cores (docs/decisions/0004-raft-timing.md).
func DefaultTiming() Timing {
	return Timing{Heartbeat: 150 * time.Millisecond, Election: 150 * time.Millisecond, Lease: 100 * time.Millisecond,
		Commit: 5 * time.Millisecond}
}

// What clients can rely on, whatever the timing: a command is answered within maxWait.
const (
	holdTime  = 1500 * time.Millisecond // an Op that was not sent yet waits so long for a leader
	maxWait   = 1900 * time.Millisecond // an Op that was sent waits so long for its Results
	patience  = 300 * time.Millisecond  // a read round, and an attempt at a verified read
	tickEvery = 10 * time.Millisecond   // how often deadlines, leadership and time are looked at
)

const farAway = 10 * 365 * 24 * time.Hour

// raftConfig is the library's configuration. The numbers are argued in docs/decisions/0004-raft-timing.md.
func (c *Config) raftConfig(id string) *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(id)
	def := DefaultTiming()
	rc.HeartbeatTimeout = cmp.Or(c.Timing.Heartbeat, def.Heartbeat)
	rc.ElectionTimeout = cmp.Or(c.Timing.Election, def.Election)
	rc.LeaderLeaseTimeout = cmp.Or(c.Timing.Lease, def.Lease)
	rc.CommitTimeout = cmp.Or(c.Timing.Commit, def.Commit)
	rc.MaxAppendEntries = 64
	rc.TrailingLogs = c.Snapshots.trailing()
	rc.SnapshotThreshold, rc.SnapshotInterval = math.MaxUint64, farAway // snapshots.go asks for each
	rc.ShutdownOnRemove = false
	rc.NoLegacyTelemetry = true
	rc.Logger = c.Logger.Named("raft")
	return rc
}
