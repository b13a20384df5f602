package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/fsm"
)

func TestRequestsShareBatches(t *testing.T) {
	tell(t, []story{
		{"results are split among those who share a batch", func(d *desk) {
			d.incr("a", 1)
			d.incr("b", 2)
			d.incr("c", 1)
			d.results(0)
			d.results(1)
		}, "1→n1 2→n1", "a: ok 1000, b: ok 2000 2001, c: ok 2002"},

		{"while one batch is unanswered the next one collects", func(d *desk) {
			d.incr("a", 1)
			d.incr("b", 1)
			d.wait(100 * time.Millisecond)
		}, "1→n1", ""},

		{"a request of nothing is a batch, too", func(d *desk) {
			d.incr("nothing", 0)
			d.results(0)
			d.incr("nothing again", 0)
			d.incr("a", 1)
			d.results(1)
			d.results(2)
		}, "1→n1 2→n1 3→n1", "nothing: ok, nothing again: ok, a: ok 3000"},

		{"what is handed over from within Done leaves in one batch", func(d *desk) {
			d.incr("a", 1, "a1", "a2")
			d.results(0)
			d.results(1)
		}, "1→n1 2→n1", "a: ok 1000, a1: ok 2000, a2: ok 2001"},

		{"what waited and what is handed over from within Done leave together", func(d *desk) {
			d.incr("a", 1, "a1")
			d.incr("b", 1, "b1", "b2")
			d.results(0)
			d.incr("c", 1)
			d.results(1)
			d.results(2)
		}, "1→n1 2→n1 3→n1", "a: ok 1000, b: ok 2000, a1: ok 2001, c: ok 3000, b1: ok 3001, b2: ok 3002"},
	})
}

func TestARefusedCopyAndALostOne(t *testing.T) {
	tell(t, []story{
		{"a refused copy dissolves the batch, which gets a new number", func(d *desk) {
			d.incr("a", 1)
			d.incr("b", 1)
			d.refuse(0)
			d.wait(tickEvery)
			d.results(1)
		}, "1→n1 2→n1", "a: ok 2000, b: ok 2001"},

		{"a lost copy is sent again under its number", func(d *desk) {
			d.incr("a", 1)
			d.lose(0)
			d.wait(tickEvery)
			d.results(1)
		}, "1→n1 1→n1", "a: ok 1000"},

		{"lost, then refused: the lost copy may live, so the batch stays", func(d *desk) {
			d.incr("a", 1)
			d.lose(0)
			d.wait(tickEvery)
			d.refuse(1)
			d.wait(tickEvery)
			d.results(2)
		}, "1→n1 1→n1 1→n1", "a: ok 1000"},

		{"lost, then refused till the end: unknown, never refused", func(d *desk) {
			d.incr("a", 1)
			d.lose(0)
			d.wait(tickEvery)
			d.refuse(1)
			d.known = false
			d.wait(2 * time.Second)
		}, "1→n1 1→n1", "a: unknown"},
	})
}

func TestWhatTooFewDisksHaveRoomForIsRefusedAtOnce(t *testing.T) {
	full := func(d *desk, copy int) { d.answer(copy, answer{kind: answerNoSpace, reason: "full"}) }
	tell(t, []story{
		{"nothing waits for a leader that has space", func(d *desk) {
			d.incr("a", 1, "b")
			full(d, 0)
			full(d, 1)
		}, "1→n1 2→n1", "a: refused, b: refused"},

		{"but what another copy may bring about stays", func(d *desk) {
			d.incr("a", 1)
			d.lose(0)
			d.wait(tickEvery)
			full(d, 1)
			d.wait(tickEvery)
			d.results(2)
		}, "1→n1 1→n1 1→n1", "a: ok 1000"},
	})
}

