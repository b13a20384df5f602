package history

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// checkDigest holds if replicas that have applied the same Entries are the same.
func checkDigest(run *Run) Verdict {
	found := report{subject: "index"}
	first := make(map[uint64]*Look) // by index
	for i := range run.Looks {
		look := &run.Looks[i]
		if look.Digest == 0 {
			continue
		}
		found.checked++
		if other := first[look.Index]; other == nil {
			first[look.Index] = look
		} else if other.Digest != look.Digest {
			found.add(fmt.Sprint(look.Index), 0, fmt.Errorf("%w: %s had digest %x at %v, %s has %x at %v", ErrContradiction,
				other.Node, other.Digest, other.At, look.Node, look.Digest, look.At))
		}
	}
	return found.verdict("digest")
}

// checkTerm holds if no term has two leaders.
func checkTerm(run *Run) Verdict {
	found := report{subject: "term"}
	first := make(map[uint64]*Look) // by term
	for i := range run.Looks {
		look := &run.Looks[i]
		if look.Term == 0 || look.Leader == "" {
			continue
		}
		found.checked++
		if other := first[look.Term]; other == nil {
			first[look.Term] = look
		} else if other.Leader != look.Leader {
			found.add(fmt.Sprint(look.Term), 0, fmt.Errorf("%w: two leaders: %s, as %s said at %v, and %s, as %s said at %v", ErrContradiction,
				other.Leader, other.Node, other.At, look.Leader, look.Node, look.At))
		}
	}
	return found.verdict("term")
}

// checkFinal holds if the last looks are there, of every node, and say the same of what they were all asked. It is invalid if
// some are missing.
func checkFinal(run *Run) Verdict {
	found := report{subject: "node"}
	nodes := make(map[string]*Look)
	for i := range run.Looks {
		if run.Looks[i].Final {
			nodes[run.Looks[i].Node] = &run.Looks[i]
		}
	}
	names := slices.Sorted(maps.Keys(nodes))
	for i, name := range names[:max(0, len(names)-1)] {
		found.add(name, 1, unlike(nodes[name], nodes[names[i+1]]))
	}
	v := found.verdict("final")
	if v.Checked = len(names); v.Error == "" && len(names) < max(1, run.Header.Nodes) {
		v.Invalid = true
		v.Error = fmt.Sprintf("final looks at %d of %d nodes only", len(names), run.Header.Nodes)
	}
	return v
}

func unlike(a, b *Look) error {
	for _, key := range slices.Sorted(maps.Keys(a.Counters)) {
		if there, asked := b.Counters[key]; asked && there != a.Counters[key] {
			return fmt.Errorf("%w: key %q: %s has %d, %s has %d", ErrContradiction, key, a.Node, a.Counters[key], b.Node, there)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(a.Slices)) {
		if there, asked := b.Slices[key]; asked && len(there)+len(a.Slices[key]) > 0 && !reflect.DeepEqual(there, a.Slices[key]) {
			return fmt.Errorf("%w: key %q: %s has slices %v, %s has %v", ErrContradiction, key, a.Node, a.Slices[key], b.Node, there)
		}
	}
	return nil
}

// checkWrong holds if no look has found what needs no checker.
func checkWrong(run *Run) Verdict {
	found := report{subject: "node"}
	for i := range run.Looks {
		found.checked++
		if look := &run.Looks[i]; look.Wrong != "" {
			found.add(look.Node, 0, fmt.Errorf("%w: at %v: %s", ErrContradiction, look.At, look.Wrong))
		}
	}
	return found.verdict("wrong")
}
