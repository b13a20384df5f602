package cluster

import (
	"errors"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// errTight is why a log takes no more: less than half the low-water mark is free.
var errTight = errors.New("too little disk space is free for the log to grow")

// sparingLog keeps a tight disk from getting full: it takes no more Entries with Batches, and says so by an error that does
// not end the node. A follower answers "not successful", and the leader sends the Entry again, at intervals of up to 10 s,
// until it is taken (raft: raft.go appendEntries, replication.go replicateTo). A leader answers its futures with the error
// and steps down; nothing of the Entry was written or sent (raft: raft.go dispatchLogs). What is small goes on: elections,
// changes of members, Entries without Batches, for reads wait for some of them.
//
// What must hold: a follower that cuts its log off to append other Entries does both or neither. In between, the library
// counts with the log as it was before (a TODO in its appendEntries): it would claim entries in elections that it does
// not have, and never get any further.
type sparingLog struct {
	raft.LogStore
	tight func() bool
	cut   bool // the next append belongs to a cut that was made. Only raft's main goroutine cuts and appends
}

func (l *sparingLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *sparingLog) StoreLogs(logs []*raft.Log) error {
	if !l.cut && l.tight() && grows(logs) {
		return errTight
	}
	l.cut = false
	return l.LogStore.StoreLogs(logs)
}

// DeleteRange refuses the first half of what can't be finished. What an image has replaced is removed at any time: that frees
// space. (All but the end of the log is removed by another goroutine.)
func (l *sparingLog) DeleteRange(from, to uint64) error {
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	if to < last {
		return l.LogStore.DeleteRange(from, to)
	}
	if l.tight() && from > first {
		return errTight
	}
	l.cut = true
	return l.LogStore.DeleteRange(from, to)
}

// IsMonotonic passes on what raft asks of a log store that leaves no gaps (raft.MonotonicLogStore).
func (l *sparingLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

// grows reports whether one of the logs carries Batches. What can't be read is for others to judge.
func grows(logs []*raft.Log) bool {
	for _, log := range logs {
		if log.Type != raft.LogCommand {
			continue
		}
		if entry, err := fsm.DecodeEntry(log.Data); err == nil && len(entry.Batches) > 0 {
			return true
		}
	}
	return false
}
