package cluster

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// library is a reader on a real replica, whose rounds are answered by the test.
type library struct {
	*reader
	end      context.CancelFunc
	stranger bool // it has not joined
	rounds   int
	settles  int
	answer   func(ctx context.Context, round int) (confirmed, error)
}

func newLibrary(t *testing.T) *library {
	l := &library{}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	l.end = func() { cancel(); running.Wait(); l.wg.Wait() }
	l.reader = &reader{replica: quietReplica(t), clock: &clock{}, contact: &contact{}, joined: func() bool { return !l.stranger }, strong: newReadQueue(), attempt: newReadQueue(), stale: newReadQueue(), ctx: ctx,
		confirm: func(ctx context.Context, settle bool) (confirmed, error) {
			if settle {
				l.settles++
			}
			l.rounds++
			return l.answer(ctx, l.rounds)
		}}
	running.Go(func() { l.run(&l.strong) })
	running.Go(func() { l.run(&l.attempt) })
	running.Go(l.runStale)
	return l
}

func (l *library) up(index uint64, stamp int64) {
	l.answer = func(context.Context, int) (confirmed, error) { return confirmed{index, stamp}, nil }
}

func (l *library) down() {
	l.answer = func(context.Context, int) (confirmed, error) { return confirmed{}, errNotReady }
}

// ask reads a key and waits for the answer; took is how long that was.
func (l *library) ask(level fsm.Level, minIndex uint64) (r *fsm.Request, took time.Duration) {
	from := time.Now()
	done := make(chan struct{})
	r = &fsm.Request{Groups: get("k"), Ops: 1, Level: level, MinIndex: minIndex, Done: func(*fsm.Request) { close(done) }}
	l.read(r)
	<-done
	return r, time.Since(from)
}

func value(r *fsm.Request) int64 {
	rest := r.Results
	result, _ := rest.Next()
	return result.Value.Int
}

func TestAStrongReadWaitsForItsIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		defer l.end()
		l.up(3, 0)
		logs := logOf(1000, 2000)
		l.replica.ApplyBatch(logs[:2])
		time.AfterFunc(100*time.Millisecond, func() { l.replica.ApplyBatch(logs[2:]) })
		if r, took := l.ask(fsm.Strong, 0); r.Err != nil || value(r) != 2 || !r.Verified || took != 100*time.Millisecond {
			t.Errorf("%d, verified %v, %v after %v", value(r), r.Verified, r.Err, took)
		}
	})
}

func TestReadsWithoutALeader(t *testing.T) {
	for _, row := range []struct {
		name    string
		level   fsm.Level
		min     uint64
		took    time.Duration // at least
		refused bool
	}{
		{"strong: refused after the hold time", fsm.Strong, 0, holdTime, true},
		{"attempt: the local value after the patience", fsm.Attempt, 0, patience, false},
		{"stale: at once", fsm.Stale, 2, 0, false},
		{"stale, but behind the connection's own write: refused", fsm.Stale, 3, holdTime, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLibrary(t)
				defer l.end()
				l.down()
				l.replica.ApplyBatch(logOf(1000))
				r, took := l.ask(row.level, row.min)
				if r.Verified || errors.Is(r.Err, fsm.ErrNotApplied) != row.refused || errors.Is(r.Err, fsm.ErrUnknown) || (r.Err == nil) == row.refused {
					t.Errorf("verified %v, %v", r.Verified, r.Err)
				}
				if r.Err == nil && value(r) != 1 {
					t.Errorf("value %d", value(r))
				}
				if took < row.took || took > row.took+2*roundPause {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// A key's deadline lies between machine time and the leader's, and no Entry comes to settle it: a leader whose disk hangs.
func TestAReadThatNothingSettlesIsGivenUp(t *testing.T) {
	for level, want := range map[fsm.Level]time.Duration{fsm.Strong: holdTime, fsm.Attempt: patience} {
		synctest.Test(t, func(t *testing.T) {
			l := newLibrary(t)
			defer l.end()
			logs := logOf(1000)
			entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1000}
			set := fsm.Request{}
			set.Add(fsm.Op{Kind: fsm.Set, Key: []byte("k"), Value: fsm.IntValue(1), Expiry: fsm.Expiry{Mode: fsm.At, Millis: 1500}})
			entry.Batches = [][]byte{fsm.AppendBatch(nil, fsm.Number{Origin: "another", Incarnation: 1, Sequence: 1}, 1, set.Groups)}
			logs = append(logs, &raft.Log{Index: logs[len(logs)-1].Index + 1, Term: 1, Data: entry.Append(nil)})
			l.replica.ApplyBatch(logs)
			l.up(logs[len(logs)-1].Index, 2000)
			r, took := l.ask(level, 0)
			if r.Verified || (r.Err != nil) != (level == fsm.Strong) || took < want || took > want+2*roundPause || l.settles == 0 {
				t.Errorf("level %d: verified %v, %v after %v, asked %d times for an entry", level, r.Verified, r.Err, took, l.settles)
			}
		})
	}
}

func TestANodeThatHasNotJoinedAnswersNoRead(t *testing.T) {
	for _, level := range []fsm.Level{fsm.Strong, fsm.Stale, fsm.Attempt} {
		synctest.Test(t, func(t *testing.T) {
			l := newLibrary(t)
			defer l.end()
			l.down()
			l.stranger = true
			if r, _ := l.ask(level, 0); !errors.Is(r.Err, fsm.ErrNotApplied) || r.Results != nil {
				t.Errorf("level %d: %v, %v", level, r.Results, r.Err)
			}
		})
	}
}

func TestAReadOutlivesRoundsThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		defer l.end()
		l.replica.ApplyBatch(logOf(1000))
		l.answer = func(ctx context.Context, round int) (confirmed, error) {
			if round < 4 {
				<-ctx.Done() // silence
				return confirmed{}, ctx.Err()
			}
			return confirmed{index: 2}, nil
		}
		if r, took := l.ask(fsm.Strong, 0); r.Err != nil || !r.Verified || took != 3*(patience+roundPause) {
			t.Errorf("%v after %v", r.Err, took)
		}
		if !l.contact.lost().IsZero() {
			t.Error("the leader counts as lost after it answered")
		}
	})
}

