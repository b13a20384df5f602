package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// family is two instances of which one client alone speaks, and a counter of theirs that nobody else changes. So it knows what each has in
// it, and the total, as long as both have spoken within a lease; beyond that one of them may be dead or not.
type family struct {
	*client
	generation, uses int
	key              string
	names            [2]string
	mine             [2]int64
	spoke            [2]time.Time // when the last sign of life that was acknowledged was given
	beats            [2]beat
	epoch            int64 // the least that the key can be in
	known            bool  // it is in that
	log              []string
	from, to         time.Time
}

// beat is a Heartbeat of an instance that may have been dead, and how many writes there were since.
type beat struct {
	at     time.Time
	writes int
}

func families(c *client) func() {
	f := &family{client: c}
	f.renew()
	return func() {
		if f.uses++; f.uses > 40 {
			f.renew()
		}
		i := c.IntN(2)
		switch c.IntN(14) {
		case 0:
			f.rest(within(c.Rand, 2*c.plan.setup.lease))
		case 1:
			f.clear(i)
		case 2:
			f.set(i)
		case 3:
			f.remove(i)
		case 4, 5:
			f.stale(i)
		case 6, 7:
			f.do(i, fsm.Op{Kind: fsm.Heartbeat})
		case 8, 9, 10:
			f.get(i)
		default:
			f.add(i, fsm.Epoch{})
		}
	}
}

func (f *family) renew() {
	f.generation++
	f.key = fmt.Sprintf("family:%d-%d", f.row, f.generation)
	f.names = [2]string{f.key + "-x", f.key + "-y"}
	f.uses, f.log, f.mine, f.spoke, f.beats, f.epoch, f.known = 0, nil, [2]int64{}, [2]time.Time{}, [2]beat{}, 0, false
}

// do lets the connected host do an Op of instance i. ok: it is answered, and nothing was refused for want of room.
func (f *family) do(i int, op fsm.Op) (r fsm.Result, ok bool) {
	f.connect()
	op.Instance = []byte(f.names[i])
	if op.Kind != fsm.Heartbeat && op.Kind != fsm.ClearInstance {
		op.Key = []byte(f.key)
	}
	f.from = time.Now()
	a := f.whole(f.DoIf(f.host, fsm.Strong, nil, op), 1)
	f.to = time.Now()
	what := fmt.Sprintf("%v at %s: %v of %s %d", f.from.Sub(f.began).Round(time.Millisecond), f.host, op.Kind, f.names[i], op.Amount)
	if op.Epoch.Given {
		what += fmt.Sprintf(" in epoch %d", op.Epoch.Number)
	}
	outcome := outcomeFor(a)
	if a.Err != nil {
		f.life = nil
		f.log = append(f.log, what+" "+a.Err.Error())
	} else {
		answer := text(a.Results[0].Value)
		if a.Results[0].Value.Kind == fsm.List {
			answer = fmt.Sprint(ints(a.Results[0].Value))
		}
		f.log = append(f.log, fmt.Sprintf("%s = %v %s", what, a.Results[0].Code, answer))
	}
	switch outcome {
	case history.Unknown:
		f.renew()
		return r, false
	case history.NotApplied:
		return r, false
	}
	f.noteAnswers(nil)
	f.noteSign(i, op.Kind, a.Results[0].Code)
	return a.Results[0], true
}

// noteSign notes a sign of life. What is parked of who is heard again by a Heartbeat comes back with the Entry behind it; two later writes
// are surely behind that.
func (f *family) noteSign(i int, kind fsm.Kind, code fsm.Code) {
	if kind == fsm.ICGet || code != fsm.OK {
		return
	}
	for j := range f.beats {
		if b := &f.beats[j]; !b.at.IsZero() {
			if b.writes++; b.writes == 2 {
				f.spoke[j], *b = b.at, beat{}
			}
		}
	}
	switch {
	case kind == fsm.ClearInstance:
	case kind == fsm.Heartbeat && !f.alive(i):
		f.beats[i] = beat{at: f.from}
	default:
		f.spoke[i], f.beats[i] = f.from, beat{}
	}
}

