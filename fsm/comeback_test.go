package fsm

import (
	"fmt"
	"testing"
)

// An era that ends with more parked slices than one Op removes leaves the others to the steps. Their instances may speak before:
// what they come back to is then no more.
func TestWhatWasParkedInAnEraThatHasEndedDoesNotComeBack(t *testing.T) {
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	var count, speak []Op
	for i := range 3 * inlineSlices {
		name := fmt.Append(nil, "instance ", i)
		count = append(count, Op{Kind: ICAdd, Key: []byte("k"), Instance: name, Amount: 1})
		speak = append(speak, Op{Kind: Heartbeat, Instance: name})
	}
	m.mustDo(t, count...)
	for range 40 { // seconds, longer than a lease
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 1000})
	}
	if parked := m.ledger.parked.Len(); parked != len(count) {
		t.Fatalf("%d slices are parked, want %d", parked, len(count))
	}
	m.mustDo(t, append(speak, Op{Kind: ICSet, Key: []byte("k"), Instance: []byte("bob"), Amount: 5})...)
	if left := m.ledger.parked.Len(); left == 0 || m.ledger.returning.Len() == 0 {
		t.Fatalf("%d slices are still parked, %d instances return: that proves nothing", left, m.ledger.returning.Len())
	}
	for range 3 {
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: m.now + 1})
		checkMachine(t, m)
	}
	if slices, parked := m.ledger.slices.Len(), m.ledger.parked.Len(); slices != 1 || parked != 0 {
		t.Errorf("%d slices and %d parked are left, want bob's", slices, parked)
	}
}
