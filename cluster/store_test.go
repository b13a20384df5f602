package cluster

import (
	"errors"
	"runtime"
	"testing"

	"github.com/hashicorp/raft"
)

var errDisk = errors.New("no space left")

// badDisk fails every write, and says what raft asks of a log store without gaps.
type badDisk struct {
	raft.LogStore
	raft.StableStore
	err error
}

func (d badDisk) StoreLog(*raft.Log) error           { return d.err }
func (d badDisk) StoreLogs([]*raft.Log) error        { return d.err }
func (d badDisk) DeleteRange(_, _ uint64) error      { return d.err }
func (d badDisk) Set(_, _ []byte) error              { return d.err }
func (d badDisk) SetUint64(_ []byte, _ uint64) error { return d.err }
func (d badDisk) IsMonotonic() bool                  { return true }

func TestAFailedWriteToTheLogEndsTheNodeAndTheErrorGoesOn(t *testing.T) {
	writes := map[string]func(fatalLog) error{
		"StoreLog":    func(l fatalLog) error { return l.StoreLog(&raft.Log{}) },
		"StoreLogs":   func(l fatalLog) error { return l.StoreLogs([]*raft.Log{{}}) },
		"DeleteRange": func(l fatalLog) error { return l.DeleteRange(1, 2) },
	}
	for name, write := range writes {
		for _, want := range []error{errDisk, nil} {
			ended := 0
			fatal := func(err error) {
				if ended++; !errors.Is(err, errDisk) {
					t.Errorf("%s: ended with %v", name, err)
				}
			}
			if err := write(fatalLog{badDisk{err: want}, fatal, nil}); !errors.Is(err, want) {
				t.Errorf("%s = %v, want %v", name, err, want)
			}
			if (ended == 1) != (want != nil) {
				t.Errorf("%s that returns %v ended the node %d times", name, want, ended)
			}
		}
	}
}

// The library panics over a vote it can't store. It must not come to that.
func TestAFailedWriteOfTermOrVoteEndsTheNodeAndDoesNotReturn(t *testing.T) {
	writes := map[string]func(fatalStable) error{
		"Set":       func(s fatalStable) error { return s.Set([]byte("k"), nil) },
		"SetUint64": func(s fatalStable) error { return s.SetUint64([]byte("k"), 1) },
	}
	for name, write := range writes {
		if err := write(fatalStable{badDisk{}, func(err error) { t.Errorf("%s: ended with %v", name, err) }, nil}); err != nil {
			t.Errorf("%s = %v", name, err)
		}
		ended := make(chan error)
		go func() {
			write(fatalStable{badDisk{err: errDisk}, func(err error) { ended <- err }, nil})
			t.Errorf("%s returned after a failed write", name)
		}()
		if err := <-ended; !errors.Is(err, errDisk) {
			t.Errorf("%s ended with %v", name, err)
		}
		runtime.Gosched() // what must not happen had its chance
	}
}

func TestTheNodeIsEndedOnce(t *testing.T) {
	ended := 0
	n := nodeWithLogger()
	n.config.Fatal = func(error) { ended++ }
	n.fail(errDisk)
	n.fail(errDisk)
	if ended != 1 {
		t.Errorf("Fatal was called %d times", ended)
	}
}

func TestTheLogSaysWhetherItHasGaps(t *testing.T) {
	if !(fatalLog{LogStore: badDisk{}}).IsMonotonic() {
		t.Error("the wrapper hides that the log has no gaps")
	}
	if (fatalLog{LogStore: raft.NewInmemStore()}).IsMonotonic() {
		t.Error("the wrapper invents that the log has no gaps")
	}
}
