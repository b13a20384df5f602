package fsm

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// hashShapes are hashes that tests choose for key number n of a small universe, to meet what a keyed hash hides: keys that
// collide, runs across many homes, and runs that leave the last home.
var hashShapes = []struct {
	name string
	keys uint64 // in the universe
	of   func(n uint64) uint64
}{
	{"spread over all branches", 3000, func(n uint64) uint64 { return n * 0x9e3779b97f4a7c15 }},
	{"spread over one branch", 3000, func(n uint64) uint64 { return n * 0x9e3779b97f4a7c15 >> branchBits }},
	{"spread over one shard", 300, func(n uint64) uint64 { return n * 0x9e3779b97f4a7c15 >> (branchBits + maxDepth) }},
	{"in eight collisions", 300, func(n uint64) uint64 { return n % 8 << 59 }},
	{"in one collision", 60, func(uint64) uint64 { return 1 << 40 }},
	{"at the end of the last shard", 200, func(n uint64) uint64 { return ^uint64(0) - n%20 }},
	{"at the ends of two neighbours", 300, func(n uint64) uint64 { return 1<<(64-branchBits) - 100 + n%200 }},
}

func TestTableDoesWhatAMapDoesWhereverTheHashesFall(t *testing.T) {
	t.Parallel()
	const steps = 170_000 // per shape: a million in all
	for _, shape := range hashShapes {
		t.Run(shape.name, func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(1, 2))
			tab, want := newTable([2]uint64{}), map[string]item{}
			text := bytes.Repeat([]byte("0123456789"), 30)
			for step := range steps {
				n := rnd.Uint64N(shape.keys)
				key, hash := fmt.Appendf(nil, "key-%d", n), shape.of(n)
				switch rnd.IntN(8) {
				case 0, 1, 2, 3:
					it := item{value: IntValue(rnd.Int64())}
					if rnd.IntN(2) == 0 {
						it.value = Value{Kind: Text, Text: text[:rnd.IntN(len(text))]}
					}
					if rnd.IntN(3) == 0 {
						it.deadline = rnd.Int64()
					}
					tab.put(hash, key, it)
					want[string(key)] = it
				case 4, 5, 6:
					tab.delete(hash, key)
					delete(want, string(key))
				}
				it, found := tab.get(hash, key)
				if w, ok := want[string(key)]; found != ok || !sameItem(it, w) {
					t.Fatalf("step %d: %s is %v (%v), want %v (%v)", step, key, it, found, w, ok)
				}
				if step%2000 == 0 {
					checkTable(t, tab, want, shape.of)
				}
			}
			checkTable(t, tab, want, shape.of)
		})
	}
}

// checkTable compares a whole table with a map, by an ascend from the start and one from somewhere.
func checkTable(t *testing.T, tab *table, want map[string]item, hashOf func(uint64) uint64) {
	t.Helper()
	if err := tableError(tab); err != nil {
		t.Fatal(err)
	}
	if tab.count != len(want) {
		t.Fatalf("%d items, want %d", tab.count, len(want))
	}
	from := hashOf(7)
	atLeast := 0
	for key := range want {
		var n uint64
		fmt.Sscanf(key, "key-%d", &n)
		if hashOf(n) >= from {
			atLeast++
		}
	}
	for start, count := range map[uint64]int{0: len(want), from: atLeast} {
		last, seen := start, 0
		tab.ascend(start, func(hash uint64, key []byte, it item) bool {
			if hash < last || !sameItem(it, want[string(key)]) {
				t.Fatalf("ascend from %x: %s is %v at %x after %x, want %v", start, key, it, hash, last, want[string(key)])
			}
			last = hash
			seen++
			return true
		})
		if seen != count {
			t.Fatalf("ascend from %x met %d items, want %d", start, seen, count)
		}
	}
}

func sameItem(a, b item) bool {
	return a.deadline == b.deadline && a.value.Kind == b.value.Kind && a.value.Int == b.value.Int &&
		bytes.Equal(a.value.Text, b.value.Text)
}

func TestAscendStopsWhenTold(t *testing.T) {
	tab := newTable([2]uint64{})
	for n := range uint64(100) {
		tab.put(n<<56, fmt.Appendf(nil, "%d", n), item{value: IntValue(1)})
	}
	seen := 0
	tab.ascend(50<<56, func(uint64, []byte, item) bool { seen++; return seen < 10 })
	if seen != 10 {
		t.Errorf("ascend went on to %d items, told to stop at 10", seen)
	}
}

