package resp

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/truecount/truecount/fsm"
)

// kind is a name space of subscriptions.
type kind uint8

const (
	channels kind = iota
	patterns
	shards // channels of SSUBSCRIBE, which are a name space of their own and nothing else: there are no shards
	kinds
)

// switchboard knows who listens to what on this node. The zero value is ready. Its lock is held while a message is posted, so all
// mailboxes get messages in the same order, and none after it left.
type switchboard struct {
	mu           sync.Mutex
	listeners    [kinds]map[string]audience
	patternBytes int
	monitors     audience

	crowded atomic.Bool // somebody listens to a channel or a pattern; for a look without the lock
}

type audience map[*mailbox]struct{}

func (e *switchboard) join(k kind, name string, b *mailbox) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.listeners[k]
	if all == nil {
		all = map[string]audience{}
		e.listeners[k] = all
	}
	if all[name] == nil {
		if k == patterns {
			if e.patternBytes+len(name) > maxPatternBytes {
				return replyError(fmt.Sprintf("ERR too many patterns: those of all connections of this node may have %d bytes together", maxPatternBytes))
			}
			e.patternBytes += len(name)
		}
		all[name] = audience{}
	}
	all[name][b] = struct{}{}
	e.noteCrowd()
	return nil
}

func (e *switchboard) leave(k kind, name string, b *mailbox) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.listeners[k][name], b)
	if len(e.listeners[k][name]) > 0 {
		return
	}
	delete(e.listeners[k], name)
	if k == patterns {
		e.patternBytes -= len(name)
	}
	e.noteCrowd()
}

// noteCrowd sets crowded. Needs the lock.
func (e *switchboard) noteCrowd() {
	e.crowded.Store(len(e.listeners[channels])+len(e.listeners[patterns]) > 0)
}

// publish posts a message to who listens to a channel, and to patterns that match it, and tells how often it was posted.
func (e *switchboard) publish(k kind, channel, payload []byte) (times int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	times = e.listeners[k][string(channel)].post(k.word(), channel, payload)
	if k == shards {
		return times
	}
	for pattern, listeners := range e.listeners[patterns] {
		if (fsm.Glob{Pattern: []byte(pattern)}).Matches(channel) {
			times += listeners.post("pmessage", []byte(pattern), channel, payload)
		}
	}
	return times
}

// word is what begins a message of that kind.
func (k kind) word() string { return [...]string{"message", "pmessage", "smessage"}[k] }

func (a audience) post(word string, parts ...[]byte) (times int) {
	if len(a) == 0 {
		return 0
	}
	m := &message{write: func(w *writer) {
		w.Push(1 + len(parts))
		w.BulkString(word)
		for _, part := range parts {
			w.Bulk(part)
		}
	}}
	for mailbox := range a {
		mailbox.post(m)
	}
	return len(a)
}

// count is how many listen to a name.
func (e *switchboard) count(k kind, name []byte) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.listeners[k][string(name)])
}

// size is how many names somebody listens to.
func (e *switchboard) size(k kind) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.listeners[k])
}

// names are those that somebody listens to, in order.
func (e *switchboard) names(k kind) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.listeners[k]))
}
