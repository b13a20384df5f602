package cluster

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// replica is this node's copy of the Machine, as raft sees it (raft.BatchingFSM) and as reads see it.
//
// It implements BatchingFSM, not only FSM, because only that is told of changes of members: the watermark must pass them,
// or a read would wait for ever for a commit index that no command carries.
type replica struct {
	mark    watermark
	opened  atomic.Uint64     // the term of the last Opener applied
	due     atomic.Int64      // the Machine's next deadline; 0: none
	now     atomic.Int64      // machine time
	leasing atomic.Bool       // a lease or a session runs
	seen    func(stamp int64) // told the stamp of every Entry
	fatal   func(error)
	durable func(index uint64) error // returns when the entry of this index is durable on this node, or never will be
	broken  error                    // why nothing is applied any more
	growth  growth                   // since the last image
	images  imageWriter

	configured atomic.Pointer[raft.Configuration] // the last one applied; nil: none since the image that it began with

	mu      sync.Mutex // held for one Entry, or for one group of reads
	machine *fsm.Machine
	expired uint64 // keys whose time came in the Machines before this one
	hits    uint64 // and what those counted of sessions: fsm.Machine.SessionStats
	refused uint64
	sink    func(fsm.Event) // hears of every change, under mu; nil: nobody listens
}

func newReplica(seen func(int64), fatal func(error)) *replica {
	r := &replica{machine: fsm.New(), seen: seen, fatal: fatal, durable: func(uint64) error { return nil }, images: imageWriter{logger: hclog.NewNullLogger()}}
	r.publishLocked()
	return r
}

// Apply is never called: raft prefers ApplyBatch.
func (r *replica) Apply(log *raft.Log) any { return r.ApplyBatch([]*raft.Log{log})[0] }

// ApplyBatch applies committed log entries. The response to a command is its []fsm.Outcome, or an error if it is not applied:
// the node ends.
func (r *replica) ApplyBatch(logs []*raft.Log) []any {
	responses := make([]any, len(logs))
	r.broken = r.durable(logs[len(logs)-1].Index)
	if r.broken != nil {
		for i := range responses {
			responses[i] = r.broken
		}
		return responses
	}
	for i, log := range logs {
		if log.Type == raft.LogCommand {
			responses[i] = r.apply(log)
		} else {
			if log.Type == raft.LogConfiguration {
				c := raft.DecodeConfiguration(log.Data)
				r.configured.Store(&c)
			}
			r.pass(log.Index)
		}
		r.mark.reach(log.Index)
	}
	r.growth.add(logs)
	return responses
}

func (r *replica) apply(log *raft.Log) []fsm.Outcome {
	entry, err := fsm.DecodeEntry(log.Data)
	if err != nil {
		r.stop(log.Index, err)
	}
	r.mu.Lock()
	outcomes, err := r.machine.Apply(log.Index, log.Term, entry)
	if err == nil {
		r.publishLocked()
	}
	r.mu.Unlock() // stop never returns
	if err != nil {
		r.stop(log.Index, err)
	}
	r.seen(entry.Stamp)
	return outcomes
}

func (r *replica) pass(index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.machine.Pass(index)
}

// stop ends the node at an entry that it can't read: skipping it would make this replica differ from the others.
func (r *replica) stop(index uint64, err error) {
	r.fatal(fmt.Errorf("log entry %d: %w: it was written by a newer build, or the disk is damaged", index, err))
	select {} // nothing may be applied after it
}

// publishLocked makes what others look at without the lock agree with the Machine.
func (r *replica) publishLocked() {
	r.opened.Store(r.machine.Opened())
	r.now.Store(r.machine.Now())
	r.leasing.Store(r.machine.Leasing())
	due, _ := r.machine.NextDeadline()
	r.due.Store(due)
}

// query answers groups of reads as of now, each group in one piece, Entries may come between groups. settled: see
// fsm.Machine.Query.
func (r *replica) query(dst fsm.Results, groups []byte, now int64) (results fsm.Results, settled bool) {
	settled = true
	for len(groups) > 0 {
		group, rest := fsm.CutGroup(groups)
		r.mu.Lock()
		results, ok := r.machine.Query(dst, group, now)
		r.mu.Unlock()
		dst, settled, groups = results, settled && ok, rest
	}
	return dst, settled
}

// observe is Node.Observe.
func (r *replica) observe(sink func(fsm.Event)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sink = sink
	r.machine.Observe(sink)
}

// keys counts the keys, those that have a deadline, and those whose time has come since the node started.
func (r *replica) keys() (all, expiring, expired uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.Keys(), r.machine.Expiring(), r.expired + r.machine.Expired()
}

// clients counts what is known of them: their instances, their sessions, and what came of commands in sessions that were applied
// here since the node started.
func (r *replica) clients() (instances, sessions, hits, refused uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sessions, hits, refused = r.machine.SessionStats()
	return r.machine.Instances(), sessions, r.hits + hits, r.refused + refused
}

// digest is a sum over everything the replica holds, and the index it stands for.
func (r *replica) digest() (sum, index uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.Digest(), r.machine.Index()
}

// pristine reports whether no client's write was ever applied.
func (r *replica) pristine() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.Pristine()
}

// removed reports whether the node with this server id was removed from the cluster.
func (r *replica) removed(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.RemovedNode(id)
}

// registry is what the cluster knows of its nodes, ordered by id.
func (r *replica) registry() []fsm.Node {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.machine.Nodes()
}

// Snapshot freezes the Machine; raft calls it between two entries and writes it while others are applied.
func (r *replica) Snapshot() (raft.FSMSnapshot, error) {
	if r.broken != nil {
		return nil, r.broken // raft takes for applied what is not
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return snapshot{r, r.machine.Freeze(), r.growth.mark()}, nil
}

// Restore replaces the Machine by the one in the image. On an error it stays as it was.
func (r *replica) Restore(image io.ReadCloser) error {
	defer image.Close()
	counted := &countingReader{Reader: image}
	m, err := fsm.Restore(counted)
	if err != nil {
		return err
	}
	if reached := r.mark.index.Load(); m.Index() < reached {
		return fmt.Errorf("image of index %d after index %d was applied", m.Index(), reached)
	}
	r.mu.Lock()
	m.Observe(r.sink)
	r.expired += r.machine.Expired()
	_, hits, refused := r.machine.SessionStats()
	r.hits, r.refused = r.hits+hits, r.refused+refused
	r.machine = m
	r.configured.Store(nil)
	r.publishLocked()
	r.mu.Unlock()
	r.mark.reach(m.Index())
	r.growth.written(r.growth.mark(), counted.n)
	r.images.logger.Info("image loaded", "index", m.Index(), "bytes", counted.n)
	return nil
}

// snapshot is an image that raft has written, or drops.
type snapshot struct {
	replica *replica
	image   *fsm.Image
	at      applied
}

// Persist writes the image to sink. It takes its time: see pace.go.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	start := time.Now()
	size, err := s.replica.images.write(sink, s.image)
	if err != nil {
		return err
	}
	s.replica.growth.written(s.at, uint64(size))
	s.replica.images.logger.Info("image written", "index", s.image.Index(), "bytes", size,
		"took", time.Since(start).Round(time.Millisecond))
	return nil
}

// Release has nothing to do: who drops the last pointer to the image frees what only that held.
func (s snapshot) Release() {}