func (f *family) wrong(format string, args ...any) {
	f.anomaly("family", "%s\n  %s", fmt.Sprintf(format, args...), strings.Join(f.log, "\n  "))
}

// alive reports whether instance i was surely not dead during the last Op.
func (f *family) alive(i int) bool {
	lease := f.plan.setup.lease
	return !f.spoke[i].IsZero() && f.to.Before(f.spoke[i].Add(lease-lease/500-5*time.Millisecond))
}

// expect compares total, share and epoch with what they must be. speaks: the Op was a sign of life of i.
func (f *family) expect(i int, r fsm.Result, speaks bool) {
	if r.Code != fsm.OK {
		f.wrong("%s answered %v", f.key, r.Code)
		return
	}
	n := ints(r.Value)
	if dead := !speaks && !f.alive(i) && n[1] == 0; n[1] != f.mine[i] && !dead {
		f.wrong("%s has %d of %s, not %d", f.key, n[1], f.names[i], f.mine[i])
	}
	both := f.mine[0] + f.mine[1]
	possible := map[int64]bool{both: true}
	if !f.alive(1 - i) {
		possible[f.mine[i]] = true
	}
	if !speaks && !f.alive(i) {
		possible[f.mine[1-i]] = true
		if !f.alive(1 - i) {
			possible[0] = true
		}
	}
	if !possible[n[0]] {
		f.wrong("the total of %s is %d, where %s has %d and %s has %d", f.key, n[0], f.names[0], f.mine[0], f.names[1], f.mine[1])
	}
	if n[2] < f.epoch || f.known && n[2] != f.epoch {
		f.wrong("%s is in epoch %d, not %d", f.key, n[2], f.epoch)
	}
	f.epoch, f.known = n[2], f.mine != [2]int64{} || speaks
}

func (f *family) add(i int, epoch fsm.Epoch) {
	by := int64(1 + f.IntN(9))
	r, ok := f.do(i, fsm.Op{Kind: fsm.ICAdd, Amount: by, Epoch: epoch})
	if !ok {
		return
	}
	f.mine[i] += by
	f.expect(i, r, true)
}

func (f *family) get(i int) {
	if r, ok := f.do(i, fsm.Op{Kind: fsm.ICGet}); ok {
		f.expect(i, r, false)
	}
}

func (f *family) set(i int) {
	amount := int64(1 + f.IntN(9))
	r, ok := f.do(i, fsm.Op{Kind: fsm.ICSet, Amount: amount})
	if !ok {
		return
	}
	f.mine[i], f.mine[1-i] = amount, 0
	f.epoch, f.known = f.epoch+1, false
	f.expect(i, r, true)
}

func (f *family) remove(i int) {
	if r, ok := f.do(i, fsm.Op{Kind: fsm.ICDelete}); ok {
		n := ints(r.Value)
		if n[1] != f.mine[i] || n[2] < f.epoch {
			f.wrong("what is deleted of %s was %v, where %s has %d in epoch %d", f.key, n, f.names[i], f.mine[i], f.epoch)
		}
		if f.mine != [2]int64{} && n[2] <= f.epoch {
			f.wrong("%s has ended and is still in epoch %d", f.key, f.epoch)
		}
		f.mine, f.epoch, f.known = [2]int64{}, n[2], false
	}
}

// clear ends all that an instance has, be it alive or dead.
func (f *family) clear(i int) {
	if _, ok := f.do(i, fsm.Op{Kind: fsm.ClearInstance}); ok {
		f.mine[i], f.known = 0, false
	}
}

// stale counts in an epoch that must be over, or in the present one.
func (f *family) stale(i int) {
	switch {
	case !f.known:
		f.get(i)
	case f.epoch > 0 && f.IntN(2) == 0:
		r, ok := f.do(i, fsm.Op{Kind: fsm.ICAdd, Amount: 1, Epoch: fsm.Epoch{Number: uint64(f.epoch - 1), Given: true}})
		if ok && r.Code != fsm.StaleEpoch {
			f.wrong("%s is in epoch %d, and counts for one before", f.key, f.epoch)
		}
	default:
		f.add(i, fsm.Epoch{Number: uint64(f.epoch), Given: true})
	}
}
