package fsm

import (
	"bytes"
	"errors"
	"testing"
)

// Blocks of a ledger with right checksums and any content: either refused, or a Machine that stands, comes out as it went in, and
// goes on.
func FuzzRestoreOfACraftedLedger(f *testing.F) {
	m := smallLedger(f)
	blocks := map[byte][]byte{}
	m.ledger.each(func(block byte, body []byte) bool {
		blocks[block] = append(blocks[block], body...)
		return true
	})
	f.Add(m.lease.append(nil), m.ledger.appendHead(nil), blocks[blockInstances], blocks[blockCounters], blocks[blockSlices], blocks[blockParked])
	f.Fuzz(func(t *testing.T, lease, head, instances, counters, slices, parked []byte) {
		image := appendBlock([]byte(imageMagic), blockHead, New().head().append(nil))
		image = appendBlock(image, blockLease, lease)
		image = appendBlock(image, blockLedger, head)
		image = appendBlock(image, blockInstances, instances)
		image = appendBlock(image, blockCounters, counters)
		image = appendBlock(image, blockSlices, slices)
		image = appendBlock(image, blockParked, parked)
		image = appendBlock(image, blockEnd, totals{}.append(nil))
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
		for range 5 {
			if _, err := m.Apply(m.Index()+1, 1, Entry{Kind: Ordinary, Stamp: m.now + 1000}); err != nil {
				t.Fatal(err)
			}
			checkMachine(t, m)
		}
	})
}

// smallLedger is a Machine with some of everything that a ledger knows.
func smallLedger(t testing.TB) *Machine {
	t.Helper()
	m := New()
	apply := func(stamp int64, ops ...Op) {
		e := Entry{Kind: Ordinary, Stamp: stamp, Batches: [][]byte{AppendBatch(nil, Number{"n", 1, m.Index() + 1}, len(ops), AppendGroup(nil, ops))}}
		if _, err := m.Apply(m.Index()+1, 1, e); err != nil {
			t.Fatal(err)
		}
	}
	anna, bert := []byte("anna"), []byte("bert")
	apply(1000, Op{Kind: ICAdd, Key: []byte("k"), Instance: anna, Amount: 5}, Op{Kind: Heartbeat, Instance: anna, Amount: 3000})
	for stamp := int64(2000); stamp < 8000; stamp += 1000 {
		apply(stamp, Op{Kind: Bind, Instance: bert, Amount: 1}, Op{Kind: ICAdd, Key: []byte("k"), Instance: bert, Amount: -1})
	}
	apply(8000, Op{Kind: ICSet, Key: []byte("old"), Instance: bert, Amount: 1}, Op{Kind: ICDelete, Key: []byte("old")})
	checkMachine(t, m)
	if l := m.ledger; l.parked.Len() == 0 || l.slices.Len() == 0 || l.tombstones.queue.Len() == 0 {
		t.Fatal("something is missing")
	}
	return m
}
