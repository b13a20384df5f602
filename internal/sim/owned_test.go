package sim

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
	"github.com/truecount/truecount/internal/history"
)

// What one client alone writes to, it knows exactly, be it near the ends of int64, beyond them, decimal, watched or about to end. After an
// answer that nobody saw it goes on with other keys, and what is left behind is read again at the end of the trial.

// owner is a client with two keys of its own.
type owner struct {
	*client
	generation, uses int
	keys             [2]string
	holds            [2]held
	log              []string // what it did with these keys
	from, to         time.Time
}

func owned(c *client) func() {
	o := &owner{client: c}
	o.renew()
	return func() {
		if o.uses++; o.uses > 40 {
			o.leave()
			o.renew()
		}
		i := c.IntN(2)
		acts := []func(int){o.set, o.set, o.incr, o.incr, o.add, o.add, o.persist, o.expire, o.remove, o.rename, o.read, o.read, o.watch, o.watch,
			o.watch, o.together}
		acts[c.IntN(len(acts))](i)
	}
}

// renew goes on with other keys.
func (o *owner) renew() {
	o.generation++
	o.uses, o.log, o.holds = 0, nil, [2]held{}
	for i, part := range []string{"a", "b"} {
		o.keys[i] = fmt.Sprintf("own:%d-%d:%s", o.row, o.generation, part)
	}
}

// leave leaves the keys to the end of the trial.
func (o *owner) leave() {
	o.trial.mu.Lock()
	defer o.trial.mu.Unlock()
	for i, key := range o.keys {
		o.left[key] = o.holds[i]
	}
}

// do lets the connected host do ops. ok: they are answered, and nothing was refused for want of room.
func (o *owner) do(conditions []fsm.Condition, ops ...fsm.Op) (results []fsm.Result, ok bool) {
	o.connect()
	o.from = time.Now()
	a := o.whole(o.DoIf(o.host, fsm.Strong, conditions, ops...), len(ops))
	o.to = time.Now()
	what := fmt.Sprintf("%v at %s:", o.from.Sub(o.began).Round(time.Millisecond), o.host)
	for i, op := range ops {
		what += fmt.Sprintf(" %v %s %d %q", op.Kind, op.Key, op.Amount, text(op.Value))
		if op.Expiry.Mode == fsm.After {
			what += fmt.Sprintf(" for %d ms", op.Expiry.Millis)
		}
		if a.Err == nil {
			what += fmt.Sprintf(" = %v %q", a.Results[i].Code, text(a.Results[i].Value))
		}
	}
	if a.Err != nil {
		what += " " + a.Err.Error()
	}
	o.log = append(o.log, what)
	switch outcomeFor(a) {
	case history.Done:
		o.noteAnswers(nil)
		return a.Results, true
	case history.Unknown:
		o.life = nil
		o.renew()
		return nil, false
	}
	if a.Err != nil {
		o.life = nil
		return nil, false
	}
	return a.Results, a.aborted()
}

// wrong is an anomaly, with what the client did.
func (o *owner) wrong(format string, args ...any) {
	o.anomaly("owned", "%s\n  %s", fmt.Sprintf(format, args...), strings.Join(o.log, "\n  "))
}

// known reports whether it is sure what key i held during the last Ops; if not, the client goes on with other keys.
func (o *owner) known(i int) bool {
	there, sure := o.holds[i].at(o.from, o.to)
	if !sure {
		o.renew()
		return false
	}
	if !there {
		o.holds[i] = held{}
	}
	return true
}

// one lets one Op on key i be done. ok: it is done, and sure what was there.
func (o *owner) one(i int, op fsm.Op) (r fsm.Result, ok bool) {
	results, ok := o.do(nil, op)
	if !ok || !o.known(i) {
		return r, false
	}
	return results[0], true
}

