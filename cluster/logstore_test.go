package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

func TestADirectoryKeepsItsKindOfLog(t *testing.T) {
	for _, kinds := range [][2]string{{walKind, boltKind}, {boltKind, walKind}} {
		was, other := kinds[0], kinds[1]
		dir := t.TempDir()
		stores, err := openDirectory(dir, was, hclog.NewNullLogger())
		if err != nil {
			t.Fatal(err)
		}
		stores.Close()
		_, err = openDirectory(dir, other, hclog.NewNullLogger())
		if err == nil || !strings.Contains(err.Error(), dir+" has a log of kind "+was) || !strings.Contains(err.Error(), "--log-store "+was) {
			t.Errorf("a %s log opened as %s: %v", was, other, err)
		}
		if files, _ := os.ReadDir(dir); other == boltKind && len(files) != 5 {
			t.Errorf("the refusal has left %v", files)
		}
	}
	if _, err := openDirectory(t.TempDir(), "paper", hclog.NewNullLogger()); err == nil || !strings.Contains(err.Error(), "--log-store wal or bolt") {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestADirectoryWithTwoLogsIsRefused(t *testing.T) {
	dir := used(t)
	if err := os.WriteFile(filepath.Join(dir, logFile), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openDir(dir); err == nil || !strings.Contains(err.Error(), "two logs") {
		t.Errorf("%v", err)
	}
}

func TestADirectoryIsForItsOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	stores, err := openDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	stores.Close()
	for name, want := range map[string]os.FileMode{"": 0o700, lockFile: 0o600, stableFile: 0o600, markFile: 0o600, logDir: 0o700, snapshotDir: 0o700} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

// raft-wal has words of its own for what it can't make sense of. They don't say what to do.
func TestASegmentThatIsSpoiltOrGoneIsRefusedWithTheCure(t *testing.T) {
	for what, spoil := range map[string]func(segment string) error{
		"its head is damaged": func(segment string) error {
			f, err := os.OpenFile(segment, os.O_RDWR, 0)
			if err == nil {
				_, err = f.WriteAt([]byte("x"), 0)
				f.Close()
			}
			return err
		},
		"it is gone": os.Remove,
	} {
		dir := used(t)
		segments, err := filepath.Glob(filepath.Join(dir, logDir, "*.wal"))
		if err != nil || len(segments) != 1 {
			t.Fatalf("segments %v, %v", segments, err)
		}
		if err := spoil(segments[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := openDir(dir); err == nil || !strings.HasSuffix(err.Error(), errDamaged.Error()) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhatTheSystemRefusesIsNoDamage(t *testing.T) {
	for _, refused := range []error{syscall.EIO, syscall.EACCES, syscall.EMFILE} {
		if err := misread(&os.PathError{Op: "open", Path: "log", Err: refused}); errors.Is(err, errDamaged) {
			t.Errorf("%v", err)
		}
	}
}

// Found by flipping every byte of a directory: the first was a panic, the others were refused without the cure.
func TestDamageThatTheLogsLibrariesDoNotKnowIsRefusedWithTheCure(t *testing.T) {
	short := filepath.Join(t.TempDir(), logFile)
	store, err := openBolt(short)
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	changeBolt(t, short, func(tx *bbolt.Tx) error { return tx.Bucket([]byte("logs")).Put([]byte("long"), []byte("x")) })
	if _, _, err := openBoltLog(short); !errors.Is(err, errDamaged) {
		t.Errorf("a key that is no index: %v", err)
	}
	if err := misread(&os.PathError{Op: "open", Path: "1.wal", Err: syscall.EEXIST}); !errors.Is(err, errDamaged) {
		t.Errorf("a segment that is there and should not be: %v", err)
	}
}

func changeBolt(t *testing.T, path string, change func(*bbolt.Tx) error) {
	t.Helper()
	file, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Update(change); err != nil {
		t.Fatal(err)
	}
}

func TestABoltLogTakesEntriesWhileItsBeginningIsRemoved(t *testing.T) {
	const old = 32 * deletedAtOnce
	stores, err := openDirectory(t.TempDir(), boltKind, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	entries := make([]*raft.Log, old+1)
	for i := range entries {
		entries[i] = &raft.Log{Index: uint64(i + 1), Term: 1}
	}
	if err := stores.Log.StoreLogs(entries); err != nil {
		t.Fatal(err)
	}
	removed := make(chan error)
	go func() { removed <- stores.Log.DeleteRange(1, old) }()
	between := 0 // appended when a part of it was gone
	for next := uint64(old + 2); ; next++ {
		select {
		case err := <-removed:
			if first, _ := stores.Log.FirstIndex(); err != nil || first != old+1 {
				t.Errorf("%v, the log begins with %d", err, first)
			}
			if between == 0 {
				t.Error("no entry was taken before all of it was gone")
			}
			return
		default:
		}
		if err := stores.Log.StoreLog(&raft.Log{Index: next, Term: 1}); err != nil {
			t.Fatal(err)
		}
		if first, _ := stores.Log.FirstIndex(); first > 1 && first <= old {
			between++
		}
	}
}
