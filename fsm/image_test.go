package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
)

// smallMachine holds a little of everything that an image can hold, and has room for little more.
func smallMachine(t testing.TB) *Machine {
	t.Helper()
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	m.mustDo(t, Op{Kind: Incr, Key: []byte("hits"), Amount: 42}, Op{Kind: Set, Key: []byte("word"),
		Value: ParseValue([]byte("hello")), Expiry: Expiry{After, 500}}, Op{Kind: Get, Key: []byte("word")})
	m.mustDo(t, RegisterOp(Node{ID: "n1-0815", Name: "n1", RESP: "127.0.0.1:7379"}))
	m.mustDo(t, RemoveOp("was-here"))
	m.mustDo(t, openOp("ann", 5000))
	m.mustOnce(t, 1, Op{Kind: Incr, Key: []byte("hits")})
	m.mustOnce(t, 3, Op{Kind: Incr, Key: []byte("word")})
	m.mustDo(t, LimitOp(Limits{Bytes: 400, Keys: 5}))
	return m
}

func (m *Machine) mustApply(t testing.TB, e Entry) []Outcome {
	t.Helper()
	outcomes, err := m.Apply(m.index+1, 1, e)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// mustDo applies ops as one group of one Batch.
func (m *Machine) mustDo(t testing.TB, ops ...Op) Results {
	t.Helper()
	data := AppendBatch(nil, Number{"test", 1, m.index + 1}, len(ops), AppendGroup(nil, ops))
	return m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now, Batches: [][]byte{data}})[0].Results
}

