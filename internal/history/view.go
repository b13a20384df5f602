package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// view is a history sorted for the checkers: by key, in order of call, the Ops of a token as one. Left out is what says nothing:
// what was not applied, reads without an answer, and refusals of writes that the model of the counters knows nothing about.
type view struct {
	keys       []*keyView // by name
	byName     map[string]*keyView
	groundless map[*Op]bool // refusals that are wrong in any state
	merged     []Op         // what became of the Ops with tokens

	lease time.Duration    // of instances, at least; 0: they don't die
	early time.Duration    // that what ends may end before its time
	clock timeline         // only if something ends by time
	signs map[string][]*Op // of life, by instance, in order of call; those of reads and without an answer are doubtful
	ranks map[*Op]int      // their places in signs, from 1 on
}

// keyView is one key.
type keyView struct {
	name   string
	ops    []*Op // in order of call, without stale reads
	stale  []*Op // stale reads, in order of call
	writes int   // of ops

	// What the writes are; all true of a key without any.
	plus    bool  // additions only, and reads
	growing bool  // additions of more than 0
	delta   int64 // all add this, more than 0; 0: they differ, or are something else. Of a key that nobody writes, 1
	grouped bool  // in some MULTI
}

// newView sorts ops, and refuses what makes no sense. Of the header, it is about when what ends may end.
func newView(ops []Op, h Header) (*view, error) {
	v := &view{byName: make(map[string]*keyView), lease: max(0, h.Lease-h.Early), early: h.Early,
		signs: make(map[string][]*Op), ranks: make(map[*Op]int)}
	timed := false
	for i := range ops {
		if bad := malformed(&ops[i]); bad != "" {
			return nil, fmt.Errorf("%w: %s: %v", ErrHistory, bad, ops[i])
		}
		timed = timed || ops[i].TTL > 0 || ops[i].Instance != ""
	}
	if timed {
		v.clock = newTimeline(ops)
	}
	v.groundless = groundless(ops)
	v.merged = mergeTokens(ops)
	for i := range ops {
		if ops[i].Token == "" {
			v.add(&ops[i])
		}
	}
	for i := range v.merged {
		v.add(&v.merged[i])
	}
	byCall := func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) }
	for _, k := range v.keys {
		for _, list := range [][]*Op{k.ops, k.stale} {
			if !slices.IsSortedFunc(list, byCall) { // it mostly is
				slices.SortStableFunc(list, byCall)
			}
		}
	}
	for _, signs := range v.signs {
		slices.SortStableFunc(signs, byCall)
		for i, op := range signs {
			v.ranks[op] = i + 1
		}
	}
	slices.SortFunc(v.keys, func(a, b *keyView) int { return cmp.Compare(a.name, b.name) })
	return v, nil
}

// header is what newView took of it.
func (v *view) header() Header { return Header{Lease: v.lease + v.early, Early: v.early} }

func malformed(op *Op) string {
	switch {
	case op.Kind < Incr || op.Kind > ICBeat || op.Kind == ICDeath:
		return "no kind that a client can ask for"
	case op.Outcome > Done || op.Level > Stale:
		return "no such outcome or level"
	case op.Outcome == Done && op.Return < op.Call:
		return "a return before its call"
	case op.Level == Stale && !op.reads():
		return "a stale write"
	}
	return ""
}

// reads reports whether the Op can change nothing that a client counts.
func (o *Op) reads() bool { return o.Kind == Get || o.Kind == ICGet }

func (v *view) add(op *Op) {
	refused := op.Outcome == Done && op.Reply.Code != ""
	if op.Instance != "" && op.Level == Strong && op.Outcome != NotApplied {
		v.signs[op.Instance] = append(v.signs[op.Instance], op)
	}
	if op.Kind == ICBeat && op.Key == "" {
		return
	}
	if op.Outcome == NotApplied || op.Outcome == Unknown && op.reads() || refused && (!judged(op) || v.groundless[op]) {
		return
	}
	k := v.byName[op.Key]
	if k == nil {
		k = &keyView{name: op.Key, plus: true, growing: true, delta: 1}
		v.byName[op.Key] = k
		v.keys = append(v.keys, k)
	}
	if op.Level == Stale {
		k.stale = append(k.stale, op)
		return
	}
	k.ops = append(k.ops, op)
	k.grouped = k.grouped || op.Group != 0
	if op.Kind == Get {
		return
	}
	k.writes++
	k.plus = k.plus && op.Kind == Incr && !refused
	k.growing = k.growing && k.plus && op.Arg > 0
	switch {
	case k.growing && k.writes == 1:
		k.delta = op.Arg
	case !k.growing || k.delta != op.Arg:
		k.delta = 0
	}
}

// judged reports whether the model knows when this refusal is right.
func judged(op *Op) bool {
	return op.Reply.Code == "STALEEPOCH" || op.Reply.Code == "ERR" && (op.Kind == Incr || op.Kind == ICIncr)
}

// counter reports whether exact can decide the key.
func (k *keyView) counter() bool { return k.delta > 0 && !k.grouped }

// tokenPlace is an operation with a token: in a MULTI, one of several.
type tokenPlace struct {
	token string
	place int
}

// byToken collects the attempts at each operation with a token, in order of call; in all, they are in order of their first.
func byToken(ops []Op) [][]*Op {
	var with []*Op
	for i := range ops {
		if ops[i].Token != "" {
			with = append(with, &ops[i])
		}
	}
	slices.SortStableFunc(with, func(a, b *Op) int { return cmp.Compare(a.Call, b.Call) })
	type attempt struct {
		token string
		group int64
	}
	places, index := make(map[attempt]int), make(map[tokenPlace]int)
	var all [][]*Op
	for _, op := range with {
		at := tokenPlace{token: op.Token}
		if op.Group != 0 {
			at.place = places[attempt{op.Token, op.Group}]
			places[attempt{op.Token, op.Group}]++
		}
		i, known := index[at]
		if !known {
			i = len(all)
			index[at], all = i, append(all, nil)
		}
		all[i] = append(all[i], op)
	}
	return all
}

// mergeTokens makes one Op of the attempts with one token: called with the first, returned with the first definite answer.
func mergeTokens(ops []Op) []Op {
	all := byToken(ops)
	merged := make([]Op, len(all))
	for i, attempts := range all {
		merged[i] = merge(attempts)
	}
	return merged
}

func merge(attempts []*Op) Op {
	one := *attempts[0]
	one.Outcome, one.Reply, one.Return = NotApplied, Reply{}, 0
	for _, a := range attempts {
		one.End = max(one.End, a.End)
		switch {
		case a.Outcome == Done && !forgotten(a):
			better := one.Outcome != Done || one.Reply.Code != "" && a.Reply.Code == ""
			if better || (one.Reply.Code == "") == (a.Reply.Code == "") && a.Return < one.Return {
				one.Outcome, one.Reply, one.Return, one.End = Done, a.Reply, a.Return, a.End
			}
		case a.Outcome != NotApplied && one.Outcome == NotApplied:
			one.Outcome = Unknown
		}
	}
	return one
}

// forgotten reports an answer that says nothing of what became of the first attempt.
func forgotten(op *Op) bool {
	return op.Reply.Code == "NOSESSION" || op.Reply.Code == "ONCEDONE" || op.Reply.Code == "ONCEMISMATCH"
}
