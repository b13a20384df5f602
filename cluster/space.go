package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// A full disk ends the process, and full disks of a majority end the cluster. So each node looks at its free space in time:
//
//	below the mark        "low": it refuses its clients' writes and gives leadership to one that has space
//	  most voters low     the leader takes no Batch: the log grows no more
//	below half of it      "tight": its log takes no Entry with Batches (sparingLog), whoever leads
//	above mark + 10 %     all is as before
//
// It goes on reading, voting and following all the while.

// space is how much room this node's disk has.
type space struct {
	measure func() (free, total uint64, err error) // nil: nothing is known
	minFree MinFree
	images  raft.SnapshotStore
	listed  uint64 // index of the image whose size is known; 0: none is. Only look uses it
	image   uint64 // its size
	stuck   string // why leadership could not be handed over, the last time. Only leadBySpace uses it

	mu   sync.Mutex
	now  room
	shut string // why this node, which leads, takes no Batches; empty: it does
}

// room is one look at the file system.
type room struct {
	known bool
	free  uint64
	total uint64
	mark  uint64
	low   bool
}

// spaceState is said to other nodes: append only.
type spaceState uint8

const (
	spaceUnknown spaceState = 0
	spaceEnough  spaceState = 1
	spaceLow     spaceState = 2
)

const (
	lookEvery   = time.Second
	smallSystem = 5 << 30 // bytes that a file system should have in all: the log alone may take most of it

	defaultFreePercent = 5
	defaultFreeBytes   = 1 << 30
	segmentBytes       = 64 << 20 // what raft-wal allocates at a time
	recoverPercent     = 10       // above the mark, where a low node is no longer low
)

func newSpace(config Config, images raft.SnapshotStore) *space {
	s := &space{measure: config.Space, minFree: config.MinFree, images: images}
	if s.measure == nil && config.Dir != "" {
		s.measure = func() (free, total uint64, err error) { return statfs(config.Dir) }
	}
	s.look(0)
	return s
}

func statfs(dir string) (free, total uint64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, fmt.Errorf("free space of %s: %w", dir, err)
	}
	return uint64(fs.Bavail) * uint64(fs.Bsize), uint64(fs.Blocks) * uint64(fs.Bsize), nil
}

// mark is the low-water mark, in bytes.
func (m MinFree) mark(total, image uint64) uint64 {
	switch {
	case m.Bytes > 0:
		return m.Bytes
	case m.Percent > 0:
		return uint64(float64(total) / 100 * m.Percent)
	}
	return max(min(total/100*defaultFreePercent, defaultFreeBytes), 2*segmentBytes+image)
}

// next is the room after a look that found so much free.
func (r room) next(free, total, mark uint64) room {
	end := mark
	if r.low {
		end += mark / 100 * recoverPercent
	}
	return room{known: true, free: free, total: total, mark: mark, low: free < end}
}

// look measures anew; one goroutine does so. imageIndex is that of the newest image; 0: it is not known.
func (s *space) look(imageIndex uint64) (room, error) {
	if s.measure == nil {
		return room{}, nil
	}
	free, total, err := s.measure()
	if err != nil {
		return room{}, err
	}
	if imageIndex != s.listed || s.listed == 0 {
		if images, err := s.images.List(); err == nil && len(images) > 0 { // the newest first
			s.listed, s.image = imageIndex, uint64(images[0].Size)
		}
	}
	s.mu.Lock() // not while the disk is asked: clients wait for it
	defer s.mu.Unlock()
	s.now = s.now.next(free, total, s.minFree.mark(total, s.image))
	return s.now, nil
}

func (s *space) room() room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *space) state() spaceState {
	switch r := s.room(); {
	case !r.known:
		return spaceUnknown
	case r.low:
		return spaceLow
	}
	return spaceEnough
}

// tight reports whether the log must not grow any more.
func (s *space) tight() bool {
	r := s.room()
	return r.low && r.free < r.mark/2
}

// refusal is why this node refuses the writes of its clients, if it does.
func (s *space) refusal() error {
	r := s.room()
	if !r.low {
		return nil
	}
	return spaceError(fmt.Sprintf("this node is low on disk space (%s free, low-water mark %s): "+
		"writes are refused here, reads go on; free some space", mebibytes(r.free), mebibytes(r.mark)))
}

// spaceError is a refusal for want of space; what it says is all of its text.
type spaceError string

func (e spaceError) Error() string { return string(e) }
func (e spaceError) Unwrap() error { return fsm.ErrNoSpace }

func mebibytes(n uint64) string { return fmt.Sprintf("%d MiB", n>>20) }

