package cluster

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

func TestOnlyWhatRaftNeverAppendedIsSurelyNotApplied(t *testing.T) {
	for err, want := range map[error]bool{
		raft.ErrNotLeader:                    true,
		raft.ErrEnqueueTimeout:               true,
		raft.ErrLeadershipTransferInProgress: true,
		errTight:                             true,
		raft.ErrLeadershipLost:               false,
		raft.ErrRaftShutdown:                 false,
		raft.ErrAbortedByRestore:             false,
		errors.New("no space left"):          false,
	} {
		if got := surelyNotApplied(err); got != want {
			t.Errorf("%v: %v", err, got)
		}
		if got := surelyNotApplied(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v, wrapped: %v", err, got)
		}
	}
}

func TestAVerdictBecomesAnAnswer(t *testing.T) {
	results := fsm.Results{16, 2}
	for verdict, want := range map[fsm.Verdict]answerKind{
		fsm.Applied: answerResults, fsm.Repeated: answerResults, fsm.Superseded: answerSuperseded,
	} {
		a := answerOf(fsm.Outcome{Verdict: verdict, Results: results}, 9)
		if a.kind != want || a.index != 9 || want == answerResults && !slices.Equal(a.results, results) {
			t.Errorf("%v: %+v", verdict, a)
		}
	}
}

// offers is a leader that nobody runs, and what became of the offers it got.
type offers struct {
	*leader
	refused chan string
}

func newOffers() *offers {
	return &offers{&leader{halted: func() (answer, bool) { return answer{}, false }, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{})}, make(chan string, 10)}
}

func (o *offers) add(origin string, sequence uint64) {
	o.offer(offer{fsm.Number{Origin: origin, Incarnation: 1, Sequence: sequence}, nil, func(a answer) {
		if a.kind == answerRefused {
			o.refused <- fmt.Sprint(origin, sequence)
		}
	}})
}

func TestAnEntryTakesOneBatchOfEachOrigin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffers()
		if _, any := o.take(); any {
			t.Error("an Entry of nothing")
		}
		o.add("a", 1)
		o.add("b", 7)
		o.add("a", 2) // its origin has given up the first
		o.add("b", 6) // a copy that was long on its way, of one given up
		taken, any := o.take()
		synctest.Wait()
		if len(taken) != 2 || !any || taken[0].number.Sequence != 2 || taken[1].number.Sequence != 7 || len(o.refused) != 2 {
			t.Errorf("took %+v", taken)
		}
		refused := []string{<-o.refused, <-o.refused}
		if slices.Sort(refused); !slices.Equal(refused, []string{"a1", "b6"}) {
			t.Errorf("refused %v", refused)
		}
		if again, any := o.take(); any || len(again) != 0 {
			t.Errorf("took %+v twice", again)
		}
		o.needEntry()
		if empty, any := o.take(); !any || len(empty) != 0 {
			t.Error("no empty Entry for a read that waits for one")
		}
		if _, any := o.take(); any {
			t.Error("a second Entry for the same read")
		}
	})
}

func TestALeaderThatStopsRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffers()
		o.add("a", 1)
		close(o.done) // its run is not under way
		o.close(closeLimit)
		o.refuse("shutting down")
		o.add("b", 1)
		synctest.Wait()
		if got := []string{<-o.refused, <-o.refused}; !slices.Equal(got, []string{"a1", "b1"}) {
			t.Errorf("refused %v", got)
		}
	})
}

func TestALeaderOwesTheLeaseClockAnEntryASecondWhileItTakesBatches(t *testing.T) {
	for _, row := range []struct {
		name            string
		leasing, halted bool
		due, then       int64
		want            bool
	}{
		{"a second after the last stamp", true, false, 0, 11_000, true},
		{"not before", true, false, 0, 10_999, false},
		{"nobody has a lease", false, false, 0, 99_000, false},
		{"nobody could say that he lives", true, true, 0, 99_000, false},
		{"something ends", false, false, 10_500, 10_500, true},
		{"it does not end yet", true, false, 10_500, 10_499, false},
		{"it may be a lease of somebody who can't say that he lives", true, true, 10_500, 99_000, false},
	} {
		l := &leader{replica: quietReplica(t), halted: func() (answer, bool) { return answer{}, row.halted }}
		l.replica.now.Store(10_000)
		l.replica.leasing.Store(row.leasing)
		l.replica.due.Store(row.due)
		if got := l.owes(row.then); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestALeaderThatTakesNoBatchesTellsTheLeaseClockSo(t *testing.T) {
	for _, row := range []struct {
		name            string
		leasing, halted bool
		offers          int
		want            fsm.EntryKind
	}{
		{"it takes Batches", true, false, 0, fsm.Ordinary},
		{"it takes none, and a read asks for an Entry", true, true, 0, fsm.Deaf},
		{"it takes none any more", true, true, 1, fsm.Ordinary},
		{"nobody has a lease, and older programs may be members", false, true, 0, fsm.Ordinary},
	} {
		l := &leader{replica: quietReplica(t), halted: func() (answer, bool) { return answer{}, row.halted }}
		l.replica.leasing.Store(row.leasing)
		if got := l.kind(make([]offer, row.offers)); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
