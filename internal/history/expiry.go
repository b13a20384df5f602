package history

import (
	"fmt"
	"time"
)

// checkExpiry holds if a key that only Sets with a TTL have touched is never missing before its time has come (but for
// Header.Early), and always missing once it is over for Header.Late. Machine time may slide by 0.1 %, and counts milliseconds.
func (v *view) checkExpiry(run *Run) Verdict {
	var found report
	for _, k := range v.keys {
		if !k.expires() {
			continue
		}
		checked := 0
		var err error
		for i, op := range k.ops {
			if op.Kind == Get && op.Outcome == Done && err == nil {
				checked++
				err = k.expired(i, run.Header.Early, run.Header.late())
			}
		}
		found.add(k.name, checked, err)
	}
	return found.verdict("expiry")
}

// late is Header.Late or its default.
func (h *Header) late() time.Duration {
	if h.Late > 0 {
		return h.Late
	}
	return DefaultLate
}

// expires reports whether only Sets, one of them with a TTL, and reads have touched the key.
func (k *keyView) expires() (some bool) {
	for _, op := range k.ops {
		if op.Kind != Get && op.Kind != Set {
			return false
		}
		some = some || op.TTL > 0
	}
	return some
}

// expired judges one answer by the Sets that may have been the last before it.
func (k *keyView) expired(at int, allowed, late time.Duration) error {
	read := k.ops[at]
	floor := int64(0) // the latest call of a Set that surely came before the read: what returned before that is overwritten
	for _, s := range k.ops[:at] {
		if s.Kind == Set && s.Outcome == Done && s.Return < read.Call {
			floor = max(floor, s.Call)
		}
	}
	var early, old *Op
	possible := floor == 0 && !read.Reply.Present // nothing was ever stored
	for _, s := range k.ops {
		if s.Call > read.Return {
			break
		}
		if s.Kind != Set || s.end() < floor {
			continue
		}
		if !read.Reply.Present {
			early = s
			possible = possible || s.TTL > 0 && read.End >= s.At+shortest(s.TTL-allowed)
			continue
		}
		if s.Arg != read.Reply.Int {
			continue
		}
		old = s
		over := s.TTL > 0 && s.Outcome == Done && read.At > s.End+s.TTL+s.TTL/500+late
		possible = possible || !over
	}
	switch {
	case possible:
		return nil
	case early != nil:
		return fmt.Errorf("%w: missing %v after the call of %v, whose TTL is %v: %v", ErrContradiction,
			read.End-early.At, *early, early.TTL, *read)
	case old != nil:
		return fmt.Errorf("%w: still there %v after the return of %v, whose TTL is %v: %v", ErrContradiction,
			read.At-old.End, *old, old.TTL, *read)
	}
	return fmt.Errorf("%w: nobody stored that value: %v", ErrContradiction, *read)
}
