package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hashicorp/go-hclog"
)

// A data directory holds
//
//	lock         held (flock) by the process that uses the directory
//	stable.db    raft-boltdb: term and vote, and the node's identity and incarnation
//	log/         raft-wal: the log                                            logstore.go
//	log.db       raft-boltdb: the log, in a directory of the other kind
//	log.mark     where the log ends                                           mark.go
//	snapshots/   the library's file store                                     images.go
//	wiped/       what a crash has left of a wipe; of no use                   wipe.go
//
// stable.db and the log live and die together: a node that lost its votes but kept its log could vote twice.
const (
	lockFile    = "lock"
	stableFile  = "stable.db"
	logDir      = "log"
	logFile     = "log.db"
	markFile    = "log.mark"
	snapshotDir = "snapshots"
	wipedDir    = "wiped"

	keptSnapshots = 2
)

// openDirectory locks dir and opens its stores, the log as one of the kind. Every error names the directory and the cure.
func openDirectory(dir, kind string, logger hclog.Logger) (Stores, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Stores{}, fmt.Errorf("data directory: %w; choose another with --dir", err)
	}
	if err := checkOurs(dir); err != nil { // before a lock file is put into it
		return Stores{}, err
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return Stores{}, err
	}
	stores, err := openLocked(dir, kind, logger)
	if err != nil {
		lock.Close()
		return Stores{}, err
	}
	closeStores := stores.Close
	stores.Close = func() error { return errors.Join(closeStores(), lock.Close()) }
	return stores, nil
}

func openLocked(dir, kind string, logger hclog.Logger) (Stores, error) {
	if err := os.RemoveAll(filepath.Join(dir, wipedDir)); err != nil {
		return Stores{}, fmt.Errorf("data directory: %w", err)
	}
	if err := checkKind(dir, kind); err != nil {
		return Stores{}, err
	}
	if err := checkWhole(dir); err != nil {
		return Stores{}, err
	}
	stores, err := openStores(dir, kind, logger)
	if err != nil {
		return Stores{}, fmt.Errorf("data directory %s: %w", dir, err)
	}
	err = checkSnapshots(dir, stores)
	if err == nil {
		err = checkVotes(dir, stores)
	}
	if err != nil {
		stores.Close()
		return Stores{}, err
	}
	return stores, nil
}

func lockDirectory(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
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
		if !slices.Contains([]string{lockFile, stableFile, logDir, logFile, markFile, snapshotDir, wipedDir, "lost+found"}, e.Name()) {
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
	log, err := presentLog(dir)
	if err != nil {
		return err
	}
	images, err := os.ReadDir(filepath.Join(dir, snapshotDir))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	switch {
	case !stable && log != "":
		return halfMissing(dir, "log is there, "+stableFile+" is not")
	case !stable && len(images) > 0:
		return halfMissing(dir, snapshotDir+" is there, "+stableFile+" is not")
	case stable && log == "":
		return halfMissingUnlessNew(dir)
	}
	return nil
}

func halfMissing(dir, what string) error {
	return fmt.Errorf("data directory %s is half missing: %s: put it back from where it went; if it is lost, "+
		"remove the directory and this node from its cluster, and let it join anew", dir, what)
}

// checkSnapshots refuses a log that goes on from a snapshot that is gone, or does not go on from the newest.
func checkSnapshots(dir string, stores Stores) error {
	first, err := stores.Log.FirstIndex()
	if err != nil {
		return fmt.Errorf("data directory %s: %s: %w", dir, logDir, err)
	}
	images, err := stores.Snapshots.List()
	if err != nil {
		return fmt.Errorf("data directory %s: %s: %w", dir, snapshotDir, err)
	}
	image := uint64(0)
	if len(images) > 0 {
		image = images[0].Index
	}
	if first > image+1 {
		return halfMissing(dir, fmt.Sprintf("log begins with entry %d, and %s holds nothing of what was before", first, snapshotDir))
	}
	return nil
}

// halfMissingUnlessNew tells a directory whose log is lost from one whose first start was cut short: only the first has an
// identity.
func halfMissingUnlessNew(dir string) error {
	store, err := openBolt(filepath.Join(dir, stableFile))
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	defer store.Close()
	stable, err := openVotes(store)
	if err != nil {
		return fmt.Errorf("data directory %s: %s: %w", dir, stableFile, err)
	}
	id, err := loadIdentity(stable)
	if err != nil {
		return fmt.Errorf("data directory %s: %w", dir, err)
	}
	if id.ID != "" && !id.Wipe {
		return halfMissing(dir, stableFile+" is there, log is not")
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

func openStores(dir, kind string, logger hclog.Logger) (Stores, error) {
	file, err := openBolt(filepath.Join(dir, stableFile))
	if err != nil {
		return Stores{}, err
	}
	stable, err := openVotes(file)
	if err != nil {
		file.Close()
		return Stores{}, fmt.Errorf("%s: %w", stableFile, err)
	}
	log, shut, err := openLog(dir, kind, logger)
	if err != nil {
		file.Close()
		return Stores{}, err
	}
	mark, err := openMark(dir, log, logger)
	if err != nil {
		file.Close()
		shut()
		return Stores{}, err
	}
	closeAll := func() error { return errors.Join(mark.close(), shut(), file.Close()) }
	images, err := openImages(dir, logger)
	if err != nil {
		closeAll()
		return Stores{}, err
	}
	return Stores{Log: mark, Stable: stable, Snapshots: images, Close: closeAll,
		Wipe: func() error { return wipe(dir, stable) }}, nil
}
