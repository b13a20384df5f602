package cluster

import (
	"math"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// parallelLog lets a leader write its log while its followers write theirs, not before (Raft thesis, section 10.2.1). On a
// leader StoreLogs returns at once, and what it was given is pending until it is durable. Raft counts the leader's own copy
// from then on, which would be a lie if the node died, so nobody may act on it:
//
//	replica.ApplyBatch   applies an entry when it is durable here, so no client and no read hears of it before
//	gatedTransport       tells followers of no commit index beyond what is durable here, so they don't apply it either
//	waiting              a node that does not lead shows nothing pending, so it confirms to a leader only what it holds
//	mayPend              changes of members and raft's own entries never pend: raft itself acts on them once it counts them
//
// As long as the process lives, a pending entry is as good as a durable one: the node votes as one that has it. When the
// process dies, the entry is gone as if it had never come, and nothing has come of it. A write that fails ends the node: its
// peers are hung up on, so that nothing it says counts any more, and what was pending is never applied.
//
// At most one StoreLogs is pending: the next one waits. (A leader proposes one Entry at a time anyway.)
type parallelLog struct {
	raft.LogStore
	leading func() bool // looked at by raft's main goroutine when it stores; it may end meanwhile, never begin
	failed  func(error) // ends the node, and returns when no peer hears it any more

	mu      sync.Mutex
	recent  [recentEntries]*raft.Log // the last ones that are durable, each at its index modulo the length
	pending []*raft.Log              // raft leaves them alone from here on
	written chan struct{}            // closed when what is pending is durable, or has failed; nil: nothing is pending
	broken  error                    // why what is pending will never be durable
}

func (l *parallelLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *parallelLog) StoreLogs(logs []*raft.Log) error {
	if err := l.await(logs[0].Index); err != nil {
		return err
	}
	if !l.leading() || !mayPend(logs) {
		err := l.LogStore.StoreLogs(logs)
		if err == nil {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.keepLocked(logs)
		}
		return err
	}
	l.mu.Lock()
	l.pending, l.written = logs, make(chan struct{})
	l.mu.Unlock()
	go l.write(logs)
	return nil
}

func (l *parallelLog) write(logs []*raft.Log) {
	err := l.LogStore.StoreLogs(logs)
	if err != nil {
		l.failed(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.written)
	if err != nil {
		l.broken = err
		return
	}
	l.pending, l.written = nil, nil
	l.keepLocked(logs)
}

// recentEntries is how many of the last entries stay in memory. For each entry that a leader sends, and for each follower, raft
// reads the one before, only to know its term; a follower reads what it has just written, to apply it.
const recentEntries = 8

func (l *parallelLog) keepLocked(logs []*raft.Log) {
	for _, log := range logs[max(0, len(logs)-recentEntries):] {
		l.recent[log.Index%recentEntries] = log
	}
}

// mayPend reports whether all logs are Entries.
func mayPend(logs []*raft.Log) bool {
	return !slices.ContainsFunc(logs, func(log *raft.Log) bool { return log.Type != raft.LogCommand })
}

// GetLog shows what is pending only while this node leads: raft's goroutines send it to followers.
func (l *parallelLog) GetLog(index uint64, log *raft.Log) error {
	for _, p := range l.waiting() {
		if p.Index == index {
			*log = *p
			return nil
		}
	}
	l.mu.Lock()
	recent := l.recent[index%recentEntries]
	l.mu.Unlock()
	if recent != nil && recent.Index == index {
		*log = *recent
		return nil
	}
	return l.LogStore.GetLog(index, log)
}

func (l *parallelLog) FirstIndex() (uint64, error) {
	pending := l.waiting()
	first, err := l.LogStore.FirstIndex()
	if first == 0 && len(pending) > 0 {
		first = pending[0].Index
	}
	return first, err
}

func (l *parallelLog) LastIndex() (uint64, error) {
	if pending := l.waiting(); len(pending) > 0 {
		return pending[len(pending)-1].Index, nil
	}
	return l.LogStore.LastIndex()
}

// DeleteRange waits only for what it deletes: old entries are removed beside all else.
func (l *parallelLog) DeleteRange(from, to uint64) error {
	if err := l.await(to); err != nil {
		return err
	}
	l.mu.Lock()
	for i, log := range l.recent {
		if log != nil && from <= log.Index && log.Index <= to {
			l.recent[i] = nil
		}
	}
	l.mu.Unlock()
	return l.LogStore.DeleteRange(from, to)
}

// IsMonotonic passes on what raft asks of a log store that leaves no gaps (raft.MonotonicLogStore).
func (l *parallelLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

// waiting is what is pending, on a leader; any other node waits until nothing is. (Of a failed write it is shown to all: raft
// panics over an entry that it can't read, and nobody hears this node any more.)
func (l *parallelLog) waiting() []*raft.Log {
	if !l.leading() {
		l.await(math.MaxUint64)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending
}

// await returns when the entry of this index is not pending any more. The error: its write has failed.
func (l *parallelLog) await(index uint64) error {
	for {
		l.mu.Lock()
		written, broken := l.written, l.broken
		behind := written != nil && l.pending[0].Index <= index
		l.mu.Unlock()
		if !behind {
			return nil
		}
		if broken != nil {
			return broken
		}
		<-written
	}
}

// durably is what may be told to a follower: as it is, but for a commit index of what is pending.
func (l *parallelLog) durably(args *raft.AppendEntriesRequest) *raft.AppendEntriesRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.written == nil || args.LeaderCommitIndex < l.pending[0].Index {
		return args
	}
	told := *args
	told.LeaderCommitIndex = l.pending[0].Index - 1
	return &told
}
