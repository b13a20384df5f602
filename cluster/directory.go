package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	wal "github.com/hashicorp/raft-wal"
	"go.etcd.io/bbolt"
)

// A data directory holds
//
//	lock         held (flock) by the process that uses the directory
//	stable.db    raft-boltdb: term and vote, and the node's identity and incarnation
//	log/         raft-wal: the log
//	snapshots/   the library's file store
//
// stable.db and log/ live and die together: a node that lost its votes but kept its log could vote twice.
const (
	lockFile    = "lock"
	stableFile  = "stable.db"
	logDir      = "log"
	markFile    = "log.mark"
	snapshotDir = "snapshots"

	keptSnapshots = 2
)

// openDirectory locks dir and opens its stores. Every error names the directory and the cure.
func openDirectory(dir string, logger hclog.Logger) (Stores, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Stores{}, fmt.Errorf("data directory: %w; choose another with --dir", err)
	}
	if err := checkOurs(dir); err != nil { // before a lock file is put into it
		return Stores{}, err
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return Stores{}, err
	}
	if err := checkWhole(dir); err != nil {
		lock.Close()
		return Stores{}, err
	}
	stores, err := openStores(dir, logger)
	if err != nil {
		lock.Close()
		return Stores{}, fmt.Errorf("data directory %s: %w", dir, err)
	}
	if err := checkSnapshots(dir, stores); err != nil {
		stores.Close()
		lock.Close()
		return Stores{}, err
	}
	closeStores := stores.Close
	stores.Close = func() error { return errors.Join(closeStores(), lock.Close()) }
	return stores, nil
}

func lockDirectory(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w; choose another with --dir", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := os.ReadFile(f.Name())
		f.Close()
		return nil, fmt.Errorf("data directory %s is in use by process %s: stop it, or choose another with --dir", dir, pid)
	}
	err = errors.Join(f.Truncate(0), func() error { _, err := fmt.Fprint(f, os.Getpid()); return err }())
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return f, nil
}

// checkOurs refuses a directory that holds anything but what we put there.
func checkOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{lockFile, stableFile, logDir, snapshotDir, "lost+found"}, e.Name()) {
			return fmt.Errorf("%s is not a truecount data directory (it holds %q): choose an empty one with --dir", dir, e.Name())
		}
	}
	return nil
}

// checkWhole refuses a directory of which a part is missing.
func checkWhole(dir string) error {
	stable, err := exists(filepath.Join(dir, stableFile))
	if err != nil {
		return err
	}
	log, err := os.ReadDir(filepath.Join(dir, logDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	images, err := os.ReadDir(filepath.Join(dir, snapshotDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	switch {
	case !stable && len(log) > 0:
		return halfMissing(dir, logDir+" is there, "+stableFile+" is not")
	case !stable && len(images) > 0:
		return halfMissing(dir, snapshotDir+" is there, "+stableFile+" is not")
	case stable && len(log) == 0:
		return halfMissingUnlessNew(dir)
	}
	return nil
}

func halfMissing(dir, what string) error {
	return fmt.Errorf("data directory %s is half missing: %s: put it back from where it went; if it is lost, "+
		"remove the directory and this node from its cluster, and let it join anew", dir, what)
}

// checkSnapshots refuses a log that goes on from a snapshot that is gone.
func checkSnapshots(dir string, stores Stores) error {
	first, err := stores.Log.FirstIndex()
	if err != nil {
		return fmt.Errorf("data directory %s: %s: %w", dir, logDir, err)
	}
	images, err := stores.Snapshots.List()
	if err != nil {
		return fmt.Errorf("data directory %s: %s: %w", dir, snapshotDir, err)
	}
	if first > 1 && len(images) == 0 {
		return halfMissing(dir, fmt.Sprintf("%s begins with entry %d, and %s holds nothing of what was before", logDir, first, snapshotDir))
	}
	return nil
}

// halfMissingUnlessNew tells a directory whose log is lost from one whose first start was cut short: only the first has an
// identity.
func halfMissingUnlessNew(dir string) error {
	store, err := raftboltdb.New(boltOptions(filepath.Join(dir, stableFile)))
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	defer store.Close()
	id, err := loadIdentity(store)
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	if id.ID != "" && !id.Wipe {
		return halfMissing(dir, stableFile+" is there, "+logDir+" is not")
	}
	return nil
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func boltOptions(path string) raftboltdb.Options {
	return raftboltdb.Options{Path: path, BoltOptions: &bbolt.Options{
		Timeout: time.Second, NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
	}}
}

func openStores(dir string, logger hclog.Logger) (Stores, error) {
	stable, err := raftboltdb.New(boltOptions(filepath.Join(dir, stableFile)))
	if err != nil {
		return Stores{}, fmt.Errorf("%s: %w", stableFile, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, logDir), 0o755); err != nil {
		stable.Close()
		return Stores{}, err
	}
	log, err := wal.Open(filepath.Join(dir, logDir), wal.WithLogger(logger.Named("log")))
	if err != nil {
		stable.Close()
		return Stores{}, fmt.Errorf("%s: %w", logDir, err)
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(dir, keptSnapshots, logger.Named("snapshot"))
	if err != nil {
		stable.Close()
		log.Close()
		return Stores{}, fmt.Errorf("%s: %w", snapshotDir, err)
	}
	return Stores{Log: log, Stable: stable, Snapshots: snapshots,
		Wipe:  func() error { return wipe(dir, stable) },
		Close: func() error { return errors.Join(log.Close(), stable.Close()) },
	}, nil
}
