package fsm

import (
	"slices"
	"strings"
)

// instanceEntries is the fourth log: instance counters, their leases and bindings, and sessions. At its end something of all that
// an image can hold is there: slices, what is parked, tombstones and a floor, an own lease, a binding and
// one whose connection has ended, a window.
func instanceEntries() []Entry {
	const start = 1_760_000_000_000
	return append([]Entry{
		{Kind: Opener, Stamp: start, HashKey: [16]byte{11}},
		{Kind: Ordinary, Stamp: start, Batches: [][]byte{goldenCounters(), goldenBindings()}},
		{Kind: Ordinary, Stamp: start + 20, Batches: [][]byte{goldenRefusals()}},
		{Kind: Ordinary, Stamp: start + 40, Batches: [][]byte{goldenSessions()}},
		{Kind: Ordinary, Stamp: start + 60, Batches: [][]byte{goldenEras()}},
	}, goldenLife(start+80)...)
}

// sliceOp is an Op of an instance on a key.
func sliceOp(kind Kind, key, name string, amount int64) Op {
	return Op{Kind: kind, Key: []byte(key), Instance: []byte(name), Amount: amount}
}

// sliceOpIf is one that compares.
func sliceOpIf(kind Kind, key, name string, c Comparator, than, amount int64) Op {
	op := sliceOp(kind, key, name, amount)
	op.Compare, op.Than = c, IntValue(than)
	return op
}

// goldenCounters has every Kind about slices.
func goldenCounters() []byte {
	stale, present := sliceOp(ICAdd, "open", "a", 5), sliceOp(ICAdd, "open", "a", 1)
	stale.Epoch, present.Epoch = Epoch{7, true}, Epoch{Given: true}
	return goldenBatch("n1-1", 1, 1,
		[]Op{sliceOp(ICAdd, "open", "a", 3), sliceOp(ICAdd, "open", "b", -1), stale, present, sliceOp(ICAdd, "open", "a", 1<<62), sliceOp(ICAdd, "open", "a", 1<<62)},
		[]Op{sliceOp(ICSet, "stock", "a", 10), sliceOp(SliceSet, "stock", "b", 4), sliceOp(SliceSet, "stock", "b", 5),
			sliceOpIf(ICAddIf, "stock", "b", EQ, 15, -2), sliceOpIf(ICAddIf, "stock", "b", EQ, 15, -2),
			sliceOpIf(ICSetIf, "stock", "c", Greater, 12, 20), sliceOpIf(ICSetIf, "stock", "c", ANY, 0, 7),
			sliceOpIf(SliceSetIf, "stock", "c", LE, 7, 8), sliceOpIf(SliceSetIf, "stock", "c", NE, 8, 9)},
		[]Op{sliceOp(ICAdd, "gone", "a", 1), sliceOp(ICDelete, "gone", "a", 0), sliceOp(ICDelete, "gone", "", 0), sliceOp(SliceDelete, "gone", "a", 0),
			sliceOp(SliceSet, "last", "c", 1), sliceOp(SliceDelete, "last", "c", 0)},
		[]Op{sliceOp(ICGet, "open", "a", 0), sliceOp(ICGet, "open", "", 0), sliceOp(ICGet, "open", "nobody", 0),
			{Kind: ICSlices, Key: []byte("open"), Value: IntValue(1)}, {Kind: ICSlices, Key: []byte("open"), Value: IntValue(100)},
			{Kind: ICInstances, Value: IntValue(100)}, {Kind: Scan, Value: IntValue(100)}, {Kind: Inspect, Key: []byte("open")}})
}

func goldenBindings() []byte {
	fresh := sliceOp(Bind, "", "b", 8)
	fresh.Flags = Fresh
	unbind := func(name string, token, grace int64) Op {
		return Op{Kind: Unbind, Instance: []byte(name), Amount: token, Value: IntValue(grace)}
	}
	return goldenBatch("n2-1", 3, 1,
		[]Op{sliceOp(Heartbeat, "", "a", 0), sliceOp(Heartbeat, "", "own", 5000), sliceOp(Heartbeat, "", "own", 0)},
		[]Op{sliceOp(Bind, "", "bound", 7), sliceOp(ICAdd, "open", "bound", 2), fresh, sliceOp(ICAdd, "open", "b", 4)},
		[]Op{unbind("bound", 8, 1000), unbind("b", 8, 500), unbind("b", 8, 500)},
		[]Op{sliceOp(ICAdd, "open", "cleared", 1), sliceOp(ICAdd, "stock", "cleared", 1), sliceOp(ClearInstance, "", "cleared", 0),
			sliceOp(ClearInstance, "", "nobody", 0)})
}

// goldenRefusals has what is refused for the sort of the key, and for want of room.
func goldenRefusals() []byte {
	set := Op{Kind: Set, Key: []byte("plain"), Value: IntValue(1)}
	incr := Op{Kind: Incr, Key: []byte("open"), Amount: 1}
	whole := AppendGroupIf(nil, Terms{Conditions: []Condition{{Whole: true}}}, []Op{sliceOp(ICAdd, "open", "a", 1), incr})
	missing := AppendGroupIf(nil, Terms{Conditions: []Condition{{Key: []byte("open"), Missing: true}}}, []Op{sliceOp(ICAdd, "open", "a", 1)})
	return AppendBatch(nil, Number{"n1-1", 1, 2}, 12,
		AppendGroup(nil, []Op{set, sliceOp(ICAdd, "plain", "a", 1), incr}), whole, missing,
		AppendGroup(nil, []Op{LimitOp(Limits{Instances: 5, Sessions: 2, Lease: 4000, Keys: 100})}),
		AppendGroup(nil, []Op{sliceOp(ICAdd, "open", "one too many", 1)}),
		AppendGroup(nil, []Op{sliceOp(ICAdd, "open", "a", 1), sliceOp(ICAdd, "open", "one too many", 1)}),
		AppendGroup(nil, []Op{sliceOp(ICAdd, "open", "a", 1), sliceOp(ICAdd, "open", "b", 1)}))
}

