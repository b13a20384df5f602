package workload

import (
	"slices"
	"strconv"
	"sync"
)

// lineage is short-lived keys, one after the other, that several clients share.
type lineage struct {
	prefix string
	most   int // operations on a key

	mu      sync.Mutex
	now     string
	used    int
	unknown int
}

// mostUnknown is how many operations of a key may have an unknown outcome before it is left: each doubles the search.
const mostUnknown = 3

func newLineage(prefix string, most int) *lineage { return &lineage{prefix: prefix, most: most} }

// key is where the next operation goes.
func (l *lineage) key(ring *keyring) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == "" || l.used >= l.most || l.unknown >= mostUnknown {
		l.now, l.used, l.unknown = ring.fresh(l.prefix), 0, 0
	}
	l.used++
	return l.now
}

// spoil notes that an operation on a key has an unknown outcome.
func (l *lineage) spoil(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key == l.now {
		l.unknown++
	}
}

// keyring knows the keys of a run.
type keyring struct {
	mu    sync.Mutex
	named map[string][]string // by prefix
}

// fresh is a key that nobody has used.
func (k *keyring) fresh(prefix string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.named == nil {
		k.named = map[string][]string{}
	}
	key := prefix + ":" + strconv.Itoa(len(k.named[prefix]))
	k.named[prefix] = append(k.named[prefix], key)
	return key
}

// all are the keys of a prefix, so far.
func (k *keyring) all(prefix string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.named[prefix])
}

// still counts another operation on a key of earlier, and reports whether it has room for more.
func (l *lineage) still(key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key == l.now {
		l.used++
	}
	return key == l.now && l.used < l.most && l.unknown < mostUnknown
}