func (o *owner) expect(i int, r fsm.Result, code fsm.Code, value string) bool {
	if got := text(r.Value); r.Code != code || code == fsm.OK && got != value {
		o.wrong("%s must answer %v %q, not %v %q", o.keys[i], code, value, r.Code, got)
		return false
	}
	return true
}

// ending is a time to live.
func (o *owner) ending() fsm.Expiry {
	return fsm.Expiry{Mode: fsm.After, Millis: o.span(100*time.Millisecond, 3*time.Second).Milliseconds()}
}

func (o *owner) endsAfter(h *held, e fsm.Expiry) {
	ttl := time.Duration(e.Millis) * time.Millisecond
	h.early = o.from.Add(ttl - ttl/500 - 5*time.Millisecond)
	h.late = o.to.Add(ttl + ttl/500 + history.DefaultLate*time.Duration(o.plan.setup.pace))
}

func (o *owner) set(i int) {
	h := held{there: true, millionths: big.NewInt(o.Int64N(2e9) - 1e9)}
	switch o.IntN(4) {
	case 0:
		h.millionths = millionths(math.MaxInt64 - o.Int64N(5))
	case 1:
		h.millionths = millionths(math.MinInt64 + o.Int64N(5))
	case 2:
		h.millionths = millionths(o.Int64N(100))
	}
	op := set(o.keys[i], h.text(), 0)
	if o.IntN(3) == 0 {
		op.Expiry = o.ending()
	}
	if _, ok := o.one(i, op); !ok {
		return
	}
	if op.Expiry.Mode == fsm.After {
		o.endsAfter(&h, op.Expiry)
	}
	o.holds[i] = h
}

func (o *owner) incr(i int) {
	by := o.Int64N(11) - 5
	r, ok := o.one(i, op(fsm.Incr, o.keys[i], by))
	if !ok {
		return
	}
	code, after := o.afterIncr(i, by)
	if o.expect(i, r, code, after.text()) && code == fsm.OK {
		o.holds[i] = after
		if !after.late.IsZero() {
			o.read(i) // is the deadline still there?
		}
	}
}

// afterIncr is what INCRBY must make of a key, deadline and all.
func (o *owner) afterIncr(i int, by int64) (fsm.Code, held) {
	h := o.holds[i]
	if !h.there {
		h = held{there: true, millionths: new(big.Int)}
	}
	if _, ok := h.whole(); !ok {
		return fsm.NotInteger, h
	}
	h.millionths = new(big.Int).Add(h.millionths, millionths(by))
	if _, ok := h.whole(); !ok {
		return fsm.Overflow, h
	}
	return fsm.OK, h
}

func (o *owner) add(i int) {
	by := held{millionths: big.NewInt(o.Int64N(2e9) - 1e9)}
	if o.IntN(3) == 0 { // with the millionths that is more digits than a decimal of 128 bits has
		by.millionths.Add(by.millionths, new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil))
	}
	r, ok := o.one(i, add(o.keys[i], by.text()))
	if !ok {
		return
	}
	h := o.holds[i]
	if !h.there {
		h = held{there: true, millionths: new(big.Int)}
	}
	h.millionths = new(big.Int).Add(h.millionths, by.millionths)
	if o.expect(i, r, fsm.OK, h.text()) {
		o.holds[i] = h
	}
}

