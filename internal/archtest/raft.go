package archtest

import (
	"go/token"
	"go/types"
	"slices"
	"strings"
)

const (
	raftPath    = "github.com/hashicorp/raft"
	raftPackage = "cluster" // alone may call Apply, once
)

// CheckRaftCalls finds uses of Raft's Apply besides the one in cluster, and of VerifyLeader and Barrier. It looks at the
// packages given, which should be all that import Raft, tests aside. A method value counts as a call, and so does the same
// method through an interface, known by its result type.
func CheckRaftCalls(packages ...*Checked) []Finding {
	var found []Finding
	applies := 0
	for _, c := range packages {
		for _, use := range raftUses(c) {
			at := where(c.Fset, use.pos)
			switch {
			case use.name == "VerifyLeader":
				found = append(found, Finding{at, "calls raft's VerifyLeader, which accepts answers to older heartbeats",
					"the term echo: join the next round of reads"})
			case use.name == "Barrier":
				found = append(found, Finding{at, "calls raft's Barrier, which writes to the log",
					"wait until the Watermark has reached the commit index"})
			case c.Path != raftPackage:
				found = append(found, Finding{at, c.Path + " calls raft's " + use.name, "cluster's Propose"})
			default:
				if applies++; applies > 1 {
					found = append(found, Finding{at, "a second call of raft's " + use.name,
						"hand the Batch to the proposer, which has the one call"})
				}
			}
		}
	}
	if applies == 0 {
		found = append(found, Finding{raftPackage, "no call of raft's Apply was found",
			"one call; if there is one, teach raftUses of internal/archtest to see it"})
	}
	return found
}

// raftUse is one mention of a method of Raft that is counted.
type raftUse struct {
	pos  token.Pos
	name string
}

func raftUses(c *Checked) []raftUse {
	var uses []raftUse
	for name, obj := range c.Info.Uses {
		f, ok := obj.(*types.Func)
		if !ok || f.Signature().Recv() == nil {
			continue
		}
		switch f.Name() {
		case "Apply", "ApplyLog", "VerifyLeader", "Barrier":
			if ofRaft(f.Signature()) {
				uses = append(uses, raftUse{name.Pos(), f.Name()})
			}
		}
	}
	slices.SortFunc(uses, func(a, b raftUse) int { return int(a.pos - b.pos) })
	return uses
}

// ofRaft reports whether a method belongs to *raft.Raft, or answers one of Raft's futures as it would. The Apply of a state
// machine (raft.FSM) does neither.
func ofRaft(sig *types.Signature) bool {
	if sig.Recv().Type().String() == "*"+raftPath+".Raft" {
		return true
	}
	if sig.Results().Len() != 1 {
		return false
	}
	result := sig.Results().At(0).Type().String()
	return strings.HasPrefix(result, raftPath+".") && strings.HasSuffix(result, "Future")
}

// RaftImporters names the packages of the tree whose code imports Raft.
func RaftImporters(t *Tree) []string {
	var out []string
	for _, p := range t.Packages {
		if p.HasCode() && p.Uses(raftPath) {
			out = append(out, p.Path)
		}
	}
	return out
}
