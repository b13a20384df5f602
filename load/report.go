package load

import (
	"cmp"
	"runtime"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a run has found. As JSON it is stable: names may be added; those of quantities end in their units.
type Report struct {
	Settings Settings `json:"settings"`
	Ended    string   `json:"ended"`     // "as planned", or why earlier
	ElapsedS float64  `json:"elapsed_s"` // of the measurement
	// LatencyOf says what latencies are: "service time", from sending (closed loop); or "since due" (open loop).
	LatencyOf string  `json:"latency_of"`
	Total     Figures `json:"total"`
	ByOp      []Op    `json:"by_op"`
	ByNode    []Node  `json:"by_node"`
	Errors    []Error `json:"errors"`  // most frequent first
	Missing   int64   `json:"missing"` // reads that found no key
	// Unsent are commands that were due in an open loop and could not be sent before its end. In total.latency_ms and
	// by_node they are, with the time that they had waited until then.
	Unsent         int64    `json:"unsent"`
	WakeLateMs     *Latency `json:"wake_late_ms,omitempty"` // open loop: how late this program woke; above 1 ms it is in the latencies, too
	LongestSilence Silence  `json:"longest_silence"`
	Disturbances   []Event  `json:"disturbances"`
	Timeline       []Second `json:"timeline"`
	Verify         *Verdict `json:"verify,omitempty"`
}

// Settings are what the run was asked for.
type Settings struct {
	Nodes        []string `json:"nodes"`
	Clients      int      `json:"clients"`
	Pipeline     int      `json:"pipeline"`
	DurationS    float64  `json:"duration_s,omitempty"`
	Requests     int64    `json:"requests,omitempty"`
	WarmupS      float64  `json:"warmup_s"`
	Loop         string   `json:"loop"` // "closed" or "open"
	RateOpsPerS  float64  `json:"rate_ops_per_s,omitempty"`
	Op           string   `json:"op"`
	Keys         int      `json:"keys"`
	Distribution string   `json:"distribution"`
	KeyPrefix    string   `json:"key_prefix"` // with Verify, the one that was made for this run
	Level        string   `json:"level,omitempty"`
	Wait         int      `json:"wait,omitempty"`
	Seed         uint64   `json:"seed"`
	Threads      int      `json:"threads"` // GOMAXPROCS
}

// Speed is of commands that were acknowledged.
type Speed struct {
	Ops       int64   `json:"ops"`
	OpsPerS   float64 `json:"ops_per_s"`
	LatencyMs Latency `json:"latency_ms"`
}

// Figures are Speed, and what was not acknowledged, in commands.
type Figures struct {
	Speed
	Refused    int64 `json:"refused"`    // surely not applied: CLUSTERDOWN and such
	Unknown    int64 `json:"unknown"`    // maybe applied: UNKNOWN, a broken connection, no answer
	Other      int64 `json:"other"`      // a definite no
	Reconnects int64 `json:"reconnects"` // connections that replaced a broken one
}

// Latency is a distribution in milliseconds; all are 0 if there was nothing.
type Latency struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99_9"`
	Max  float64 `json:"max"`
}

// Op is one operation's Speed.
type Op struct {
	Op string `json:"op"`
	Speed
}

// Node is one node's Figures. A command belongs to the node that it was sent to.
type Node struct {
	Node string `json:"node"`
	Figures
}

// Error is a kind of error, by its first word; those that have none stand in parentheses.
type Error struct {
	Word   string `json:"word"`
	Family string `json:"family"` // "refused", "unknown" or "other"
	Count  int64  `json:"count"`
	First  string `json:"first"` // the text of one
}

// Silence is the longest time without any acknowledgement, and when it began.
type Silence struct {
	Ms  float64 `json:"ms"`
	AtS float64 `json:"at_s"`
}

// Event is a disturbance, and the longest silence from then to the next one.
type Event struct {
	AtS       float64 `json:"at_s"`
	What      string  `json:"what"`
	Failed    bool    `json:"failed"` // What says why nothing was disturbed
	SilenceMs float64 `json:"silence_ms"`
}

