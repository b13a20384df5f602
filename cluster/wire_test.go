package cluster

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/truecount/truecount/fsm"
)

// nodeWithLogger is a Node of which only what needs no parts can be called.
func nodeWithLogger() *Node { return &Node{logger: hclog.NewNullLogger()} }

func TestAnswersSurviveTheWire(t *testing.T) {
	for _, a := range []answer{
		{kind: answerResults, index: math.MaxUint64, results: fsm.Results{1, 2, 3}},
		{kind: answerResults, index: 0, results: fsm.Results{}},
		{kind: answerSuperseded},
		{kind: answerRefused, reason: "not the leader"},
		{kind: answerLost, reason: ""},
		{kind: answerNoSpace, reason: "n1 is full"},
	} {
		got := decodeAnswer(appendAnswer(nil, a))
		if got.kind != a.kind || got.index != a.index || got.reason != a.reason || !bytes.Equal(got.results, a.results) {
			t.Errorf("%+v became %+v", a, got)
		}
	}
}

func TestWhatCannotBeReadOfAnAnswerIsALossNeverARefusal(t *testing.T) {
	for _, data := range [][]byte{nil, {}, {0}, {6}, {255, 1, 2}, {byte(answerResults)}, {byte(answerResults), 0x80},
		append([]byte{byte(answerResults)}, bytes.Repeat([]byte{0xff}, 11)...)} {
		if a := decodeAnswer(data); a.kind != answerLost || a.reason == "" {
			t.Errorf("%v became %+v", data, a)
		}
	}
}

func TestIndexQueriesSurviveTheWire(t *testing.T) {
	for _, term := range []uint64{0, 1, 127, 128, math.MaxUint64} {
		for _, settle := range []bool{true, false} {
			data := appendIndexQuery(nil, term, settle)
			if gotTerm, gotSettle, ok := decodeIndexQuery(data); gotTerm != term || gotSettle != settle || !ok {
				t.Errorf("%d %v became %d %v %v", term, settle, gotTerm, gotSettle, ok)
			}
			for cut := range data {
				if _, _, ok := decodeIndexQuery(data[:cut]); ok {
					t.Errorf("%v cut to %d is taken", data, cut)
				}
			}
		}
	}
}

func TestConfirmationsSurviveTheWire(t *testing.T) {
	c := confirmed{index: math.MaxUint64, stamp: math.MaxInt64}
	data := appendConfirmed(nil, c, nil)
	if got, err := decodeConfirmed(data); got != c || err != nil {
		t.Errorf("%+v became %+v, %v", c, got, err)
	}
	for cut := range data {
		if got, err := decodeConfirmed(data[:cut]); err == nil {
			t.Errorf("cut to %d it is taken as %+v", cut, got)
		}
	}
	if got, err := decodeConfirmed(appendConfirmed(nil, c, errNotReady)); err == nil || !strings.Contains(err.Error(), errNotReady.Error()) {
		t.Errorf("an error became %+v, %v", got, err)
	}
	if got, err := decodeConfirmed([]byte{2, 9, 9}); !errors.Is(err, errWire) {
		t.Errorf("an unknown kind of reply is taken as %+v, %v", got, err)
	}
}

func TestEchoesSurviveTheWire(t *testing.T) {
	old := echo{term: math.MaxUint64, applied: 0, wall: math.MaxInt64} // an older build's ends here
	whole := old
	whole.disk = diskEcho{known: true, pending: time.Second, slow: 2 * time.Second, space: spaceLow}
	whole.leader, whole.id = "n2-1", "n3-1"
	silent := old
	silent.disk = diskEcho{known: true}
	for _, e := range []echo{old, whole, silent} {
		data := appendEcho(nil, e)
		if got, err := decodeEcho(data); got != e || err != nil {
			t.Errorf("%+v became %+v, %v", e, got, err)
		}
		for cut := range data {
			if got, err := decodeEcho(data[:cut]); err == nil && got != old {
				t.Errorf("cut to %d it is taken as %+v", cut, got)
			}
		}
	}
	if got, err := decodeEcho(append(appendEcho(nil, whole), "a newer build's"...)); got != whole || err != nil {
		t.Errorf("a longer one became %+v, %v", got, err)
	}
}

// A build that knows three numbers of an echo reads them, whatever is behind.
func TestAnOlderBuildReadsTheBeginningOfAnEcho(t *testing.T) {
	old, whole := echo{term: 7, applied: 300, wall: 1}, echo{term: 7, applied: 300, wall: 1}
	whole.disk, whole.leader = diskEcho{known: true, pending: time.Hour}, "n1-1"
	if !bytes.HasPrefix(appendEcho(nil, whole), appendEcho(nil, old)) {
		t.Error("an echo does not begin as it did")
	}
}

