package demo

// What has happened to the node of an Outcome.
const (
	ActKilled  = "killed" // its process has ended, whoever ended it
	ActStarted = "started"
)

// Outcome is what came of the death or the start of a node. Times count from that moment, in milliseconds.
//
// If Waiting is set, counting could not go on, and what stands behind it is not known, but for the figures of the last
// comparison. After the start of a node, the times of leader and recovery are given if HadWaited: if writes had waited.
type Outcome struct {
	Act       string `json:"act"`
	Node      string `json:"node"`
	PID       int    `json:"pid"`
	How       string `json:"how,omitempty"`  // "kill -9", "exit code 1"
	Said      string `json:"said,omitempty"` // the last line of its log, if it ended by itself
	WasLeader bool   `json:"was_leader"`

	Waiting   *Waiting `json:"waiting,omitempty"`
	HadWaited bool     `json:"had_waited"`

	Leader           string  `json:"leader"`
	Elected          bool    `json:"elected"` // Leader leads in a new term
	LeaderAfterMs    int64   `json:"leader_after_ms"`
	RecoveredAfterMs int64   `json:"recovered_after_ms"` // when counting went on at the usual rate; 0: it never slowed down
	LongestWaitMs    int64   `json:"longest_wait_ms"`    // of a client for an acknowledgement, from its first try on
	RateBefore       float64 `json:"rate_before_per_second"`
	RateAfter        float64 `json:"rate_after_per_second"`
	Steps            []int   `json:"acknowledged_per_100_ms"`
	StepsFromMs      int64   `json:"acknowledged_from_ms"` // when the first of the steps begins; negative: before

	CaughtUpEntries uint64 `json:"caught_up_entries"` // of the log, committed while the started node was dead
	CaughtUpAfterMs int64  `json:"caught_up_after_ms"`

	UnansweredAt []string `json:"unanswered_at"` // the nodes that owed clients an answer since the event
	Figures
}

// Waiting is why writes are not acknowledged.
type Waiting struct {
	Needed    int      `json:"voters_needed"`
	Voters    int      `json:"voters"`
	Reachable []string `json:"reachable"`
	Dead      []string `json:"dead"`
	Answer    string   `json:"answer,omitempty"` // a node's, if it is not for want of voters
}
