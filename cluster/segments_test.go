package cluster

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft-wal/fs"
)

func TestZerosAreWrittenAheadAndNeverOverAnAppend(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		dir, files := t.TempDir(), segmentFiles{fs.New()}
		size := zeroedAhead * (1 + rng.Uint64N(4))
		file, err := files.Create(dir, "one", size)
		if err != nil {
			t.Fatal(err)
		}
		var appended []byte
		for len(appended) < int(size) { // the last one goes beyond the size, as raft-wal's may
			if rng.IntN(20) == 0 {
				file.Close()
				if file, err = files.OpenWriter(dir, "one"); err != nil {
					t.Fatal(err)
				}
			}
			one := bytes.Repeat([]byte{1 + byte(rng.IntN(255))}, 1+rng.IntN([]int{100, zeroedAhead / 2, 2 * zeroedAhead}[rng.IntN(3)]))
			if n, err := file.WriteAt(one, int64(len(appended))); n != len(one) || err != nil {
				t.Fatalf("seed %d: %d of %d bytes were written: %v", seed, n, len(one), err)
			}
			appended = append(appended, one...)
		}
		file.Close()
		found, err := os.ReadFile(filepath.Join(dir, "one"))
		if err != nil || !bytes.Equal(found, appended) {
			t.Fatalf("seed %d: the file is not what was appended (%d bytes, %d of them appended): %v", seed, len(found), len(appended), err)
		}
	}
}

// countedFile counts its writes.
type countedFile struct {
	*os.File
	writes int
}

func (f *countedFile) WriteAt(p []byte, off int64) (int, error) {
	f.writes++
	return f.File.WriteAt(p, off)
}

func TestZerosAreWrittenNowAndThen(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "one"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const appends, each = 1000, 1024
	counted := &countedFile{File: file}
	ahead := &segmentFile{WritableFile: counted, size: 2 * appends * each}
	for i := range int64(appends) {
		ahead.WriteAt(make([]byte, each), i*each)
	}
	if most := appends + appends*each/zeroedAhead + 1; counted.writes <= appends || counted.writes > most {
		t.Errorf("%d appends made %d writes, not between 1 and %d more", appends, counted.writes, most-appends)
	}
}