func oneIf(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func (o *owner) persist(i int) {
	if r, ok := o.one(i, op(fsm.Persist, o.keys[i], 0)); ok && o.expect(i, r, fsm.OK, oneIf(o.holds[i].there && !o.holds[i].late.IsZero())) {
		o.holds[i].early, o.holds[i].late = time.Time{}, time.Time{}
	}
}

func (o *owner) expire(i int) {
	op := fsm.Op{Kind: fsm.Expire, Key: []byte(o.keys[i]), Expiry: o.ending()}
	if r, ok := o.one(i, op); ok && o.expect(i, r, fsm.OK, oneIf(o.holds[i].there)) && o.holds[i].there {
		o.endsAfter(&o.holds[i], op.Expiry)
	}
}

func (o *owner) remove(i int) {
	if r, ok := o.one(i, op(fsm.Delete, o.keys[i], 0)); ok && o.expect(i, r, fsm.OK, oneIf(o.holds[i].there)) {
		o.holds[i] = held{}
	}
}

func (o *owner) rename(i int) {
	r, ok := o.one(i, move(fsm.Rename, o.keys[i], o.keys[1-i], 0))
	switch {
	case !ok:
	case !o.holds[i].there:
		o.expect(i, r, fsm.NoSuchKey, "")
	case o.expect(i, r, fsm.OK, "1"):
		o.holds[i], o.holds[1-i] = held{}, o.holds[i]
	}
}

// read looks whether all is as it must be, and learns whether what may have ended has.
func (o *owner) read(i int) {
	results, ok := o.do(nil, op(fsm.Get, o.keys[i], 0), op(fsm.TTL, o.keys[i], 0))
	if !ok {
		return
	}
	h := &o.holds[i]
	there, sure := h.at(o.from, o.to)
	if !sure {
		there = results[0].Value.Kind != fsm.Nil
	}
	if !there {
		*h = held{}
		o.expect(i, results[0], fsm.OK, "")
		o.expect(i, results[1], fsm.OK, "-2")
		return
	}
	o.expect(i, results[0], fsm.OK, h.text())
	if mortal := results[1].Value.Int >= 0; mortal == h.late.IsZero() {
		o.wrong("%s has a deadline: %v, not %v", o.keys[i], mortal, !mortal)
	}
}

// watch has the other key depend on key i, changes that or does not, and lets time pass.
func (o *owner) watch(i int) {
	key, generation := o.keys[i], o.generation
	version, ok := o.do(nil, fsm.Op{Kind: fsm.Version}, op(fsm.Get, key, 0))
	if !ok || !o.known(i) {
		return
	}
	before, began := o.holds[i], o.from
	changed := false
	switch o.IntN(4) {
	case 0:
		o.expire(i)
		changed = before.there
	case 1:
		o.remove(i)
		changed = before.there
	case 2:
		o.set(i)
		changed = true
	}
	if generation != o.generation || changed && before == o.holds[i] { // nobody knows, or it was not done
		return
	}
	o.rest(o.span(0, 2*time.Second))
	by := int64(o.IntN(5))
	results, ok := o.do(unchanged(version[0].Value.Int, key), op(fsm.Incr, o.keys[1-i], by))
	if !ok {
		return
	}
	after, _ := before.at(began, o.to)
	_, still := before.at(o.from, o.to)
	aborted := results[0].Code == fsm.Aborted
	switch ended := before.there && !after; { // that nothing has changed and all is refused may be: keys share versions
	case changed && !aborted:
		o.wrong("%s has changed since it was watched, and what depends on it is done", key)
	case !changed && ended && still && !aborted:
		o.wrong("%s has ended since it was watched, and what depends on it is done", key)
	}
	if aborted || !o.known(1-i) {
		return
	}
	code, next := o.afterIncr(1-i, by)
	if o.expect(1-i, results[0], code, next.text()) && code == fsm.OK {
		o.holds[1-i] = next
	}
}

// together sets key i and counts the other, or does neither.
func (o *owner) together(i int) {
	h := held{there: true, millionths: millionths(o.Int64N(100))}
	results, ok := o.do([]fsm.Condition{{Whole: true}}, set(o.keys[i], h.text(), 0), op(fsm.Incr, o.keys[1-i], 3))
	if !ok || results[0].Code == fsm.Aborted || !o.known(1-i) {
		return
	}
	code, next := o.afterIncr(1-i, 3)
	if o.expect(1-i, results[1], code, next.text()) && code == fsm.OK {
		o.holds[i], o.holds[1-i] = h, next
	}
}
