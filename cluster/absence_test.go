package cluster

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// testAbsences are those of a raft that leads as long as leads says so, and reaches nobody.
func testAbsences(leads func() bool) *absences {
	return &absences{dial: noStream{}.Dial, over: make(chan struct{}), leads: func(raft.Server, uint64) bool { return leads() }}
}

// away is a member that can be reached from some time on.
type away struct {
	until time.Time
	dials int
	open  int // connections
}

func (a *away) dial(to raft.ServerAddress, _ time.Duration) (net.Conn, error) {
	if a.dials++; to != "b:1" || time.Now().Before(a.until) {
		return nil, errNoStream
	}
	a.open++
	return dialed{away: a}, nil
}

type dialed struct {
	net.Conn
	away *away
}

func (d dialed) Close() error { d.away.open--; return nil }

func TestAFailureWaitsUntilItsMemberCanBeReachedOrNobodyCares(t *testing.T) {
	const day = 24 * time.Hour
	for what, row := range map[string]struct {
		back, leads, over, handed time.Duration // when each happens, or ends
		want                      time.Duration
	}{
		"it is there":                {0, day, day, day, 0},
		"it comes back soon":         {20 * time.Millisecond, day, day, day, 20 * time.Millisecond},
		"it comes back":              {time.Hour, day, day, day, time.Hour},
		"leadership is lost":         {day, time.Hour, day, day, time.Hour},
		"leadership was lost":        {day, 0, day, day, 0},
		"the node closes":            {day, day, time.Hour, day, time.Hour},
		"leadership is handed over":  {day, day, day, time.Hour, time.Hour},
		"leadership was handed over": {day, day, day, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			from, over := time.Now(), make(chan struct{})
			member := &away{until: from.Add(row.back)}
			a := &absences{dial: member.dial, over: over, leads: func(to raft.Server, term uint64) bool {
				return to.ID == "b" && term == 7 && time.Since(from) < row.leads
			}}
			ending := time.AfterFunc(row.over, func() { close(over) })
			defer ending.Stop()
			handing := time.AfterFunc(row.handed, func() { a.handed.Store(7) })
			defer handing.Stop()
			synctest.Wait()
			a.await(raft.Server{ID: "b", Address: "b:1"}, 7)
			if took := time.Since(from); took < row.want || took > row.want+min(dialPause, row.want+5*time.Millisecond) {
				t.Errorf("%s: it has waited for %v, want %v", what, took, row.want)
			}
			if most := int(row.want/dialPause) + 10; member.dials > most || member.open != 0 {
				t.Errorf("%s: %d dials, at most %d wanted; %d connections are open", what, member.dials, most, member.open)
			}
		})
	}
}

func TestAHandoverIsForgottenInTheNextTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		a := testAbsences(func() bool { return time.Since(from) < time.Hour })
		a.handed.Store(7)
		a.await(raft.Server{ID: "b", Address: "b:1"}, 8)
		if took := time.Since(from); took < time.Hour {
			t.Errorf("it has waited for %v", took)
		}
	})
}

// absentTransport sends to members that are all away, as long as leads says so.
func absentTransport(leads func() bool) gatedTransport {
	return gatedTransport{namedTransport{raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: noStream{}, MaxRPCsInFlight: noPipeline, Timeout: raftTimeout, Logger: hclog.NewNullLogger(),
	})}, &silence{}, &parallelLog{}, testAbsences(leads), nil, nil}
}

// An absence may be long. An image keeps its space on the disk until it is closed, also when newer ones have replaced it.
func TestWhatCouldNotBeSentIsNotKeptUntilItsMemberIsBack(t *testing.T) {
	image := &closable{Reader: strings.NewReader("image")}
	entries := &raft.AppendEntriesRequest{Term: 7, PrevLogEntry: 1, PrevLogTerm: 7, Entries: []*raft.Log{{Index: 2}}}
	for what, row := range map[string]struct {
		send func(gatedTransport) error
		kept func() bool
	}{
		"image": {func(trans gatedTransport) error {
			return trans.InstallSnapshot("b", "b:1", &raft.InstallSnapshotRequest{Term: 7}, &raft.InstallSnapshotResponse{}, image)
		}, func() bool { return !image.closed }},
		"entries": {func(trans gatedTransport) error {
			return trans.AppendEntries("b", "b:1", entries, &raft.AppendEntriesResponse{})
		}, func() bool { return entries.Entries != nil }},
	} {
		synctest.Test(t, func(t *testing.T) {
			from := time.Now()
			trans := absentTransport(func() bool { return time.Since(from) < time.Hour })
			defer trans.Close()
			failed := make(chan error, 1)
			go func() { failed <- row.send(trans) }()
			synctest.Wait()
			if len(failed) != 0 || row.kept() {
				t.Errorf("%s: kept: %v, raft knows of the failure: %v", what, row.kept(), len(failed) != 0)
			}
			if err := <-failed; !errors.Is(err, errNoStream) {
				t.Errorf("%s: raft hears %v", what, err)
			}
		})
	}
}

// By heartbeats raft knows whom it has lost touch with.
func TestAHeartbeatThatFailsIsNotKeptFromRaft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		trans := absentTransport(func() bool { return time.Since(from) < time.Hour })
		defer trans.Close()
		err := trans.AppendEntries("b", "b:1", &raft.AppendEntriesRequest{Term: 7}, &raft.AppendEntriesResponse{})
		if took := time.Since(from); took > 0 || !errors.Is(err, errNoStream) {
			t.Errorf("%v after %v", err, took)
		}
	})
}

type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Close() error { c.closed = true; return nil }

func TestRaftSendsToMembersWhereTheyAreWhileItLeads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := &Config{Logger: hclog.NewNullLogger()}
		store, images := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
		_, trans := raft.NewInmemTransport("a:1")
		rc := config.raftConfig("a")
		alone := raft.Configuration{Servers: []raft.Server{{ID: "a", Address: "a:1"}}}
		if err := raft.BootstrapCluster(rc, store, store, images, trans, alone); err != nil {
			t.Fatal(err)
		}
		r, err := raft.NewRaft(rc, newReplica(func(int64) {}, nil), store, store, images, trans)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := r.AddNonvoter("b", "b:1", 0, 0).Error(); err != nil {
			t.Fatal(err)
		}
		term := r.CurrentTerm()
		check := func(what string, r *raft.Raft, to raft.Server, term uint64, want bool) {
			t.Helper()
			if leadsMember(r, to, term) != want {
				t.Errorf("%s: %v", what, !want)
			}
		}
		b := raft.Server{ID: "b", Address: "b:1"}
		check("a member", r, b, term, true)
		check("in an earlier term", r, b, term-1, false)
		check("a member that has moved", r, raft.Server{ID: "b", Address: "b:2"}, term, false)
		check("a stranger at the address of a member", r, raft.Server{ID: "c", Address: "b:1"}, term, false)
		check("a raft that has only begun", nil, b, term, false)
		if err := r.Shutdown().Error(); err != nil {
			t.Fatal(err)
		}
		check("a raft that has ended", r, b, term, false)
	})
}
