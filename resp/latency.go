package resp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var latencyCommands = []command{
	{name: "latency", arity: -2, summary: "A container for commands about latency.", subs: []command{
		{name: "latency|doctor", arity: 2, flags: "admin noscript loading stale", local: latencyDoctor, barrier: true, queues: true, stale: true,
			summary: "Says in sentences how long commands took.", reply: "verbatim string"},
		{name: "latency|histogram", arity: -2, flags: "admin noscript loading stale", syntax: "[command [command ...]]", local: latencyHistogram, barrier: true, queues: true, stale: true,
			summary: "Tells how often each command took how long.", reply: "map: for each command its calls, and how many took at most so many microseconds", cost: "O(N), N commands"},
		{name: "latency|history", arity: 3, flags: "admin noscript loading stale", syntax: "event", local: latencyHistory, barrier: true, queues: true, stale: true,
			summary: "Returns the latest spikes of an event: command, or fast-command.", reply: "array: for each its second since 1970 and its milliseconds"},
		{name: "latency|latest", arity: 2, flags: "admin noscript loading stale", local: latencyLatest, barrier: true, queues: true, stale: true,
			summary: "Returns the latest and the longest spike of each event.", reply: "array: for each event its name, the latest spike's second since 1970, its milliseconds, and those of the longest"},
		{name: "latency|reset", arity: -2, flags: "admin noscript loading stale", syntax: "[event [event ...]]", local: latencyReset, barrier: true, queues: true, stale: true,
			summary: "Forgets the spikes of some events, or of all.", reply: "integer: how many events were forgotten"},
		{name: "latency|help", arity: 2, flags: "loading stale", summary: "Prints this help.", reply: "array: lines", stale: true, local: help},
	}},
}

// The events. As in Redis a command that is flagged fast has its own.
const (
	eventCommand     = "command"
	eventFastCommand = "fast-command"
)

// spike is the longest that a command took of those that were answered in one second.
type spike struct{ at, millis int64 }

type spikes struct {
	latest  []spike // the oldest first
	longest int64
}

// latencyMonitor remembers when commands took longer than a threshold.
type latencyMonitor struct {
	millis atomic.Int64 // the threshold; 0: off

	mu     sync.Mutex
	events map[string]*spikes
}

func (m *latencyMonitor) notes(d time.Duration) bool {
	millis := m.millis.Load()
	return millis > 0 && d.Milliseconds() >= millis
}

func (m *latencyMonitor) add(event string, now spike) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.events == nil {
		m.events = map[string]*spikes{}
	}
	e := m.events[event]
	if e == nil {
		e = &spikes{}
		m.events[event] = e
	}
	e.longest = max(e.longest, now.millis)
	if n := len(e.latest); n > 0 && e.latest[n-1].at == now.at {
		e.latest[n-1].millis = max(e.latest[n-1].millis, now.millis)
		return
	}
	e.latest = append(e.latest, now)
	if len(e.latest) > maxSpikes {
		e.latest = slices.Clone(e.latest[1:])
	}
}

// history is what is known of each event by its name.
func (m *latencyMonitor) history() map[string]spikes {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]spikes{}
	for name, e := range m.events {
		all[name] = spikes{latest: slices.Clone(e.latest), longest: e.longest}
	}
	return all
}

// forget drops the named events, or all, and returns how many there were.
func (m *latencyMonitor) forget(names [][]byte) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(names) == 0 {
		n, m.events = len(m.events), nil
		return n
	}
	for _, name := range names {
		if _, known := m.events[string(name)]; known {
			delete(m.events, string(name))
			n++
		}
	}
	return n
}

// rewatch sets the shortest duration that anybody wants to hear of, so that most commands are compared with one number.
func (d *door) rewatch() {
	least := time.Duration(1<<63 - 1)
	if micros := d.slowlog.micros.Load(); micros >= 0 {
		least = time.Duration(min(micros, int64(least)/1000)) * time.Microsecond
	}
	if millis := d.latency.millis.Load(); millis > 0 {
		least = min(least, time.Duration(min(millis, int64(least)/1000_000))*time.Millisecond)
	}
	d.watched.Store(int64(least))
}

