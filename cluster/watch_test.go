package cluster

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

func TestTheOldestWriteCountsAndTheSlowestOfLateIsRemembered(t *testing.T) {
	var w writes
	at := func(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }
	if w.oldest(false).age(at(0)) != 0 || w.worst() != 0 {
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
	if got := w.worst(); got != 2*time.Second {
		t.Errorf("worst is %v: not the first write, which took longest of those that others wait for", got)
	}
	quick := func(when time.Duration) {
		w.end(w.begin(write{"quick", true, at(when)}), at(when+time.Millisecond))
	}
	for _, row := range []struct {
		when, worst time.Duration
	}{
		{9 * time.Second, 2 * time.Second},
		{15 * time.Second, 2 * time.Second}, // another stretch
		{24 * time.Second, 2 * time.Second},
		{time.Hour, time.Millisecond}, // a third
	} {
		quick(row.when)
		if got := w.worst(); got != row.worst {
			t.Errorf("after %v the worst is %v, want %v", row.when, got, row.worst)
		}
	}
}

func TestADiskIsKnownByWhatItDidBeforeItHadNothingToDo(t *testing.T) {
	var w writes
	start := time.Unix(1000, 0)
	w.end(w.begin(write{"slow", true, start}), start.Add(time.Second))
	later := start.Add(time.Hour)
	w.end(w.begin(write{"quick", true, later}), later.Add(time.Millisecond))
	if got := w.worst(); got != time.Second {
		t.Errorf("worst is %v", got)
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
			pending, worst := w.report()
			if awaited := want != truncating; (pending == 31*time.Second) != awaited || worst != 0 {
				t.Errorf("%s: %v pending, worst %v", want, pending, worst)
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
