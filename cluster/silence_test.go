package cluster

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// day is a leader of term 7 with two followers, and a rule that looks at it.
type day struct {
	t    *testing.T
	rule silenceRule
	diskReport
}

func newDay(t *testing.T) *day {
	return &day{t: t, diskReport: diskReport{now: time.Unix(1e9, 0), leading: true, term: 7, voters: 3, faster: 2}}
}

// after lets time pass and wants the rule to ask and to be silent.
func (d *day) after(pass time.Duration, ask, silent bool) {
	d.t.Helper()
	d.now = d.now.Add(pass)
	if a, s := d.rule.judge(d.diskReport); a != ask || s != silent {
		d.t.Errorf("write of %v, limit %v: ask %v, silent %v; want %v, %v", d.now.Sub(d.write), d.rule.limit, a, s, ask, silent)
	}
}

func (d *day) begin() { d.write = d.now }
func (d *day) end()   { d.write = time.Time{} }

// lose is a hang that costs this node its leadership, which it then gets again.
func (d *day) lose() {
	d.t.Helper()
	d.begin()
	d.after(d.rule.limit, true, true)
	d.leading = false
	d.after(time.Millisecond, true, true)
	d.end()
	d.after(time.Millisecond, false, false)
	d.leading, d.term = true, d.term+2
}

func TestALeaderIsSilentFromTheLimitToTheEndOfTheWrite(t *testing.T) {
	d := newDay(t)
	d.after(0, false, false)
	d.begin()
	d.after(149*time.Millisecond, false, false)
	d.after(time.Millisecond, true, false)
	d.after(149*time.Millisecond, true, false)
	d.after(time.Millisecond, true, true)
	d.faster = 0 // who is silent waits for the disk, not for others
	d.after(20*time.Second, true, true)
	d.end()
	d.after(time.Millisecond, false, false)
	d.faster = 2
	d.begin()
	d.after(299*time.Millisecond, true, false)
}

func TestALeaderIsSilentOnlyIfAMajorityWasFaster(t *testing.T) {
	for _, row := range []struct {
		voters, faster int
		silent         bool
	}{{1, 0, false}, {2, 1, false}, {3, 1, false}, {3, 2, true}, {4, 2, false}, {4, 3, true}, {5, 2, false}, {5, 3, true}, {0, 0, false}} {
		d := newDay(t)
		d.voters, d.faster = row.voters, row.faster
		d.begin()
		d.after(10*time.Second, true, row.silent)
	}
	d := newDay(t)
	d.leading = false
	d.begin()
	d.after(10*time.Second, true, false) // a follower asks, and is never silent
}

func TestEachLeadershipLostDoublesTheLimitUntilAQuietMinute(t *testing.T) {
	d := newDay(t)
	d.after(0, false, false)
	for _, want := range []time.Duration{600, 1200, 2400, 4800, 9600, 10000, 10000} {
		d.lose()
		if d.rule.limit != want*time.Millisecond {
			t.Errorf("limit %v, want %v ms", d.rule.limit, want)
		}
	}
	d.after(59*time.Second, false, false)
	if d.rule.limit != longestLimit {
		t.Errorf("limit %v after 59 s", d.rule.limit)
	}
	d.after(time.Second, false, false)
	if d.rule.limit != shortestLimit {
		t.Errorf("limit %v after a minute", d.rule.limit)
	}
}

func TestASilenceThatCostsNoLeadershipDoublesNothing(t *testing.T) {
	d := newDay(t)
	d.begin()
	d.after(300*time.Millisecond, true, true)
	d.end()
	d.after(time.Millisecond, false, false)
	d.after(time.Second, false, false)
	d.leading = false // for another reason
	d.after(time.Millisecond, false, false)
	if d.rule.limit != shortestLimit {
		t.Errorf("limit %v", d.rule.limit)
	}
	// But who hears of it after the write has returned has lost it by the silence.
	d = newDay(t)
	d.begin()
	d.after(300*time.Millisecond, true, true)
	d.end()
	d.after(time.Millisecond, false, false)
	d.term = 8
	d.after(100*time.Millisecond, false, false)
	if d.rule.limit != 2*shortestLimit {
		t.Errorf("limit %v after the loss", d.rule.limit)
	}
}

