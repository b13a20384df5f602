package cluster

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/truecount/truecount/fsm"
)

// logOf are log entries of term 1: an Opener, then one Entry per stamp, whose Batch increments "k" of an origin of its own.
func logOf(stamps ...int64) []*raft.Log {
	opener := fsm.Entry{Kind: fsm.Opener, HashKey: [16]byte{1}}
	logs := []*raft.Log{{Index: 1, Term: 1, Type: raft.LogCommand, Data: opener.Append(nil)}}
	for i, stamp := range stamps {
		r := fsm.Request{}
		r.Add(fsm.Op{Kind: fsm.Incr, Key: []byte("k"), Amount: 1})
		batch := fsm.AppendBatch(nil, fsm.Number{Origin: "o", Incarnation: 1, Sequence: uint64(i + 1)}, 1, r.Groups)
		entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: stamp, Batches: [][]byte{batch}}
		logs = append(logs, &raft.Log{Index: uint64(i + 2), Term: 1, Type: raft.LogCommand, Data: entry.Append(nil)})
	}
	return logs
}

func quietReplica(t *testing.T) *replica {
	return newReplica(func(int64) {}, func(err error) { t.Errorf("the node ended: %v", err) })
}

func get(key string) []byte {
	r := fsm.Request{}
	r.Add(fsm.Op{Kind: fsm.Get, Key: []byte(key)})
	return r.Groups
}

func (r *replica) int(key string) int64 {
	results, _ := r.query(nil, get(key), 0)
	result, _ := results.Next()
	return result.Value.Int
}

func TestTheReplicaAppliesAndTellsHowFarItIs(t *testing.T) {
	var seen []int64
	r := quietReplica(t)
	r.seen = func(stamp int64) { seen = append(seen, stamp) }
	responses := r.ApplyBatch(logOf(1000, 2000))
	if len(responses) != 3 || len(responses[0].([]fsm.Outcome)) != 0 || responses[2].([]fsm.Outcome)[0].Verdict != fsm.Applied {
		t.Errorf("responses %+v", responses)
	}
	if r.int("k") != 2 || r.mark.index.Load() != 3 || r.opened.Load() != 1 || r.now.Load() != 2000 || len(seen) != 3 {
		t.Errorf("k = %d at %d, opened %d, time %d, seen %v", r.int("k"), r.mark.index.Load(), r.opened.Load(), r.now.Load(), seen)
	}
}

// Raft hands over several entries at once. Who waits for the last one must not read what the first one left.
func TestTheWatermarkIsNeverAheadOfWhatIsApplied(t *testing.T) {
	r := quietReplica(t)
	applied := uint64(0)
	r.durable = func(uint64) error {
		if mark := r.mark.index.Load(); mark != applied {
			t.Errorf("the mark is at %d before anything was applied", mark)
		}
		return nil
	}
	r.seen = func(int64) {
		if mark := r.mark.index.Load(); mark > applied {
			t.Errorf("the mark is at %d while entry %d is applied", mark, applied+1)
		}
		applied++
	}
	if logs := logOf(1000, 2000); len(r.ApplyBatch(logs)) < 3 || r.mark.index.Load() != applied {
		t.Errorf("the mark is at %d behind %d entries", r.mark.index.Load(), applied)
	}
}

func TestAChangeOfMembersMovesTheWatermark(t *testing.T) {
	r := quietReplica(t)
	r.ApplyBatch(logOf(1000))
	r.ApplyBatch([]*raft.Log{{Index: 9, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(raft.Configuration{})}})
	if _, index := r.digest(); r.mark.index.Load() != 9 || index != 9 {
		t.Errorf("the mark is at %d, the machine at %d", r.mark.index.Load(), index)
	}
}

func TestAnImageMakesAnEqualReplica(t *testing.T) {
	first, second := quietReplica(t), quietReplica(t)
	first.ApplyBatch(logOf(1000, 2000))
	snapshot, err := first.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	first.ApplyBatch([]*raft.Log{{Index: 7, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(raft.Configuration{})}})
	sink := &memorySink{}
	if err := snapshot.Persist(sink); err != nil || !sink.closed || sink.cancelled {
		t.Fatalf("persist: %v, %+v", err, sink)
	}
	snapshot.Release()
	if err := second.Restore(io.NopCloser(bytes.NewReader(sink.Bytes()))); err != nil {
		t.Fatal(err)
	}
	if second.int("k") != 2 || second.mark.index.Load() != 3 || second.opened.Load() != 1 || second.now.Load() != 2000 {
		t.Errorf("k = %d at %d, opened %d, time %d", second.int("k"), second.mark.index.Load(), second.opened.Load(), second.now.Load())
	}
	before, _ := second.digest()
	if err := second.Restore(io.NopCloser(bytes.NewReader(sink.Bytes()[:sink.Len()-1]))); err == nil {
		t.Error("a cut-off image is taken")
	}
	if after, _ := second.digest(); after != before {
		t.Error("a bad image has changed the replica")
	}
	before, _ = first.digest()
	if err := first.Restore(io.NopCloser(bytes.NewReader(sink.Bytes()))); err == nil {
		t.Error("a replica goes back to an image of before")
	}
	if after, _ := first.digest(); after != before {
		t.Error("an image of before has changed the replica")
	}
	full := &memorySink{full: true}
	if err := snapshot.Persist(full); err == nil || !full.cancelled || full.closed {
		t.Errorf("a full disk: %v, %+v", err, full)
	}
}

