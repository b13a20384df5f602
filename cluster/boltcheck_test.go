package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// boltFile has what a bolt file can have: branches, long values, a bucket in a value, and a free list if it is kept.
func boltFile(t *testing.T, keepFreeList bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: !keepFreeList})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		err := db.Update(func(tx *bbolt.Tx) error {
			large, err1 := tx.CreateBucketIfNotExists([]byte("large"))
			small, err2 := tx.CreateBucketIfNotExists([]byte("small"))
			err := errors.Join(err1, err2)
			for i := range 300 {
				err = errors.Join(err, large.Put(fmt.Appendf(nil, "%08d", i), make([]byte, (i*round)%600)))
			}
			return errors.Join(err, large.Put([]byte("long"), make([]byte, 20000)), small.Put([]byte("k"), []byte("v")))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// change changes bytes of a file.
func change(t testing.TB, path string, by func(data []byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, by(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAGoodBoltFilePasses(t *testing.T) {
	for _, keep := range []bool{false, true} {
		if err := checkBolt(boltFile(t, keep)); err != nil {
			t.Errorf("with a free list: %v: %v", keep, err)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, empty + ".not"} {
		if err := checkBolt(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What passes can be read to the end: bolt would panic, in the process's own goroutine or in one of bolt's.
func TestABoltFileThatPassesCanBeRead(t *testing.T) {
	for _, keep := range []bool{false, true} {
		path := boltFile(t, keep)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(2, 2))
		refused := 0
		for range 600 {
			at := rng.IntN(len(good)/os.Getpagesize())*os.Getpagesize() + rng.IntN(120) // where the pages' structure is
			bad := append([]byte{}, good...)
			bad[at] ^= 1 << rng.IntN(8)
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			if checkBolt(path) != nil {
				refused++
				continue
			}
			if err := readBolt(path); err != nil {
				t.Errorf("byte %d: %v", at, err)
			}
		}
		if refused < 30 {
			t.Errorf("%d of 600 were refused: most must have hit nothing", refused)
		}
	}
}

func readBolt(path string) error {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bbolt.Tx) error {
		for e := range tx.Check() {
			err = e // all of them, or the check hangs
		}
		return err
	})
}

func TestADamagedHeadIsNoReasonToGoBack(t *testing.T) {
	path := boltFile(t, false)
	for page := range 2 {
		change(t, path, func(b []byte) []byte { b[page*os.Getpagesize()+60] ^= 1; return b })
		if err := checkBolt(path); !errors.Is(err, errDamaged) {
			t.Errorf("head %d: %v", page, err)
		}
		change(t, path, func(b []byte) []byte { b[page*os.Getpagesize()+60] ^= 1; return b })
	}
	change(t, path, func(b []byte) []byte { return b[:len(b)/2] })
	if err := checkBolt(path); !errors.Is(err, errDamaged) {
		t.Errorf("half a file: %v", err)
	}
}
