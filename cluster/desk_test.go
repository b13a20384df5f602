package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

// desk is a proposer whose copies go nowhere: the test answers them in whatever order it likes.
type desk struct {
	t      *testing.T
	p      *proposer
	leader target
	known  bool

	mu     sync.Mutex
	copies []delivery
	log    []string // of the Requests that were answered, in order: "name: ok 7", "name: unknown", "name: refused"
}

type delivery struct {
	to     target
	batch  fsm.Batch
	answer func(answer)
}

var (
	n1 = target{"n1-1", "n1:1", 5}
	n2 = target{"n2-1", "n2:1", 6}
)

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, leader: n1, known: true}
	d.p = &proposer{contact: &contact{}, number: fsm.Number{Origin: "me-1", Incarnation: 3},
		route: func() (target, bool) { return d.leader, d.known },
		deliver: func(to target, number fsm.Number, data []byte, answer func(answer)) {
			b, err := fsm.DecodeBatch(data)
			if err != nil || b.Number != number {
				t.Errorf("batch %v was delivered as %v (%v)", b.Number, number, err)
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.copies = append(d.copies, delivery{to, b, answer})
		}}
	return d
}

// incr proposes a Request of that many Ops, and then, from within Done, each of next.
func (d *desk) incr(name string, ops int, next ...string) {
	r := &fsm.Request{}
	called := 0
	r.Done = func(r *fsm.Request) {
		if called++; called > 1 {
			d.t.Errorf("Done of %s was called %d times", name, called)
		}
		d.note(name, r)
		for _, n := range next {
			d.incr(n, 1)
		}
	}
	for range ops {
		r.Add(fsm.Op{Kind: fsm.Incr, Key: []byte(name), Amount: 1})
	}
	d.p.propose(r)
}

func (d *desk) note(name string, r *fsm.Request) {
	text := ""
	switch rest := r.Results; {
	case errors.Is(r.Err, fsm.ErrUnknown) && errors.Is(r.Err, fsm.ErrNotApplied):
		text = "both families"
	case errors.Is(r.Err, fsm.ErrUnknown):
		text = "unknown"
	case errors.Is(r.Err, fsm.ErrNotApplied):
		text = "refused"
	case r.Err != nil:
		text = r.Err.Error()
	default:
		text = "ok"
		for result, ok := rest.Next(); ok; result, ok = rest.Next() {
			text += fmt.Sprint(" ", result.Value.Int)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, name+": "+text)
}

// answers of the copy with that place in the order of sending.
func (d *desk) answer(copy int, a answer) {
	d.t.Helper()
	d.mu.Lock()
	if copy >= len(d.copies) {
		d.mu.Unlock()
		d.t.Fatalf("copy %d was not sent: there are %d", copy, len(d.copies))
	}
	answer := d.copies[copy].answer
	d.mu.Unlock()
	answer(a)
}

func (d *desk) results(copy int) { d.t.Helper(); d.answer(copy, resultsOf(d.copies[copy].batch)) }
func (d *desk) refuse(copy int) {
	d.t.Helper()
	d.answer(copy, answer{kind: answerRefused, reason: "no"})
}
func (d *desk) lose(copy int)       { d.t.Helper(); d.answer(copy, answer{kind: answerLost, reason: "cut"}) }
func (d *desk) superseded(copy int) { d.t.Helper(); d.answer(copy, answer{kind: answerSuperseded}) }

// wait lets time pass as a node does: with a tick each tickEvery.
func (d *desk) wait(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		time.Sleep(tickEvery)
		d.p.tick(time.Now())
	}
}

// sent are the copies so far: the batch's sequence and its leader.
func (d *desk) sent() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var texts []string
	for _, c := range d.copies {
		texts = append(texts, fmt.Sprintf("%d→%s", c.batch.Number.Sequence, nameOf(c.to.id)))
	}
	return strings.Join(texts, " ")
}

func (d *desk) answered() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.log, ", ")
}

// resultsOf answers each Op with sequence × 1000 and its place in the Batch.
func resultsOf(b fsm.Batch) answer {
	m := fsm.New()
	var groups []fsm.Op
	for i := range b.Ops {
		groups = append(groups, fsm.Op{Kind: fsm.Set, Key: fmt.Append(nil, i), Value: fsm.IntValue(int64(b.Number.Sequence)*1000 + int64(i))})
	}
	seed := fsm.AppendBatch(nil, fsm.Number{Origin: "seed", Incarnation: 1, Sequence: 1}, b.Ops, fsm.AppendGroup(nil, groups))
	if _, err := m.Apply(1, 1, fsm.Entry{Kind: fsm.Ordinary, Batches: [][]byte{seed}}); err != nil {
		panic(err)
	}
	for i := range groups {
		groups[i] = fsm.Op{Kind: fsm.Get, Key: groups[i].Key}
	}
	results, _ := m.Query(nil, fsm.AppendGroup(nil, groups), 0)
	return answer{kind: answerResults, index: b.Number.Sequence, results: results}
}

// story is what happens to a desk, the copies that it sends by then ("sequence→leader"), and what it answers, in that order.
type story struct {
	name     string
	happens  func(*desk)
	sent     string
	answered string
}

func tell(t *testing.T, stories []story) {
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				s.happens(d)
				if got := d.sent(); got != s.sent {
					t.Errorf("sent %s, want %s", got, s.sent)
				}
				if got := d.answered(); got != s.answered {
					t.Errorf("answered %s, want %s", got, s.answered)
				}
			})
		})
	}
}
