package fsm

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"testing"
)

func openedMachine(t testing.TB) *Machine {
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{7}})
	return m
}

// scanPage asks for the page behind cursor.
func scanPage(t testing.TB, m *Machine, cursor, count int64) (next int64, keys []string, size int) {
	t.Helper()
	groups := AppendGroup(nil, []Op{{Kind: Scan, Amount: cursor, Value: IntValue(count)}})
	results, _ := m.Query(nil, groups, 0)
	r, ok := results.Next()
	page := r.Value.List()
	first, more := page.Next()
	if !ok || !more || r.Code != OK || first.Int < 0 || first.Int>>cursorBits != 0 || first.Int != 0 && first.Int <= cursor {
		t.Fatalf("a page behind %d: %+v", cursor, r)
	}
	for kind, ok := page.Next(); ok; kind, ok = page.Next() {
		key, ok := page.Next()
		if !ok || kind.Kind != Int || key.Kind != Text {
			t.Fatalf("a page of %v and %v", kind, key)
		}
		keys = append(keys, string(key.Text))
	}
	return first.Int, keys, len(r.Value.Text)
}

func TestAScanMeetsEveryKeyOnceWhenNothingChanges(t *testing.T) {
	m := openedMachine(t)
	var ops []Op
	want := map[string]bool{}
	for i := range 3000 {
		key := fmt.Sprint("key ", i)
		ops, want[key] = append(ops, Op{Kind: Incr, Key: []byte(key), Amount: 1}), true
	}
	m.mustDo(t, ops...)
	for _, count := range []int64{1, 7, 1000, 5000} {
		met := map[string]bool{}
		for cursor, pages := int64(0), 0; ; pages++ {
			next, keys, _ := scanPage(t, m, cursor, count)
			for _, key := range keys {
				if met[key] {
					t.Fatalf("%q twice", key)
				}
				met[key] = true
			}
			if next != 0 && len(keys) != int(min(count, MaxScan)) {
				t.Fatalf("%d keys in a page of %d", len(keys), count)
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
		if !maps.Equal(met, want) {
			t.Errorf("pages of %d met %d keys of %d", count, len(met), len(want))
		}
	}
}

func TestAPageOfLongKeysEndsBehind64KiB(t *testing.T) {
	m := openedMachine(t)
	var ops []Op
	for i := range 500 {
		ops = append(ops, Op{Kind: Incr, Key: fmt.Appendf(nil, "%01024d", i), Amount: 1})
	}
	m.mustDo(t, ops...)
	for cursor := int64(0); ; {
		next, _, size := scanPage(t, m, cursor, MaxScan)
		if size > scanBytes+2*MaxKey || next != 0 && size < scanBytes {
			t.Fatalf("a page of %d bytes", size)
		}
		if cursor = next; cursor == 0 {
			return
		}
	}
}

// Keys whose hashes share 48 bits can't be told apart by a cursor: they go into one page, whatever was asked for.
func TestKeysOfOneCursorGoIntoOnePage(t *testing.T) {
	m := New()
	const prefix = uint64(0x123456789abc)
	for i := range 5 {
		hash := prefix<<16 | uint64(i)
		m.table.put(hash, []byte{byte('a' + i)}, item{value: IntValue(1)})
		m.table.put(hash, []byte{byte('A' + i)}, item{value: IntValue(1)})
	}
	m.table.put((prefix+1)<<16, []byte("z"), item{value: IntValue(1)})
	next, keys, _ := scanPage(t, m, 0, 1)
	if len(keys) != 10 || next != int64(prefix+1) {
		t.Errorf("%d keys, then %x", len(keys), next)
	}
	if next, keys, _ = scanPage(t, m, next, 1); len(keys) != 1 || next != 0 {
		t.Errorf("%d keys, then %x", len(keys), next)
	}
}

// FuzzScanUnderChange: between the pages of a walk, keys are put, deleted, renamed, ended, and the Machine goes through an
// image. Every key that is there all the time is met.
func FuzzScanUnderChange(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 255, 254, 253}, uint8(3), uint16(100))
	f.Add([]byte("put, delete, expire, split, freeze"), uint8(1), uint16(2000))
	f.Fuzz(func(t *testing.T, changes []byte, count uint8, stable uint16) {
		m := openedMachine(t)
		var ops []Op
		missing := map[string]bool{}
		for i := range int(stable % 3000) {
			key := fmt.Sprint("stays ", i)
			ops, missing[key] = append(ops, Op{Kind: Incr, Key: []byte(key), Amount: 1}), true
		}
		m.mustDo(t, ops...)
		seed := uint64(len(changes))
		for cursor := int64(0); ; {
			next, keys, _ := scanPage(t, m, cursor, int64(count)*8)
			for _, key := range keys {
				delete(missing, key)
			}
			if cursor = next; cursor == 0 {
				break
			}
			for _, change := range changes[:min(len(changes), 4)] {
				seed = seed*6364136223846793005 + 1442695040888963407
				m = changeScanned(t, m, change, seed)
			}
			changes = changes[min(len(changes), 4):]
		}
		if len(missing) > 0 {
			t.Fatalf("%d keys were never met: %q", len(missing), slices.Collect(maps.Keys(missing))[:min(5, len(missing))])
		}
		checkMachine(t, m)
	})
}

// changeScanned makes one change to keys that come and go, and to the values of those that stay.
func changeScanned(t *testing.T, m *Machine, change byte, seed uint64) *Machine {
	key := binary.BigEndian.AppendUint64([]byte("goes "), seed>>58)
	var ops []Op
	switch change % 8 {
	case 0, 1: // many at once, so that shards split
		for i := range uint64(200) {
			ops = append(ops, Op{Kind: Set, Key: binary.BigEndian.AppendUint64(key, i), Value: Value{Kind: Text, Text: make([]byte, change)}})
		}
	case 2:
		for i := range uint64(200) {
			ops = append(ops, Op{Kind: Delete, Key: binary.BigEndian.AppendUint64(key, i)})
		}
	case 3:
		ops = []Op{{Kind: Set, Key: key, Value: IntValue(1), Expiry: Expiry{After, 5}}}
	case 4:
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.Now() + 6})
	case 5:
		ops = []Op{{Kind: Append, Key: fmt.Appendf(nil, "stays %d", seed>>56), Value: Value{Kind: Text, Text: make([]byte, 100)}}}
	case 6:
		ops = []Op{{Kind: Rename, Key: key, Value: Value{Kind: Text, Text: []byte("goes elsewhere")}}}
	case 7:
		return throughImage(t, m.Freeze())
	}
	if len(ops) > 0 {
		m.mustDo(t, ops...)
	}
	return m
}
