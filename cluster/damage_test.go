package cluster

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/truecount/truecount/fsm"
)

var (
	flips     = flag.Int("flips", 100, "bits to flip in the directory of each kind")
	everyByte = flag.Bool("every-byte", false, "flip a bit of every byte of small directories, and cut their files at every byte; for hours")
)

// files is what a directory holds: by path, without the zeros at the end, and how long each is.
type files map[string]struct {
	data []byte
	size int64
}

func filesOf(t *testing.T, dir string) files {
	t.Helper()
	found := files{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		f := found[name]
		f.data, f.size = bytes.TrimRight(data, "\x00"), int64(len(data))
		found[name] = f
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (f files) write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, file.size); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// startOn starts a node that waits for a leader for ever. It knows what it has stored, and nothing more.
func startOn(t *testing.T, dir, kind string, timing Timing) (*Node, Stores, error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var stores Stores
	node, err := Open(Config{Name: "n1", Dir: dir, LogStore: kind, RESP: "127.0.0.1:1", Listener: listener, Bootstrap: true, Timing: timing,
		Snapshots: SnapshotPolicy{Trailing: 20, Every: time.Hour},
		Fatal:     func(err error) { t.Errorf("the node ended: %v", err) },
		Stores: func() (Stores, error) {
			var err error
			stores, err = openDirectory(dir, kind, nodeWithLogger().logger)
			return stores, err
		}})
	if err != nil {
		listener.Close()
	}
	return node, stores, err
}

var forEver = Timing{Heartbeat: time.Hour, Election: time.Hour, Lease: time.Hour}

// written is the directory that a node has left, after some counting and an image in the middle of it.
func written(t *testing.T, kind string) files { return writtenWith(t, kind, 60, 700) }

// writtenWith is written with so many keys before and behind the image, of so many bytes.
func writtenWith(t *testing.T, kind string, keys, size int) files {
	t.Helper()
	dir := t.TempDir()
	node, _, err := startOn(t, dir, kind, Timing{})
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now().Add(20 * time.Second) // no leader yet, or a busy machine
	count := func(n int) {
		for i := 0; i < n; {
			done := make(chan error, 1)
			r := &fsm.Request{}
			r.Done = func(*fsm.Request) { done <- r.Err }
			r.Add(fsm.Op{Kind: fsm.Set, Key: fmt.Appendf(nil, "key %d", i), Value: fsm.Value{Kind: fsm.Text, Text: bytes.Repeat([]byte{'x'}, size)}})
			node.Propose(r)
			if err := <-done; err == nil {
				i++
			} else if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	count(keys)
	if err := node.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	count(keys)
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	return filesOf(t, dir)
}

// holds is what a node that has started would have, if all of its log were committed.
func holds(t *testing.T, node *Node, stores Stores) (digest, index uint64) {
	t.Helper()
	_, index = node.replica.digest()
	last, err := stores.Log.LastIndex()
	if err != nil {
		t.Fatal(err)
	}
	for index++; index <= last; index++ {
		var entry raft.Log
		if err := stores.Log.GetLog(index, &entry); err != nil {
			t.Fatal(err)
		}
		node.replica.ApplyBatch([]*raft.Log{&entry})
	}
	return node.replica.digest()
}

func smallSegments(t *testing.T) {
	before := wal.DefaultSegmentSize
	wal.DefaultSegmentSize = 32 << 10
	t.Cleanup(func() { wal.DefaultSegmentSize = before })
}

// A bit may be flipped anywhere. The node then says so, or has all that it had.
func TestAFlippedBitIsRefusedOrOfNoMeaning(t *testing.T) {
	smallSegments(t)
	for _, kind := range []string{walKind, boltKind} {
		t.Run(kind, func(t *testing.T) {
			whole := written(t, kind)
			node, stores, err := startOn(t, whole.write(t), kind, forEver)
			if err != nil {
				t.Fatal(err)
			}
			digest, index := holds(t, node, stores)
			node.Close()
			names := []string{}
			for name, f := range whole {
				if len(f.data) > 0 && name != lockFile {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			refused := 0
			rng := rand.New(rand.NewPCG(1, 1))
			for i := range *flips {
				name := names[i%len(names)]
				if whole.flipped(t, kind, name, rng.IntN(8*len(whole[name].data)), digest, index) {
					refused++
				}
			}
			if refused < *flips/4 {
				t.Errorf("%d of %d flips were refused: most must have hit nothing", refused, *flips)
			}
		})
	}
}

// flipped starts a node on the files with one bit flipped, and reports whether it refused. If not it must have all.
func (f files) flipped(t *testing.T, kind, name string, bit int, digest, index uint64) (refused bool) {
	t.Helper()
	f[name].data[bit/8] ^= 1 << (bit % 8)
	defer func() { f[name].data[bit/8] ^= 1 << (bit % 8) }()
	return f.started(t, kind, fmt.Sprintf("%s, bit %d", name, bit), digest, index)
}

// started starts a node on damaged files, and reports whether it refused. If not it must have all.
func (f files) started(t *testing.T, kind, what string, digest, index uint64) (refused bool) {
	t.Helper()
	dir := f.write(t)
	defer os.RemoveAll(dir)
	node, stores, err := startOn(t, dir, kind, forEver)
	if err != nil {
		if text := err.Error(); !strings.Contains(text, dir) || !strings.Contains(text, "join anew") || strings.Contains(text, "\n") {
			t.Errorf("%s: refused with %q: want one line that names the directory and the cure", what, text)
		}
		return true
	}
	defer node.Close()
	if sum, last := holds(t, node, stores); sum != digest || last != index {
		t.Errorf("%s: it starts with entry %d, digest %x; it had entry %d, digest %x", what, last, sum, index, digest)
	}
	return false
}

// Of a small directory every byte is changed, and every file cut at every byte. It is run by hand: go test ./cluster -run
// EveryByte -every-byte -timeout 0, best with TMPDIR in memory. CI takes some of the bytes, the same each time.
func TestEveryByteThatIsFlippedOrCutIsRefusedOrOfNoMeaning(t *testing.T) {
	smallSegments(t)
	for _, kind := range []string{walKind, boltKind} {
		t.Run(kind, func(t *testing.T) {
			whole := writtenWith(t, kind, 5, 20)
			node, stores, err := startOn(t, whole.write(t), kind, forEver)
			if err != nil {
				t.Fatal(err)
			}
			digest, index := holds(t, node, stores)
			node.Close()
			for _, name := range slices.Sorted(maps.Keys(whole)) {
				length := len(whole[name].data)
				if length == 0 || name == lockFile {
					continue
				}
				step := 1
				if !*everyByte {
					step = 1 + length/7
				}
				flipsRefused, cutsRefused, n := 0, 0, 0
				for at := 0; at < length; at += step {
					n++
					if whole.flipped(t, kind, name, 8*at+at%8, digest, index) {
						flipsRefused++
					}
					if whole.cut(t, kind, name, at, digest, index) {
						cutsRefused++
					}
				}
				t.Logf("%s, %d bytes: of %d flips %d refused, of %d cuts %d", name, length, n, flipsRefused, n, cutsRefused)
			}
		})
	}
}

// cut starts a node on the files with one of them cut, and reports whether it refused. If not it must have all.
func (f files) cut(t *testing.T, kind, name string, length int, digest, index uint64) (refused bool) {
	t.Helper()
	before := f[name]
	shorter := before
	shorter.data, shorter.size = before.data[:length], int64(length)
	f[name] = shorter
	defer func() { f[name] = before }()
	return f.started(t, kind, fmt.Sprintf("%s, cut at %d", name, length), digest, index)
}
