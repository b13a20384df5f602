package cluster

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

const mib, gib = uint64(1 << 20), uint64(1 << 30)

func TestTheLowWaterMark(t *testing.T) {
	for _, row := range []struct {
		given        MinFree
		total, image uint64
		want         uint64
	}{
		{MinFree{}, 1000 * gib, 0, gib},
		{MinFree{}, 10 * gib, 0, 10 * gib / 100 * 5},
		{MinFree{}, 2 * gib, 0, 128 * mib},
		{MinFree{}, 2 * gib, 300 * mib, 428 * mib},
		{MinFree{}, 1000 * gib, 2 * gib, 2*gib + 128*mib},
		{MinFree{Bytes: 7}, 1000 * gib, gib, 7},
		{MinFree{Percent: 12.5}, 8 * gib, gib, gib},
		{MinFree{Bytes: 7, Percent: 50}, 1000 * gib, gib, 7},
	} {
		if got := row.given.mark(row.total, row.image); got != row.want {
			t.Errorf("%+v of %d with an image of %d: %d, want %d", row.given, row.total, row.image, got, row.want)
		}
	}
}

func TestALowNodeRecoversTenPercentAboveTheMark(t *testing.T) {
	var r room
	for _, row := range []struct {
		free uint64
		low  bool
	}{{1000, false}, {999, true}, {1000, true}, {1099, true}, {1100, false}, {1000, false}, {0, true}, {5000, false}} {
		if r = r.next(row.free, 100000, 1000); r.low != row.low || !r.known {
			t.Errorf("%d free: low is %v", row.free, r.low)
		}
	}
}

// newTestSpace has so much free space as *free says, and a mark of 1000 MiB.
func newTestSpace(free *uint64) *space {
	return newSpace(Config{MinFree: MinFree{Bytes: 1000 * mib},
		Space: func() (uint64, uint64, error) { return *free, 100 * gib, nil }}, raft.NewInmemSnapshotStore())
}

func TestASpaceRefusesBelowTheMarkAndIsTightBelowHalf(t *testing.T) {
	free := 2000 * mib
	s := newTestSpace(&free)
	for _, row := range []struct {
		free       uint64
		low, tight bool
		state      spaceState
	}{
		{2000 * mib, false, false, spaceEnough}, {999 * mib, true, false, spaceLow}, {500 * mib, true, false, spaceLow},
		{499 * mib, true, true, spaceLow}, {1050 * mib, true, false, spaceLow}, {1100 * mib, false, false, spaceEnough},
	} {
		free = row.free
		s.look(0)
		err := s.refusal()
		if (err != nil) != row.low || s.tight() != row.tight || s.state() != row.state {
			t.Errorf("%d MiB free: %v, tight %v, state %v", row.free/mib, err, s.tight(), s.state())
		}
		if row.low && (!errors.Is(err, fsm.ErrNoSpace) || !errors.Is(err, fsm.ErrNotApplied) || errors.Is(err, fsm.ErrUnknown)) {
			t.Errorf("%v is of another family", err)
		}
	}
	free = 999 * mib
	s.look(0)
	want := "this node is low on disk space (999 MiB free, low-water mark 1000 MiB): writes are refused here, reads go on; free some space"
	if got := s.refusal().Error(); got != want {
		t.Errorf("refused with %q, want %q", got, want)
	}
}

func TestWhatCannotBeMeasuredStaysAsItWas(t *testing.T) {
	if s := newSpace(Config{}, raft.NewInmemSnapshotStore()); s.state() != spaceUnknown || s.refusal() != nil || s.tight() {
		t.Error("without a directory nothing is known, and nothing refused")
	}
	free := 999 * mib
	s := newTestSpace(&free)
	s.measure = func() (uint64, uint64, error) { return 0, 0, errDisk }
	if _, err := s.look(0); !errors.Is(err, errDisk) || s.state() != spaceLow {
		t.Errorf("%v, state %v", err, s.state())
	}
}

func TestTheRealFileSystemIsMeasured(t *testing.T) {
	free, total, err := statfs(t.TempDir())
	if err != nil || total == 0 || free > total {
		t.Errorf("%d of %d free, %v", free, total, err)
	}
	if _, _, err := statfs("/nowhere/at/all"); err == nil || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Errorf("no such directory: %v", err)
	}
}

