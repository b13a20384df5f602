package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// An Opener behind other Entries can't come from a leader of ours. It must not lose the keys that stand there already.
func TestALateOpenerKeepsTheKeysWhereTheyStand(t *testing.T) {
	m := New()
	m.mustDo(t, Op{Kind: Incr, Key: []byte("hits"), Amount: 1})
	m.mustApply(t, Entry{Kind: Opener, HashKey: [16]byte{1}})
	checkMachine(t, m)
	if it, found := m.table.get(m.table.hash([]byte("hits")), []byte("hits")); !found || it.value.Int != 1 {
		t.Errorf("hits is %v, %v", it, found)
	}
	if m.Opened() != 1 {
		t.Errorf("opened is %d", m.Opened())
	}
}

func TestALateOpenerKeepsInstanceCountersWhereTheyStand(t *testing.T) {
	m := New()
	m.mustDo(t, sliceOp(ICAdd, "open", "anna", 5))
	m.mustApply(t, Entry{Kind: Opener, HashKey: [16]byte{1}})
	checkMachine(t, m)
	wantAnswer(t, "what stood there", answersOf(t, m.mustDo(t, sliceOp(ICGet, "open", "anna", 0))), "[5 5 0 0]")
}

func TestABatchThatCountsItsOpsWrongIsUndecodable(t *testing.T) {
	group := AppendGroup(nil, []Op{{Kind: Size}, {Kind: Size}})
	for ops := range 5 {
		data := AppendBatch(nil, Number{"a", 1, 1}, ops, group)
		_, decodeErr := DecodeBatch(data)
		_, applyErr := New().Apply(1, 1, Entry{Kind: Ordinary, Batches: [][]byte{data}})
		if errors.Is(decodeErr, ErrFormat) != (ops != 2) || errors.Is(applyErr, ErrFormat) != (ops != 2) {
			t.Errorf("%d ops announced: DecodeBatch says %v, Apply %v", ops, decodeErr, applyErr)
		}
	}
}

// A kind or flag of a newer build must stop this one: ignoring it would make replicas differ.
func TestWhatANewerBuildMeansIsUndecodable(t *testing.T) {
	group := AppendGroup(nil, []Op{{Kind: Set, Key: []byte("k"), Value: IntValue(1), Expiry: Expiry{At, 5}}})
	const kind, flags, mode = 1, 6, 7 // offsets in the group: head, kind, key length, key, value kind, value, flags, mode
	for _, test := range []struct {
		at    int
		value byte
		ok    bool
	}{
		{kind, byte(Set), true}, {kind, 0, false}, {kind, byte(kinds), false}, {kind, 255, false},
		{flags, 127, true}, {flags, 255, false},
		{mode, byte(At), true}, {mode, byte(Forever) + 1, false},
	} {
		changed := bytes.Clone(group)
		changed[test.at] = test.value
		if _, ok := CountOps(changed); ok != test.ok {
			t.Errorf("byte %d is %d: decodable is %v", test.at, test.value, ok)
		}
	}
	for _, test := range []struct {
		flags Flags
		ok    bool
	}{{flagsEnd - 1, true}, {flagsEnd, false}, {math.MaxUint16, false}} {
		if _, ok := CountOps(AppendGroup(nil, []Op{{Kind: Set, Value: IntValue(1), Flags: test.flags}})); ok != test.ok {
			t.Errorf("flags %b: decodable is %v", test.flags, ok)
		}
	}
	for _, test := range []struct {
		compare Comparator
		ok      bool
	}{{0, false}, {EQ, true}, {Differs, true}, {comparators, false}} {
		if _, ok := CountOps(AppendGroup(nil, []Op{{Kind: DeleteIf, Compare: test.compare, Than: IntValue(1)}})); ok != test.ok {
			t.Errorf("comparator %d: decodable is %v", test.compare, ok)
		}
	}
	for kind, ok := range map[Kind]bool{ICGet: true, ICDelete: true, ICAdd: false, Heartbeat: false, ClearInstance: false} {
		if _, got := CountOps(AppendGroup(nil, []Op{{Kind: kind, Key: []byte("k")}})); got != ok {
			t.Errorf("%s without an instance: decodable is %v", kind, got)
		}
	}
	conditional := AppendGroupIf(nil, Terms{Conditions: []Condition{{Key: []byte("k"), Missing: true}}}, []Op{{Kind: Flush}})
	const parts, missing = 1, 5 // offsets: head, parts, number, key length, key, missing
	for _, at := range []int{parts, missing} {
		changed := bytes.Clone(conditional)
		changed[at] += 2 // of the kinds of conditions, 2 is known
		if _, ok := CountOps(changed); ok {
			t.Errorf("byte %d of a group with a condition is %d: decodable", at, changed[at])
		}
	}
	entry := (&Entry{Kind: Ordinary}).Append(nil)
	for at := range 2 {
		changed := bytes.Clone(entry)
		changed[at] = 4
		if _, err := DecodeEntry(changed); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "4") {
			t.Errorf("byte %d of an Entry is 4: %v", at, err)
		}
	}
}

