package main

import (
	"strings"
	"testing"

	"github.com/truecount/truecount/fsm"
)

func TestAStatusShowsWhatOneHasToActOn(t *testing.T) {
	yes, no, lag, free := true, false, uint64(7), uint64(900<<20)
	status := fsm.Status{ID: "n2", Role: fsm.Follower, Leader: &fsm.Address{ID: "n1", RESP: "10.0.0.1:7379"}, Version: "v1",
		Term: 3, CommitIndex: 12, AppliedIndex: 11, CanLose: 1, Keys: 1, MaxKeys: 3, UsedBytes: 130, MaxBytes: 6318718976,
		DiskFree: &free, DiskLow: true, Warnings: []string{"one", "two"},
		Members: []fsm.Member{
			{Address: fsm.Address{ID: "n1", RESP: "10.0.0.1:7379", Peer: "10.0.0.1:17379"}, Voter: true, Role: fsm.Leader, Reachable: &yes, LowDisk: &no},
			{Address: fsm.Address{ID: "n2", RESP: "10.0.0.2:7379", Peer: "10.0.0.2:17379"}, Voter: true, Role: fsm.Follower, Reachable: &yes, Lag: &lag, LowDisk: &yes},
			{Address: fsm.Address{ID: "n3", Peer: "10.0.0.3:17379"}, Role: fsm.Nonvoter, Reachable: &no},
			{Address: fsm.Address{ID: "r", RESP: "10.0.0.4:7379", Peer: "10.0.0.4:17379"}, Nonvoter: true, Role: fsm.Nonvoter, Reachable: &yes, LowDisk: &no},
		}}
	want := `n2 is follower, leader n1 at 10.0.0.1:7379, version v1
term 3, committed 12, applied 11; can lose 1 of 2 voters
1 of at most 3 keys, 130 B of at most 5.9 GiB; 900.0 MiB of disk free, LOW: this node refuses writes

ID  ROLE      VOTER    RESP           PEER            REACHABLE  LAG  DISK
n1  leader    yes      10.0.0.1:7379  10.0.0.1:17379  yes        ?    ok
n2  follower  yes      10.0.0.2:7379  10.0.0.2:17379  yes        7    LOW
n3  nonvoter  not-yet  ?              10.0.0.3:17379  no         ?    ?
r   nonvoter  never    10.0.0.4:7379  10.0.0.4:17379  yes        ?    ok

warning: one
warning: two
`
	if got := statusText(t, status); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAStatusDoesNotPretendToKnowWhatOnlyALeaderKnows(t *testing.T) {
	got := statusText(t, fsm.Status{ID: "n1", Role: fsm.Candidate, Members: []fsm.Member{{Voter: true}}})
	for _, want := range []string{"no leader known", "can lose ? of 1 voter\n", "0 keys, 0 B\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if got := statusText(t, fsm.Status{ID: "n1", Role: fsm.Nonvoter}); !strings.Contains(got, "no members known") || strings.Contains(got, "LAG") {
		t.Errorf("a table of nobody:\n%s", got)
	}
}

func TestAStatusCountsInstancesAndSessionsWhereThereAreSome(t *testing.T) {
	got := statusText(t, fsm.Status{Keys: 2, Instances: 1, Sessions: 3})
	if want := "2 keys, 1 instance, 3 sessions, 0 B\n"; !strings.Contains(got, want) {
		t.Errorf("no %q in\n%s", want, got)
	}
}

func statusText(t *testing.T, s fsm.Status) string {
	t.Helper()
	var b strings.Builder
	if err := writeStatus(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
