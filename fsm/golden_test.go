package fsm

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// testdata/log-v1 is a log as version 1 of the format wrote it, line by line: the Entries (index, term, hex), what their
// Batches were answered, and the Digest at the end. testdata/image-v1 is the image of that end. Both are promises to data
// directories out there: -update records them when they are missing and never rewrites them. When the format changes, keep
// them, and record a version 2 beside them.
const (
	goldenLog   = "testdata/log-v1"
	goldenImage = "testdata/image-v1"
)

// goldenEntries is the log that was recorded: every Kind, flag and way to expire, and all three Verdicts.
func goldenEntries() []Entry {
	const start = 1_750_000_000_000
	key := func(s string) []byte { return []byte(s) }
	text := func(s string) Value { return Value{Kind: Text, Text: []byte(s)} }
	batch := func(origin string, incarnation, sequence uint64, groups ...[]Op) []byte {
		var encoded [][]byte
		ops := 0
		for _, g := range groups {
			encoded, ops = append(encoded, AppendGroup(nil, g)), ops+len(g)
		}
		return AppendBatch(nil, Number{origin, incarnation, sequence}, ops, encoded...)
	}
	counting := batch("n1-0815", 1, 1,
		[]Op{{Kind: Incr, Key: key("hits"), Amount: 41}, {Kind: Incr, Key: key("hits"), Amount: 1}},
		[]Op{{Kind: Incr, Key: key("stock"), Amount: -9223372036854775808}, {Kind: Incr, Key: key("stock"), Amount: -1}},
		[]Op{{Kind: Get, Key: key("hits")}, {Kind: Exists, Key: key("nothing")}, {Kind: TTL, Key: key("hits")}, {Kind: Size}})
	storing := batch("n2-4711", 3, 7,
		[]Op{{Kind: Set, Key: key("word"), Value: text("hello")}, {Kind: Incr, Key: key("word"), Amount: 1}},
		[]Op{{Kind: Set, Key: key("word"), Value: text("again"), Flags: NX | SetGet},
			{Kind: Set, Key: key("word"), Value: text("again"), Flags: XX | SetGet, Expiry: Expiry{After, 5000}},
			{Kind: Set, Key: key("word"), Value: IntValue(7), Flags: KeepTTL},
			{Kind: Set, Key: key("ghost"), Value: IntValue(1), Expiry: Expiry{At, start}},
			{Kind: Set, Key: key("ghost"), Value: IntValue(1), Expiry: Expiry{After, 9223372036854775807}}},
		[]Op{{Kind: Set, Key: key("short"), Value: IntValue(1), Expiry: Expiry{After, 40}},
			{Kind: Set, Key: bytes.Repeat([]byte{0xff}, MaxKey), Value: text(strings.Repeat("x", MaxText))},
			{Kind: Set, Key: key(""), Value: text("")}})
	expiring := batch("n1-0815", 1, 2,
		[]Op{{Kind: Expire, Key: key("hits"), Expiry: Expiry{After, 60_000}},
			{Kind: Expire, Key: key("hits"), Expiry: Expiry{At, start + 70_000}, Flags: GT},
			{Kind: Expire, Key: key("hits"), Expiry: Expiry{After, 80_000}, Flags: LT},
			{Kind: Expire, Key: key("stock"), Expiry: Expiry{After, 80_000}, Flags: XX},
			{Kind: Expire, Key: key("stock"), Expiry: Expiry{At, start}, Flags: NX},
			{Kind: Persist, Key: key("word")}, {Kind: Persist, Key: key("word")},
			{Kind: Delete, Key: key("short")}, {Kind: Delete, Key: key("stock")}})
	n1 := RegisterOp(Node{ID: "n1-0815", Name: "n1", RESP: "10.0.0.1:7379", Peer: "10.0.0.1:17379", Version: "1.0.0"})
	return []Entry{
		{Kind: Opener, Stamp: start, HashKey: [16]byte{15: 1, 0: 2}},
		{Kind: Ordinary, Stamp: start, Batches: [][]byte{
			batch("old", 1, 1, []Op{{Kind: Set, Key: key("old"), Value: IntValue(1)}, {Kind: Flush}}), counting, storing}},
		{Kind: Ordinary, Stamp: start + 40},
		{Kind: Ordinary, Stamp: start + 50, Batches: [][]byte{counting, batch("n2-4711", 3, 6, []Op{{Kind: Flush}})}},
		{Kind: Opener, Stamp: start + 10, HashKey: [16]byte{9}},
		{Kind: Ordinary, Stamp: start + 60, Batches: [][]byte{expiring, batch("n3-1234", 1, 1, []Op{n1})}},
	}
}

