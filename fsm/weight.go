package fsm

// weight is what a group may answer that can't be asked for again, in bytes: the old values of its writes, and if it has
// writes at all and is no single Op, what its reads answer.
//
// A group of more than MaxWeight counts as MaxWeight, so that it can go, with no other such group in its Batch. It must then
// bound the old values itself (to MaxWeight/MaxText at most: the door refuses transactions with more than 100),
// and its reads may be answered ReadLater once the Batch's Results hold maxReads.
type weight struct {
	ops, reads, olds int
	writes           bool
}

func (w *weight) add(op *Op) {
	w.ops++
	switch {
	case op.Kind.Writes():
		w.writes = true
		w.olds += op.Olds() * MaxText
	case op.Kind == Get:
		w.reads += MaxText
	case op.Kind == Scan, op.Kind == ICSlices, op.Kind == ICInstances:
		w.reads += scanBytes + MaxKey
	}
}

func (w *weight) bytes() int {
	if w.writes && w.ops > 1 {
		return w.olds + w.reads
	}
	return w.olds
}

// paid reports whether the reads of the first of groups are in a weight that was counted in full.
func paid(groups []byte) bool {
	d := decoder{rest: groups}
	var w weight
	var op Op
	for n := d.group(); n > 0 && !d.failed; n-- {
		d.op(&op)
		w.add(&op)
	}
	return w.writes && w.ops > 1 && w.bytes() <= MaxWeight
}
