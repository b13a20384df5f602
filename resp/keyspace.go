package resp

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/truecount/truecount/fsm"
)

// Keyspace notifications: each change of a key becomes a message on every node that applies it, if its door was told to send
// them (CONFIG SET notify-keyspace-events). As in Redis:
//
//	__keyspace@0__:key      the event's name        class K
//	__keyevent@0__:event    the key                 class E
//
// The cluster calls hear while it applies, which must not wait for anything. So events are queued, and a goroutine publishes
// them; beyond the bounds of the queue, maxEvents and maxEventBytes, they are dropped and counted.

// classes are what notifications are sent of, a bit for each letter of classLetters.
type classes uint32

// classLetters are Redis's, in the order in which it tells them; A stands for the first ones, allClasses.
const (
	classLetters = "g$lshzxetdnKEm"
	allClasses   = classes(1<<10 - 1)
)

func letter(c byte) classes { return 1 << strings.IndexByte(classLetters, c) }

// classOf is what an event is; 0: nothing that Redis has a notification for.
func classOf(event string) classes {
	switch event {
	case "set", "incrby", "incrbyfloat", "append", "setrange", "park", "return":
		return letter('$')
	case "del", "expire", "persist", "rename_from", "rename_to", "copy_to":
		return letter('g')
	case "expired":
		return letter('x')
	}
	return 0
}

func parseClasses(text string) (all classes, ok bool) {
	for i := range len(text) {
		switch {
		case text[i] == 'A':
			all |= allClasses
		case strings.IndexByte(classLetters, text[i]) < 0:
			return 0, false
		default:
			all |= letter(text[i])
		}
	}
	return all, true
}

func (c classes) String() string {
	var b strings.Builder
	letters := classLetters
	if c&allClasses == allClasses {
		b.WriteByte('A')
		letters = letters[strings.IndexByte(letters, 'K'):]
	}
	for i := range len(letters) {
		if c&letter(letters[i]) != 0 {
			b.WriteByte(letters[i])
		}
	}
	return b.String()
}

// keyspace is the way of events from the cluster to the channels. The zero value is off.
type keyspace struct {
	wanted  atomic.Uint32 // classes
	dropped atomic.Uint64
	lost    func() // says that some were dropped
	said    uint64 // of dropped; tellEvents's own

	mu      sync.Mutex
	queue   []keyEvent
	size    int  // bytes of keys in queue
	telling bool // tellEvents is running, or about to
	closed  bool
}

type keyEvent struct {
	name   string
	key    []byte
	wanted classes // when it happened, whatever was set since
}

// notifyKeyspaceEvents sets the classes, in Redis's letters. An error has the text that Redis gives as the reason.
func (d *door) notifyKeyspaceEvents(text string) error {
	c, ok := parseClasses(text)
	if !ok {
		return replyError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	d.keyspace.wanted.Store(uint32(c))
	if c&(letter('K')|letter('E')) == 0 {
		d.cluster.Observe(nil)
		return nil
	}
	d.cluster.Observe(d.hear)
	return nil
}

// keyspaceEvents tells the classes as Redis does.
func (d *door) keyspaceEvents() string { return classes(d.keyspace.wanted.Load()).String() }

// hear queues an event.
func (d *door) hear(e fsm.Event) {
	k := &d.keyspace
	wanted := classes(k.wanted.Load())
	if wanted&classOf(e.Name) == 0 || !d.switchboard.crowded.Load() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return
	case len(k.queue) >= maxEvents || k.size+len(e.Key) > maxEventBytes:
		k.dropped.Add(1)
		return
	}
	k.queue = append(k.queue, keyEvent{e.Name, append([]byte(nil), e.Key...), wanted})
	k.size += len(e.Key)
	if !k.telling {
		k.telling = true
		d.crowd.aside(d.tellEvents)
	}
}

// tellEvents publishes what is queued, and ends.
func (d *door) tellEvents() {
	k := &d.keyspace
	for {
		k.mu.Lock()
		queue := k.queue
		k.queue, k.size = nil, 0
		k.telling = len(queue) > 0
		k.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, e := range queue {
			if e.wanted&letter('K') != 0 {
				d.switchboard.publish(channels, append([]byte("__keyspace@0__:"), e.key...), []byte(e.name))
			}
			if e.wanted&letter('E') != 0 {
				d.switchboard.publish(channels, append([]byte("__keyevent@0__:"), e.name...), e.key)
			}
		}
		if n := k.dropped.Load(); n != k.said && k.lost != nil {
			k.said = n
			k.lost()
		}
	}
}

// closeKeyspace ends the events for good: no goroutine is started any more.
func (d *door) closeKeyspace() {
	d.setting.Lock()
	defer d.setting.Unlock()
	k := &d.keyspace
	if classes(k.wanted.Load())&(letter('K')|letter('E')) != 0 {
		d.cluster.Observe(nil)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
}
