package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"
)

func FuzzDecodeEntry(f *testing.F) {
	for _, e := range slices.Concat(goldenEntries(), memberEntries(), commandEntries()) {
		f.Add(e.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := DecodeEntry(data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		again, err := DecodeEntry(e.Append(nil))
		if err != nil || !sameEntry(e, again) {
			t.Fatalf("%+v becomes %+v, %v", e, again, err)
		}
	})
}

func sameEntry(a, b Entry) bool {
	return bytes.Equal(a.Append(nil), b.Append(nil)) && len(a.Batches) == len(b.Batches)
}

// What DecodeBatch lets pass, Apply takes, with one Result per Op; what it refuses, Apply refuses, too, or its origin has
// sent a larger number. Neither ever panics, and a Machine that went on stands.
func FuzzApplyOfWhatDecodeBatchLetsPass(f *testing.F) {
	for _, e := range slices.Concat(goldenEntries(), memberEntries(), commandEntries()) {
		for _, b := range e.Batches {
			f.Add(b, int64(50))
		}
	}
	f.Add(AppendBatch(nil, Number{"n1", 1, 1}, 2, []byte{2 << 1, byte(Size), byte(kinds) + 1}), int64(1)) // in a Machine that is full
	for sequence := range uint64(4) {                                                                     // ann of smallMachine has done 1 and 3
		group := AppendGroupIf(nil, Terms{Once: Once{sessionID("ann"), sequence + 1, 1}}, []Op{incrOp("hits")})
		f.Add(AppendBatch(nil, Number{"n1", 1, 1}, 2, group, AppendGroup(nil, []Op{openOp("bob", 5)})), int64(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, stamp int64) {
		b, decodeErr := DecodeBatch(data)
		if decodeErr != nil && !errors.Is(decodeErr, ErrFormat) {
			t.Fatal(decodeErr)
		}
		m := smallMachine(t)
		outcomes, err := m.Apply(100, 1, Entry{Kind: Ordinary, Stamp: stamp, Batches: [][]byte{data}})
		if err != nil {
			if decodeErr == nil || !errors.Is(err, ErrFormat) {
				t.Fatalf("DecodeBatch says %v, Apply %v", decodeErr, err)
			}
			return
		}
		checkMachine(t, m)
		o := outcomes[0]
		if o.Verdict != Applied {
			return
		}
		if decodeErr != nil {
			t.Fatalf("applied, though %v", decodeErr)
		}
		checkOps(t, b, o.Results)
		m.Query(nil, b.Groups, stamp)
		if restored, err := Restore(bytes.NewReader(imageOf(t, m))); err != nil || restored.Digest() != m.Digest() {
			t.Fatalf("restored: %v", err)
		}
	})
}

// checkOps walks the Ops of a Batch beside its Results, and encodes them again.
func checkOps(t *testing.T, b Batch, results Results) {
	t.Helper()
	d := decoder{rest: b.Groups}
	var groups [][]byte
	for len(d.rest) > 0 {
		ops := make([]Op, d.group())
		answers := make([]Result, len(ops))
		for i := range ops {
			d.op(&ops[i])
			ok := false
			if answers[i], ok = results.Next(); !ok {
				t.Fatalf("no Result for a %s", ops[i].Kind)
			}
		}
		if !d.once.Given() { // what was remembered may be of other Ops under the same hash
			checkWhole(t, ops, answers)
		}
		group := AppendGroup(nil, ops)
		at := decoder{rest: group}
		again := make([]Op, at.group())
		for i := range again {
			at.op(&again[i])
		}
		if !reflect.DeepEqual(ops, again) || at.failed {
			t.Fatalf("%+v becomes %+v", ops, again)
		}
		groups = append(groups, group)
	}
	if len(results) != 0 {
		t.Fatalf("%d bytes of Results behind the last Op", len(results))
	}
	if again, err := DecodeBatch(AppendBatch(nil, b.Number, b.Ops, groups...)); err != nil || again.Number != b.Number {
		t.Fatalf("encoded again: %+v, %v", again, err)
	}
}

// checkWhole: if a write of a group is refused for want of room, all are. (But for what slipped past every door, and unless
// the group set a limit itself, which no group of several Ops does.)
func checkWhole(t *testing.T, ops []Op, answers []Result) {
	t.Helper()
	if slices.ContainsFunc(ops, func(op Op) bool { return op.Kind == Limit || op.Kind == LimitAll }) {
		return
	}
	full := func(r Result) bool { return r.Code == FullBytes || r.Code == FullKeys }
	if !slices.ContainsFunc(answers, full) {
		return
	}
	for i, r := range answers {
		if ops[i].Kind.Writes() != full(r) && r.Code != TooLong && r.Code != NoRoom && r.Code != Aborted {
			t.Fatalf("op %d, a %s, of a group that was refused for want of room is answered %s", i, ops[i].Kind, r.Code)
		}
	}
}

func FuzzCountOps(f *testing.F) {
	f.Add(AppendGroup(nil, []Op{{Kind: Size}, {Kind: Incr, Key: []byte("k"), Amount: -1}}))
	f.Fuzz(func(t *testing.T, groups []byte) {
		ops, ok := CountOps(groups)
		if ok && (ops < 0 || ops > len(groups)) {
			t.Fatalf("%d ops in %d bytes", ops, len(groups))
		}
		m := smallMachine(t)
		before := m.Digest()
		results, _ := m.Query(nil, groups, 2000)
		answered := 0
		for ; len(results) > 0; answered++ {
			if _, ok := results.Next(); !ok {
				t.Fatalf("undecodable Results: %x", []byte(results))
			}
		}
		if ok && answered != ops || m.Digest() != before {
			t.Fatalf("%d answers to %d ops (%v), or a trace", answered, ops, ok)
		}
	})
}

func FuzzResultsNext(f *testing.F) {
	var all Results
	for _, v := range []Value{{}, IntValue(-5), {Kind: Text, Text: []byte("hello")}, ListValue(IntValue(1), Value{})} {
		all = appendResult(all, Result{Code: Skipped, Value: v})
		all = appendResult(all, Result{Code: NoSuchKey, Value: v})
	}
	f.Add([]byte(all))
	f.Fuzz(func(t *testing.T, data []byte) {
		rs := Results(data)
		for len(rs) > 0 {
			before := len(rs)
			r, ok := rs.Next()
			if ok != (len(rs) < before) {
				t.Fatalf("ok is %v, and %d of %d bytes are left", ok, len(rs), before)
			}
			if !ok {
				return
			}
			encoded := Results(appendResult(nil, r))
			if again, ok := encoded.Next(); !ok || !reflect.DeepEqual(r, again) {
				t.Fatalf("%+v becomes %+v", r, again)
			}
			_, _ = r.Code.String(), r.Value.AppendText(nil)
			values := r.Value.List()
			for _, ok := values.Next(); ok; _, ok = values.Next() {
			}
		}
	})
}

func FuzzDecodeNode(f *testing.F) {
	n := Node{Name: "n1", RESP: "127.0.0.1:7379", Peer: "127.0.0.1:17379", HTTP: "127.0.0.1:7777", Version: "1.0.0"}
	f.Add("n1-0815", n.Append(nil))
	n.Nonvoter = true
	f.Add("n1-0815", n.Append(nil))
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		n, err := DecodeNode(id, data)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if again, err := DecodeNode(id, n.Append(nil)); err != nil || again != n {
			t.Fatalf("%+v becomes %+v, %v", n, again, err)
		}
	})
}

