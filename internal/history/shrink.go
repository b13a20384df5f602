package history

import (
	"cmp"
	"errors"
	"slices"
	"time"
)

const (
	shrinkChecks = 120             // that one shrinking may take: in virtual time nothing else ends it
	shrinkTime   = 2 * time.Second // of the search in each of them
)

// Shrink gives the shortest history that was found of the first key, or keys that MULTIs tie together, that no order explains: nil if
// there is none. It ends where the anomaly is first seen, and reads that don't matter are gone. Writes stay, for without one
// its value would come from nowhere. Of the header, it is about when what ends may end.
func Shrink(ops []Op, h Header) []Op {
	v, err := newView(ops, h)
	if err != nil {
		return nil
	}
	for _, k := range v.keys {
		if k.counter() && violates(v.only([]*keyView{k}), h) {
			return shrink(v.only([]*keyView{k}), h)
		}
	}
	for _, p := range v.parts() {
		if errors.Is(p.search(shrinkTime), ErrViolation) {
			return shrink(v.only(p.keys), h)
		}
	}
	return nil
}

// only is the Ops of some keys, and the signs of life that their instances gave elsewhere.
func (v *view) only(keys []*keyView) (ops []Op) {
	p := &part{keys: keys}
	for _, op := range p.ops() {
		ops = append(ops, *op)
	}
	for name, signs := range v.signs {
		concerned := slices.ContainsFunc(keys, func(k *keyView) bool { return slices.Contains(k.instances(), name) })
		for _, op := range signs {
			if here := slices.ContainsFunc(keys, func(k *keyView) bool { return k.name == op.Key }); concerned && !here {
				sign := *op
				sign.Kind, sign.Key, sign.Arg, sign.Group = ICBeat, "", 0, 0
				if op.reads() { // whether it was one is not sure
					sign.Outcome, sign.Reply, sign.Return = Unknown, Reply{}, 0
				}
				ops = append(ops, sign)
			}
		}
	}
	slices.SortStableFunc(ops, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	return ops
}

func violates(ops []Op, h Header) bool {
	v, err := newView(ops, h)
	if err != nil {
		return false
	}
	var found report
	v.checkCounters(&found, &found, &found)
	if len(found.errs) > 0 {
		return true
	}
	v.checkParts(&found, shrinkTime, false)
	return errors.Is(found.err(), ErrViolation)
}

func shrink(ops []Op, h Header) []Op {
	for i := range ops { // they are one Op already
		ops[i].Token = ""
	}
	var ends []int64
	for i := range ops {
		if ops[i].Outcome == Done {
			ends = append(ends, ops[i].Return)
		}
	}
	slices.Sort(ends)
	at, _ := slices.BinarySearchFunc(ends, true, func(end int64, _ bool) int { // a beginning that violates does so with any continuation
		if violates(before(ops, end), h) {
			return 0
		}
		return -1
	})
	if at < len(ends) {
		ops = before(ops, ends[at])
	}
	checks := shrinkChecks
	for size := len(ops) / 2; size > 0; size /= 2 {
		for from := 0; from < len(ops) && checks > 0; {
			to := min(from+size, len(ops))
			less := slices.Concat(ops[:from], needed(ops[from:to]), ops[to:])
			if len(less) == len(ops) {
				from = to
				continue
			}
			if checks--; violates(less, h) {
				from, ops = to-(len(ops)-len(less)), less
				continue
			}
			from = to
		}
	}
	return ops
}

// before is what was known at a stamp.
func before(ops []Op, stamp int64) (known []Op) {
	for _, op := range ops {
		switch {
		case op.Call > stamp:
			continue
		case op.Outcome == Done && op.Return > stamp:
			op.Outcome, op.Reply, op.Return = Unknown, Reply{}, 0
		}
		if op.Outcome != Unknown || !op.reads() {
			known = append(known, op)
		}
	}
	return known
}

// needed leaves out what can be missing: reads that are no signs of life.
func needed(ops []Op) (rest []Op) {
	for _, op := range ops {
		if !op.reads() || op.Instance != "" {
			rest = append(rest, op)
		}
	}
	return rest
}
