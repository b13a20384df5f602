package fsm

// OnceOf is the Once of the first of encoded groups; the zero value if it has none.
func OnceOf(groups []byte) Once {
	d := decoder{rest: groups}
	d.group()
	return d.once
}

// Keys calls each for every key of encoded groups, in order, until it returns false. What is not a group ends it.
func Keys(groups []byte, each func(key []byte) bool) {
	d := decoder{rest: groups}
	var op Op
	for len(d.rest) > 0 {
		for n := d.group(); n > 0; n-- {
			d.op(&op)
			if d.failed || kindFacts[op.Kind].key && !each(op.Key) {
				return
			}
		}
	}
}
