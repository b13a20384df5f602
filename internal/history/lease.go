package history

import (
	"fmt"
	"maps"
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
	slices.SortStableFunc(looks, func(a, b Look) int { return int(min(max(a.At-b.At, -1), 1)) })
	type place struct{ key, instance string }
	seen := make(map[place]*Look) // the first look that had it
	for i := range looks {
		look := &looks[i]
		for key, shares := range look.Slices {
			found.checked++
			for _, name := range slices.Sorted(maps.Keys(shares)) {
				if seen[place{key, name}] == nil {
					seen[place{key, name}] = look
				}
				found.add(key, 0, v.outlived(run, look, name))
			}
			k := v.byName[key]
			if k == nil || k.cleared() {
				continue
			}
			for at, first := range seen {
				if _, there := shares[at.instance]; at.key == key && !there && first.Index <= look.Index {
					found.add(key, 0, v.tooSoon(look, first, at.instance))
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

// tooSoon is an error if the instance has never been silent for a lease, so its slice can't have left by the look.
func (v *view) tooSoon(look, first *Look, name string) error {
	var last *Op
	for _, s := range v.signs[name] {
		if s.At > look.At {
			break
		}
		if s.Outcome != Done || s.reads() {
			continue
		}
		if last != nil && s.End >= last.At+shortest(v.lease) {
			return nil
		}
		last = s
	}
	if last == nil || look.At >= last.At+shortest(v.lease) {
		return nil
	}
	return fmt.Errorf("%w: %s misses the slice of %s at %v, which %s had at %v; the last sign of life was at %v, the lease is %v", ErrContradiction,
		look.Node, name, look.At, first.Node, first.At, last.At, v.lease)
}

// outlived is an error if the look has the slice of an instance that has been silent for much too long, outages aside.
func (v *view) outlived(run *Run, look *Look, name string) error {
	if len(v.signs[name]) == 0 {
		return nil
	}
	last := time.Duration(0) // that it may have spoken, or that the cluster may have been deaf
	for _, s := range v.signs[name] {
		if s.At <= look.At {
			last = max(last, s.At, min(s.End, look.At))
		}
		if s.Outcome == Unknown && s.Token == "" && s.At <= look.At { // it may have taken effect at any time
			last = max(last, s.At+time.Minute)
		}
	}
	for _, f := range run.Faults {
		if f.At <= look.At {
			last = max(last, min(max(f.At, f.End), look.At))
		}
	}
	if due := last + v.lease + v.lease/500 + run.Header.late(); look.At > due {
		return fmt.Errorf("%w: %s has the slice of %s at %v, that should have left by %v", ErrContradiction, look.Node, name, look.At, due)
	}
	return nil
}
