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

func openDir(dir string) (Stores, error) { return openDirectory(dir, hclog.NewNullLogger()) }

// used is a directory that a node has been started on, and has left.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "deep", "data")
	stores, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ownIdentity(stores.Stable, "n1", true); err != nil {
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

func TestIdentity(t *testing.T) {
	store := raft.NewInmemStore()
	first, err := ownIdentity(store, "", false)
	if err != nil || CheckName(first.Name) != nil || first.Cluster != "" || first.Founder {
		t.Fatalf("drawn: %+v, %v", first, err)
	}
	if again, err := ownIdentity(store, "", false); again != first || err != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	if again, err := ownIdentity(store, first.Name, false); again != first || err != nil {
		t.Errorf("by its name: %+v, %v", again, err)
	}
	if _, err := ownIdentity(store, "other", false); err == nil || !strings.Contains(err.Error(), first.Name) {
		t.Errorf("under another name: %v", err)
	}
	founder, err := ownIdentity(store, "", true)
	if err != nil || founder.ID != first.ID || founder.Cluster == "" || !founder.Founder {
		t.Errorf("as a founder: %+v, %v", founder, err)
	}
	if again, err := ownIdentity(store, "", true); again != founder || err != nil {
		t.Errorf("as a founder again: %+v, %v", again, err)
	}
	one, _ := ownIdentity(raft.NewInmemStore(), "n1", false)
	two, _ := ownIdentity(raft.NewInmemStore(), "n1", false)
	if one.ID == two.ID {
		t.Errorf("two directories have the id %s", one.ID)
	}
}

func TestABadNameOrIdentityIsRefused(t *testing.T) {
	for _, name := range []string{"-x", "a b", "a/b", "ä", strings.Repeat("x", 65), "n1\n"} {
		if _, err := ownIdentity(raft.NewInmemStore(), name, false); err == nil {
			t.Errorf("%q is taken", name)
		}
	}
	store := raft.NewInmemStore()
	if err := store.Set(identityKey, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if _, err := ownIdentity(store, "", false); err == nil {
		t.Error("garbage is taken for an identity")
	}
}

func TestIncarnationsGrow(t *testing.T) {
	store := raft.NewInmemStore()
	for want := uint64(1); want < 4; want++ {
		if got, err := nextIncarnation(store); got != want || err != nil {
			t.Errorf("incarnation %d, %v; want %d", got, err, want)
		}
	}
	if _, err := nextIncarnation(badDisk{StableStore: store, err: errDisk}); err == nil {
		t.Error("an incarnation that was not stored is used")
	}
}

func TestNameOfAnID(t *testing.T) {
	for id, want := range map[string]string{"n1-0123456789": "n1", "a-b-1": "a-b", "plain": "plain", "-1": "-1", "": ""} {
		if got := nameOf(id); got != want {
			t.Errorf("%q has the name %q, want %q", id, got, want)
		}
	}
}
