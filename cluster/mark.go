package cluster

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// markedLog notes in a file beside the log where the log ends. Without it a log that has lost its end starts as if nothing
// were missing: a flipped bit in the newest segment looks to raft-wal like a write that a crash has torn. The node would
// then elect, and be elected, without entries that it had confirmed.
//
// The mark is written after each append and not synced, so it costs a copy into the page cache, and it is never ahead of the
// log: exact after the death of the process, too low at most after a power cut. Before the end of the log is deleted, the
// mark is lowered and synced.
//
//	log.mark    two equal copies, in two sectors
//	            8 bytes index of the last entry, big endian; 0: the log is empty
//	            4 bytes CRC-32C of those
type markedLog struct {
	raft.LogStore
	file *os.File

	mu   sync.Mutex // held while the end of the log moves
	last uint64     // the log's last entry; 0: it is empty
	page [markCopies * markStride]byte
}

const (
	markCopies = 2
	markStride = 512
	markSize   = 12
)

// openMark compares the log with its mark. A directory without one gets it: it was made by an older build.
func openMark(dir string, log raft.LogStore, logger hclog.Logger) (*markedLog, error) {
	last, err := log.LastIndex()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, markFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	m := &markedLog{LogStore: log, file: file, last: last}
	if err := m.compare(dir, logger); err != nil {
		file.Close()
		return nil, err
	}
	return m, nil
}

func (m *markedLog) compare(dir string, logger hclog.Logger) error {
	marked, whole, err := readMark(m.file)
	if err != nil {
		return fmt.Errorf("%s: %w", markFile, err)
	}
	if m.last < marked {
		return fmt.Errorf("the log ends with entry %d, but entry %d was written: %w", m.last, marked, errDamaged)
	}
	if !whole {
		logger.Warn("one copy of the log's mark was damaged, it is written anew", "file", m.file.Name())
	}
	if err := m.move(m.last); err != nil {
		return err
	}
	return syncFile(dir)
}

// readMark reads the larger of the copies: while the mark rises they may differ after a power cut, and when it has been
// lowered the sync was waited for. A file that was never written is an empty log's; whole tells whether both copies are good.
func readMark(r io.ReaderAt) (marked uint64, whole bool, err error) {
	var page [markCopies * markStride]byte
	n, err := r.ReadAt(page[:], 0)
	if err == io.EOF && n == 0 {
		return 0, true, nil
	}
	if err != nil && err != io.EOF {
		return 0, false, err
	}
	good := 0
	for at := 0; at < len(page); at += markStride {
		if c := page[at:][:markSize]; crc32.Checksum(c[:8], castagnoli) == binary.BigEndian.Uint32(c[8:]) {
			marked = max(marked, binary.BigEndian.Uint64(c))
			good++
		}
	}
	if good == 0 {
		return 0, false, errDamaged
	}
	return marked, good == markCopies, nil
}

func (m *markedLog) StoreLog(log *raft.Log) error { return m.StoreLogs([]*raft.Log{log}) }

func (m *markedLog) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.last + 1
	if m.last == 0 {
		next = logs[0].Index // an empty log goes on where an image ends
	}
	for i, log := range logs {
		if log.Index != next+uint64(i) {
			return fmt.Errorf("entry %d in the place of entry %d", log.Index, next+uint64(i))
		}
	}
	if err := m.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	m.last = logs[len(logs)-1].Index
	return m.write(m.last)
}

func (m *markedLog) DeleteRange(from, to uint64) error {
	m.mu.Lock()
	if from > to || from > m.last || to < m.last { // its beginning, or nothing
		m.mu.Unlock() // appends go on meanwhile
		return m.LogStore.DeleteRange(from, to)
	}
	defer m.mu.Unlock()
	first, err := m.FirstIndex()
	if err != nil {
		return err
	}
	last := uint64(0)
	if from > first {
		last = from - 1
	}
	if err := m.move(last); err != nil {
		return err
	}
	if err := m.LogStore.DeleteRange(from, to); err != nil {
		return err
	}
	m.last = last
	return nil
}

// IsMonotonic tells raft that this log has no gaps, whatever the store beneath could bear: raft clears it when an image has
// been installed, instead of leaving the old entries in front of a gap.
func (m *markedLog) IsMonotonic() bool { return true }

func (m *markedLog) close() error { return m.file.Close() }

// move writes the mark durably.
func (m *markedLog) move(last uint64) error {
	if err := m.write(last); err != nil {
		return err
	}
	return m.file.Sync()
}

func (m *markedLog) write(last uint64) error {
	for at := 0; at < len(m.page); at += markStride {
		c := m.page[at:][:markSize]
		binary.BigEndian.PutUint64(c, last)
		binary.BigEndian.PutUint32(c[8:], crc32.Checksum(c[:8], castagnoli))
	}
	_, err := m.file.WriteAt(m.page[:], 0)
	return err
}

// syncFile makes durable what anybody has written to the file, and for a directory, which files it holds.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