// shutFor makes a leader refuse Batches for that reason; empty: take them.
func (s *space) shutFor(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = reason
}

func (s *space) shutReason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shut
}

// halted is why this node, if it leads, takes no Batch at present.
func (n *Node) halted() (answer, bool) {
	if n.silence.on() {
		return answer{kind: answerRefused, reason: diskSilent}, true
	}
	if reason := n.space.shutReason(); reason != "" {
		return answer{kind: answerNoSpace, reason: reason}, true
	}
	if n.space.tight() { // its log would refuse the Entry, and raft steps down over that: again and again, before leadBySpace looks
		return answer{kind: answerRefused, reason: "the leader's disk is nearly full"}, true
	}
	return answer{}, false
}

// failWrite is fail for a write that failed. raft-wal says "segment is sealed" when it had no room for the next one; so the
// line says how much room there is.
func (n *Node) failWrite(err error) {
	if n.space.measure != nil {
		if free, _, measured := n.space.measure(); measured == nil && free < 2*segmentBytes {
			err = fmt.Errorf("%w (%s are free, a piece of the log takes %s)", err, mebibytes(free), mebibytes(segmentBytes))
		}
	}
	n.fail(err)
}

// imageIndex is the index that the newest image stands for.
func (n *Node) imageIndex() uint64 {
	index, _ := strconv.ParseUint(n.raft.Stats()["last_snapshot_index"], 10, 64)
	return index
}

// keepSpace looks at the free space until the node ends.
func (n *Node) keepSpace() {
	if r := n.space.room(); r.known && r.total < smallSystem {
		n.logger.Warn("the file system of the data directory is small: the log may need up to 5 GiB", "size", mebibytes(r.total))
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	failed, reported := false, false
	for {
		now, err := n.space.look(n.imageIndex())
		if err != nil && !failed {
			n.logger.Warn("the free space is not known", "error", err)
		}
		failed = err != nil
		if !failed && now.low != reported {
			reported = now.low
			n.reportSpace(now)
		}
		n.leadBySpace()
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (n *Node) reportSpace(r room) {
	if r.low {
		n.logger.Warn("this node is low on disk space: it refuses writes, and does not want to lead", "free", mebibytes(r.free), "mark", mebibytes(r.mark))
		return
	}
	n.logger.Info("this node has disk space again", "free", mebibytes(r.free), "mark", mebibytes(r.mark))
}

// leadBySpace is the leader's part: it hands over when it is low, and takes no Batches when too few voters have space.
func (n *Node) leadBySpace() {
	if _, ready := n.leader.ready(); !ready {
		n.space.shutFor("")
		return
	}
	found := n.survey(patience)
	heir, reason := judgeSpace(n.voters(), found, n.id.ID)
	if before := n.space.shutReason(); reason != before {
		n.space.shutFor(reason)
		n.logger.Warn("this leader's view of the disks has changed", "refuses", reason, "refused", before)
	}
	if heir.ID == "" {
		return
	}
	if reason, _ := n.unfit(heir, found); reason != "" {
		return // the next look may find it caught up
	}
	err := n.handOver(heir)
	switch {
	case err == nil:
		n.space.stuck = ""
		n.logger.Info("leadership handed over to a node that has disk space", "id", nameOf(string(heir.ID)))
	case n.space.stuck != err.Error(): // it is tried at each look
		n.space.stuck = err.Error()
		n.logger.Warn("leadership can't be handed over to a node that has disk space", "id", nameOf(string(heir.ID)), "reason", err)
	}
}

// judgeSpace says who should lead instead of me, if I am low: of those that have space the one that has applied most; and
// why nobody should take Batches: too few voters have space. Who does not answer has none that counts, and no reason to
// refuse anything either: if nobody is low, space is not what is wanting.
func judgeSpace(voters []raft.Server, found map[string]echo, me string) (heir raft.Server, shut string) {
	var low []string
	enough, applied := 0, uint64(0)
	for _, v := range voters {
		e, answered := found[string(v.ID)]
		switch {
		case !answered:
		case e.disk.space == spaceLow:
			low = append(low, nameOf(string(v.ID)))
		default:
			enough++
			if heir.ID == "" || e.applied > applied {
				heir, applied = v, e.applied
			}
		}
	}
	if found[me].disk.space != spaceLow {
		heir = raft.Server{}
	}
	if len(low) > 0 && 2*enough <= len(voters) {
		shut = fmt.Sprintf("too few nodes of the cluster have disk space (low: %s): writes are refused, reads go on; free some space",
			strings.Join(low, ", "))
	}
	return heir, shut
}
