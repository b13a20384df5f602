package fsm

import "github.com/tidwall/btree"

// maxExpired bounds how many keys one Entry removes because their time has come. What is left waits for the next Entry;
// Ops see it as gone already.
const maxExpired = 1000

// due is one place in the deadline queue. Two keys of one hash and one deadline share it.
type due struct {
	deadline int64
	hash     uint64
}

// deadlines is the queue of what ends when: earliest first, then in hash order, so that every replica ends the same
// things in the same Entry.
type deadlines struct{ queue *btree.BTreeG[due] }

func newDeadlines() deadlines {
	return deadlines{btree.NewBTreeGOptions(func(a, b due) bool {
		return a.deadline < b.deadline || a.deadline == b.deadline && a.hash < b.hash
	}, btree.Options{NoLocks: true})}
}

func (d deadlines) add(hash uint64, deadline int64) {
	if deadline != 0 {
		d.queue.Set(due{deadline, hash})
	}
}

func (d deadlines) remove(hash uint64, deadline int64) {
	if deadline != 0 {
		d.queue.Delete(due{deadline, hash})
	}
}

// next returns the earliest deadline.
func (d deadlines) next() (due, bool) { return d.queue.Min() }

// expire removes keys whose deadline has passed, at most maxExpired places of the queue.
func (m *Machine) expire() {
	for range maxExpired {
		first, ok := m.deadlines.next()
		if !ok || first.deadline > m.now {
			return
		}
		m.deadlines.remove(first.hash, first.deadline)
		var ended [][]byte // one, but for colliding hashes
		m.table.ascend(first.hash, func(hash uint64, key []byte, it item) bool {
			if hash == first.hash && it.deadline == first.deadline {
				ended = append(ended, append([]byte(nil), key...))
				m.used -= cost(key, &it)
			}
			return hash == first.hash
		})
		for _, key := range ended {
			m.table.delete(first.hash, key)
			m.versions.touch(first.hash, m.index)
			m.ended(key)
		}
	}
}
