package fsm

// Role is what a node is in its cluster, in the words that operators read.
type Role string

const (
	Leader    Role = "leader"    // accepts Batches, from its own clients and from other nodes
	Follower  Role = "follower"  // a voter that follows a leader, or waits for one
	Candidate Role = "candidate" // a voter that asks to be elected
	Nonvoter  Role = "nonvoter"  // a member that gets the log but has no vote yet
	Removed   Role = "removed"   // no member any more
)

// Status is what a node knows of itself and its cluster. Its JSON form is the reply of TRUECOUNT STATUS.
type Status struct {
	ID           string   `json:"id"`        // the node's name
	ServerID     string   `json:"server_id"` // name and digits: one for each data directory there ever was
	RESP         string   `json:"resp"`      // where clients find it
	Peer         string   `json:"peer"`      // where it listens for other nodes
	Role         Role     `json:"role"`
	Leader       *Address `json:"leader"` // null while none is known
	Term         uint64   `json:"term"`
	CommitIndex  uint64   `json:"commit_index"`
	AppliedIndex uint64   `json:"applied_index"`
	Members      []Member `json:"members"`
	CanLose      int      `json:"can_lose"` // voters that may still fail before writes stop; 0 also when they have stopped
	Version      string   `json:"version"`
	Keys         uint64   `json:"keys"`
	Expires      uint64   `json:"expires"`      // keys that have a deadline
	Expired      uint64   `json:"expired"`      // keys that have ended at this node since it started
	UsedBytes    uint64   `json:"used_bytes"`   // Machine.UsedBytes
	MaxBytes     uint64   `json:"max_bytes"`    // Limits.Bytes; 0: no limit
	MaxKeys      uint64   `json:"max_keys"`     // Limits.Keys; 0: no limit
	Instances    uint64   `json:"instances"`    // names of instances that are known
	Sessions     uint64   `json:"sessions"`     // open ones
	OnceHits     uint64   `json:"once_hits"`    // commands answered from sessions, as this replica has applied them since it started
	OnceRefused  uint64   `json:"once_refused"` // and those refused for their sake: Machine.SessionStats
	Pristine     bool     `json:"pristine"`     // no client has ever written to what this node holds
	Warnings     []string `json:"warnings"`     // what an operator should know, in sentences
	DiskFree     *uint64  `json:"disk_free"`    // bytes, where the data directory is; null if it is not known
	DiskLow      bool     `json:"disk_low"`     // too little is free: this node refuses writes

	MaxInstances uint64 `json:"max_instances"`
	MaxSessions  uint64 `json:"max_sessions"`
	Lease        uint64 `json:"dead_instance_threshold"` // of instances without one of their own, in milliseconds
}

// Address is where a node is found.
type Address struct {
	ID   string `json:"id"`
	RESP string `json:"resp"` // empty until the node has registered itself
	Peer string `json:"peer"`
}

// Member is one node of the cluster. Reachable, Lag and LowDisk are the leader's knowledge: null when it can't be asked.
type Member struct {
	Address
	ServerID  string  `json:"server_id"`
	Voter     bool    `json:"voter"`
	Nonvoter  bool    `json:"nonvoter"` // it shall never vote
	Role      Role    `json:"role"`
	Reachable *bool   `json:"reachable"`
	Lag       *uint64 `json:"lag"`      // log entries that the leader has committed and this member has not applied
	LowDisk   *bool   `json:"low_disk"` // this member refuses writes for want of disk space
}
