package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func mustVotes(t *testing.T, file raft.StableStore) *votes {
	t.Helper()
	v, err := openVotes(file)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVotesAreFoundAgain(t *testing.T) {
	file, err := openBolt(filepath.Join(t.TempDir(), stableFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	v := mustVotes(t, file)
	if _, err := v.Get([]byte("a")); !isNotFound(err) {
		t.Errorf("a value that was never set: %v", err)
	}
	if _, err := v.GetUint64(termKey); !isNotFound(err) {
		t.Errorf("a number that was never set: %v", err)
	}
	for _, err := range []error{v.Set([]byte("a"), []byte{0, 255}), v.Set([]byte("empty"), nil), v.SetUint64(termKey, 7), v.SetUint64(termKey, 1<<63)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range []*votes{v, mustVotes(t, file)} {
		a, err1 := v.Get([]byte("a"))
		empty, err2 := v.Get([]byte("empty"))
		term, err3 := v.GetUint64(termKey)
		if string(a) != "\x00\xff" || len(empty) != 0 || term != 1<<63 || errors.Join(err1, err2, err3) != nil {
			t.Errorf("%q %q %d, %v %v %v", a, empty, term, err1, err2, err3)
		}
		if _, err := v.GetUint64([]byte("a")); err == nil {
			t.Error("two bytes are taken for a number")
		}
	}
}

func TestAVoteThatWasNotStoredIsNotRemembered(t *testing.T) {
	store := raft.NewInmemStore()
	v := mustVotes(t, store)
	if err := v.SetUint64(termKey, 1); err != nil {
		t.Fatal(err)
	}
	v.file = badDisk{StableStore: store, err: errDisk}
	if err := v.SetUint64(termKey, 2); !errors.Is(err, errDisk) {
		t.Errorf("a failed write answers %v", err)
	}
	if term, err := v.GetUint64(termKey); term != 1 || err != nil {
		t.Errorf("term %d, %v; want 1", term, err)
	}
}

func TestDamagedVotesAreRefused(t *testing.T) {
	store := raft.NewInmemStore()
	if err := mustVotes(t, store).SetUint64(termKey, 7); err != nil {
		t.Fatal(err)
	}
	good, err := store.Get(votesKey)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(good) {
		bad := append([]byte{}, good...)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := store.Set(votesKey, bad); err != nil {
			t.Fatal(err)
		}
		if _, err := openVotes(store); !errors.Is(err, errDamaged) {
			t.Errorf("bit %d: %v", bit, err)
		}
	}
}

func TestVotesOfAnOlderBuildAreTakenOverOnce(t *testing.T) {
	store, err := openBolt(filepath.Join(t.TempDir(), stableFile))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := errors.Join(store.SetUint64(termKey, 7), store.Set([]byte("LastVoteCand"), []byte("n2"))); err != nil {
		t.Fatal(err)
	}
	for _, v := range []*votes{mustVotes(t, store), mustVotes(t, store)} {
		term, err := v.GetUint64(termKey)
		vote, err2 := v.Get([]byte("LastVoteCand"))
		if term != 7 || string(vote) != "n2" || err != nil || err2 != nil {
			t.Errorf("term %d, vote %q, %v, %v", term, vote, err, err2)
		}
	}
	if old, err := store.Get(termKey); len(old) > 0 {
		t.Errorf("the old term is still there: %x, %v", old, err)
	}
}

func TestVotesOlderThanTheLogAreRefused(t *testing.T) {
	for what, row := range map[string]struct {
		spoil func(Stores) error
		want  string
	}{
		"a lower term": {func(s Stores) error { return s.Stable.SetUint64(termKey, 0) }, "stable.db is of term 0, and what is in the log was written in term 1"},
		"no identity":  {func(s Stores) error { return s.Stable.Set(identityKey, nil) }, "stable.db does not say whose it is"},
	} {
		dir := used(t)
		stores, err := openDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(row.spoil(stores), stores.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := openDir(dir); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", what, err, row.want)
		}
	}
	dir := used(t) // and another file altogether
	if err := os.Remove(filepath.Join(dir, stableFile)); err != nil {
		t.Fatal(err)
	}
	file, err := openBolt(filepath.Join(dir, stableFile))
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	if _, err := openDir(dir); err == nil || !strings.Contains(err.Error(), "does not say whose it is") {
		t.Errorf("an empty stable.db: %v", err)
	}
}
