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

// A recording is a log as version 1 of the format wrote it, line by line: the Entries (index, term, hex), what their Batches
// were answered, and the Digest at the end; and the image of that end. Both are promises to data directories out there:
// -update records them when they are missing and never rewrites them. When the format gains something, keep them, and record
// others beside them.
//
// The first two are from before versions were kept, in images and in the Digest: those are left out of the comparison.
type recording struct {
	log, image string
	entries    func() []Entry
	versioned  bool
}

var recordings = []recording{
	{"testdata/log-v1", "testdata/image-v1", goldenEntries, false},
	{"testdata/log-v1-members", "testdata/image-v1-members", memberEntries, false},      // limits, removed nodes, nonvoters
	{"testdata/log-v1-commands", "testdata/image-v1-commands", commandEntries, true},    // all Kinds of Redis's commands, conditions
	{"testdata/log-v1-instances", "testdata/image-v1-instances", instanceEntries, true}, // instance counters, leases, sessions
}

// digest is the Machine's as a build of the recording would have it.
func (r *recording) digest(m *Machine) uint64 {
	if r.versioned {
		return m.Digest()
	}
	now := m.versions
	m.versions = &versions{}
	defer func() { m.versions = now }()
	return m.Digest() - m.versions.digest(digestKey0, digestKey1+blockVersions)
}

// image is the Machine's as a build of the recording would have written it.
func (r *recording) imageOf(t *testing.T, m *Machine) []byte {
	image := imageOf(t, m)
	if r.versioned {
		return image
	}
	block := appendBlock(nil, blockVersions, m.versions.append(nil))
	if !bytes.Contains(image, block) {
		t.Fatal("no versions in an image")
	}
	return bytes.Replace(image, block, nil, 1)
}

func goldenBatch(origin string, incarnation, sequence uint64, groups ...[]Op) []byte {
	var encoded [][]byte
	ops := 0
	for _, g := range groups {
		encoded, ops = append(encoded, AppendGroup(nil, g)), ops+len(g)
	}
	return AppendBatch(nil, Number{origin, incarnation, sequence}, ops, encoded...)
}

// memberEntries is the second log: what came to version 1 later.
func memberEntries() []Entry {
	const start = 1_750_000_000_000
	set := func(key, text string) Op {
		return Op{Kind: Set, Key: []byte(key), Value: Value{Kind: Text, Text: []byte(text)}}
	}
	incr := func(key string) Op { return Op{Kind: Incr, Key: []byte(key), Amount: 1} }
	node := func(name string, nonvoter bool) Op {
		return RegisterOp(Node{ID: name + "-1", Name: name, RESP: name + ":7379", Peer: name + ":17379", Version: "1.1.0", Nonvoter: nonvoter})
	}
	return []Entry{
		{Kind: Opener, Stamp: start, HashKey: [16]byte{5}},
		{Kind: Ordinary, Stamp: start, Batches: [][]byte{
			goldenBatch("n1-1", 1, 1, []Op{node("n1", false)}, []Op{LimitOp(Limits{Bytes: 400, Keys: 3})}),
			goldenBatch("n2-1", 1, 1, []Op{node("n2", true)}, []Op{incr("a")}, []Op{incr("b"), incr("c"), incr("d"), {Kind: Size}}),
			goldenBatch("n3-1", 1, 1, []Op{node("n3", false)}, []Op{set("a", strings.Repeat("x", 300))}, []Op{incr("b"), incr("c")}, []Op{incr("d")})}},
		{Kind: Ordinary, Stamp: start + 10, Batches: [][]byte{
			goldenBatch("n1-1", 1, 2, []Op{RemoveOp("n3-1")}, []Op{RemoveOp("n0-1")}, []Op{node("n3", false)})}},
		{Kind: Ordinary, Stamp: start + 20, Batches: [][]byte{
			goldenBatch("n3-1", 1, 2, []Op{incr("a")}),
			goldenBatch("n1-1", 1, 3, []Op{set("b", strings.Repeat("x", 200)), {Kind: Expire, Key: []byte("a"), Expiry: Expiry{After, 5000}}},
				[]Op{set("b", strings.Repeat("x", 50))})}},
		{Kind: Ordinary, Stamp: start + 30, Batches: [][]byte{goldenBatch("n3-1", 1, 2, []Op{incr("a")})}},
	}
}