// watchSpot notes a command that took long, whose arguments are still there.
func (d *door) watchSpot(s *session, c *command, args [][]byte, each time.Duration) {
	if int64(each) < d.watched.Load() {
		return
	}
	d.spike(c, each)
	if d.slowlog.notes(each) {
		s.noteSpot(c, args, each)
	}
}

// watchSlots notes equal commands of a unit that took long.
func (d *door) watchSlots(s *session, u *unit, from, to int, each time.Duration) {
	if int64(each) < d.watched.Load() {
		return
	}
	d.spike(u.slots[from].command, each)
	if d.slowlog.notes(each) {
		s.noteSlots(u, from, to, each)
	}
}

func (d *door) spike(c *command, each time.Duration) {
	if !d.latency.notes(each) {
		return
	}
	event := eventCommand
	if c.fast {
		event = eventFastCommand
	}
	d.latency.add(event, spike{d.now().Unix(), each.Milliseconds()})
}

// LATENCY LATEST
func latencyLatest(s *session, w *writer, _ [][]byte) {
	history := s.door.latency.history()
	w.Array(len(history))
	for _, name := range slices.Sorted(maps.Keys(history)) {
		e := history[name]
		last := e.latest[len(e.latest)-1]
		w.Array(4)
		w.BulkString(name)
		w.Int(last.at)
		w.Int(last.millis)
		w.Int(e.longest)
	}
}

// LATENCY HISTORY event
func latencyHistory(s *session, w *writer, args [][]byte) {
	e := s.door.latency.history()[string(args[2])]
	w.Array(len(e.latest))
	for _, one := range e.latest {
		w.Array(2)
		w.Int(one.at)
		w.Int(one.millis)
	}
}

// LATENCY RESET [event …]
func latencyReset(s *session, w *writer, args [][]byte) {
	w.Int(int64(s.door.latency.forget(args[2:])))
}

// LATENCY DOCTOR
func latencyDoctor(s *session, w *writer, _ [][]byte) {
	millis := s.door.latency.millis.Load()
	history := s.door.latency.history()
	if millis == 0 {
		w.Verbatim("Latency monitoring is off; CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n")
		return
	}
	if len(history) == 0 {
		w.Verbatim(fmt.Sprintf("No command took %d ms or longer.\n", millis))
		return
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(history)) {
		e := history[name]
		fmt.Fprintf(&b, "%s: seconds with one of %d ms or longer: %d; the longest took %d ms.\n", name, millis, len(e.latest), e.longest)
	}
	b.WriteString("A write waits for the disks of a majority and the network between them; TRUECOUNT STATUS tells which member lags, SLOWLOG GET which keys were asked for.\n")
	w.Verbatim(b.String())
}

// LATENCY HISTOGRAM [command …]; a container stands for its subcommands.
func latencyHistogram(s *session, w *writer, args [][]byte) {
	if err := tooManyNames(args[2:]); err != nil {
		w.Error(err.Error())
		return
	}
	var wanted []*command
	if len(args) == 2 {
		wanted = s.door.table.rows
	}
	for _, arg := range args[2:] {
		if c := s.door.table.named(arg); c != nil && !slices.Contains(wanted, c) {
			wanted = append(wanted, c)
		}
	}
	var measured []*command
	for _, c := range wanted {
		for _, one := range c.each() {
			if h := one.tally.latency.Load(); h != nil && h.total() > 0 {
				measured = append(measured, one)
			}
		}
	}
	w.Map(len(measured))
	for _, c := range measured {
		w.BulkString(c.name)
		c.tally.latency.Load().describe(w)
	}
}

// describe writes how many durations there are, and how many up to the end of each octave that has any.
func (h *histogram) describe(w *writer) {
	var ends, counts []int64
	sum := int64(0)
	for i := range octaves {
		if n := h.octave(i); n > 0 {
			sum += int64(n)
			ends, counts = append(ends, octaveMicros(i)), append(counts, sum)
		}
	}
	w.Map(2)
	w.BulkString("calls")
	w.Int(sum)
	w.BulkString("histogram_usec")
	w.Map(len(ends))
	for i, end := range ends {
		w.Int(end)
		w.Int(counts[i])
	}
}