// replay applies Entries and tells in lines what came of them.
func replay(t *testing.T, m *Machine, entries []Entry) (lines []string) {
	t.Helper()
	for i, e := range entries {
		index, term := uint64(i+1), uint64(i/4+1)
		lines = append(lines, fmt.Sprintf("entry %d %d %x", index, term, e.Append(nil)))
		outcomes, err := m.Apply(index, term, e)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			lines = append(lines, fmt.Sprintf("  outcome %s %d %d: verdict %d, results %x",
				o.Number.Origin, o.Number.Incarnation, o.Number.Sequence, o.Verdict, []byte(o.Results)))
		}
		checkMachine(t, m)
	}
	return append(lines, fmt.Sprintf("digest %016x", m.Digest()))
}

func TestTheRecordedLogStillMeansTheSame(t *testing.T) {
	fresh := strings.Join(replay(t, New(), goldenEntries()), "\n") + "\n"
	recorded := golden(t, goldenLog, []byte(fresh))
	var entries []Entry
	for line := range strings.Lines(string(recorded)) {
		var index, term uint64
		var data string
		if n, _ := fmt.Sscanf(line, "entry %d %d %s", &index, &term, &data); n != 3 {
			continue
		}
		raw, err := hex.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		e, err := DecodeEntry(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range e.Batches {
			if _, err := DecodeBatch(b); err != nil {
				t.Fatal(err)
			}
		}
		entries = append(entries, e)
	}
	again := strings.Join(replay(t, New(), entries), "\n") + "\n"
	diffLines(t, "replay of "+goldenLog, string(recorded), again)
	diffLines(t, "encoded today, "+goldenLog, string(recorded), fresh)
}

func TestTheRecordedLogHasEveryKind(t *testing.T) {
	met := map[Kind]bool{}
	for _, e := range goldenEntries() {
		for _, data := range e.Batches {
			b, err := DecodeBatch(data)
			if err != nil {
				t.Fatal(err)
			}
			d := decoder{rest: b.Groups}
			var op Op
			for len(d.rest) > 0 {
				for n := d.group(); n > 0; n-- {
					d.op(&op)
					met[op.Kind] = true
				}
			}
		}
	}
	for k := Kind(1); k < kinds; k++ {
		if !met[k] {
			t.Errorf("no %s in %s: record a log-v2 beside it that has one", k, goldenLog)
		}
	}
}

func TestTheRecordedImageStillReadsTheSame(t *testing.T) {
	m := New()
	replay(t, m, goldenEntries())
	fresh := imageOf(t, m)
	recorded := golden(t, goldenImage, fresh)
	restored, err := Restore(bytes.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	checkMachine(t, restored)
	if restored.Digest() != m.Digest() {
		t.Errorf("digest %x, that of the recorded log is %x", restored.Digest(), m.Digest())
	}
	if !bytes.Equal(fresh, recorded) {
		t.Errorf("the same state is written as %d other bytes than the %d of %s", len(fresh), len(recorded), goldenImage)
	}
}

// golden returns a recorded file. With -update it records one that is missing.
func golden(t *testing.T, path string, fresh []byte) []byte {
	t.Helper()
	recorded, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && *update {
		recorded, err = fresh, os.WriteFile(path, fresh, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

func imageOf(t testing.TB, m *Machine) []byte {
	t.Helper()
	var image bytes.Buffer
	if _, err := m.Freeze().WriteTo(&image); err != nil {
		t.Fatal(err)
	}
	return image.Bytes()
}
