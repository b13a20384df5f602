package cluster

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// What raft keeps in the stable store (raft: raft.go). It takes zero for never written.
var (
	raftNumbers = []string{"CurrentTerm", "LastVoteTerm"}
	raftVote    = "LastVoteCand"
)

// wipe removes everything in dir that belongs to a cluster, and leaves to whom the directory belongs. Files that are open
// are only good for closing afterwards.
func wipe(dir string, stable raft.StableStore) error {
	err := stable.Set([]byte(raftVote), nil)
	for _, key := range raftNumbers {
		err = errors.Join(err, stable.SetUint64([]byte(key), 0))
	}
	for _, name := range []string{logDir, snapshotDir} {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	return errors.Join(err, syncDirectory(dir))
}

// syncDirectory makes it durable which files a directory holds.
func syncDirectory(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