func TestArenasStayNearWhatTheyHoldUnderChurn(t *testing.T) {
	tab := newTable([2]uint64{})
	rnd := rand.New(rand.NewPCG(3, 4))
	hashOf := func(n uint64) uint64 { return n * 0x9e3779b97f4a7c15 >> branchBits } // all in one branch
	text := make([]byte, 400)
	for range 100_000 {
		n := rnd.Uint64N(5000)
		if key := fmt.Appendf(nil, "key-%d", n); rnd.IntN(3) == 0 {
			tab.delete(hashOf(n), key)
		} else {
			tab.put(hashOf(n), key, item{value: Value{Kind: Text, Text: text[:rnd.IntN(len(text))]}})
		}
	}
	room, live := arenas(tab.branches[0])
	if limit := live * 5 / 2; room > limit || live != tab.branches[0].bytes {
		t.Errorf("arenas of %d bytes for %d live ones, want at most %d", room, live, limit)
	}
	tab.put(hashOf(7), []byte("key-7"), item{value: IntValue(1)})
	for n := range uint64(6000) { // some were never there
		if n != 7 {
			tab.delete(hashOf(n), fmt.Appendf(nil, "key-%d", n))
		}
	}
	if err := tableError(tab); err != nil { // no empty shard is left
		t.Error(err)
	}
	tab.delete(hashOf(7), []byte("key-7"))
	if tab.count != 0 || tab.branches[0] != nil {
		t.Errorf("emptied: %d items, branch %v", tab.count, tab.branches[0])
	}
}

func arenas(b *branch) (room, live int) {
	for _, s := range b.shards {
		room += cap(s.arena)
		live += s.live()
	}
	return room, live
}

// The first touch after a snapshot copies a shard: none may be so large that clients notice.
func TestShardsStaySmallHoweverManyKeysThereAre(t *testing.T) {
	tab := newTable([2]uint64{})
	it := item{value: IntValue(1)}
	for n := range uint64(200_000) { // in one branch: as in a table of 800 million
		tab.put(n*0x9e3779b97f4a7c15>>branchBits, fmt.Appendf(nil, "key-%d", n), it)
	}
	for i, s := range tab.branches[0].shards {
		if s.live() > 2*fullShard {
			t.Errorf("shard %d holds %d bytes, full is %d", i, s.live(), fullShard)
		}
	}
	if err := tableError(tab); err != nil {
		t.Error(err)
	}
}

func TestFrozenShardsNeverChange(t *testing.T) {
	tab := newTable([2]uint64{})
	rnd := rand.New(rand.NewPCG(5, 6))
	type frozen struct {
		branches *branches
		want     []string
	}
	var all []frozen
	list := func(bs *branches) (items []string) {
		bs.ascend(0, func(hash uint64, key []byte, it item) bool {
			items = append(items, fmt.Sprintf("%x %s %v", hash, key, it))
			return true
		})
		return items
	}
	for range 20 {
		bs := tab.freeze()
		all = append(all, frozen{bs, list(bs)})
		for range 2000 {
			n := rnd.Uint64N(1000)
			hash, key := n*0x9e3779b97f4a7c15>>(n%2*branchBits), fmt.Appendf(nil, "key-%d", n)
			if rnd.IntN(4) == 0 {
				tab.delete(hash, key)
				continue
			}
			tab.put(hash, key, item{value: IntValue(rnd.Int64()), deadline: rnd.Int64N(2)})
		}
	}
	for i, f := range all {
		if got := list(f.branches); !slices.Equal(got, f.want) {
			t.Errorf("freeze %d holds other items than when it was taken", i)
		}
	}
}

// Two keys of one hash and one deadline share a place in the queue: the first to leave must not take it along.
func TestKeysOfOneHashShareAPlaceInTheDeadlineQueue(t *testing.T) {
	const hash = 12345
	m := New()
	at := func(deadline int64) *item { return &item{value: IntValue(1), deadline: deadline} }
	for _, key := range []string{"a", "b", "c"} {
		m.put(hash, []byte(key), &item{}, at(100))
	}
	checkMachine(t, m)
	m.drop(hash, []byte("b"), at(100))
	checkMachine(t, m)
	m.put(hash, []byte("c"), at(100), at(200))
	checkMachine(t, m)
	m.now = 100
	m.expire()
	checkMachine(t, m)
	if _, found := m.table.get(hash, []byte("c")); !found || m.table.count != 1 {
		t.Errorf("%d keys left, want c alone", m.table.count)
	}
	if next, ok := m.NextDeadline(); !ok || next != 200 {
		t.Errorf("next deadline %d, %v, want 200", next, ok)
	}
}

func TestDeadlinesEndInTheSameOrderOnEveryReplica(t *testing.T) {
	queue := newDeadlines()
	rnd := rand.New(rand.NewPCG(7, 8))
	for range 1000 {
		queue.add(rnd.Uint64N(100), rnd.Int64N(20))
	}
	queue.add(1, 0)
	items := queue.queue.Items()
	if !slices.IsSortedFunc(items, func(a, b due) int {
		return cmp.Or(cmp.Compare(a.deadline, b.deadline), cmp.Compare(a.hash, b.hash))
	}) {
		t.Error("the queue is not in the order of deadline, then hash")
	}
	if items[0].deadline == 0 {
		t.Error("no deadline was queued as one")
	}
}
