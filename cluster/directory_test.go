package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

func openDir(dir string) (Stores, error) { return openDirectory(dir, walKind, hclog.NewNullLogger()) }

// used is a directory that a node has been started on, and has left.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	stores, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ownIdentity(stores.Stable, &Config{Name: "n1", Bootstrap: true}); err != nil {
		t.Fatal(err)
	}
	if err := stores.Stable.SetUint64(termKey, 1); err != nil {
		t.Fatal(err)
	}
	if err := stores.Log.StoreLogs([]*raft.Log{{Index: 1, Term: 1, Data: []byte("kept")}}); err != nil {
		t.Fatal(err)
	}
	if err := stores.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestADirectoryIsMadeAndFoundAgain(t *testing.T) {
	dir := used(t)
	stores, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	var log raft.Log
	if err := stores.Log.GetLog(1, &log); err != nil || string(log.Data) != "kept" {
		t.Errorf("the log holds %q, %v", log.Data, err)
	}
	id, err := loadIdentity(stores.Stable)
	if err != nil || id.Name != "n1" || nameOf(id.ID) != "n1" || id.Cluster == "" || !id.Founder {
		t.Errorf("identity %+v, %v", id, err)
	}
}

func TestADirectoryThatIsNotWholeAndOursIsRefused(t *testing.T) {
	for _, row := range []struct {
		name  string
		spoil func(dir string) error
		want  string
	}{
		{"votes are gone", func(dir string) error { return os.Remove(filepath.Join(dir, stableFile)) }, "half missing: log is there, stable.db is not"},
		{"votes and log are gone, a snapshot is there", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, stableFile)), os.RemoveAll(filepath.Join(dir, logDir)),
				os.MkdirAll(filepath.Join(dir, snapshotDir, "1-1-1"), 0o755))
		}, "half missing: snapshots is there, stable.db is not"},
		{"the log goes on from a snapshot that is gone", func(dir string) error {
			stores, err := openDir(dir)
			if err != nil {
				return err
			}
			return errors.Join(stores.Log.StoreLogs([]*raft.Log{{Index: 2, Term: 1}}), stores.Log.DeleteRange(1, 1), stores.Close())
		}, "half missing: log begins with entry 2"},
		{"log is gone", func(dir string) error { return os.RemoveAll(filepath.Join(dir, logDir)) }, "half missing: stable.db is there, log is not"},
		{"log is empty", func(dir string) error {
			os.RemoveAll(filepath.Join(dir, logDir))
			return os.Mkdir(filepath.Join(dir, logDir), 0o755)
		}, "half missing"},
		{"holds something else", func(dir string) error { return os.WriteFile(filepath.Join(dir, "thesis.doc"), nil, 0o644) }, `not a truecount data directory (it holds "thesis.doc")`},
		{"is a file", func(dir string) error { os.RemoveAll(dir); return os.WriteFile(dir, nil, 0o644) }, "choose another with --dir"},
		{"votes are garbage", func(dir string) error {
			return os.WriteFile(filepath.Join(dir, stableFile), make([]byte, 8192), 0o644)
		}, stableFile},
	} {
		t.Run(row.name, func(t *testing.T) {
			dir := used(t)
			if err := row.spoil(dir); err != nil {
				t.Fatal(err)
			}
			stores, err := openDir(dir)
			if err == nil {
				stores.Close()
				t.Fatal("it is taken")
			}
			if !strings.Contains(err.Error(), row.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
				t.Errorf("refused with %q, want one line with %q and the directory", err, row.want)
			}
		})
	}
}

func TestARefusedDirectoryIsLeftAsItWas(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.doc"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := openDir(dir); err == nil {
		t.Fatal("it is taken")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("it holds %v now", entries)
	}
}

func TestAFirstStartThatWasCutShortIsNoHalf(t *testing.T) {
	dir := t.TempDir()
	stores, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := stores.Close(); err != nil { // before the identity was stored
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, logDir)); err != nil {
		t.Fatal(err)
	}
	stores, err = openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	stores.Close()
}

func TestADirectoryHasOneUserAtATime(t *testing.T) {
	dir := t.TempDir()
	first, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := openDir(dir); err == nil {
		second.Close()
		t.Error("two use it at once")
	} else if !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("refused with %q", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := openDir(dir)
	if err != nil {
		t.Fatalf("after the first has left: %v", err)
	}
	again.Close()
}

func TestNameOfAnID(t *testing.T) {
	for id, want := range map[string]string{"n1-0123456789": "n1", "a-b-1": "a-b", "plain": "plain", "-1": "-1", "": ""} {
		if got := nameOf(id); got != want {
			t.Errorf("%q has the name %q, want %q", id, got, want)
		}
	}
}
