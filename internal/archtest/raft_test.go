package archtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestCheckRaftCallsCountsEveryWayToCall(t *testing.T) {
	const head = `package cluster
		import ("time"; "github.com/hashicorp/raft")
		type node struct { *raft.Raft }
		type log interface { Apply([]byte, time.Duration) raft.ApplyFuture }
		type machine struct{}
		func (machine) Apply(n int) int { return n }
		func f(r *raft.Raft, n node, l log, m machine, fsm raft.FSM) {
	`
	const none = "no call of raft's Apply"
	rows := []struct {
		sin, body string
		want      []string
	}{
		{"none", `r.Apply(nil, 0); m.Apply(1); fsm.Apply(nil); r.State()`, nil},
		{"no call at all", `m.Apply(1)`, []string{none}},
		{"two calls", `r.Apply(nil, 0); r.Apply(nil, 0)`, []string{"cluster2/a.go:8: a second call of raft's Apply"}},
		{"the other Apply", `r.Apply(nil, 0); r.ApplyLog(raft.Log{}, 0)`, []string{"a second call of raft's ApplyLog"}},
		{"through an embedded field", `r.Apply(nil, 0); n.Apply(nil, 0)`, []string{"a second call"}},
		{"through an interface", `r.Apply(nil, 0); l.Apply(nil, 0)`, []string{"a second call"}},
		{"a method value", `r.Apply(nil, 0); g := r.Apply; g(nil, 0)`, []string{"a second call"}},
		{"a method expression", `r.Apply(nil, 0); (*raft.Raft).Apply(r, nil, 0)`, []string{"a second call"}},
		{"VerifyLeader", `r.Apply(nil, 0); r.VerifyLeader()`, []string{"VerifyLeader, which accepts answers to older"}},
		{"Barrier", `r.Apply(nil, 0); r.Barrier(0)`, []string{"Barrier, which writes to the log"}},
	}
	files, paths := sources{}, []string{}
	for i, row := range rows {
		paths = append(paths, fmt.Sprintf("cluster%d", i))
		files[paths[i]+"/a.go"] = head + row.body + "\n}"
	}
	checked := checkTypes(t, plant(t, files), paths...)
	for i, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			checked[i].Path = raftPackage // one run of the go command for all rows, then each is cluster
			expect(t, CheckRaftCalls(checked[i]), row.want...)
		})
	}
}

func TestCheckRaftCallsAllowsApplyInClusterOnly(t *testing.T) {
	const call = `; import "github.com/hashicorp/raft"; func f(r *raft.Raft) { r.Apply(nil, 0) }`
	tree := plant(t, sources{
		"cluster/a.go":      "package cluster" + call,
		"cluster/a_test.go": "package cluster" + strings.ReplaceAll(call, "f(", "g("),
		"internal/sim/a.go": "package sim" + call,
	})
	importers := RaftImporters(tree)
	if got := strings.Join(importers, " "); got != "cluster internal/sim" {
		t.Errorf("importers: %s", got)
	}
	expect(t, CheckRaftCalls(checkTypes(t, tree, importers...)...),
		"internal/sim calls raft's Apply\n\tinstead: cluster's Propose")
}
