package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// marked opens the log of a kind in dir, and its mark.
func marked(t testing.TB, dir, kind string) (m *markedLog, shut func(), err error) {
	t.Helper()
	log, shutLog, err := openLog(dir, kind, hclog.NewNullLogger())
	if err != nil {
		return nil, nil, err
	}
	m, err = openMark(dir, log, hclog.NewNullLogger())
	if err != nil {
		shutLog()
		return nil, nil, err
	}
	return m, func() { m.close(); shutLog() }, nil
}

func mustMark(t testing.TB, dir, kind string) (*markedLog, func()) {
	t.Helper()
	m, shut, err := marked(t, dir, kind)
	if err != nil {
		t.Fatal(err)
	}
	return m, shut
}

func store(t testing.TB, log raft.LogStore, from, to uint64) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := log.StoreLog(&raft.Log{Index: i, Term: 1, Data: fmt.Appendf(nil, "entry %d", i)}); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t testing.TB, log raft.LogStore, from, to uint64) {
	t.Helper()
	if err := log.DeleteRange(from, to); err != nil {
		t.Fatal(err)
	}
}

// markIn is what the file says.
func markIn(t testing.TB, dir string) uint64 {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, markFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	last, whole, err := readMark(f)
	if err != nil || !whole {
		t.Fatalf("whole %v, %v", whole, err)
	}
	return last
}

func TestTheMarkFollowsTheEndOfTheLog(t *testing.T) {
	smallSegments(t)
	for _, kind := range []string{walKind, boltKind} {
		dir := t.TempDir()
		m, shut := mustMark(t, dir, kind)
		for _, step := range []struct {
			what string
			do   func()
			want uint64
		}{
			{"an empty log", func() {}, 0},
			{"ten entries", func() { store(t, m, 1, 10) }, 10},
			{"without their beginning", func() { remove(t, m, 1, 3) }, 10},
			{"without their end", func() { remove(t, m, 9, 10) }, 8},
			{"what was deleted, again", func() { remove(t, m, 9, 10) }, 8},
			{"other entries in their place", func() { store(t, m, 9, 12) }, 12},
			{"none at all", func() { remove(t, m, 1, 12) }, 0},
			{"what follows an image", func() { store(t, m, 1001, 1002) }, 1002},
		} {
			step.do()
			if got := markIn(t, dir); got != step.want {
				t.Errorf("%s: %s: the mark is %d, want %d", kind, step.what, got, step.want)
			}
		}
		shut()
		m, shut = mustMark(t, dir, kind)
		store(t, m, 1003, 1003)
		shut()
	}
}

func TestALogOfEitherKindTakesNoGap(t *testing.T) {
	for _, kind := range []string{walKind, boltKind} {
		m, shut := mustMark(t, t.TempDir(), kind)
		defer shut()
		store(t, m, 5, 6)
		for _, logs := range [][]*raft.Log{{{Index: 8}}, {{Index: 6}}, {{Index: 7}, {Index: 9}}} {
			if err := m.StoreLogs(logs); err == nil {
				t.Errorf("%s: entry %d is taken after entry 6", kind, logs[0].Index)
			}
		}
		if !m.IsMonotonic() {
			t.Errorf("%s: raft is not told", kind)
		}
		store(t, m, 7, 7)
	}
}

// raft-wal takes the damage for a write that a crash has torn: it opens, and all that follows is gone.
func TestALogThatEndsBeforeItsMarkIsRefused(t *testing.T) {
	smallSegments(t)
	for what, damage := range map[string]func([]byte) []byte{
		"a flipped bit in the last entry": func(b []byte) []byte { b[bytes.LastIndex(b, []byte("entry 10"))] ^= 1; return b },
		"a flipped bit in an old length":  func(b []byte) []byte { b[bytes.Index(b, []byte("entry 4"))-7] ^= 0x40; return b },
		"an end cut off":                  func(b []byte) []byte { return b[:bytes.Index(b, []byte("entry 6"))] },
	} {
		dir := t.TempDir()
		m, shut := mustMark(t, dir, walKind)
		store(t, m, 1, 10)
		shut()
		segments, _ := filepath.Glob(filepath.Join(dir, logDir, "*.wal"))
		change(t, segments[0], damage)
		log, shutLog, err := openLog(dir, walKind, hclog.NewNullLogger())
		if err != nil {
			t.Fatalf("%s: raft-wal has learned to see it: %v", what, err)
		}
		last, _ := log.LastIndex()
		shutLog()
		if last >= 10 {
			t.Fatalf("%s: the log ends with entry %d: nothing is tested", what, last)
		}
		_, _, err = marked(t, dir, walKind)
		if want := fmt.Sprintf("the log ends with entry %d, but entry 10 was written: it is damaged", last); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
}

// A crash in the middle of an append leaves half an entry, which nobody was told of.
func TestATornEntryBehindTheMarkIsForgotten(t *testing.T) {
	smallSegments(t)
	dir := t.TempDir()
	m, shut := mustMark(t, dir, walKind)
	store(t, m, 1, 10)
	store(t, m.LogStore, 11, 11) // the mark is not written any more
	shut()
	segments, _ := filepath.Glob(filepath.Join(dir, logDir, "*.wal"))
	change(t, segments[0], func(b []byte) []byte { clear(b[bytes.Index(b, []byte("entry 11"))+4:]); return b })
	m, shut = mustMark(t, dir, walKind)
	defer shut()
	if last, _ := m.LastIndex(); last != 10 {
		t.Errorf("the log ends with entry %d, want 10", last)
	}
	store(t, m, 11, 12)
}

func TestADamagedMark(t *testing.T) {
	for _, row := range []struct {
		name   string
		damage func([]byte) []byte
		taken  bool
	}{
		{"one copy", func(b []byte) []byte { b[7] ^= 1; return b }, true},
		{"the other copy", func(b []byte) []byte { b[markStride] ^= 0x80; return b }, true},
		{"both", func(b []byte) []byte { b[7] ^= 1; b[markStride+11] ^= 1; return b }, false},
		{"zeros", func(b []byte) []byte { clear(b); return b }, false},
		{"cut in the middle", func(b []byte) []byte { return b[:markStride] }, true},
		{"cut short", func(b []byte) []byte { return b[:5] }, false},
	} {
		dir := t.TempDir()
		m, shut := mustMark(t, dir, boltKind)
		store(t, m, 1, 3)
		shut()
		change(t, filepath.Join(dir, markFile), row.damage)
		_, shut, err := marked(t, dir, boltKind)
		if (err == nil) != row.taken || err != nil && (!errors.Is(err, errDamaged) || !strings.Contains(err.Error(), markFile)) {
			t.Errorf("%s: %v", row.name, err)
		}
		if err == nil {
			shut()
			if got := markIn(t, dir); got != 3 {
				t.Errorf("%s: the mark is %d now, want 3", row.name, got)
			}
		}
	}
}

func TestALogOfAnOlderBuildGetsItsMark(t *testing.T) {
	dir := t.TempDir()
	m, shut := mustMark(t, dir, boltKind)
	store(t, m, 1, 3)
	shut()
	if err := os.Remove(filepath.Join(dir, markFile)); err != nil {
		t.Fatal(err)
	}
	_, shut = mustMark(t, dir, boltKind)
	shut()
	if got := markIn(t, dir); got != 3 {
		t.Errorf("the mark is %d, want 3", got)
	}
}

func BenchmarkMark(b *testing.B) {
	m, shut := mustMark(b, b.TempDir(), boltKind)
	defer shut()
	for i := range b.N {
		if err := m.write(uint64(i)); err != nil {
			b.Fatal(err)
		}
	}
}
