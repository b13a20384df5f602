package fsm

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestARequestWeighsWhatCannotBeReadLater(t *testing.T) {
	key := []byte("k")
	get, incr := Op{Kind: Get, Key: key}, Op{Kind: Incr, Key: key, Amount: 1}
	old := Op{Kind: GetDelete, Key: key}
	for _, test := range []struct {
		what string
		want int
		ops  []Op
	}{
		{"a read alone can be read later", 0, []Op{get}},
		{"so can many", 0, []Op{get, get, get}},
		{"a write answers a few bytes", 0, []Op{incr}},
		{"GETDEL answers an old value", MaxText, []Op{old}},
		{"GETEX, too", MaxText, []Op{{Kind: GetExpire, Key: key}}},
		{"SET GET, too", MaxText, []Op{{Kind: Set, Key: key, Value: IntValue(1), Flags: SetGet}}},
		{"SETIF tells it twice", 2 * MaxText, []Op{{Kind: SetIf, Key: key, Value: IntValue(1), Flags: Tell, Compare: EQ, Than: IntValue(1)}}},
		{"reads beside a write can't be read later", 2 * MaxText, []Op{get, incr, get}},
		{"small answers count as nothing", 0, []Op{incr, {Kind: TTL, Key: key}, {Kind: Size}}},
		{"a page of keys is large", scanBytes + MaxKey, []Op{incr, {Kind: Scan, Value: IntValue(1)}}},
		{"all together are at most MaxWeight", MaxWeight, append(repeated(get, 500), incr)},
	} {
		var r Request
		r.Add(test.ops...)
		if r.Weight != test.want || r.Ops != len(test.ops) {
			t.Errorf("%s: %d bytes, want %d", test.what, r.Weight, test.want)
		}
	}
}

func repeated(op Op, n int) []Op { return slices.Repeat([]Op{op}, n) }

// Reads that ride fill half of the Results; what weighs what it may has room behind them, and answers in full.
func TestATransactionIsAnsweredInFullBehindReadsThatRide(t *testing.T) {
	m := openedMachine(t)
	big := Value{Kind: Text, Text: make([]byte, MaxText)}
	m.mustDo(t, Op{Kind: Set, Key: []byte("big"), Value: big}, Op{Kind: Copy, Key: []byte("big"), Value: Value{Kind: Text, Text: []byte("c")}})
	get := Op{Kind: Get, Key: []byte("big")}
	const riders, reads = 200, 100
	groups := AppendGroup(nil, repeated(get, riders))
	transaction := append(repeated(get, reads), Op{Kind: GetDelete, Key: []byte("big")}, Op{Kind: Get, Key: []byte("c")})
	var r Request
	r.Add(transaction...)
	if r.Weight > MaxWeight {
		t.Fatalf("%d bytes", r.Weight)
	}
	groups = append(groups, r.Groups...)
	ops := riders + len(transaction)
	data := AppendBatch(nil, Number{"test", 1, 100}, ops, groups)
	results := m.mustApply(t, Entry{Kind: Ordinary, Batches: [][]byte{data}})[0].Results
	if len(results) > MaxResults {
		t.Errorf("%d bytes of Results", len(results))
	}
	later := 0
	for i := range ops {
		switch r, ok := results.Next(); {
		case !ok:
			t.Fatalf("no Result of op %d", i)
		case r.Code == ReadLater && i < riders:
			later++
		case r.Code != OK || len(r.Value.Text) != MaxText:
			t.Fatalf("op %d: %s, %d bytes", i, r.Code, len(r.Value.Text))
		}
	}
	if later == 0 {
		t.Error("no rider was told to read later: the Results were not full")
	}
}

// A transaction that reads more than that gets what fits into half of the Results; its writes are answered all the same.
func TestATransactionOfTooManyReadsIsToldToReadLater(t *testing.T) {
	m := openedMachine(t)
	m.mustDo(t, Op{Kind: Set, Key: []byte("big"), Value: Value{Kind: Text, Text: make([]byte, MaxText)}})
	get := Op{Kind: Get, Key: []byte("big")}
	ops := append(repeated(get, 1000), repeated(Op{Kind: GetExpire, Key: []byte("big"), Expiry: Expiry{After, 5}}, 100)...)
	results := m.mustDo(t, ops...)
	if len(results) > MaxResults {
		t.Errorf("%d bytes of Results", len(results))
	}
	for i := range ops {
		if r, _ := results.Next(); i < maxReads/MaxText && r.Code != OK || i >= maxReads/MaxText && i < 1000 && r.Code != ReadLater ||
			i >= 1000 && len(r.Value.Text) != MaxText {
			t.Fatalf("op %d: %s, %d bytes", i, r.Code, len(r.Value.Text))
		}
	}
}

// The door lets a transaction answer so many old values; none of its writes may be refused alone, whatever else is in the Batch.
func TestNoWriteOfATransactionIsRefusedForTheLengthOfAnswers(t *testing.T) {
	m := openedMachine(t)
	big := Value{Kind: Text, Text: append(bytes.Repeat([]byte("0"), MaxText-1), '1')}
	wide := Value{Kind: Text, Text: []byte(strings.Repeat("1", MaxWhole) + "." + strings.Repeat("1", MaxFraction))}
	m.mustDo(t, Op{Kind: Set, Key: []byte("big"), Value: big})
	var r Request
	for range 130 {
		r.Add(Op{Kind: Get, Key: []byte("big")})
	}
	for i := range 3700 {
		r.Add(Op{Kind: IncrEx, Key: []byte{'k', byte(i), byte(i >> 8)}, Value: wide})
	}
	transaction := repeated(Op{Kind: SetIf, Key: []byte("big"), Value: IntValue(1), Flags: Tell, Compare: EQ, Than: IntValue(2)}, 50)
	r.Add(transaction...)
	results := m.mustApply(t, Entry{Kind: Ordinary, Batches: [][]byte{AppendBatch(nil, Number{"test", 1, 100}, r.Ops, r.Groups)}})[0].Results
	if len(results) < MaxResults {
		t.Fatalf("only %d bytes of Results", len(results))
	}
	for i := range r.Ops {
		if r, _ := results.Next(); r.Code != OK && r.Code != ReadLater {
			t.Fatalf("op %d: %s", i, r.Code)
		}
	}
}