type memorySink struct {
	bytes.Buffer
	full, closed, cancelled bool
}

func (s *memorySink) ID() string    { return "memory" }
func (s *memorySink) Cancel() error { s.cancelled = true; return nil }
func (s *memorySink) Close() error  { s.closed = true; return nil }
func (s *memorySink) Write(p []byte) (int, error) {
	if s.full {
		return 0, errDisk
	}
	return s.Buffer.Write(p)
}

// imageOf is what a replica writes as an image.
func imageOf(t *testing.T, r *replica) io.ReadCloser {
	t.Helper()
	snapshot, err := r.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Release()
	sink := &memorySink{}
	if err := snapshot.Persist(sink); err != nil {
		t.Fatal(err)
	}
	return io.NopCloser(&sink.Buffer)
}

func TestAnImageReplacesWhatIsThere(t *testing.T) {
	ahead, behind := quietReplica(t), quietReplica(t)
	ahead.ApplyBatch(logOf(1000, 2000))
	r := fsm.Request{}
	r.Add(fsm.Op{Kind: fsm.Incr, Key: []byte("ended meanwhile"), Amount: 1})
	batch := fsm.AppendBatch(nil, fsm.Number{Origin: "o", Incarnation: 1, Sequence: 1}, 1, r.Groups)
	entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1000, Batches: [][]byte{batch}}
	behind.ApplyBatch(append(logOf(), &raft.Log{Index: 2, Term: 1, Type: raft.LogCommand, Data: entry.Append(nil)}))
	if err := behind.Restore(imageOf(t, ahead)); err != nil {
		t.Fatal(err)
	}
	want, _ := ahead.digest()
	if got, _ := behind.digest(); got != want || behind.int("ended meanwhile") != 0 {
		t.Errorf("the image has left what was there: %d", behind.int("ended meanwhile"))
	}
}

// The goroutine that applies stays behind in this test: nothing may be applied after an entry that can't be read. Those who
// read must not wait for it.
func TestAnEntryThatCannotBeReadEndsTheNodeBeforeItIsPassed(t *testing.T) {
	bad := logOf(1000)[1]
	bad.Data = append(bytes.Clone(bad.Data), 3, 1, 2, 3) // a Batch that is none
	for name, log := range map[string]*raft.Log{
		"entry": {Index: 1, Term: 1, Type: raft.LogCommand, Data: []byte{99}},
		"batch": bad,
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 2)
			r := newReplica(func(int64) {}, func(err error) { ended <- err })
			go r.ApplyBatch([]*raft.Log{log, {Index: 5, Term: 1, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(raft.Configuration{})}})
			if err := <-ended; !errors.Is(err, fsm.ErrFormat) {
				t.Errorf("ended with %v", err)
			}
			r.keys() // does not wait
			if index := r.mark.index.Load(); index != 0 {
				t.Errorf("the mark has passed it: %d", index)
			}
		})
	}
}

func TestWhoObservesHearsOfChangesAlsoBehindAnImage(t *testing.T) {
	logs := logOf(1000, 2000, 3000)
	first, second := quietReplica(t), quietReplica(t)
	var heard []string
	second.observe(func(e fsm.Event) { heard = append(heard, e.Name+" "+string(e.Key)) })
	first.ApplyBatch(logs[:3])
	if err := second.Restore(imageOf(t, first)); err != nil {
		t.Fatal(err)
	}
	second.ApplyBatch(logs[3:])
	if len(heard) != 1 || heard[0] != "incrby k" {
		t.Errorf("heard %q", heard)
	}
	second.observe(nil)
	second.ApplyBatch(logOf(1000, 2000, 3000, 4000)[4:])
	if len(heard) != 1 {
		t.Errorf("heard %q", heard)
	}
}

// What sessions have answered and refused is counted from the node's start on, whatever images came in between.
func TestImagesForgetNoCountsOfSessions(t *testing.T) {
	r := quietReplica(t)
	for n := uint64(1); n <= 3; n++ {
		groups := fsm.AppendGroupIf(nil, fsm.Terms{Once: fsm.Once{Session: fsm.SessionID{9}, Sequence: 1}}, []fsm.Op{{Kind: fsm.Incr, Key: []byte("k"), Amount: 1}})
		entry := fsm.Entry{Kind: fsm.Ordinary, Stamp: 1000, Batches: [][]byte{fsm.AppendBatch(nil, fsm.Number{Origin: "n1", Incarnation: 1, Sequence: n}, 1, groups)}}
		r.ApplyBatch([]*raft.Log{{Index: n, Term: 1, Type: raft.LogCommand, Data: entry.Append(nil)}})
		if err := r.Restore(imageOf(t, r)); err != nil {
			t.Fatal(err)
		}
		if _, _, hits, refused := r.clients(); hits != 0 || refused != n {
			t.Errorf("%d hits and %d refused behind %d refusals, each with an image behind it", hits, refused, n)
		}
	}
}
