package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync/atomic"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
	berrors "go.etcd.io/bbolt/errors"
)

// errDamaged is what every refusal of a damaged file ends with. There is one cure: what this node has confirmed may be
// gone from its disk, so it may neither vote nor count any more.
var errDamaged = errors.New("it is damaged; remove this node from its cluster and let it join anew with an empty directory")

// errOnTheWay says that entries were refused, and nothing was written: whoever leads sends them again.
var errOnTheWay = errors.New("it was damaged on its way here")

// summedLog gives every entry a checksum where it is first stored, on its leader, and compares it whenever the entry is
// stored again, on a follower, or read. Raft has none on the wire, raft-wal looks at its own only when it mends the end of
// the newest segment, and bolt has none.
//
//	raft.Log.Extensions    4 bytes, big endian: CRC-32C of index, term (8 bytes each, big endian), type (1 byte) and data
//
// Extensions travel with the entry and are stored with it. Raft leaves an entry alone until the leader's StoreLogs has
// returned (raft: dispatchLogs), so it may be written to there. An entry without a sum was stored by an older build: it is
// read unchecked, and summed when it is stored anew.
type summedLog struct {
	raft.LogStore
	cut atomic.Bool // the end of the log was deleted, and nothing appended since
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const sumSize = 4

func (l *summedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

// StoreLogs refuses what fails its checksum. Once raft has deleted the end of the log, it would go on as if it were still
// there (raft: the TODO in appendEntries) and never take another entry: only then the refusal is an error of this node.
func (l *summedLog) StoreLogs(logs []*raft.Log) error {
	for _, log := range logs {
		switch {
		case len(log.Extensions) == 0:
			log.Extensions = binary.BigEndian.AppendUint32(make([]byte, 0, sumSize), sum(log))
		case sumRight(log):
		case l.cut.Load():
			return fmt.Errorf("entry %d does not match its checksum, behind a cut: start this node again", log.Index)
		default:
			return fmt.Errorf("log entry %d does not match its checksum: %w", log.Index, errOnTheWay)
		}
	}
	if err := l.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	l.cut.Store(false)
	return nil
}

func (l *summedLog) DeleteRange(from, to uint64) error {
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	if err := l.LogStore.DeleteRange(from, to); err != nil {
		return err
	}
	if from <= last && last <= to {
		l.cut.Store(true)
	}
	return nil
}

// GetLog reads an entry. An error is raft.ErrLogNotFound, or that the log is closed, or wraps errDamaged.
func (l *summedLog) GetLog(index uint64, log *raft.Log) error {
	err := caught(func() error { return l.LogStore.GetLog(index, log) })
	if errors.Is(err, raft.ErrLogNotFound) {
		err = l.missing(index, log)
	}
	switch {
	case errors.Is(err, raft.ErrLogNotFound), errors.Is(err, wal.ErrClosed), errors.Is(err, berrors.ErrDatabaseNotOpen):
		return err
	case errors.Is(err, errDamaged):
		return fmt.Errorf("log entry %d: %w", index, err)
	case err != nil:
		return fmt.Errorf("log entry %d can't be read: %w: %w", index, err, errDamaged)
	case log.Index != index:
		return fmt.Errorf("log entry %d is in the place of entry %d: %w", log.Index, index, errDamaged)
	case len(log.Extensions) > 0 && !sumRight(log):
		return fmt.Errorf("log entry %d does not match its checksum: %w", index, errDamaged)
	}
	return nil
}

// missing tells an entry that the log does not claim to have from one that it has lost. The log may grow or be cut
// meanwhile, so the claim is looked at again after the entry was not found again.
func (l *summedLog) missing(index uint64, log *raft.Log) error {
	for range 2 {
		first, err := l.FirstIndex()
		if err != nil {
			return err
		}
		last, err := l.LastIndex()
		if err != nil {
			return err
		}
		if index < first || index > last {
			return raft.ErrLogNotFound
		}
		err = caught(func() error { return l.LogStore.GetLog(index, log) })
		if !errors.Is(err, raft.ErrLogNotFound) {
			return err
		}
	}
	return fmt.Errorf("it is missing: %w", errDamaged)
}

// IsMonotonic passes on what raft asks of a log store that leaves no gaps (raft.MonotonicLogStore).
func (l *summedLog) IsMonotonic() bool { return isMonotonic(l.LogStore) }

// checkLog reads the whole log once: raft panics over an entry that it can't read, and one that only a follower will ask
// for is better found now than by whoever depends on it.
func checkLog(log raft.LogStore) error {
	first, err := log.FirstIndex()
	if err != nil {
		return err
	}
	last, err := log.LastIndex()
	if err != nil || last == 0 {
		return err
	}
	for index := first; index <= last; index++ {
		if err := log.GetLog(index, new(raft.Log)); err != nil {
			return err
		}
	}
	return nil
}

// caught makes an error of a panic: that is how some of the libraries speak of damaged files.
func caught(open func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v: %w", p, errDamaged)
		}
	}()
	return open()
}

func sum(log *raft.Log) uint32 {
	var head [17]byte
	binary.BigEndian.PutUint64(head[0:], log.Index)
	binary.BigEndian.PutUint64(head[8:], log.Term)
	head[16] = byte(log.Type)
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, log.Data)
}

func sumRight(log *raft.Log) bool {
	return len(log.Extensions) == sumSize && binary.BigEndian.Uint32(log.Extensions) == sum(log)
}
