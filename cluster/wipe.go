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
//
// A crash at any point must leave what the next start takes for a whole directory, for only then does it wipe again. So
// each thing is moved away in one step, and in an order in which what is left belongs together: never a mark without its
// log, nor a log without its votes.
func wipe(dir string, stable raft.StableStore) error {
	away := filepath.Join(dir, wipedDir)
	if err := os.MkdirAll(away, 0o700); err != nil {
		return err
	}
	for _, name := range []string{markFile, logDir, logFile, snapshotDir} {
		err := os.Rename(filepath.Join(dir, name), filepath.Join(away, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := syncFile(dir); err != nil {
			return err
		}
	}
	err := stable.Set([]byte(raftVote), nil)
	for _, key := range raftNumbers {
		err = errors.Join(err, stable.SetUint64([]byte(key), 0))
	}
	return errors.Join(err, os.RemoveAll(away))
}