// goldenEntries is the log that was recorded: every Kind, flag and way to expire, and all three Verdicts.
func goldenEntries() []Entry {
	const start = 1_750_000_000_000
	key := func(s string) []byte { return []byte(s) }
	text := func(s string) Value { return Value{Kind: Text, Text: []byte(s)} }
	batch := goldenBatch
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

// commandEntries is the third log: the operations that came with the whole of Redis's commands.
func commandEntries() []Entry {
	const start = 1_750_000_000_000
	op := func(kind Kind, key string, set func(*Op)) Op {
		op := Op{Kind: kind, Key: []byte(key)}
		set(&op)
		return op
	}
	text := func(s string) Value { return Value{Kind: Text, Text: []byte(s)} }
	value := func(v Value) func(*Op) { return func(op *Op) { op.Value = v } }
	compare := func(c Comparator, than, v Value, amount int64, flags Flags) func(*Op) {
		return func(op *Op) { op.Compare, op.Than, op.Value, op.Amount, op.Flags = c, than, v, amount, flags }
	}
	increx := func(v, low, high Value, flags Flags, e Expiry) func(*Op) {
		return func(op *Op) { op.Value, op.Low, op.High, op.Flags, op.Expiry = v, low, high, flags, e }
	}
	expiry := func(e Expiry) func(*Op) { return func(op *Op) { op.Expiry = e } }
	target := func(to string, flags Flags) func(*Op) { return func(op *Op) { op.Value, op.Flags = text(to), flags } }
	plain := func(*Op) {}
	numbers := goldenBatch("n1-1", 1, 1,
		[]Op{op(Add, "price", value(text("10.5"))), op(Add, "price", value(text("1e-18"))), op(Add, "price", value(text("1e36"))),
			op(Set, "word", value(text("hello"))), op(Add, "word", value(IntValue(1))), op(Add, "word", value(text("x")))},
		[]Op{op(IncrEx, "stock", increx(IntValue(5), Value{}, IntValue(7), 0, Expiry{After, 900})),
			op(IncrEx, "stock", increx(IntValue(5), Value{}, IntValue(7), 0, Expiry{Mode: Forever})),
			op(IncrEx, "stock", increx(IntValue(5), IntValue(0), IntValue(7), Saturate|NX, Expiry{After, 50})),
			op(IncrEx, "stock", increx(IntValue(-1), text("0.5"), Value{}, Decimals, Expiry{Mode: Forever}))},
		[]Op{op(IncrIf, "hits", compare(EQ, IntValue(0), Value{}, 5, 0)), op(IncrIf, "hits", compare(NE, IntValue(5), Value{}, 5, 0)),
			op(IncrIf, "hits", compare(Less, text("5.5"), Value{}, 1, 0)), op(IncrIf, "hits", compare(LE, IntValue(5), Value{}, 1, 0)),
			op(SetIf, "hits", compare(Greater, IntValue(5), IntValue(7), 0, Tell)), op(SetIf, "hits", compare(GE, IntValue(8), IntValue(8), 0, SetGet)),
			op(SetIf, "word", compare(Same, text("hello"), text("world"), 0, KeepTTL)), op(SetIf, "word", compare(Differs, text("world"), text("x"), 0, 0)),
			op(DeleteIf, "word", compare(ANY, IntValue(0), Value{}, 0, 0)), op(DeleteIf, "hits", compare(Same, IntValue(1), Value{}, 0, 0))})
	texts := goldenBatch("n2-1", 1, 1,
		[]Op{op(Append, "log", value(text("ab"))), op(Append, "log", value(IntValue(12))),
			op(SetRange, "log", func(op *Op) { op.Amount, op.Value = 6, text("z") }),
			op(SetRange, "log", func(op *Op) { op.Amount, op.Value = MaxText, text("z") }),
			op(GetExpire, "log", expiry(Expiry{After, 5000})), op(GetExpire, "log", expiry(Expiry{Mode: Forever})),
			op(GetExpire, "log", expiry(Expiry{At, start + 7000}))},
		[]Op{op(Copy, "log", target("copy", 0)), op(Copy, "log", target("price", XX)), op(Copy, "log", target("copy", 0)),
			op(Rename, "copy", target("moved", NX)), op(Rename, "copy", target("moved", 0)), op(Rename, "moved", target("log", NX)),
			op(GetDelete, "moved", plain), op(GetDelete, "moved", plain)},
		[]Op{op(Deadline, "log", plain), op(Inspect, "log", plain), {Kind: Version},
			{Kind: Scan, Value: IntValue(2)}, {Kind: Scan, Value: IntValue(1000), Amount: 1 << 40}})
	conditional := func(sequence uint64, conditions []Condition, ops ...Op) []byte {
		return AppendBatch(nil, Number{"n1-1", 1, sequence}, len(ops), AppendGroupIf(nil, Terms{Conditions: conditions}, ops))
	}
	missing := []Condition{{Key: []byte("a"), Missing: true}, {Key: []byte("b"), Missing: true}}
	watched := []Condition{{Key: []byte("a"), Index: 4}, {Key: []byte("log"), Index: 3}}
	set := op(Set, "a", value(IntValue(1)))
	return []Entry{
		{Kind: Opener, Stamp: start, HashKey: [16]byte{7}},
		{Kind: Ordinary, Stamp: start, Batches: [][]byte{numbers, texts}},
		{Kind: Ordinary, Stamp: start + 10, Batches: [][]byte{goldenBatch("n2-1", 1, 2, []Op{{Kind: Flush}, set, op(Append, "log", value(text("x")))})}},
		{Kind: Ordinary, Stamp: start + 20, Batches: [][]byte{conditional(2, missing, set, op(Set, "b", value(IntValue(2))))}},
		{Kind: Ordinary, Stamp: start + 30, Batches: [][]byte{conditional(3, missing[1:], op(Set, "b", value(IntValue(2))), op(Get, "a", plain))}},
		{Kind: Ordinary, Stamp: start + 40, Batches: [][]byte{conditional(4, watched, set, op(Delete, "b", plain))}},
		{Kind: Ordinary, Stamp: start + 50, Batches: [][]byte{conditional(5, watched, set)}},
	}
}

// replay applies Entries and tells in lines what came of them.
func (r *recording) replay(t *testing.T, m *Machine, entries []Entry) (lines []string) {
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
	return append(lines, fmt.Sprintf("digest %016x", r.digest(m)))
}

func TestARecordedLogStillMeansTheSame(t *testing.T) {
	for _, r := range recordings {
		fresh := strings.Join(r.replay(t, New(), r.entries()), "\n") + "\n"
		recorded := golden(t, r.log, []byte(fresh))
		again := strings.Join(r.replay(t, New(), recordedEntries(t, string(recorded))), "\n") + "\n"
		diffLines(t, "replay of "+r.log, string(recorded), again)
		diffLines(t, "encoded today, "+r.log, string(recorded), fresh)
	}
}

func recordedEntries(t *testing.T, recorded string) (entries []Entry) {
	t.Helper()
	for line := range strings.Lines(recorded) {
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
	return entries
}

func TestTheRecordedLogsHaveEveryKindAndCode(t *testing.T) {
	met, answered := map[Kind]bool{}, map[Code]bool{}
	for _, r := range recordings {
		m := New()
		for i, e := range r.entries() {
			outcomes, err := m.Apply(uint64(i+1), 1, e)
			if err != nil {
				t.Fatal(err)
			}
			for i, data := range e.Batches {
				meet(t, data, met)
				for rs := outcomes[i].Results; len(rs) > 0; {
					result, _ := rs.Next()
					answered[result.Code] = true
				}
			}
		}
	}
	for k := Kind(1); k < kinds; k++ {
		if !met[k] {
			t.Errorf("no %s in the recorded logs: record another one beside them that has one", k)
		}
	}
	for _, c := range []Code{OK, Skipped, NotInteger, Overflow, BadExpiry, FullBytes, FullKeys, NodeRemoved,
		NotNumber, Digits, Aborted, NoSuchKey, ReadLater, TooLong, StaleEpoch, NoSession, OnceMismatch, OnceDone, FullInstances, FullSessions} {
		if !answered[c] {
			t.Errorf("no %s in the recorded logs: record another one beside them that has one", c)
		}
	}
}

// meet notes the Kinds in a Batch.
func meet(t *testing.T, data []byte, met map[Kind]bool) {
	t.Helper()
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

func TestARecordedImageStillReadsTheSame(t *testing.T) {
	for _, r := range recordings {
		m := New()
		r.replay(t, m, r.entries())
		fresh := r.imageOf(t, m)
		recorded := golden(t, r.image, fresh)
		restored, err := Restore(bytes.NewReader(recorded))
		if err != nil {
			t.Fatal(err)
		}
		checkMachine(t, restored)
		if r.digest(restored) != r.digest(m) {
			t.Errorf("digest %x, that of %s is %x", r.digest(restored), r.log, r.digest(m))
		}
		if !bytes.Equal(fresh, recorded) {
			t.Errorf("the same state is written as %d other bytes than the %d of %s", len(fresh), len(recorded), r.image)
		}
	}
}

// A build that does not know limits and removed nodes must refuse them, not forget them; what it wrote itself has neither.
func TestAnImageTellsOfLimitsAndRemovedNodesInBlocksOfTheirOwn(t *testing.T) {
	kindsOf := func(image []byte) map[byte]bool {
		met := map[byte]bool{}
		r := bytes.NewReader(image[len(imageMagic):])
		for r.Len() > 0 {
			kind, _, err := readBlock(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			met[kind] = true
		}
		return met
	}
	for i, want := range []bool{false, true} {
		m := New()
		recordings[i].replay(t, m, recordings[i].entries())
		if met := kindsOf(imageOf(t, m)); met[blockLimits] != want || met[blockRemoved] != want {
			t.Errorf("%s: blocks of limits %v, of removed nodes %v, want %v", recordings[i].image, met[blockLimits], met[blockRemoved], want)
		}
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