func TestABatchIsTakenOnlyFromItsOrigin(t *testing.T) {
	r := fsm.Request{}
	r.Add(fsm.Op{Kind: fsm.Incr, Key: []byte("k"), Amount: 1})
	batch := func(origin string) []byte {
		return fsm.AppendBatch(nil, fsm.Number{Origin: origin, Incarnation: 1, Sequence: 1}, 1, r.Groups)
	}
	n := nodeWithLogger()
	n.leader = &leader{wake: make(chan struct{}, 1), halted: func() (answer, bool) { return answer{}, false }}
	for _, row := range []struct {
		name    string
		method  byte
		data    []byte
		refused bool
	}{
		{"its own", methodBatch, batch("n2-1"), false},
		{"another's", methodBatch, batch("n3-1"), true},
		{"none", methodBatch, []byte("not a batch"), true},
		{"a newer build's method", 77, batch("n2-1"), true},
	} {
		n.leader.offered = nil
		var got []answer
		n.handleBatch("n2-1", row.method, row.data, func(reply []byte) { got = append(got, decodeAnswer(reply)) })
		refused := len(got) == 1 && got[0].kind == answerRefused
		if refused != row.refused || len(n.leader.offered) == 1 == row.refused {
			t.Errorf("%s: answered %+v, %d offered", row.name, got, len(n.leader.offered))
		}
	}
}

func TestQuestionsThatCannotBeReadAreAnsweredAllTheSame(t *testing.T) {
	n := nodeWithLogger()
	for method, payload := range map[byte][]byte{methodReadIndex: {}, 200: []byte("what?")} {
		replies := 0
		n.handleControl("n2-1", method, payload, func(reply []byte) {
			replies++
			if _, err := decodeConfirmed(reply); err == nil {
				t.Errorf("method %d: confirmed by %v", method, reply)
			}
		})
		if replies != 1 {
			t.Errorf("method %d: %d replies", method, replies)
		}
	}
	n.handleJoin("n2-1", methodJoin, []byte(`{"ID":"n3-1"}`), func(reply []byte) {
		if !strings.Contains(string(reply), errWire.Error()) {
			t.Errorf("a join for another was answered %s", reply)
		}
	})
}

// A decoder takes any bytes, and what it takes means the same when it is encoded again.
func FuzzDecoders(f *testing.F) {
	f.Add(appendAnswer(nil, answer{kind: answerResults, index: 300, results: fsm.Results{16, 2}}))
	f.Add(appendAnswer(nil, answer{kind: answerRefused, reason: "no"}))
	f.Add(appendIndexQuery(nil, 300, true))
	f.Add(appendConfirmed(nil, confirmed{300, 300}, nil))
	f.Add(appendConfirmed(nil, confirmed{}, errNotReady))
	f.Add(appendEcho(nil, echo{term: 300, applied: 300, wall: 300}))
	f.Add(appendEcho(nil, echo{term: 300, disk: diskEcho{known: true, slow: time.Second}, leader: "n1-1", id: "n2-1"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := decodeAnswer(slices.Clone(data))
		if again := decodeAnswer(appendAnswer(nil, a)); again.kind != a.kind || again.index != a.index ||
			again.reason != a.reason || !bytes.Equal(again.results, a.results) {
			t.Errorf("answer %+v became %+v", a, again)
		}
		if a.kind == answerRefused && data[0] != byte(answerRefused) {
			t.Errorf("%v is taken as a refusal", data)
		}
		if term, settle, ok := decodeIndexQuery(data); ok {
			if t2, s2, ok := decodeIndexQuery(appendIndexQuery(nil, term, settle)); t2 != term || s2 != settle || !ok {
				t.Errorf("index query %d %v became %d %v", term, settle, t2, s2)
			}
		}
		if c, err := decodeConfirmed(data); err == nil {
			if again, err := decodeConfirmed(appendConfirmed(nil, c, nil)); again != c || err != nil {
				t.Errorf("%+v became %+v, %v", c, again, err)
			}
		}
		if e, err := decodeEcho(data); err == nil {
			if again, err := decodeEcho(appendEcho(nil, e)); again != e || err != nil {
				t.Errorf("%+v became %+v, %v", e, again, err)
			}
		}
	})
}