func TestADamagedImageIsRefused(t *testing.T) {
	m := smallMachine(t)
	image := imageOf(t, m)
	for n := range len(image) {
		if _, err := Restore(bytes.NewReader(image[:n])); !errors.Is(err, ErrFormat) {
			t.Errorf("cut off after %d of %d bytes: %v", n, len(image), err)
		}
	}
	for bit := range 8 * len(image) {
		damaged := bytes.Clone(image)
		damaged[bit/8] ^= 1 << (bit % 8)
		if _, err := Restore(bytes.NewReader(damaged)); !errors.Is(err, ErrFormat) {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	}
}

func TestAnErrorOfTheReaderIsNoErrorOfForm(t *testing.T) {
	broken := errors.New("disk on fire")
	image := imageOf(t, smallMachine(t))
	_, err := Restore(io.MultiReader(bytes.NewReader(image[:50]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
		t.Errorf("got %v", err)
	}
}

type shortWriter struct{ room int }

func (w *shortWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.room)
	w.room -= n
	if n < len(b) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

// bigMachine holds what fills several blocks of items.
func bigMachine(t *testing.T) *Machine {
	m := New()
	var ops []Op
	for i := range 300 {
		ops = append(ops, Op{Kind: Set, Key: fmt.Append(nil, i), Value: Value{Kind: Text, Text: make([]byte, MaxText)}})
	}
	m.mustDo(t, ops...)
	return m
}

func TestAnImageOfManyBlocksIsRestored(t *testing.T) {
	m := bigMachine(t)
	image := imageOf(t, m)
	restored, err := Restore(iotest.OneByteReader(bytes.NewReader(image)))
	if err != nil {
		t.Fatal(err)
	}
	checkMachine(t, restored)
	if len(image) < 4*imageBlock || restored.Digest() != m.Digest() {
		t.Errorf("%d bytes, digest %x, want %x", len(image), restored.Digest(), m.Digest())
	}
}

func TestAnErrorOfTheWriterEndsTheImage(t *testing.T) {
	m := bigMachine(t)
	for room := 0; room < 1_200_000; room += 100_000 {
		if _, err := m.Freeze().WriteTo(&shortWriter{room}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

// Checksums say that a block was written so; that what it says makes sense is checked apart.
func TestAnImageThatMakesNoSenseIsRefused(t *testing.T) {
	head := New().head().append(nil)
	badHead := New().head()
	badHead.now = -1
	hits := appendItem(nil, []byte("k"), item{value: IntValue(1), deadline: 7})
	longKey := appendItem(nil, make([]byte, 70_000), item{value: IntValue(1)})
	node := (&Node{ID: "n1"}).appendBlock(nil)
	from := (&origin{number: Number{"a", 1, 1}}).append(nil)
	from2 := (&origin{number: Number{"b", 1, 1}}).append(nil)
	answered := (&origin{number: Number{"a", 1, 1}, results: Results{0}}).append(nil)
	limits := Limits{Bytes: 1000}.append(nil)
	end := func(items, origins, nodes int) []byte {
		return totals{items: items, origins: origins, nodes: nodes}.append(nil)
	}
	type block struct {
		kind byte
		body []byte
	}
	for _, test := range []struct {
		what   string
		blocks []block
		ok     bool
	}{
		{"an empty one", []block{{blockHead, head}, {blockEnd, end(0, 0, 0)}}, true},
		{"a full one", []block{{blockHead, head}, {blockItems, hits}, {blockOrigin, from}, {blockNode, node}, {blockEnd, end(1, 1, 1)}}, true},
		{"one with limits and a removed node", []block{{blockHead, head}, {blockRemoved, from}, {blockOrigin, from2}, {blockLimits, limits}, {blockEnd, end(0, 2, 0)}}, true},
		{"limits twice", []block{{blockHead, head}, {blockLimits, limits}, {blockLimits, limits}, {blockEnd, end(0, 0, 0)}}, false},
		{"half of the limits", []block{{blockHead, head}, {blockLimits, limits[:1]}, {blockEnd, end(0, 0, 0)}}, false},
		{"an origin that is removed and not", []block{{blockHead, head}, {blockOrigin, from}, {blockRemoved, from}, {blockEnd, end(0, 2, 0)}}, false},
		{"a removed node with an answer", []block{{blockHead, head}, {blockRemoved, answered}, {blockEnd, end(0, 1, 0)}}, false},
		{"a removed node that is registered", []block{{blockHead, head}, {blockRemoved, (&origin{number: Number{"n1", 1, 1}}).append(nil)}, {blockNode, node}, {blockEnd, end(0, 1, 1)}}, false},
		{"no head", []block{{blockEnd, end(0, 0, 0)}}, false},
		{"two heads", []block{{blockHead, head}, {blockHead, head}, {blockEnd, end(0, 0, 0)}}, false},
		{"machine time before the epoch", []block{{blockHead, badHead.append(nil)}, {blockEnd, end(0, 0, 0)}}, false},
		{"a head with more behind it", []block{{blockHead, append(head, 0)}, {blockEnd, end(0, 0, 0)}}, false},
		{"a key twice", []block{{blockHead, head}, {blockItems, append(bytes.Clone(hits), hits...)}, {blockEnd, end(1, 0, 0)}}, false},
		{"a key too long", []block{{blockHead, head}, {blockItems, longKey}, {blockEnd, end(1, 0, 0)}}, false},
		{"an origin twice", []block{{blockHead, head}, {blockOrigin, from}, {blockOrigin, from}, {blockEnd, end(0, 2, 0)}}, false},
		{"a node twice", []block{{blockHead, head}, {blockNode, node}, {blockNode, node}, {blockEnd, end(0, 0, 2)}}, false},
		{"an item missing", []block{{blockHead, head}, {blockItems, hits}, {blockEnd, end(2, 0, 0)}}, false},
		{"an unknown block", []block{{blockHead, head}, {8, nil}, {blockEnd, end(0, 0, 0)}}, false},
		{"an end with more in it", []block{{blockHead, head}, {blockEnd, append(end(0, 0, 0), 0)}}, false},
	} {
		image := []byte(imageMagic)
		for _, b := range test.blocks {
			image = appendBlock(image, b.kind, b.body)
		}
		m, err := Restore(bytes.NewReader(image))
		if test.ok != (err == nil) || err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", test.what, err)
		}
		if err == nil {
			checkMachine(t, m)
		}
	}
}

// appendBlock frames a body as blockWriter does.
func appendBlock(dst []byte, kind byte, body []byte) []byte {
	dst = append(dst, kind)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(body)))
	dst = binary.LittleEndian.AppendUint32(dst, blockSum(kind, body))
	return append(dst, body...)
}

// The counting goes on while an image is written from another goroutine; run with -race.
func TestAnImageIsWrittenWhileTheMachineGoesOn(t *testing.T) {
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	fill := func(round int) {
		var ops []Op
		for i := range 2000 {
			key := fmt.Appendf(nil, "key-%d", i*(round%3+1))
			switch i % 4 {
			case 0:
				ops = append(ops, Op{Kind: Delete, Key: key})
			case 1:
				ops = append(ops, Op{Kind: Set, Key: key, Value: Value{Kind: Text, Text: make([]byte, i%50*round)},
					Expiry: Expiry{After, int64(i)}})
			default:
				ops = append(ops, Op{Kind: Incr, Key: key, Amount: int64(round)})
			}
		}
		m.mustDo(t, ops...)
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 100})
	}
	fill(1)
	for round := range 10 {
		want := imageOf(t, m)
		image := m.Freeze()
		written := make(chan []byte)
		go func() {
			var out bytes.Buffer
			if _, err := image.WriteTo(&out); err != nil {
				t.Error(err)
			}
			written <- out.Bytes()
		}()
		fill(round + 2)
		fill(round + 3)
		if !bytes.Equal(<-written, want) {
			t.Fatalf("round %d: the image is not of the moment of the freeze", round)
		}
	}
	checkMachine(t, m)
}
