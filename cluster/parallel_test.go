package cluster

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

const slowWrite = 100 * time.Millisecond

// slowDisk is a log whose writes take a while, and fail with err.
type slowDisk struct {
	*raft.InmemStore
	err error
}

func (d *slowDisk) StoreLogs(logs []*raft.Log) error {
	time.Sleep(slowWrite)
	if d.err != nil {
		return d.err
	}
	return d.InmemStore.StoreLogs(logs)
}

// parallelDesk is a parallelLog, and who tells it whether it leads.
type parallelDesk struct {
	*parallelLog
	disk  *slowDisk
	leads atomic.Bool
	ended error
}

func onSlowDisk() *parallelDesk {
	d := &parallelDesk{disk: &slowDisk{InmemStore: raft.NewInmemStore()}}
	d.leads.Store(true)
	d.parallelLog = &parallelLog{LogStore: d.disk, leading: d.leads.Load, failed: func(err error) { d.ended = err }}
	return d
}

func entries(kind raft.LogType, indexes ...uint64) (logs []*raft.Log) {
	for _, index := range indexes {
		logs = append(logs, &raft.Log{Index: index, Term: 1, Type: kind, Data: []byte{byte(index)}})
	}
	return logs
}

// took runs what and returns how long that took.
func took(what func()) time.Duration {
	start := time.Now()
	what()
	return time.Since(start)
}

func TestWhatPendsAndWhatIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		leads bool
		logs  []*raft.Log
		want  time.Duration
	}{
		"a leader's Entry pends":                   {true, entries(raft.LogCommand, 1, 2), 0},
		"a follower's Entry is waited for":         {false, entries(raft.LogCommand, 1, 2), slowWrite},
		"a change of members is waited for":        {true, entries(raft.LogConfiguration, 1), slowWrite},
		"raft's own entry is waited for":           {true, entries(raft.LogNoop, 1), slowWrite},
		"an Entry before a change is, too":         {true, append(entries(raft.LogCommand, 1), entries(raft.LogConfiguration, 2)...), slowWrite},
		"an Entry behind raft's own entry is, too": {true, append(entries(raft.LogNoop, 1), entries(raft.LogCommand, 2)...), slowWrite},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := onSlowDisk()
				d.leads.Store(test.leads)
				if got := took(func() { d.StoreLogs(test.logs) }); got != test.want {
					t.Errorf("StoreLogs took %v, not %v", got, test.want)
				}
				d.await(2)
				if last, _ := d.disk.LastIndex(); last != test.logs[len(test.logs)-1].Index {
					t.Errorf("the disk ends with entry %d", last)
				}
			})
		})
	}
}

func TestALeaderSeesWhatPendsAndAFollowerWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := onSlowDisk()
		look := map[string]func(){
			"GetLog": func() {
				var log raft.Log
				if err := d.GetLog(2, &log); err != nil || log.Index != 2 || log.Data[0] != 2 {
					t.Errorf("entry 2 is %+v, %v", log, err)
				}
			},
			"FirstIndex": func() {
				if first, err := d.FirstIndex(); first != 1 || err != nil {
					t.Errorf("first is %d, %v", first, err)
				}
			},
			"LastIndex": func() {
				if last, err := d.LastIndex(); last != 2 || err != nil {
					t.Errorf("last is %d, %v", last, err)
				}
			},
		}
		for name, look := range look {
			d.DeleteRange(1, 2)
			d.leads.Store(true)
			d.StoreLogs(entries(raft.LogCommand, 1, 2))
			if waited := took(look); waited != 0 {
				t.Errorf("%s of a leader took %v", name, waited)
			}
			d.leads.Store(false)
			if waited := took(look); waited != slowWrite {
				t.Errorf("%s of one that leads no more took %v: it has confirmed what may be lost", name, waited)
			}
		}
	})
}

func TestOneAppendPendsAtATimeAndDeletingWaitsForWhatItDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := onSlowDisk()
		d.StoreLogs(entries(raft.LogCommand, 1, 2))
		if waited := took(func() { d.StoreLogs(entries(raft.LogCommand, 3)) }); waited != slowWrite {
			t.Errorf("the second append waited %v", waited)
		}
		if waited := took(func() { d.DeleteRange(1, 2) }); waited != 0 {
			t.Errorf("deleting old entries waited %v", waited)
		}
		if waited := took(func() { d.DeleteRange(3, 3) }); waited != slowWrite {
			t.Errorf("deleting the entry that pends waited %v", waited)
		}
		if last, _ := d.LastIndex(); last != 0 {
			t.Errorf("entry %d is still there", last)
		}
	})
}

func TestNoFollowerIsToldThatWhatPendsIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := onSlowDisk()
		d.StoreLogs(entries(raft.LogCommand, 7, 8))
		for commit, want := range map[uint64]uint64{0: 0, 5: 5, 6: 6, 7: 6, 8: 6, 9: 6} {
			args := &raft.AppendEntriesRequest{Term: 3, LeaderCommitIndex: commit}
			if told := d.durably(args); told.LeaderCommitIndex != want || told.Term != 3 {
				t.Errorf("while 7 and 8 pend, %+v is told as %+v", args, told)
			}
			if args.LeaderCommitIndex != commit {
				t.Error("raft's own message was changed")
			}
		}
		d.await(8)
		if told := d.durably(&raft.AppendEntriesRequest{LeaderCommitIndex: 8}); told.LeaderCommitIndex != 8 {
			t.Errorf("durable, and told as %d", told.LeaderCommitIndex)
		}
	})
}

func TestWhatCouldNotBeWrittenIsNeverApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := onSlowDisk()
		d.StoreLogs(entries(raft.LogCommand, 1))
		d.await(1)
		d.disk.err = errors.New("the disk is gone")
		d.StoreLogs(entries(raft.LogCommand, 2))

		r := quietReplica(t)
		r.durable = d.await
		if got := r.ApplyBatch(entries(raft.LogCommand, 2))[0]; got != d.disk.err {
			t.Errorf("an entry whose write has failed was answered with %v", got)
		}
		if d.ended != d.disk.err {
			t.Errorf("the node ended with %v", d.ended)
		}
		if _, err := r.Snapshot(); err == nil {
			t.Error("an image was made that raft takes for one with the entry in it")
		}
		if told := d.durably(&raft.AppendEntriesRequest{LeaderCommitIndex: 2}); told.LeaderCommitIndex != 1 {
			t.Errorf("followers are told that %d is committed", told.LeaderCommitIndex)
		}
		if err := d.StoreLogs(entries(raft.LogCommand, 3)); err == nil {
			t.Error("an entry was appended behind one that failed")
		}
	})
}