func TestFasterIsWhoFinishedATrialInHalfTheTime(t *testing.T) {
	voters := []raft.Server{{ID: "a"}, {ID: "b"}, {ID: "c"}, {ID: "d"}, {ID: "e"}, {ID: "f"}}
	disk := func(pending, slow time.Duration) echo {
		return echo{disk: diskEcho{known: true, pending: pending, slow: slow}}
	}
	trials := map[string]echo{ // a has not finished one
		"b": disk(0, 149*time.Millisecond),
		"c": disk(0, 150*time.Millisecond),
		"d": disk(150*time.Millisecond, 0),
		"e": {},         // an older build
		"x": disk(0, 0), // no voter
		"f": disk(time.Millisecond, time.Millisecond),
	}
	if got := faster(voters, trials, 300*time.Millisecond); got != 2 {
		t.Errorf("%d are faster, want b and f", got)
	}
}

func TestTheOthersSayWhoLeads(t *testing.T) {
	servers := []raft.Server{{ID: "a", Address: "a:1"}, {ID: "b", Address: "b:1"}}
	found := map[string]echo{"a": {term: 7, leader: "a"}, "b": {term: 8, leader: "b"}, "c": {term: 9}, "d": {term: 10, leader: "x"}}
	if got := leaderOf(servers, found); got != (target{"b", "b:1", 8}) {
		t.Errorf("%+v", got)
	}
	s := &silence{}
	s.hear(target{"b", "b:1", 8})
	if _, known := s.elsewhere(8); known {
		t.Error("raft knows as much itself")
	}
	if to, known := s.elsewhere(7); !known || to.id != "b" {
		t.Errorf("%+v, %v", to, known)
	}
}

// pipe is raft's connection to a follower that takes everything at once.
type pipe struct{ raft.AppendPipeline }

func (pipe) AppendEntries(*raft.AppendEntriesRequest, *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	return nil, nil
}

func TestNothingThatKeepsFollowersLoyalIsSentInASilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trans := absentTransport(func() bool { return false })
		s, log := trans.silence, trans.log
		sent := make(chan string, 10)
		send := func() {
			go func() {
				trans.AppendEntries("b", "b:1", &raft.AppendEntriesRequest{}, &raft.AppendEntriesResponse{})
				sent <- "entries"
			}()
			go func() {
				trans.InstallSnapshot("b", "b:1", &raft.InstallSnapshotRequest{}, &raft.InstallSnapshotResponse{}, nil)
				sent <- "snapshot"
			}()
			go func() { gatedPipeline{pipe{}, s, log}.AppendEntries(nil, nil); sent <- "pipeline" }()
			synctest.Wait()
		}
		send()
		if len(sent) != 3 {
			t.Errorf("%d of 3 were sent without a silence", len(sent))
		}
		s.begin()
		s.begin()
		send()
		time.Sleep(time.Minute)
		if len(sent) != 3 || !s.on() {
			t.Errorf("%d were sent in a silence", len(sent)-3)
		}
		votes := func() [2]error {
			return [2]error{trans.RequestPreVote("b", "b:1", &raft.RequestPreVoteRequest{}, &raft.RequestPreVoteResponse{}),
				trans.RequestVote("b", "b:1", &raft.RequestVoteRequest{}, &raft.RequestVoteResponse{})}
		}
		for _, err := range votes() {
			if !errors.Is(err, errSilent) {
				t.Errorf("a silent node has asked for a vote: %v", err)
			}
		}
		s.end()
		synctest.Wait()
		for _, err := range votes() {
			if !errors.Is(err, errNoStream) {
				t.Errorf("a vote is held back: %v", err)
			}
		}
		if len(sent) != 6 {
			t.Errorf("%d of 3 were sent after it", len(sent)-3)
		}
		s.begin()
		send()
		trans.Close()
		synctest.Wait()
		if s.begin(); len(sent) != 9 || s.on() {
			t.Error("who waits at the end of the node waits for ever")
		}
	})
}

var errNoStream = errors.New("nobody is there")

// noStream reaches nobody.
type noStream struct{}

func (noStream) Accept() (net.Conn, error)                                { return nil, errNoStream }
func (noStream) Addr() net.Addr                                           { return &net.TCPAddr{} }
func (noStream) Close() error                                             { return nil }
func (noStream) Dial(raft.ServerAddress, time.Duration) (net.Conn, error) { return nil, errNoStream }
