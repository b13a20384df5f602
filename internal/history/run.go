package history

import "time"

// Run is all that a checker gets to know of a run: the header, what clients did and saw, the faults, and what was looked at.
// On disk it is a file of JSON lines, each an object with one member: run, op, fault, look.
type Run struct {
	Header Header
	Ops    []Op
	Faults []Fault
	Looks  []Look
}

// Header says what ran and how to run it again.
type Header struct {
	Program string        `json:"program"`          // sim or faults
	Seed    uint64        `json:"seed"`             //
	Commit  string        `json:"commit,omitempty"` //
	Nodes   int           `json:"nodes"`            //
	Config  string        `json:"config,omitempty"` // what was drawn for this run, as text
	Repeat  string        `json:"repeat"`           // the command that runs it again
	Length  time.Duration `json:"length"`           // in ns
	Lease   time.Duration `json:"lease,omitempty"`  // the lease of all instances, in ns

	// What the run promises, for available, valid, expiry and lease. What is 0 or missing isn't judged, but Late.
	Pauses map[string]time.Duration `json:"pauses,omitempty"` // by Fault.Kind ("": near none), how long nothing may be acknowledged, in ns
	Rate   float64                  `json:"rate,omitempty"`   // acknowledgements a second, at least: before, between and after the faults
	Early  time.Duration            `json:"early,omitempty"`  // how long before its time what has a TTL, or a lease, may be missing, in ns
	Late   time.Duration            `json:"late,omitempty"`   // how long after its time what ends may still be there, in ns; 0: DefaultLate
}

// DefaultLate is for Header.Late: twice the 5 s for which the lease clock stands still behind an outage.
const DefaultLate = 10 * time.Second

// Fault is something that was done to the cluster.
type Fault struct {
	Kind   string        `json:"kind"`             // kill, pause, cut, …
	Target string        `json:"target,omitempty"` // a node, a link such as n1>n2, "all"
	Leader bool          `json:"leader,omitempty"` // the target led when it began
	Detail string        `json:"detail,omitempty"` //
	At     time.Duration `json:"at"`               // since the run began, in ns
	End    time.Duration `json:"end,omitempty"`    // when it was healed; 0: it needs no healing
	Effect string        `json:"effect,omitempty"` // the proof that it acted: "312 packets dropped", "term 4 to 5". Empty: none was seen
}

// Look is one node looked at, by its status and not as a client.
type Look struct {
	Node   string        `json:"node"`
	At     time.Duration `json:"at"`
	Final  bool          `json:"final,omitempty"` // all is healed and quiet: every node must answer the same
	Index  uint64        `json:"index,omitempty"`
	Digest uint64        `json:"digest,omitempty"` // 0: it was not asked for
	Term   uint64        `json:"term,omitempty"`
	Leader string        `json:"leader,omitempty"` // of that term, as the node says

	// Counters are the totals that the node answered, by key, and Slices the live slices of instance counters, by key and instance. A key
	// that was asked for and is missing is there with 0, and without slices: what isn't there, nobody asked for.
	Counters map[string]int64            `json:"counters,omitempty"`
	Slices   map[string]map[string]int64 `json:"slices,omitempty"`
	Wrong    string                      `json:"wrong,omitempty"` // what must not be and needs no checker: a panic in the log, an exit code
}

// Verdict is what one checker says of a run.
type Verdict struct {
	Checker string `json:"checker"`           // its name: see Verify
	Checked int    `json:"checked"`           // operations, readings or whatever it looks at
	Error   string `json:"error,omitempty"`   // what clashed; of an Invalid verdict, what is missing. Empty: all is well
	Invalid bool   `json:"invalid,omitempty"` // it proves nothing in this respect (an undecided search, too): no anomaly, and no pass
}

// Passed reports whether all is well.
func (v Verdict) Passed() bool { return v.Error == "" && !v.Invalid }

// Anomaly reports whether the service did what it must not.
func (v Verdict) Anomaly() bool { return v.Error != "" && !v.Invalid }
