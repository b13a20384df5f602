package fsm

import (
	"fmt"
	"slices"
	"testing"
)

// checkMachine checks what must hold in every Machine between two Entries.
func checkMachine(t testing.TB, m *Machine) {
	t.Helper()
	if err := machineError(m); err != nil {
		t.Fatal(err)
	}
}

func machineError(m *Machine) error {
	if err := tableError(m.table); err != nil {
		return err
	}
	if err := deadlinesError(m); err != nil {
		return err
	}
	if err := usageError(m); err != nil {
		return err
	}
	if err := ledgerError(m); err != nil {
		return err
	}
	if err := sessionsError(m); err != nil {
		return err
	}
	if m.now < 0 {
		return fmt.Errorf("machine time %d", m.now)
	}
	for i := 1; i < len(m.origins); i++ {
		if m.origins[i-1].number.Origin >= m.origins[i].number.Origin {
			return fmt.Errorf("origins %q and %q out of order", m.origins[i-1].number.Origin, m.origins[i].number.Origin)
		}
	}
	for _, o := range m.origins {
		if o.removed && len(o.results) > 0 {
			return fmt.Errorf("%d bytes of Results of %q, which was removed", len(o.results), o.number.Origin)
		}
	}
	for i := 1; i < len(m.nodes); i++ {
		if m.nodes[i-1].ID >= m.nodes[i].ID {
			return fmt.Errorf("nodes %q and %q out of order", m.nodes[i-1].ID, m.nodes[i].ID)
		}
	}
	for _, n := range m.nodes {
		if m.RemovedNode(n.ID) {
			return fmt.Errorf("node %q was removed and is in the registry", n.ID)
		}
	}
	if len(m.nodes) > maxNodes {
		return fmt.Errorf("%d nodes in the registry", len(m.nodes))
	}
	return nil
}

// usageError: the used bytes are what all keys cost together.
func usageError(m *Machine) error {
	var sum uint64
	m.table.ascend(0, func(_ uint64, key []byte, it item) bool {
		sum += cost(key, &it)
		return true
	})
	if m.used != sum {
		return fmt.Errorf("%d bytes used, the keys cost %d", m.used, sum)
	}
	if !m.limited && m.limits != (Limits{}) {
		return fmt.Errorf("limits %+v that were never set", m.limits)
	}
	return nil
}

// deadlinesError: every deadline of the table is queued exactly once, and nothing else is.
func deadlinesError(m *Machine) error {
	var want []due
	m.table.ascend(0, func(hash uint64, _ []byte, it item) bool {
		if it.deadline != 0 {
			want = append(want, due{it.deadline, hash})
		}
		return true
	})
	less := func(a, b due) int {
		switch {
		case a == b:
			return 0
		case a.deadline < b.deadline || a.deadline == b.deadline && a.hash < b.hash:
			return -1
		}
		return 1
	}
	slices.SortFunc(want, less)
	want = slices.Compact(want) // keys of one hash and one deadline share a place
	if got := m.deadlines.queue.Items(); !slices.Equal(got, want) {
		return fmt.Errorf("%d deadlines queued, %d in the table: %v, %v", len(got), len(want), got, want)
	}
	return nil
}

func tableError(t *table) error {
	count := 0
	for i, b := range t.branches {
		if b == nil {
			continue
		}
		if b.generation > t.generation {
			return fmt.Errorf("branch %d is of generation %d, the table of %d", i, b.generation, t.generation)
		}
		n, err := t.branchError(uint64(i), b)
		if err != nil {
			return fmt.Errorf("branch %d: %w", i, err)
		}
		count += n
	}
	if count != t.count {
		return fmt.Errorf("%d items in the branches, %d counted", count, t.count)
	}
	return nil
}

// branchError checks that every item stands where its hash belongs, that the bytes are counted, and that nothing empty is
// left; it returns how many items there are.
func (t *table) branchError(number uint64, b *branch) (items int, err error) {
	bytes := 0
	for i := range b.shards {
		s := &b.shards[i]
		if s.homes == 0 && s.slots == nil {
			continue
		}
		if s.generation > b.generation || int(s.shift) != branchBits+b.depth || s.count == 0 {
			return 0, fmt.Errorf("shard %d is of generation %d in %d, shift %d at depth %d, %d items",
				i, s.generation, b.generation, s.shift, b.depth, s.count)
		}
		if err := shardError(s); err != nil {
			return 0, fmt.Errorf("shard %d: %w", i, err)
		}
		for _, sl := range s.slots {
			if sl.ref != 0 && (branchOf(sl.hash) != number || b.shardOf(sl.hash) != uint64(i)) {
				return 0, fmt.Errorf("shard %d holds hash %x", i, sl.hash)
			}
			if sl.ref != 0 && t.keyedWrong(s, sl) {
				return 0, fmt.Errorf("shard %d holds %q under hash %x", i, s.key(sl.ref), sl.hash)
			}
		}
		items += s.count
		bytes += s.live()
	}
	if bytes != b.bytes || bytes == 0 || len(b.shards) != 1<<b.depth || bytes > fullShard<<b.depth && b.depth < maxDepth {
		return 0, fmt.Errorf("%d bytes in %d shards, counted as %d at depth %d", bytes, len(b.shards), b.bytes, b.depth)
	}
	return items, nil
}

// keyedWrong reports whether a slot's hash is not that of its key. Tests that choose hashes leave the hash key zero.
func (t *table) keyedWrong(s *shard, sl slot) bool {
	return t.hashKey != [2]uint64{} && t.hash(s.key(sl.ref)) != sl.hash
}

// shardError checks the invariant of the slots (sorted, at or behind home, no gap between), the counts, and that arena
// and waste stay within the bound that compaction promises.
func shardError(s *shard) error {
	count, live, last := 0, 0, uint64(0)
	for at, sl := range s.slots {
		if sl.ref == 0 {
			continue
		}
		home := s.home(sl.hash)
		switch {
		case home > at:
			return fmt.Errorf("slot %d stands before its home %d", at, home)
		case count > 0 && sl.hash < last:
			return fmt.Errorf("slot %d: hash %x after %x", at, sl.hash, last)
		case home < at && s.slots[at-1].ref == 0:
			return fmt.Errorf("slot %d: a gap between it and its home %d", at, home)
		case at > 0 && s.slots[at-1].hash == sl.hash && s.slots[at-1].ref != 0 &&
			string(s.key(s.slots[at-1].ref)) == string(s.key(sl.ref)):
			return fmt.Errorf("slot %d: key %q twice", at, s.key(sl.ref))
		}
		count, last = count+1, sl.hash
		live += len(s.record(sl.ref))
	}
	switch {
	case count != s.count:
		return fmt.Errorf("%d slots taken, %d counted", count, s.count)
	case live+s.waste != len(s.arena):
		return fmt.Errorf("arena of %d bytes, %d live and %d waste", len(s.arena), live, s.waste)
	case s.waste >= compactAbove && s.waste >= len(s.arena)/2:
		return fmt.Errorf("arena of %d bytes has %d waste", len(s.arena), s.waste)
	case s.count > fullSlots(int(s.homes)):
		return fmt.Errorf("%d items in %d homes", s.count, s.homes)
	}
	return nil
}
