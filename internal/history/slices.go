package history

import (
	"fmt"
	"time"
)

// checkSlices holds if in every look the total of an instance counter is the sum of its slices, and if in every reply total and slice have
// moved together, and as the Op asked; and if an instance finds its slice as it has left it, as long as the epoch is the same.
func (v *view) checkSlices(run *Run) Verdict {
	var found report
	for i := range run.Looks {
		look := &run.Looks[i]
		for key, shares := range look.Slices {
			total, asked := look.Counters[key]
			sum := int64(0)
			for _, amount := range shares {
				sum += amount
			}
			var err error
			if asked && sum != total {
				err = fmt.Errorf("%w: %s has %d at %v, but the slices are %v, which is %d", ErrContradiction, look.Node, total, look.At, shares, sum)
			}
			found.add(key, 1, err)
		}
	}
	for _, k := range v.keys {
		for _, op := range k.ops {
			if op.Kind < ICIncr || op.Outcome != Done || op.Reply.Code != "" {
				continue
			}
			if what := unequal(op); what != "" {
				found.add(k.name, 0, fmt.Errorf("%w: %s: %v, and before it %d, mine %d", ErrContradiction, what, *op, op.Reply.Old, op.Reply.OldMine))
			}
			found.checked++
		}
		for _, name := range k.instances() {
			found.add(k.name, 0, k.keptMine(name))
		}
	}
	return found.verdict("slices")
}

// unequal says what a reply contradicts itself in.
func unequal(op *Op) string {
	r := &op.Reply
	switch {
	case op.Kind == ICSet && (r.Int != op.Arg || r.Mine != op.Arg):
		return "all of the total must be the instance's own"
	case op.Kind == ICSetSlice && r.Mine != op.Arg:
		return "the slice is not what it was set to"
	case op.Kind == ICIncrIf && r.Int-r.Old != r.Mine-r.OldMine:
		return "total and slice have moved differently"
	case op.Kind == ICIncrIf && r.Applied && r.Int != r.Old+op.Arg, op.Kind == ICIncrIf && !r.Applied && r.Int != r.Old:
		return "the total has not moved by what was asked"
	case op.Kind == ICIncrIf && r.Applied != op.If.compare(r.Old, op.Operand):
		return "it was decided against the condition"
	}
	return ""
}

// parkedFor is when what is parked may be gone.
const parkedFor = time.Hour - time.Minute

// keptMine follows one instance from Op to Op, where nothing overlaps and nothing is unknown.
func (k *keyView) keptMine(name string) error {
	var before *Op
	for _, op := range k.ops {
		switch {
		case op.Instance != name || op.Kind < ICIncr || op.Kind == ICBeat || op.Reply.Code != "":
			continue
		case op.Outcome != Done: // it may come at any time from now on
			return nil
		}
		same := before != nil && before.Return < op.Call && before.Reply.Epoch == op.Reply.Epoch && op.At-before.End < parkedFor
		if same && !followed(before.Reply.Mine, op) {
			return fmt.Errorf("%w: in one epoch, the slice has moved on its own: %v, then %v", ErrContradiction, *before, *op)
		}
		before = op
		if op.Kind == ICDel || op.Kind == ICDelSlice {
			before = nil
		}
	}
	return nil
}

// followed reports whether op found the slice at mine, as far as its answer says.
func followed(mine int64, op *Op) bool {
	switch op.Kind {
	case ICIncr:
		return op.Reply.Mine == mine+op.Arg
	case ICGet:
		return op.Reply.Mine == mine
	case ICIncrIf, ICDelSlice:
		return op.Reply.OldMine == mine
	}
	return true
}
