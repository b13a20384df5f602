package cluster

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

func TestTheOldestWriteCounts(t *testing.T) {
	var w writes
	at := func(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }
	if w.oldest(false).age(at(0)) != 0 || w.slow() != 0 {
		t.Error("a write of nobody")
	}
	first := w.begin(write{"first", true, at(0)})
	second := w.begin(write{"second", true, at(time.Second)})
	background := w.begin(write{"background", false, at(-time.Hour)})
	if got := w.oldest(true); got.what != "first" || got.age(at(3*time.Second)) != 3*time.Second {
		t.Errorf("oldest is %+v", got)
	}
	if got := w.oldest(false); got.what != "background" {
		t.Errorf("oldest of all is %+v", got)
	}
	w.end(background, at(2*time.Second))
	w.end(first, at(2*time.Second))
	w.end(second, at(2*time.Second+1))
	if got := w.slow(); got != 2*time.Second {
		t.Errorf("slow is %v: not the first write, which took longest of those that others wait for", got)
	}
}

func TestADiskIsSlowIfMoreThanOneInFourOfItsLastWritesAre(t *testing.T) {
	for _, row := range []struct {
		writes string // s: of a second, q: quick
		slow   bool
	}{
		{"s", true},
		{"qqs", true},
		{"qqqs", false}, // a hang that is over
		{"sqqqqqq", false},
		{"sqsqqqq", true},
		{"sqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", false},
		{"qqqqqqqqqqqqqqqqqqqqqqqqqqsqqssqs", false},
		{"qqqqqqqqqqqqqqqqqqqqqqqqqqsqqssss", true},
		{"ssssssssssssssssssssssssqqqqqqqqqqq", true},
		{"ssssssssssssssssssssssssqqqqqqqqqqqq", false},
	} {
		var w writes
		now := time.Unix(1000, 0)
		for _, kind := range row.writes {
			took := time.Millisecond
			if kind == 's' {
				took = time.Second
			}
			begun := w.begin(write{"append", true, now})
			now = now.Add(took)
			w.end(begun, now)
			now = now.Add(time.Hour) // a disk that had nothing to do is known by what it did before
		}
		if slow := w.slow() == time.Second; slow != row.slow {
			t.Errorf("%s: slow %v, want %v", row.writes, slow, row.slow)
		}
	}
}

// hangingStore answers when it is let go.
type hangingStore struct {
	badDisk
	let chan struct{}
}

func (h hangingStore) StoreLogs([]*raft.Log) error        { <-h.let; return nil }
func (h hangingStore) DeleteRange(_, _ uint64) error      { <-h.let; return nil }
func (h hangingStore) Set(_, _ []byte) error              { <-h.let; return nil }
func (h hangingStore) SetUint64(_ []byte, _ uint64) error { <-h.let; return nil }

func TestEveryKindOfWriteIsSeenWhileItHangs(t *testing.T) {
	for want, do := range map[string]func(Stores) error{
		"append to the log":   func(s Stores) error { return s.Log.StoreLog(&raft.Log{}) },
		"append to the log ":  func(s Stores) error { return s.Log.StoreLogs([]*raft.Log{{}}) },
		"truncate the log":    func(s Stores) error { return s.Log.DeleteRange(1, 2) },
		"store CurrentTerm":   func(s Stores) error { return s.Stable.SetUint64([]byte("CurrentTerm"), 1) },
		"store LastVoteCand ": func(s Stores) error { return s.Stable.Set([]byte("LastVoteCand"), nil) },
	} {
		synctest.Test(t, func(t *testing.T) {
			w, h := &watch{}, hangingStore{let: make(chan struct{})}
			go do(w.watched(Stores{Log: h, Stable: h}))
			synctest.Wait()
			time.Sleep(31 * time.Second)
			got := w.oldest(false)
			if got.what != strings.TrimSpace(want) || got.age(time.Now()) != 31*time.Second {
				t.Errorf("%+v, want %s", got, want)
			}
			if line := hangs(got, time.Now()).Error(); !strings.Contains(line, strings.TrimSpace(want)+": no answer for 31s") {
				t.Errorf("the node ends with %q", line)
			}
			pending, slow := w.report()
			if awaited := want != truncating; (pending == 31*time.Second) != awaited || slow != 0 {
				t.Errorf("%s: %v pending, slow %v", want, pending, slow)
			}
			close(h.let)
			synctest.Wait()
			if got := w.oldest(false); got.what != "" {
				t.Errorf("%+v has returned", got)
			}
		})
	}
	if !(watchedLog{LogStore: badDisk{}}).IsMonotonic() || (watchedLog{LogStore: raft.NewInmemStore()}).IsMonotonic() {
		t.Error("the wrapper does not pass on whether the log has gaps")
	}
}
