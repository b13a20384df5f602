package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// checkLease holds if no look misses a slice before the lease of its instance can have ended, and no look finds one that should have left
// long ago. How leases end is also part of the search; here it is what the replicas hold, not what clients are answered.
func (v *view) checkLease(run *Run) Verdict {
	var found report
	if v.lease <= 0 {
		return found.verdict("lease")
	}
	looks := slices.Clone(run.Looks)
	slices.SortStableFunc(looks, func(a, b Look) int { return cmp.Compare(a.At, b.At) })
	lives := make(map[string]*life)
	for name, signs := range v.signs {
		lives[name] = newLife(signs, v.lease)
	}
	outages := newOutages(run.Faults)
	seen := make(map[string]map[string]*Look) // by key and instance, the first look that had its slice
	for i := range looks {
		look := &looks[i]
		for key, shares := range look.Slices {
			found.checked++
			if seen[key] == nil {
				seen[key] = make(map[string]*Look)
			}
			for name := range shares {
				if seen[key][name] == nil {
					seen[key][name] = look
				}
				if l := lives[name]; l != nil && look.At < l.endure {
					due := max(l.spoke(look.At), outages.before(look.At)) + run.Header.Lease + run.Header.Lease/500 + run.Header.late()
					found.add(key, 0, outlived(look, name, due))
				}
			}
			if k := v.byName[key]; k == nil || k.cleared() {
				continue
			}
			for name, first := range seen[key] {
				if _, there := shares[name]; !there && first.Index <= look.Index {
					found.add(key, 0, lives[name].tooSoon(look, first, name))
				}
			}
		}
	}
	return found.verdict("lease")
}

// cleared reports whether somebody has asked for the end of slices.
func (k *keyView) cleared() bool {
	return slices.ContainsFunc(k.ops, func(o *Op) bool { return o.Kind == ICSet || o.Kind == ICDel || o.Kind == ICDelSlice || o.Kind == Del })
}

// life is when an instance has given signs of life.
type life struct {
	called []time.Duration // in order
	latest []time.Duration // the latest moment at which one of the signs so far may have taken effect
	mortal time.Duration   // the first moment at which a lease of it can have ended
	endure time.Duration   // when it was first given a longer lease of its own
}

func newLife(signs []*Op, lease time.Duration) *life {
	l := &life{mortal: -1, endure: math.MaxInt64}
	last := time.Duration(-1) // call of the last sure sign
	for _, s := range signs {
		if s.Kind == ICBeat && s.TTL > 0 {
			l.endure = min(l.endure, s.At)
		}
		end := max(s.At, s.End)
		if s.Outcome == Unknown {
			end = max(end, s.At+time.Minute) // by then a copy that was under way is refused
		}
		if n := len(l.latest); n > 0 {
			end = max(end, l.latest[n-1])
		}
		l.called, l.latest = append(l.called, s.At), append(l.latest, end)
		if s.Outcome != Done || s.reads() {
			continue
		}
		if over := last + shortest(lease); last >= 0 && l.mortal < 0 && s.End >= over {
			l.mortal = over
		}
		last = s.At
	}
	if l.mortal < 0 {
		l.mortal = last + shortest(lease)
	}
	return l
}

// spoke is the latest moment at which a sign called before the given one may have taken effect.
func (l *life) spoke(moment time.Duration) time.Duration {
	n, _ := slices.BinarySearch(l.called, moment+1)
	if n == 0 {
		return 0
	}
	return l.latest[n-1]
}

// tooSoon is an error if the instance has not been silent for a lease yet, so that its slice can't have left by the look.
func (l *life) tooSoon(look, first *Look, name string) error {
	if l == nil || look.At >= l.mortal {
		return nil
	}
	return fmt.Errorf("%w: %s misses the slice of %s at %v, which %s had at %v; its lease can't have ended before %v", ErrContradiction,
		look.Node, name, look.At, first.Node, first.At, l.mortal)
}

// outlived is an error if the slice is still there long after the lease, outages aside.
func outlived(look *Look, name string, due time.Duration) error {
	if look.At <= due {
		return nil
	}
	return fmt.Errorf("%w: %s has the slice of %s at %v, that should have left by %v", ErrContradiction, look.Node, name, look.At, due)
}

// outages are the beginnings of faults, in order, and the latest end of those so far.
type outages struct{ begins, ends []time.Duration }

func newOutages(faults []Fault) (o outages) {
	sorted := slices.Clone(faults)
	slices.SortFunc(sorted, func(a, b Fault) int { return cmp.Compare(a.At, b.At) })
	latest := time.Duration(0)
	for _, f := range sorted {
		latest = max(latest, f.At, f.End)
		o.begins, o.ends = append(o.begins, f.At), append(o.ends, latest)
	}
	return o
}

// before is when the cluster may have been deaf last, as far as a look at the moment can tell; the moment, or later, if it may be so now.
func (o outages) before(moment time.Duration) time.Duration {
	n, _ := slices.BinarySearch(o.begins, moment+1)
	if n == 0 {
		return 0
	}
	return o.ends[n-1]
}