// goldenSession is the id of the nth session.
func goldenSession(n byte) SessionID { return SessionID{n, 15: 1} }

func goldenSessions() []byte {
	type group struct {
		once Once
		ops  []Op
	}
	sessionOp := func(kind Kind, n byte, ttl int64) Op {
		id := goldenSession(n)
		return Op{Kind: kind, Key: id[:], Amount: ttl}
	}
	incr := func(key string) []Op { return []Op{{Kind: Incr, Key: []byte(key), Amount: 1}} }
	text := Op{Kind: Set, Key: []byte("text"), Value: Value{Kind: Text, Text: []byte(strings.Repeat("x", MaxText))}}
	long := slices.Repeat([]Op{{Kind: GetExpire, Key: text.Key}}, 5) // answers more than a session remembers
	groups := []group{
		{Once{}, []Op{sessionOp(OpenSession, 1, 600_000)}}, {Once{}, []Op{sessionOp(OpenSession, 2, 1000)}},
		{Once{}, []Op{sessionOp(OpenSession, 3, 1000)}}, {Once{}, []Op{sessionOp(CloseSession, 2, 0)}}, {Once{}, []Op{sessionOp(CloseSession, 2, 0)}},
		{Once{goldenSession(1), 1, 11}, incr("hits")}, {Once{goldenSession(1), 1, 11}, incr("hits")}, {Once{goldenSession(1), 1, 12}, incr("hits")},
		{Once{goldenSession(2), 1, 11}, incr("hits")}, {Once{}, []Op{text}}, {Once{goldenSession(1), 2, 13}, long}, {Once{goldenSession(1), 2, 13}, long},
		{Once{goldenSession(1), 4, 14}, []Op{sliceOp(ICAdd, "open", "a", 1), {Kind: Incr, Key: []byte("open"), Amount: 1}}},
		{Once{goldenSession(1), 300, 15}, incr("hits")}, {Once{goldenSession(1), 3, 16}, incr("hits")}, {Once{goldenSession(1), 299, 17}, incr("hits")},
	}
	var encoded [][]byte
	ops := 0
	for _, g := range groups {
		encoded, ops = append(encoded, AppendGroupIf(nil, Terms{Once: g.once}, g.ops)), ops+len(g.ops)
	}
	return AppendBatch(nil, Number{"n2-1", 3, 2}, ops, encoded...)
}

// goldenEras ends eras in every way, and leaves a floor behind.
func goldenEras() []byte {
	text := func(s string) Value { return Value{Kind: Text, Text: []byte(s)} }
	return goldenBatch("n1-1", 1, 3,
		[]Op{sliceOp(ICAdd, "early", "a", 1), {Kind: Flush}, sliceOp(ICGet, "early", "a", 0)},
		[]Op{sliceOp(ICAdd, "again", "a", 1), {Kind: ICClear, Value: text("")}, sliceOp(ICGet, "again", "a", 0)},
		[]Op{sliceOp(ICAdd, "x1", "a", 1), sliceOp(ICAdd, "x2", "b", 1), sliceOp(ICAdd, "y", "own", 5), sliceOp(ICAdd, "y", "bound", 2),
			{Kind: ICClear, Value: text("x*")}, sliceOp(ICAdd, "x2", "b", 3), {Kind: Delete, Key: []byte("x2")}, {Kind: Exists, Key: []byte("x2")}},
		[]Op{sliceOp(ICAdd, "parked", "a", 5), sliceOp(ICAdd, "parked", "b", -2), sliceOp(ICAdd, "parked", "bound", 1), sliceOp(Heartbeat, "", "own", 60_000)})
}

// goldenLife is time in which some die: a is parked and comes back, b is parked and stays so; the node of the binding lives.
func goldenLife(stamp int64) (entries []Entry) {
	for second := range uint64(8) {
		stamp += 1000
		e := Entry{Kind: Ordinary, Stamp: stamp, Batches: [][]byte{goldenBatch("n2-1", 3, 3+second)}}
		if second == 6 {
			e.Batches = append(e.Batches, goldenBatch("n1-1", 1, 4, []Op{sliceOp(ICGet, "parked", "", 0), sliceOp(ICAdd, "parked", "a", 1), sliceOp(ICGet, "parked", "a", 0)}))
		}
		if second == 7 { // the connection of c has ended, but its grace has not
			e.Batches[0] = goldenBatch("n2-1", 3, 3+second, []Op{sliceOp(Bind, "", "c", 9), sliceOp(ICAdd, "parked", "c", 1),
				{Kind: Unbind, Instance: []byte("c"), Amount: 9, Value: IntValue(60_000)}})
		}
		entries = append(entries, e)
	}
	return append(entries, Entry{Kind: Ordinary, Stamp: stamp + 3_600_000}) // an outage, which costs nobody anything
}