// A good image with a run of bits flipped and its end cut off: either refused, or nothing was changed that counts.
func FuzzRestoreOfADamagedImage(f *testing.F) {
	m := smallMachine(f)
	image, digest := imageOf(f, m), m.Digest()
	f.Add(uint32(0), uint64(0), uint32(0))
	f.Add(uint32(20), uint64(0xff00ff), uint32(0))
	f.Add(uint32(9), uint64(1), uint32(1))
	f.Fuzz(func(t *testing.T, at uint32, flips uint64, cut uint32) {
		damaged := bytes.Clone(image[:len(image)-int(cut)%len(image)])
		for i := range 8 {
			damaged[(int(at%(1<<20))+i)%len(damaged)] ^= byte(flips >> (8 * i))
		}
		restored, err := Restore(bytes.NewReader(damaged))
		if err == nil && (restored.Digest() != digest || !bytes.Equal(damaged, image)) {
			t.Fatal("a damaged image was restored")
		}
		if err != nil && (!errors.Is(err, ErrFormat) || bytes.Equal(damaged, image)) {
			t.Fatal(err)
		}
	})
}

// Blocks with right checksums and any content: either refused, or a Machine that stands and comes out as it went in.
func FuzzRestoreOfACraftedImage(f *testing.F) {
	head := New().head().append(nil)
	item := appendItem(nil, []byte("k"), item{value: IntValue(1), deadline: 7})
	node := (&Node{ID: "n1"}).appendBlock(nil)
	from := (&origin{number: Number{"a", 1, 1}}).append(nil)
	limits := Limits{Bytes: 1000, Keys: 1}.append(nil)
	changes := (&versions{}).append(nil)
	f.Add(head, item, from, from, node, limits, changes, totals{items: 1, origins: 1, nodes: 1}.append(nil))
	f.Add(head, item, from, (&origin{number: Number{"b", 1, 1}}).append(nil), node, limits, changes, totals{items: 1, origins: 2, nodes: 1}.append(nil))
	f.Fuzz(func(t *testing.T, head, items, from, removed, node, limits, versions, end []byte) {
		image := appendBlock([]byte(imageMagic), blockHead, head)
		image = appendBlock(image, blockItems, items)
		image = appendBlock(image, blockOrigin, from)
		image = appendBlock(image, blockRemoved, removed)
		image = appendBlock(image, blockNode, node)
		image = appendBlock(image, blockLimits, limits)
		if len(versions) > 0 { // else as older builds wrote them
			image = appendBlock(image, blockVersions, versions)
		}
		image = appendBlock(image, blockEnd, end)
		m, err := Restore(bytes.NewReader(image))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		checkMachine(t, m)
		again, err := Restore(bytes.NewReader(imageOf(t, m)))
		if err != nil || again.Digest() != m.Digest() {
			t.Fatalf("written and restored again: %v", err)
		}
		m.expire()
		checkMachine(t, m)
	})
}

// So many conditions as can't be there must not be looked for.
func TestConditionsThatAreCutOffEndTheirGroup(t *testing.T) {
	group := binary.AppendUvarint([]byte{1<<1 | 1, partConditions}, 1<<60)
	for _, m := range []*Machine{New(), smallMachine(t)} {
		if results, _ := m.Query(nil, group, 0); len(results) > 0 {
			t.Errorf("answers are %v", results)
		}
		_, err := m.Apply(m.Index()+1, 1, Entry{Kind: Ordinary, Batches: [][]byte{AppendBatch(nil, Number{"n", 1, 1}, 0, group)}})
		if !errors.Is(err, ErrFormat) {
			t.Errorf("Apply says %v", err)
		}
	}
}