func TestCopiesToTwoLeaders(t *testing.T) {
	tell(t, []story{
		{"a new leader gets a copy at once; the old one's refusal is not enough", func(d *desk) {
			d.incr("a", 1)
			d.leader = n2
			d.wait(tickEvery)
			d.refuse(0)
			d.wait(tickEvery)
			d.results(1)
		}, "1→n1 1→n2", "a: ok 1000"},

		{"both copies refused: only then it is dissolved", func(d *desk) {
			d.incr("a", 1)
			d.leader = n2
			d.wait(tickEvery)
			d.refuse(1)
			d.known = false
			d.wait(tickEvery)
			d.refuse(0)
			d.wait(2 * time.Second)
		}, "1→n1 1→n2", "a: refused"},

		{"new copy refused, old one lost: it may live", func(d *desk) {
			d.incr("a", 1)
			d.leader = n2
			d.wait(tickEvery)
			d.refuse(1)
			d.known = false
			d.lose(0)
			d.wait(2 * time.Second)
		}, "1→n1 1→n2", "a: unknown"},

		{"the old copy's results decide, the new copy's come too late", func(d *desk) {
			d.incr("a", 1)
			d.leader = n2
			d.wait(tickEvery)
			d.results(0)
			d.incr("b", 1)
			d.refuse(1)
			d.results(2)
		}, "1→n1 1→n2 2→n2", "a: ok 1000, b: ok 2000"},
	})
}

func TestRequestsThatWaitInVain(t *testing.T) {
	tell(t, []story{
		{"nobody leads: what was never sent is refused after the hold time", func(d *desk) {
			d.known = false
			d.incr("a", 1)
			d.wait(holdTime - tickEvery)
			d.incr("b", 1)
			d.wait(tickEvery)
			d.incr("c", 1)
		}, "", "a: refused"},

		{"nobody led for long: refused at once", func(d *desk) {
			d.known = false
			d.p.contact.failed()
			d.wait(holdTime)
			d.incr("a", 1)
			d.wait(tickEvery)
		}, "", "a: refused"},

		{"a leader appears within the hold time: nobody notices", func(d *desk) {
			d.known = false
			d.incr("a", 1)
			d.wait(holdTime / 2)
			d.known = true
			d.wait(tickEvery)
			d.results(0)
		}, "1→n1", "a: ok 1000"},

		{"a silent leader: unknown after maxWait, and the next number only then", func(d *desk) {
			d.incr("a", 1)
			d.wait(time.Second)
			d.incr("b", 1)
			d.wait(maxWait - time.Second)
			d.results(1)
		}, "1→n1 2→n1", "a: unknown, b: ok 2000"},

		{"given up, then answered: too late, and not a second time", func(d *desk) {
			d.incr("a", 1)
			d.wait(maxWait)
			d.incr("b", 1)
			d.results(0)
			d.results(1)
		}, "1→n1 2→n1", "a: unknown, b: ok 2000"},

		{"given up, then refused: the next batch is not dissolved by it", func(d *desk) {
			d.incr("a", 1)
			d.wait(maxWait)
			d.incr("b", 1)
			d.refuse(0)
			d.wait(tickEvery)
			d.results(1)
		}, "1→n1 2→n1", "a: unknown, b: ok 2000"},
	})
}

func TestRequestsThatNobodyCanAnswerTruly(t *testing.T) {
	tell(t, []story{
		{"part of a batch is given up, the rest gets its own results", func(d *desk) {
			d.known = false
			d.incr("a", 2)
			d.wait(500 * time.Millisecond)
			d.incr("b", 1)
			d.known = true
			d.wait(maxWait - 500*time.Millisecond)
			d.results(0)
		}, "1→n1", "a: unknown, b: ok 1002"},

		{"part of a batch is given up, then all copies are refused: unknown stays unknown, the rest goes again", func(d *desk) {
			d.known = false
			d.incr("a", 1)
			d.wait(500 * time.Millisecond)
			d.incr("b", 1)
			d.known = true
			d.wait(maxWait - 500*time.Millisecond)
			d.refuse(0)
			d.wait(tickEvery)
			d.results(1)
		}, "1→n1 2→n1", "a: unknown, b: ok 2000"},

		{"all of a batch is given up: its number is not given again", func(d *desk) {
			d.incr("a", 1)
			d.wait(maxWait)
			d.incr("b", 1)
			d.results(1)
		}, "1→n1 2→n1", "a: unknown, b: ok 2000"},

		{"overtaken by a later batch of this origin: unknown", func(d *desk) {
			d.incr("a", 1)
			d.superseded(0)
			d.incr("b", 1)
			d.results(1)
		}, "1→n1 2→n1", "a: unknown, b: ok 2000"},

		{"results that are cut off: unknown for those without", func(d *desk) {
			d.known = false
			d.incr("a", 1)
			d.incr("b", 1)
			d.known = true
			d.wait(tickEvery)
			cut := resultsOf(d.copies[0].batch)
			cut.results = cut.results[:len(cut.results)/2]
			d.answer(0, cut)
		}, "1→n1", "a: ok 1000, b: unknown"},

		{"at the end the sent are unknown, the unsent refused, and so are those who come later", func(d *desk) {
			d.incr("a", 1)
			d.incr("b", 1)
			d.p.close()
			d.results(0)
			d.incr("c", 1)
			synctest.Wait()
		}, "1→n1", "b: refused, a: unknown, c: refused"},
	})
}

