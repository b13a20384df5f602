package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/segment"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The kinds of log store: Config.LogStore.
const (
	walKind  = "wal"  // raft-wal: segments in log/
	boltKind = "bolt" // raft-boltdb: one file, log.db
)

const (
	cachedEntries = 64      // of a bolt log, in memory: one AppendEntries' worth (raftConfig)
	boltMapped    = 1 << 30 // address space: as long as a bolt log fits in, no read holds up its growth
)

// presentLog says of which kind the log in dir is; empty: there is none.
func presentLog(dir string) (string, error) {
	segments, err := os.ReadDir(filepath.Join(dir, logDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	file, err := os.Stat(filepath.Join(dir, logFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	inFile := err == nil && file.Size() > 0
	switch {
	case len(segments) > 0 && inFile:
		return "", fmt.Errorf("data directory %s holds two logs, %s and %s: move away the one that does not belong there", dir, logDir, logFile)
	case len(segments) > 0:
		return walKind, nil
	case inFile:
		return boltKind, nil
	}
	return "", nil
}

// checkKind refuses a directory whose log is of another kind than wanted.
func checkKind(dir, kind string) error {
	if kind != walKind && kind != boltKind {
		return fmt.Errorf("log store %q: give --log-store %s or %s", kind, walKind, boltKind)
	}
	present, err := presentLog(dir)
	if err != nil || present == "" || present == kind {
		return err
	}
	return fmt.Errorf("data directory %s has a log of kind %s, not %s: give --log-store %s, or remove this node from its cluster "+
		"and let it join anew with an empty directory", dir, present, kind, present)
}

// openLog opens or makes the log in dir. What it finds is durable when it returns: a process that was killed may have left
// entries that were written and not synced, and from now on this node says that it has them.
func openLog(dir, kind string, logger hclog.Logger) (log raft.LogStore, shut func() error, err error) {
	if kind == boltKind {
		return openBoltLog(filepath.Join(dir, logFile))
	}
	return openWAL(filepath.Join(dir, logDir), logger)
}

func openWAL(dir string, logger hclog.Logger) (raft.LogStore, func() error, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.wal"))
	if err != nil {
		return nil, nil, err
	}
	for _, file := range files {
		if err := syncFile(file); err != nil {
			return nil, nil, err
		}
	}
	if err := checkBolt(filepath.Join(dir, walMetaFile)); err != nil {
		return nil, nil, fmt.Errorf("%s/%s: %w", logDir, walMetaFile, err)
	}
	var log *wal.WAL
	err = caught(func() (err error) {
		log, err = wal.Open(dir, wal.WithLogger(logger.Named("log")), wal.WithSegmentFiler(segment.NewFiler(dir, segmentFiles{fs.New()})))
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", logDir, misread(err))
	}
	return log, log.Close, nil
}

// misread adds the cure to an error of raft-wal's about what it has found. What the system has refused, such as to read at
// all, is another matter; but a file that is missing, or that is there and should not be, is not its doing.
func misread(err error) error {
	var refused syscall.Errno
	if errors.Is(err, errDamaged) || errors.As(err, &refused) && refused != syscall.ENOENT && refused != syscall.EEXIST {
		return err
	}
	return fmt.Errorf("%w: %w", err, errDamaged)
}

const walMetaFile = "wal-meta.db" // raft-wal: metadb.FileName

func openBoltLog(path string) (raft.LogStore, func() error, error) {
	if there, err := exists(path); err != nil {
		return nil, nil, err
	} else if there {
		if err := syncFile(path); err != nil {
			return nil, nil, err
		}
	}
	store, err := openBolt(path)
	if err != nil {
		return nil, nil, err
	}
	var cache *raft.LogCache
	err = caught(func() (err error) { // a key of another length than an index has is a panic of raft-boltdb's
		if _, err = store.FirstIndex(); err == nil {
			_, err = store.LastIndex()
		}
		if err == nil {
			cache, err = raft.NewLogCache(cachedEntries, piecemealLog{store})
		}
		return err
	})
	if err != nil {
		store.Close()
		return nil, nil, fmt.Errorf("%s: %w", logFile, err)
	}
	return cache, store.Close, nil
}

// piecemealLog removes the beginning of a bolt log in pieces. All at once takes most of a second after an image, in which no
// append gets through: long enough for a leader to be taken for one whose disk hangs.
type piecemealLog struct {
	*raftboltdb.BoltStore
}

const deletedAtOnce = 1024 // entries

func (l piecemealLog) DeleteRange(from, to uint64) error {
	last, err := l.LastIndex()
	if err != nil {
		return err
	}
	if to < last {
		for ; from+deletedAtOnce <= to; from += deletedAtOnce {
			if err := l.BoltStore.DeleteRange(from, from+deletedAtOnce-1); err != nil {
				return err
			}
		}
	}
	return l.BoltStore.DeleteRange(from, to)
}

// openBolt opens or makes a bolt file, after a check: bolt's own answer to a damaged page is to panic, at times in a
// goroutine of its own, and its answer to a damaged head is to go back to the transaction before.
func openBolt(path string) (*raftboltdb.BoltStore, error) {
	if err := checkBolt(path); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	var store *raftboltdb.BoltStore
	err := caught(func() (err error) {
		store, err = raftboltdb.New(raftboltdb.Options{Path: path, MsgpackUseNewTimeFormat: true, BoltOptions: &bbolt.Options{
			Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapped(path),
		}})
		return err
	})
	if errors.Is(err, bolterrors.ErrIncompatibleValue) { // what should be a bucket is none
		err = fmt.Errorf("%w: %w", err, errDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return store, nil
}

// mapped is the address space to begin with: only a log is going to be large.
func mapped(path string) int {
	if filepath.Base(path) == logFile {
		return boltMapped
	}
	return 0
}
