package fsm

// Sign is what a read outside a Batch says about the lease of the instance that it names. In answers: append only.
type Sign uint8

const (
	SignNone Sign = 0 // nothing to do
	SignDue  Sign = 1 // a third of the lease has passed: a Heartbeat should follow
	SignNow  Sign = 2 // the instance is not alive, or its slice is not back yet: in a Batch the answer would be another
)

// EachSign visits what the Results of groups, which Query has answered, say of the instances that their ICGets name. instance points
// into groups.
func EachSign(groups []byte, results Results, visit func(instance []byte, sign Sign)) {
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
				visit(op.Instance, r.sign())
			}
		}
	}
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
