package fsm

import (
	"fmt"
	"testing"
)

// An Entry holds up all others, so what it ends by the way is bounded; what is left ends with the next ones, and is gone for
// whoever looks at it before.
func TestOneEntryEndsABoundedNumberOfKeys(t *testing.T) {
	m := New()
	m.mustApply(t, Entry{Kind: Opener, Stamp: 1000, HashKey: [16]byte{1}})
	const keys = 2*maxExpired + 1
	var ops []Op
	for i := range keys {
		ops = append(ops, Op{Kind: Set, Key: fmt.Append(nil, i), Value: IntValue(1), Expiry: Expiry{Mode: After, Millis: 50}})
	}
	m.mustDo(t, ops...)
	for want := uint64(keys); want > 0; {
		want -= min(want, maxExpired)
		m.mustApply(t, Entry{Kind: Ordinary, Stamp: 2000})
		if m.Keys() != want {
			t.Fatalf("%d keys are left, want %d", m.Keys(), want)
		}
		wantAnswer(t, "one whose time has come", answersOf(t, m.mustDo(t, Op{Kind: Exists, Key: []byte("7")})), "0")
		want = m.Keys() // that was an Entry, too
	}
}