// Between machine time and the leader's present time a deadline may have passed or not: an Entry must say.
func TestAStrongReadOfAKeyThatMayHaveEndedAsksForAnEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		defer l.end()
		set := fsm.Request{}
		set.Add(fsm.Op{Kind: fsm.Set, Key: []byte("k"), Value: fsm.IntValue(7), Expiry: fsm.Expiry{Mode: fsm.At, Millis: 5000}})
		entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1000, Batches: [][]byte{
			fsm.AppendBatch(nil, fsm.Number{Origin: "another", Incarnation: 1, Sequence: 1}, 1, set.Groups)}}
		l.replica.ApplyBatch([]*raft.Log{{Index: 1, Term: 1, Type: raft.LogCommand, Data: entry.Append(nil)}})

		l.up(1, 4999)
		if r, _ := l.ask(fsm.Strong, 0); value(r) != 7 || l.settles != 0 {
			t.Errorf("before the deadline: %d, %d Entries asked for", value(r), l.settles)
		}
		l.answer = func(_ context.Context, round int) (confirmed, error) {
			if l.settles == 1 {
				empty := fsm.Entry{Kind: fsm.Ordinary, Stamp: 5001}
				l.replica.ApplyBatch([]*raft.Log{{Index: 2, Term: 1, Type: raft.LogCommand, Data: empty.Append(nil)}})
			}
			return confirmed{1, 5001}, nil
		}
		r, _ := l.ask(fsm.Strong, 0)
		rest := r.Results
		if result, _ := rest.Next(); result.Value.Kind != fsm.Nil || !r.Verified || l.settles != 1 {
			t.Errorf("after the deadline: %+v, %d Entries asked for", result, l.settles)
		}
	})
}

func TestReadsThatWaitShareARound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		l.replica.ApplyBatch(logOf(1000))
		l.answer = func(context.Context, int) (confirmed, error) {
			time.Sleep(10 * time.Millisecond)
			return confirmed{index: 2}, nil
		}
		var done atomic.Int32
		for i := range 10 {
			l.read(&fsm.Request{Groups: get("k"), Ops: 1, Done: func(*fsm.Request) { done.Add(1) }})
			if i == 0 {
				synctest.Wait() // the first is alone: who comes later needs a round that began after it came
			}
		}
		time.Sleep(time.Second)
		l.end()
		if done.Load() != 10 || l.rounds != 2 {
			t.Errorf("%d answered in %d rounds", done.Load(), l.rounds)
		}
	})
}

// The Results of a write are the Machine's own memory of it. A Request that is used again for a read must not write there.
func TestARequestThatWasAWriteIsReadWithoutTouchingTheMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		defer l.end()
		l.up(2, 0)
		remembered := l.replica.ApplyBatch(logOf(1000))[1].([]fsm.Outcome)[0].Results
		before, _ := l.replica.digest()
		for _, level := range []fsm.Level{fsm.Strong, fsm.Stale} {
			done := make(chan struct{})
			r := &fsm.Request{Groups: get("missing"), Ops: 1, Level: level, Results: remembered, Done: func(*fsm.Request) { close(done) }}
			l.read(r)
			<-done
		}
		if after, _ := l.replica.digest(); after != before {
			t.Error("a read has changed the Machine")
		}
	})
}

func TestReadsAtTheEndAreRefusedAndSoAreThoseAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLibrary(t)
		l.answer = func(ctx context.Context, _ int) (confirmed, error) { <-ctx.Done(); return confirmed{}, ctx.Err() }
		type end struct {
			name string
			err  error
		}
		ended := make(chan end, 10)
		ask := func(name string, level fsm.Level) {
			l.read(&fsm.Request{Groups: get("k"), Ops: 1, Level: level, MinIndex: 9, Done: func(r *fsm.Request) { ended <- end{name, r.Err} }})
			synctest.Wait()
		}
		ask("under way", fsm.Strong)
		ask("waiting", fsm.Strong)
		ask("catching up", fsm.Stale)
		l.end()
		ask("late strong", fsm.Strong)
		ask("late stale", fsm.Stale)
		for range 5 { // if one is never answered, the bubble says so
			if e := <-ended; !errors.Is(e.err, fsm.ErrNotApplied) {
				t.Errorf("%s: %v", e.name, e.err)
			}
		}
	})
}