// A build from before instance counters answers WrongType to a Limit that it does not understand, and goes on: so this one does,
// too, and what that build must not skip is of a Kind that stops it.
func TestLimitsThatAnOlderBuildDoesNotKnowHaveAKindOfTheirOwn(t *testing.T) {
	old := LimitOp(Limits{Bytes: 5000, Keys: 5})
	for _, l := range []Limits{{Instances: 1}, {Sessions: 1}, {Keys: 7, Lease: 4000}} {
		m, op := New(), LimitOp(l)
		m.mustDo(t, old)
		short, long := old, op
		short.Kind, long.Kind = op.Kind, old.Kind
		if got := answersOf(t, m.mustDo(t, short)) + " " + answersOf(t, m.mustDo(t, long)); got != "wrong-type wrong-type" {
			t.Errorf("%+v under the other's Kind: %s", l, got)
		}
		if now, _ := m.Limits(); now != (Limits{Bytes: 5000, Keys: 5}) || op.Kind == old.Kind {
			t.Errorf("%+v: Kind %s, the limits are %+v", l, op.Kind, now)
		}
		m.mustDo(t, op)
		if now, _ := m.Limits(); now != l {
			t.Errorf("the limits are %+v, want %+v", now, l)
		}
	}
}

func TestALogIndexNeverFalls(t *testing.T) {
	m := New()
	m.Pass(5)
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "BUG:") {
			t.Errorf("index 5 twice: %s", got)
		}
	}()
	m.Pass(5)
}

func TestTheDigestSeesEveryPart(t *testing.T) {
	digests := map[uint64]string{}
	see := func(what string, m *Machine) {
		d := m.Digest()
		if other, found := digests[d]; found {
			t.Errorf("%s has the digest of %s", what, other)
		}
		digests[d] = what
	}
	see("a new Machine", New())
	for _, change := range []struct {
		what string
		of   func(m *Machine)
	}{
		{"the small one", func(*Machine) {}},
		{"index", func(m *Machine) { m.index++ }},
		{"opened", func(m *Machine) { m.opened++ }},
		{"now", func(m *Machine) { m.now++ }},
		{"keyed", func(m *Machine) { m.keyed = false }},
		{"writes", func(m *Machine) { m.writes++ }},
		{"hash key", func(m *Machine) { m.table.hashKey[1]++ }},
		{"the lease clock", func(m *Machine) { m.lease.now++ }},
		{"its standstill", func(m *Machine) { m.lease.until++ }},
		{"a session's length", func(m *Machine) { m.sessions.writable(sessionID("ann")).length++ }},
		{"its deadline", func(m *Machine) { m.sessions.writable(sessionID("ann")).deadline++ }},
		{"its hash of a command", func(m *Machine) { m.sessions.writable(sessionID("ann")).places[0].hash++ }},
		{"its answer", func(m *Machine) { m.sessions.writable(sessionID("ann")).places[0].results = "\x00" }},
		{"its sequence", func(m *Machine) { m.sessions.writable(sessionID("ann")).places[0].sequence++ }},
		{"another session", func(m *Machine) { m.sessions.add(sessionID("bob"), &session{length: MinSession}) }},
		{"no session", func(m *Machine) { m.sessions.remove(sessionID("ann")) }},
		{"a value", func(m *Machine) { m.table.put(m.table.hash([]byte("hits")), []byte("hits"), item{value: IntValue(43)}) }},
		{"a deadline", func(m *Machine) {
			m.table.put(m.table.hash([]byte("hits")), []byte("hits"), item{value: IntValue(42), deadline: 1})
		}},
		{"a key", func(m *Machine) { m.table.delete(m.table.hash([]byte("hits")), []byte("hits")) }},
		{"an incarnation", func(m *Machine) { m.origins[0].number.Incarnation++ }},
		{"a sequence", func(m *Machine) { m.origins[0].number.Sequence++ }},
		{"results", func(m *Machine) { m.origins[0].results = Results{1} }},
		{"a node", func(m *Machine) { m.nodes[0].HTTP = "x" }},
		{"a node's vote", func(m *Machine) { m.nodes[0].Nonvoter = true }},
		{"a removal", func(m *Machine) { m.origins[1].removed = false }},
		{"the limit of bytes", func(m *Machine) { m.limits.Bytes++ }},
		{"the limit of keys", func(m *Machine) { m.limits.Keys++ }},
		{"limits that are none", func(m *Machine) { m.limits = Limits{} }},
		{"limits that were never set", func(m *Machine) { m.limits, m.limited = Limits{}, false }},
	} {
		m := smallMachine(t)
		change.of(m)
		see(change.what, m)
	}
}

func TestARequestCountsAndWeighsItsOps(t *testing.T) {
	var r Request
	r.Add(Op{Kind: Incr, Key: []byte("a"), Amount: 1}, Op{Kind: Set, Key: []byte("b"), Value: IntValue(1), Flags: SetGet})
	r.Add(Op{Kind: Get, Key: []byte("a")})
	if ops, ok := CountOps(r.Groups); !ok || ops != 3 || r.Ops != 3 || r.Weight != MaxText {
		t.Errorf("%d ops (%d counted), weight %d", r.Ops, ops, r.Weight)
	}
	r.Done = func(*Request) {}
	r.Reset()
	if len(r.Groups) != 0 || r.Ops != 0 || r.Weight != 0 || r.Done == nil {
		t.Errorf("after Reset: %+v", r)
	}
}

func TestAQueryOfGarbageAnswersWrongType(t *testing.T) {
	m := smallMachine(t)
	group := AppendGroup(nil, []Op{{Kind: Size}, {Kind: Size}})
	group[2] = 200 // the second Op's kind
	results, _ := m.Query(nil, group, 0)
	if first, ok := results.Next(); !ok || first.Value.Int != 2 {
		t.Errorf("first: %+v", first)
	}
	if second, ok := results.Next(); !ok || second.Code != WrongType || len(results) != 0 {
		t.Errorf("second: %+v", second)
	}
	if results, _ := m.Query(nil, binary.AppendUvarint(nil, 1<<40), 0); len(results) != 0 {
		t.Errorf("a group that announces what it does not have: %x", []byte(results))
	}
}