func TestALeaderJudgesBySpaceWhoShouldLeadAndWhetherToWrite(t *testing.T) {
	enough := func(applied uint64) echo {
		return echo{applied: applied, disk: diskEcho{known: true, space: spaceEnough}}
	}
	low, old := echo{applied: 9, disk: diskEcho{known: true, space: spaceLow}}, echo{applied: 9}
	for _, row := range []struct {
		name   string
		voters string // one letter each; a asks
		found  map[string]echo
		heir   string
		shut   string // part of the reason
	}{
		{"all is well", "abc", map[string]echo{"a-1": enough(9), "b-1": enough(9), "c-1": enough(9)}, "", ""},
		{"the leader is low", "abc", map[string]echo{"a-1": low, "b-1": enough(7), "c-1": enough(8)}, "c", ""},
		{"a follower is low", "abc", map[string]echo{"a-1": enough(9), "b-1": low, "c-1": enough(8)}, "", ""},
		{"leader and another are low", "abc", map[string]echo{"a-1": low, "b-1": low, "c-1": enough(8)}, "c", "(low: a, b)"},
		{"both others are low", "abc", map[string]echo{"a-1": enough(9), "b-1": low, "c-1": low}, "", "(low: b, c)"},
		{"all are low", "abc", map[string]echo{"a-1": low, "b-1": low, "c-1": low}, "", "(low: a, b, c)"},
		{"nobody to take over", "abc", map[string]echo{"a-1": low, "b-1": low}, "", "(low: a, b)"},
		{"two are down, none is low", "abc", map[string]echo{"a-1": enough(9)}, "", ""},
		{"one is down, one low", "abc", map[string]echo{"a-1": enough(9), "b-1": low}, "", "(low: b)"},
		{"older builds count as before", "abc", map[string]echo{"a-1": low, "b-1": old, "c-1": old}, "b", ""},
		{"a single low node", "a", map[string]echo{"a-1": low}, "", "(low: a)"},
		{"a low non-voter is of no account", "abc", map[string]echo{"a-1": enough(9), "b-1": enough(9), "c-1": enough(9), "d-1": low}, "", ""},
		{"two of five", "abcde", map[string]echo{"a-1": low, "b-1": low, "c-1": enough(1), "d-1": enough(5), "e-1": enough(4)}, "d", ""},
	} {
		var voters []raft.Server
		for _, name := range row.voters {
			voters = append(voters, raft.Server{ID: raft.ServerID(string(name) + "-1")})
		}
		heir, shut := judgeSpace(voters, row.found, "a-1")
		if nameOf(string(heir.ID)) != row.heir && string(heir.ID) != row.heir || (shut == "") != (row.shut == "") || !strings.Contains(shut, row.shut) {
			t.Errorf("%s: heir %q, shut %q", row.name, heir.ID, shut)
		}
	}
}

func TestALeaderRefusesWhatItCannotStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := nodeWithLogger()
		n.silence, n.space = &silence{}, &space{}
		n.leader = newOffers().leader
		n.leader.halted = n.halted
		got := make(chan answer, 10)
		hand := func(sequence uint64) {
			n.leader.offer(offer{fsm.Number{Origin: "a", Incarnation: 1, Sequence: sequence}, nil, func(a answer) { got <- a }})
			synctest.Wait()
		}
		hand(1)
		if len(got) != 0 {
			t.Errorf("%+v", <-got)
		}
		n.keepSilent(true, write{appending, true, time.Now()})
		if a := <-got; a.kind != answerRefused || a.reason != diskSilent {
			t.Errorf("what was offered before the silence: %+v", a)
		}
		hand(2)
		if a := <-got; a.kind != answerRefused || a.reason != diskSilent {
			t.Errorf("what is offered in a silence: %+v", a)
		}
		n.keepSilent(false, write{})
		n.space.shutFor("full")
		hand(3)
		if a := <-got; a.kind != answerNoSpace || a.reason != "full" {
			t.Errorf("what is offered to a leader whose voters have no space: %+v", a)
		}
		n.space.shutFor("")
		if hand(4); len(got) != 0 {
			t.Errorf("%+v", <-got)
		}
	})
}

// raft-wal says "segment is sealed" of an append when the file for the next segment found no room.
func TestAWriteThatFailedOnAFullDiskSaysHowMuchIsFree(t *testing.T) {
	for free, want := range map[uint64]string{35 * mib: "no space left (35 MiB are free, a piece of the log takes 64 MiB)", gib: "no space left"} {
		var ended error
		n := nodeWithLogger()
		n.config.Fatal = func(err error) { ended = err }
		n.space = newTestSpace(&free)
		n.failWrite(errDisk)
		if !errors.Is(ended, errDisk) || ended.Error() != want {
			t.Errorf("%d MiB free: ended with %v", free/mib, ended)
		}
	}
}