// Second are the figures of a second or so, which ended at AtS.
type Second struct {
	AtS     float64 `json:"at_s"`
	OpsPerS float64 `json:"ops_per_s"`
	P99Ms   float64 `json:"p99_ms"`
	Errors  int64   `json:"errors"`
}

// OK reports whether there is something to report, and it agrees with what the keys hold.
func (r *Report) OK() bool { return r.Total.Ops > 0 && (r.Verify == nil || r.Verify.OK()) }

func newReport(p *phase) *Report {
	elapsed := p.end - p.start
	r := &Report{Settings: newSettings(p), Ended: "as planned", ElapsedS: elapsed.Seconds(), LatencyOf: "service time",
		ByOp: []Op{}, ByNode: []Node{}, Errors: []Error{}, Disturbances: append([]Event{}, p.events...),
		Timeline:       append([]Second{}, p.timeline...),
		LongestSilence: Silence{Ms: milliseconds(p.longest.Length), AtS: p.longest.From.Seconds()}}
	if p.schedule.open() {
		r.LatencyOf = "since due"
	}
	if p.stopped != nil {
		r.Ended = p.stopped.Error()
	}
	var total figures
	for node := range p.byNode {
		total.add(&p.byNode[node])
		r.ByNode = append(r.ByNode, Node{p.Nodes[node], newFigures(&p.byNode[node], elapsed)})
	}
	for k, h := range total.latency {
		if h != nil {
			r.ByOp = append(r.ByOp, Op{kind(k).String(), newSpeed(h.TotalCount(), h, elapsed)})
		}
	}
	r.Total, r.Errors, r.Missing = newFigures(&total, elapsed), newErrors(total.words), total.missing
	if total.unsent != nil {
		r.Unsent = total.unsent.TotalCount()
	}
	if total.late != nil {
		late := newLatency(total.late)
		r.WakeLateMs = &late
	}
	return r
}

func newSettings(p *phase) Settings {
	s := Settings{Nodes: p.Nodes, Clients: p.Clients, Pipeline: p.Pipeline, DurationS: p.Duration.Seconds(), Requests: p.Requests,
		WarmupS: p.Warmup.Seconds(), Loop: "closed", RateOpsPerS: p.Rate, Op: p.Operation.String(), Keys: p.Keys,
		Distribution: p.Distribution.String(), KeyPrefix: p.KeyPrefix, Level: p.Level, Wait: p.Wait, Seed: p.Seed,
		Threads: runtime.GOMAXPROCS(0)}
	if p.schedule.open() {
		s.Loop = "open"
	}
	if p.Keys == 1 {
		s.Distribution = Distribution{hot: true}.String()
	}
	return s
}

func newErrors(words map[string]*word) []Error {
	list := []Error{}
	for code, w := range words {
		list = append(list, Error{Word: code, Family: w.family.String(), Count: w.count, First: w.first})
	}
	slices.SortFunc(list, func(a, b Error) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word, b.Word)) })
	return list
}

func newFigures(f *figures, elapsed time.Duration) Figures {
	return Figures{Speed: newSpeed(f.acknowledged(), f.all(), elapsed), Refused: f.failed[refused], Unknown: f.failed[unknown],
		Other: f.failed[other], Reconnects: f.reconnects}
}

func newSpeed(ops int64, latency *hdrhistogram.Histogram, elapsed time.Duration) Speed {
	return Speed{Ops: ops, OpsPerS: perSecond(ops, elapsed), LatencyMs: newLatency(latency)}
}

func newLatency(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	ms := func(value int64) float64 { return milliseconds(time.Duration(value) * latencyUnit) }
	at := func(percent float64) float64 { return ms(h.ValueAtPercentile(percent)) }
	mean := h.Mean() * float64(latencyUnit) / float64(time.Millisecond)
	return Latency{Mean: mean, P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: ms(h.Max())}
}

func newSecond(f *figures, at, length time.Duration) Second {
	return Second{AtS: at.Seconds(), OpsPerS: perSecond(f.acknowledged(), length), P99Ms: newLatency(f.all()).P99, Errors: f.errors()}
}

func perSecond(n int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