func TestABatchHoldsWhatItsBoundsAllow(t *testing.T) {
	fill := func(d *desk, sizes ...int) {
		d.known = false
		for i, ops := range sizes {
			d.incr(fmt.Sprint("r", i), ops)
		}
		d.known = true
		d.p.tick(time.Now())
	}
	ops := func(d *desk) (counts []int) {
		for i := 0; i < len(d.copies); i++ {
			counts = append(counts, d.copies[i].batch.Ops)
			d.results(i)
		}
		return counts
	}
	for _, row := range []struct {
		name        string
		sizes, want []int
	}{
		{"as many Ops as fit", []int{2000, 2000, 1}, []int{4000, 1}},
		{"a Request is never split", []int{2000, 2001, 1}, []int{2000, 2002}},
		{"one that is too large for a Batch goes alone", []int{1, 5000, 1}, []int{1, 5000, 1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := newDesk(t)
			fill(d, row.sizes...)
			if got := ops(d); !slices.Equal(got, row.want) {
				t.Errorf("batches of %v Ops, want %v", got, row.want)
			}
		})
	}
	t.Run("bytes and the weight of old values count, too", func(t *testing.T) {
		d := newDesk(t)
		d.known = false
		propose := func(op fsm.Op) {
			r := &fsm.Request{Done: func(*fsm.Request) {}}
			r.Add(op)
			d.p.propose(r)
		}
		for range 40 {
			propose(fsm.Op{Kind: fsm.Set, Key: []byte("k"), Value: fsm.Value{Kind: fsm.Text, Text: make([]byte, fsm.MaxText)}})
		}
		for range 300 {
			propose(fsm.Op{Kind: fsm.Set, Key: []byte("k"), Value: fsm.IntValue(1), Flags: fsm.SetGet})
		}
		d.known = true
		d.p.tick(time.Now())
		const most = fsm.MaxWeight / fsm.MaxText // old values in a batch
		if got, want := ops(d), []int{31, 9 + most, most, 300 - 2*most}; !slices.Equal(got, want) {
			t.Errorf("batches of %v Ops, want %v", got, want)
		}
	})
}

// One goroutine gives up a part of a batch while another brings its results: whoever ends last must leave the proposer free.
func TestTwoWhoCompleteAtOnceDoNotBlockWhatFollows(t *testing.T) {
	for _, tickEndsFirst := range []bool{true, false} {
		t.Run(fmt.Sprintf("tick first %v", tickEndsFirst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.known = false
				gates := map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{})}
				for _, name := range []string{"a", "b"} {
					r := &fsm.Request{Done: func(r *fsm.Request) { <-gates[name]; d.note(name, r) }}
					r.Add(fsm.Op{Kind: fsm.Incr, Key: []byte(name), Amount: 1})
					d.p.propose(r)
					d.wait(500 * time.Millisecond)
				}
				d.known = true
				d.p.tick(time.Now())
				time.Sleep(maxWait - time.Second)
				go d.p.tick(time.Now()) // gives up a, waits in its Done
				synctest.Wait()
				go d.results(0) // answers b, waits in its Done
				synctest.Wait()
				first, second := "a", "b"
				if !tickEndsFirst {
					first, second = second, first
				}
				close(gates[first])
				synctest.Wait()
				close(gates[second])
				synctest.Wait()
				d.incr("c", 1)
				d.wait(tickEvery)
				d.results(1)
				if got := d.answered(); !strings.HasSuffix(got, "c: ok 2000") {
					t.Errorf("answered %s", got)
				}
			})
		})
	}
}
