package cluster

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// leaderRound is a round of leader a in term 7 at index 42.
type leaderRound struct {
	echoRound
	asked map[string]func(echo, error) // by server id
	leads bool
	term  uint64

	calls   sync.Mutex
	called  int
	got     confirmed
	failure error
}

func startRound(voters int, known ...string) *leaderRound {
	r := &leaderRound{asked: map[string]func(echo, error){}, leads: true, term: 7}
	r.echoRound = echoRound{term: 7, index: 42, clock: &clock{live: true, base: 1000, at: time.Now()},
		ready: func() (uint64, bool) { return r.term, r.leads },
		done: func(c confirmed, err error) {
			r.calls.Lock()
			defer r.calls.Unlock()
			r.called++
			r.got, r.failure = c, err
		}}
	var servers []raft.Server
	for _, id := range []string{"a", "b", "c", "d", "e"}[:voters] {
		servers = append(servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(id), Suffrage: raft.Voter})
	}
	in := map[string]bool{}
	for _, id := range known {
		in[id] = true
	}
	r.start(servers, in, func(v raft.Server, done func(echo, error)) { r.asked[string(v.ID)] = done })
	return r
}

func (r *leaderRound) outcome() string {
	r.calls.Lock()
	defer r.calls.Unlock()
	switch {
	case r.called == 0:
		return "open"
	case r.called > 1:
		return fmt.Sprintf("done was called %d times", r.called)
	case r.failure != nil:
		return "failed"
	case r.got.index != 42:
		return fmt.Sprintf("index %d", r.got.index)
	}
	return "confirmed"
}

func TestARoundCountsAMajorityOfVotersOnce(t *testing.T) {
	inTerm, later, earlier := echo{term: 7}, echo{term: 8}, echo{term: 6}
	gone := errors.New("gone")
	type reply struct {
		from string
		echo
		err error
	}
	for _, row := range []struct {
		name    string
		voters  int
		known   []string // as leader and asker
		replies []reply
		want    string
	}{
		{"a single voter is its own majority", 1, []string{"a"}, nil, "confirmed"},
		{"leader alone of two", 2, []string{"a"}, nil, "open"},
		{"leader and asker of two", 2, []string{"a", "b"}, nil, "confirmed"},
		{"leader and asker of three", 3, []string{"a", "b"}, nil, "confirmed"},
		{"leader and asker of four", 4, []string{"a", "b"}, nil, "open"},
		{"the leader asks itself: counted once", 3, []string{"a", "a"}, nil, "open"},
		{"an asker that does not vote", 3, []string{"a", "x"}, nil, "open"},
		{"neither leader nor asker votes", 3, []string{"x", "y"}, []reply{{from: "b", echo: inTerm}}, "open"},
		{"a leader that does not vote needs a majority of the others", 3, []string{"x"},
			[]reply{{from: "b", echo: inTerm}, {from: "c", echo: inTerm}}, "confirmed"},
		{"one of two others answers", 3, []string{"a"}, []reply{{from: "c", echo: inTerm}}, "confirmed"},
		{"one is in a later term, one can still decide", 3, []string{"a"}, []reply{{from: "b", echo: later}}, "open"},
		{"both are in a later term", 3, []string{"a"}, []reply{{from: "b", echo: later}, {from: "c", echo: later}}, "failed"},
		{"an earlier term is another term", 3, []string{"a"}, []reply{{from: "b", echo: earlier}, {from: "c", echo: earlier}}, "failed"},
		{"a later term and an answer", 3, []string{"a"}, []reply{{from: "b", echo: later}, {from: "c", echo: inTerm}}, "confirmed"},
		{"a lost question is no answer", 3, []string{"a"}, []reply{{from: "b", echo: inTerm, err: gone}}, "open"},
		{"five need three", 5, []string{"a"}, []reply{{from: "b", echo: inTerm}}, "open"},
		{"five have three", 5, []string{"a"}, []reply{{from: "b", echo: inTerm}, {from: "e", echo: inTerm}, {from: "c", echo: inTerm}}, "confirmed"},
		{"five can't have three any more", 5, []string{"a"}, []reply{{from: "b", err: gone}, {from: "c", echo: later}, {from: "d", err: gone}}, "failed"},
		{"nobody votes", 0, []string{"a"}, nil, "open"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startRound(row.voters, row.known...)
				for _, answer := range row.replies {
					r.asked[answer.from](answer.echo, answer.err)
				}
				if got := r.outcome(); got != row.want {
					t.Errorf("%s, want %s", got, row.want)
				}
				time.Sleep(patience)
				synctest.Wait()
				if got := r.outcome(); row.want == "open" && got != "failed" || row.want != "open" && got != row.want {
					t.Errorf("after the patience: %s", got)
				}
			})
		})
	}
}

func TestARoundAsksOnlyVotersItDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRound(5, "a", "d", "x")
		if _, d := r.asked["d"]; len(r.asked) != 3 || d {
			t.Errorf("asked %v", r.asked)
		}
		r.asked["b"](echo{term: 7}, nil)
		if got := r.outcome(); got != "confirmed" {
			t.Error(got)
		}
	})
}

func TestARoundFailsIfItsLeaderHasGoneMeanwhile(t *testing.T) {
	for name, change := range map[string]func(*leaderRound){
		"deposed":    func(r *leaderRound) { r.leads = false },
		"a new term": func(r *leaderRound) { r.term = 8 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := startRound(3, "a")
				change(r)
				r.asked["b"](echo{term: 7}, nil)
				if got := r.outcome(); got != "failed" {
					t.Error(got)
				}
			})
		})
	}
}

func TestAnswersAfterTheEndOfARoundCountForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startRound(3, "a")
		time.Sleep(patience)
		synctest.Wait()
		r.asked["b"](echo{term: 7}, nil)
		r.asked["c"](echo{term: 7}, nil)
		if got := r.outcome(); got != "failed" {
			t.Error(got)
		}
	})
}
