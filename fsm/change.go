package fsm

// ChangeKind is what a Change does.
type ChangeKind uint8

const (
	ChangeJoin     ChangeKind = iota // this node and the one whose RESP address is Target become one cluster
	ChangeLeave                      // this node leaves its cluster, and its process ends
	ChangeRemove                     // the member Target leaves the cluster
	ChangeTransfer                   // the voter Target leads from now on; without a Target, any other
)

// Change is a change of members that somebody asked this node for. A member is named by its name or server id.
type Change struct {
	Kind   ChangeKind
	Target string
}
