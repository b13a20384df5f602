package fsm

// EachSign visits what the Results of groups, which Query has answered, say of the instances that their ICGets name. The
// Op is the visitor's until it returns, and points into groups.
func EachSign(groups []byte, results Results, visit func(op *Op, sign Sign)) {
	d := decoder{rest: groups}
	var op Op
	for len(d.rest) > 0 {
		for n := d.group(); n > 0; n-- {
			d.op(&op)
			r, ok := results.Next()
			if !ok || d.failed {
				return
			}
			if op.Kind == ICGet && len(op.Instance) > 0 {
				visit(&op, r.sign())
			}
		}
	}
}

// OnlySigns reports whether groups only say which instances live and which do not any more: Heartbeats, Unbinds, and reads that are
// proposed for what they say of their instances; or nothing at all, which says that the node lives.
func OnlySigns(groups []byte) bool {
	d := decoder{rest: groups}
	var op Op
	for len(d.rest) > 0 {
		for n := d.group(); n > 0; n-- {
			d.op(&op)
			if sign := op.Kind == Heartbeat || op.Kind == Unbind || op.Kind == ICGet; d.failed || !sign {
				return false
			}
		}
	}
	return !d.failed
}

// sign is the last of what an ICGet answers.
func (r Result) sign() Sign {
	const place = 3 // behind total, mine and epoch
	all := r.Value.List()
	for range place {
		all.Next()
	}
	v, _ := all.Next()
	return Sign(v.Int)
}
