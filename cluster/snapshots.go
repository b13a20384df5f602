package cluster

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// SnapshotPolicy says when the Machine's image replaces the log in front of it: when what was applied since the last one
// exceeds Bytes, or that image's size if it is larger, or Entries. The members don't write theirs all at once: see due. The
// zero value of a field is its default.
type SnapshotPolicy struct {
	Bytes    uint64        // of log entries
	Entries  uint64        // bounds how many a start has to read and apply again
	Every    time.Duration // how often this is looked at
	Trailing uint64        // entries kept behind an image, for members that lag; less than the default is for tests
}

// With images no smaller than the log between them, a node writes each byte twice at most, however large the Machine is.
// Trailing is never set below its default in production: a member whose own unconfirmed tail reaches beyond the log may
// otherwise be sent the same image for ever (hashicorp/raft issue 697).
const (
	defaultSnapshotBytes    = 64 << 20
	defaultSnapshotEntries  = 128 << 10
	defaultSnapshotEvery    = time.Second
	defaultSnapshotTrailing = 10240

	snapshotRetry = 30 * time.Second // after an image that could not be written
)

func (p SnapshotPolicy) bytes() uint64        { return cmp.Or(p.Bytes, defaultSnapshotBytes) }
func (p SnapshotPolicy) entries() uint64      { return cmp.Or(p.Entries, defaultSnapshotEntries) }
func (p SnapshotPolicy) every() time.Duration { return cmp.Or(p.Every, defaultSnapshotEvery) }
func (p SnapshotPolicy) trailing() uint64     { return cmp.Or(p.Trailing, defaultSnapshotTrailing) }

// due reports whether it is time for an image, on the member that is number rank of so many, from 0. All members apply the
// same, so their bounds are apart: from once to nearly one and a half times the policy's. Two that meet nevertheless are apart
// again the next time.
func (p SnapshotPolicy) due(grown applied, lastImage uint64, rank, members int) bool {
	apart := func(bound uint64) uint64 { return bound + bound/2*uint64(rank)/uint64(members) }
	return grown.bytes > apart(max(p.bytes(), lastImage)) || grown.entries > apart(p.entries())
}

// snapshots has an image written when one is due. Raft's own trigger, which counts entries only, is off.
type snapshots struct {
	policy  SnapshotPolicy
	growth  *growth
	rank    func() (rank, members int)
	write   func() error  // raft's Snapshot; returns when the image is on disk, and the log in front of it cut
	forced  chan struct{} // holds a token while an image is wanted, due or not
	logger  hclog.Logger
	retryAt time.Time
}

// snapshotNow asks for an image soon, whether or not it is due. It does not wait.
func (s *snapshots) snapshotNow() {
	select {
	case s.forced <- struct{}{}:
	default:
	}
}

// run looks after the images until ctx ends. An image that is being written then must be given up by who writes it.
func (s *snapshots) run(ctx context.Context) {
	tick := time.NewTicker(s.policy.every())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.forced:
			s.take(ctx)
		case now := <-tick.C:
			grown, lastImage := s.growth.since()
			rank, members := s.rank()
			if !now.Before(s.retryAt) && s.policy.due(grown, lastImage, rank, members) {
				s.take(ctx)
			}
		}
	}
}

func (s *snapshots) take(ctx context.Context) {
	err := s.write()
	if err == nil || ctx.Err() != nil || mustWait(err) {
		return
	}
	s.retryAt = time.Now().Add(snapshotRetry)
	s.logger.Error("no image could be written, the log grows", "error", err, "again in", snapshotRetry)
}

// mustWait tells what is no fault: nothing was applied yet, or a change of members was committed and not yet applied, which
// raft says in words only (raft: snapshot.go, takeSnapshot).
func mustWait(err error) bool {
	return errors.Is(err, raft.ErrNothingNewToSnapshot) || strings.Contains(err.Error(), "wait until the configuration entry")
}

// rank is this node's place among the members, in the order in which all of them know the others.
func (n *Node) rank() (rank, members int) {
	servers := n.servers()
	rank = slices.IndexFunc(servers, func(s raft.Server) bool { return string(s.ID) == n.id.ID })
	return max(0, rank), max(1, len(servers))
}

// applied is an amount of log.
type applied struct{ entries, bytes uint64 }

// growth is how much log was applied since the last image, and how large that was. What a start applies again counts.
type growth struct {
	mu        sync.Mutex
	total     applied // by this process
	imaged    applied // of it, what the last image holds
	lastImage uint64  // bytes; 0: there is none
}

func (g *growth) add(logs []*raft.Log) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total.entries += uint64(len(logs))
	for _, log := range logs {
		g.total.bytes += uint64(len(log.Data))
	}
}

// mark is the moment of an image that is going to be written.
func (g *growth) mark() applied {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}

// written notes an image of so many bytes that was taken at a mark.
func (g *growth) written(at applied, size uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.imaged, g.lastImage = at, size
}

// since is what was applied since the last image, and that image's size.
func (g *growth) since() (grown applied, lastImage uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return applied{g.total.entries - g.imaged.entries, g.total.bytes - g.imaged.bytes}, g.lastImage
}

// countingReader counts what is read through it.
type countingReader struct {
	io.Reader
	n uint64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += uint64(n)
	return n, err
}
