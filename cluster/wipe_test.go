package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// givenUp makes a directory whose node has noted that what is in it must go.
func givenUp(t *testing.T, kind string) (dir string, id identity) {
	t.Helper()
	dir = t.TempDir()
	stores, err := openDirectory(dir, kind, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	id, err = ownIdentity(stores.Stable, &Config{Name: "n1", Bootstrap: true})
	for _, err := range []error{err,
		stores.Stable.SetUint64(termKey, 7),
		stores.Log.StoreLogs([]*raft.Log{{Index: 1, Term: 7}, {Index: 2, Term: 7}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	id.Cluster, id.Founder, id.Wipe = "another", false, true
	if err := saveIdentity(stores.Stable, id); err != nil {
		t.Fatal(err)
	}
	return dir, id
}

// wantWiped opens a directory as a start does, twice, and wants nothing in it but who the node is.
func wantWiped(t *testing.T, dir, kind string, id identity) {
	t.Helper()
	id.Wipe = false
	for range 2 {
		stores, err := openClean(Config{Stores: func() (Stores, error) { return openDirectory(dir, kind, hclog.NewNullLogger()) }})
		if err != nil {
			t.Fatal(err)
		}
		last, _ := stores.Log.LastIndex()
		term, _ := stores.Stable.GetUint64(termKey)
		got, err := loadIdentity(stores.Stable)
		if last != 0 || term != 0 || got != id || err != nil {
			t.Errorf("log up to %d, term %d, %+v, %v; want nothing and %+v", last, term, got, err, id)
		}
		state, err := raft.HasExistingState(stores.Log, stores.Stable, stores.Snapshots)
		if state || err != nil {
			t.Errorf("raft finds something: %v", err)
		}
		if err := stores.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, wipedDir)); err == nil {
		t.Error("what was wiped lies about")
	}
}

func TestWhatWasGivenUpIsWiped(t *testing.T) {
	for _, kind := range []string{"wal", "bolt"} {
		dir, id := givenUp(t, kind)
		wantWiped(t, dir, kind, id)
	}
}

// A crash after any of its steps leaves a directory that the next start wipes to the end.
func TestAWipeThatWasCutShortIsDoneAgain(t *testing.T) {
	for _, kind := range []string{"wal", "bolt"} {
		for steps := range 5 {
			t.Run(fmt.Sprintf("%s, %d steps", kind, steps), func(t *testing.T) {
				dir, id := givenUp(t, kind)
				if err := os.Mkdir(filepath.Join(dir, wipedDir), 0o700); err != nil {
					t.Fatal(err)
				}
				for _, name := range []string{markFile, logDir, logFile, snapshotDir}[:steps] {
					os.Rename(filepath.Join(dir, name), filepath.Join(dir, wipedDir, name)) // some are not there
				}
				wantWiped(t, dir, kind, id)
			})
		}
	}
}
