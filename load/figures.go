package load

import (
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	latencyUnit   = time.Microsecond
	maxLatency    = 10 * time.Minute // what took longer counts as this long
	latencyDigits = 3                // significant ones

	shardsPerNode = 4    // workers of a node meet on so many locks
	maxSteps      = 1000 // in which a worker's unsent pipelines are recorded
	maxWords      = 20   // first words of errors that are told apart; the rest is otherWord
	otherWord     = "(more)"
)

// family is what an error says about its command.
type family uint8

const (
	refused  family = iota // surely not applied: it may be repeated
	unknown                // it may have been applied
	other                  // a definite no
	families int    = iota
)

// String is the family's name in the output.
func (f family) String() string {
	return [families]string{refused: "refused", unknown: "unknown", other: "other"}[f]
}

// familyOf goes by the first word of an error. The list is Truecount's and Redis's.
func familyOf(word string) family {
	switch word {
	case "CLUSTERDOWN", "TRYAGAIN", "LOADING", "MISCONF", "MASTERDOWN", "NOREPLICAS", "READONLY", "BUSY":
		return refused
	case "UNKNOWN":
		return unknown
	}
	return other
}

// firstWord is the code of an error.
func firstWord(text string) string {
	word, _, _ := strings.Cut(text, " ")
	return word
}

// figures are what was counted and measured.
type figures struct {
	latency    [kinds]*hdrhistogram.Histogram // of what was acknowledged; nil until there is one
	late       *hdrhistogram.Histogram        // by how much workers woke too late in an open loop; nil until they slept
	unsent     *hdrhistogram.Histogram        // by how long those that were due waited and were never sent; nil: none
	failed     [families]int64
	words      map[string]*word
	missing    int64 // reads that found no key
	reconnects int64
}

// word is an error's first word, how often it came, and its text the first time.
type word struct {
	family family
	count  int64
	first  string
}

func newHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, int64(maxLatency/latencyUnit), latencyDigits)
}

// acknowledge adds n commands that took so long.
func (f *figures) acknowledge(k kind, took time.Duration, n int64) {
	if f.latency[k] == nil {
		f.latency[k] = newHistogram()
	}
	record(f.latency[k], took, n)
}

func (f *figures) wake(late time.Duration) {
	if f.late == nil {
		f.late = newHistogram()
	}
	record(f.late, late, 1)
}

// miss adds the worker's pipelines of so many commands from number n on that were due before end: they have waited until then,
// at least.
func (f *figures) miss(s schedule, worker int, n int64, end time.Duration, commands int64) {
	missed := s.overdue(worker, n, end)
	if missed > 0 && f.unsent == nil {
		f.unsent = newHistogram()
	}
	for step := 1 + missed/maxSteps; missed > 0; missed -= step {
		step = min(step, missed)
		record(f.unsent, end-s.due(worker, n), step*commands)
		n += step
	}
}

// record can't fail: the value is within the histogram's range.
func record(h *hdrhistogram.Histogram, took time.Duration, n int64) {
	_ = h.RecordValues(int64(min(max(took, 0), maxLatency)/latencyUnit), n)
}

// fail adds n commands that failed for one reason. Its first word is the code.
func (f *figures) fail(fam family, code, text string, n int64) {
	f.failed[fam] += n
	f.addWord(code, word{family: fam, count: n, first: text})
}

func (f *figures) addWord(code string, w word) {
	if f.words == nil {
		f.words = make(map[string]*word)
	}
	if f.words[code] == nil && len(f.words) >= maxWords {
		code = otherWord
	}
	if f.words[code] == nil {
		f.words[code] = &word{family: w.family, first: w.first}
	}
	f.words[code].count += w.count
}

// add adds what another has.
func (f *figures) add(g *figures) {
	for k, h := range g.latency {
		f.latency[k] = merge(f.latency[k], h)
	}
	f.late = merge(f.late, g.late)
	f.unsent = merge(f.unsent, g.unsent)
	for fam, n := range g.failed {
		f.failed[fam] += n
	}
	for code, w := range g.words {
		f.addWord(code, *w)
	}
	f.missing += g.missing
	f.reconnects += g.reconnects
}

func merge(into, from *hdrhistogram.Histogram) *hdrhistogram.Histogram {
	if from == nil || from.TotalCount() == 0 {
		return into
	}
	if into == nil {
		into = newHistogram()
	}
	into.Merge(from)
	return into
}

// reset empties f and keeps its histograms' memory.
func (f *figures) reset() {
	for _, h := range []*hdrhistogram.Histogram{f.latency[incr], f.latency[get], f.latency[set], f.late, f.unsent} {
		if h != nil {
			h.Reset()
		}
	}
	*f = figures{latency: f.latency, late: f.late, unsent: f.unsent}
}

// acknowledged is how many commands were.
func (f *figures) acknowledged() int64 {
	sum := int64(0)
	for _, h := range f.latency {
		if h != nil {
			sum += h.TotalCount()
		}
	}
	return sum
}

// all is the latency of all commands, and how long those that were never sent have waited.
func (f *figures) all() *hdrhistogram.Histogram {
	sum := merge(newHistogram(), f.unsent)
	for _, h := range f.latency {
		merge(sum, h)
	}
	return sum
}

func (f *figures) errors() int64 {
	sum := int64(0)
	for _, n := range f.failed {
		sum += n
	}
	return sum
}

// shard is where some workers of one node note what they see. A collector takes it away now and then.
type shard struct {
	mu  sync.Mutex
	now *figures
}

// swap hands out what was noted and leaves empty figures.
func (s *shard) swap(empty *figures) *figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	full := s.now
	s.now = empty
	return full
}
