package history

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

const (
	// DefaultLimit is the time a check may take, over all keys, when the caller names none.
	DefaultLimit = 30 * time.Second
	// MaxReported is the most keys whose errors one check returns in full.
	MaxReported = 8
)

var (
	// ErrViolation is wrapped when no order of the operations explains the answers.
	ErrViolation = errors.New("history: not linearizable")
	// ErrUndecided is wrapped when the time limit or MaxSteps ended the search: not a pass, and not proof of a violation.
	ErrUndecided = errors.New("history: undecided")
	// ErrContradiction is wrapped by the checkers that look at something else than orders.
	ErrContradiction = errors.New("history: contradiction")
	// ErrHistory is wrapped when the Ops themselves make no sense: an unknown Kind or Outcome, a return before its call.
	ErrHistory = errors.New("history: malformed")
)

// Check decides whether a history is linearizable, key by key, within a time limit (0 is DefaultLimit). Nil says that it is, in
// full; errors wrap ErrViolation, ErrUndecided or ErrHistory and name the key and the Ops that clash. In a synctest bubble the
// time limit never fires, because time stands still while the search works; there MaxSteps alone bounds it.
func Check(ops []Op, limit time.Duration) error {
	v, err := newView(ops, Header{})
	if err != nil {
		return err
	}
	var found report
	v.checkCounters(&found, &found, &found) // all that is cheap before anything that may take all the time
	v.checkParts(&found, limit, true)
	return found.err()
}

// checkCounters decides the keys that need no search, and of the others whether those that grow do so. The simplest check comes
// first, because its message says the most.
func (v *view) checkCounters(distinct, forward, exact *report) {
	for _, k := range v.keys {
		if len(k.ops) == 0 {
			continue
		}
		if k.growing {
			forward.add(k.name, len(k.ops), k.forward())
		}
		if !k.counter() {
			continue
		}
		marks, err := k.marks()
		if err != nil {
			exact.add(k.name, len(k.ops), err)
			continue
		}
		known, unknown := ordered(marks)
		distinct.add(k.name, len(known), k.distinct(known))
		exact.add(k.name, len(k.ops), k.exact(known, unknown))
	}
}

// checkParts decides the others by search, within a limit for all of them. With tell, a violation lists the shortest history that
// was found.
func (v *view) checkParts(found *report, limit time.Duration, tell bool) {
	if limit <= 0 {
		limit = DefaultLimit
	}
	end := time.Now().Add(limit)
	for _, p := range v.parts() {
		err := p.search(time.Until(end))
		if tell && errors.Is(err, ErrViolation) {
			tell = false // of one is enough, and takes time
			err = fmt.Errorf("%w; in short:%s", err, excerpt(shrink(v.only(p.keys), v.header())))
		}
		found.add(p.name(), len(p.moves), err)
	}
}

// report collects the errors of the keys, MaxReported of them in full.
type report struct {
	subject string // of the errors; empty: key
	checked int
	errs    []error
	more    int
}

func (r *report) add(name string, checked int, err error) {
	r.checked += checked
	if err == nil {
		return
	}
	if len(r.errs) == MaxReported {
		r.more++
		return
	}
	r.errs = append(r.errs, fmt.Errorf("%s %q: %w", cmp.Or(r.subject, "key"), name, err))
}

// verdict is the report as a Verdict: what is only undecided is Invalid.
func (r *report) verdict(checker string) Verdict {
	v := Verdict{Checker: checker, Checked: r.checked}
	if err := r.err(); err != nil {
		v.Error = err.Error()
		v.Invalid = errors.Is(err, ErrUndecided) && !errors.Is(err, ErrViolation) && !errors.Is(err, ErrHistory)
	}
	return v
}

func (r *report) err() error {
	if r.more == 0 {
		return errors.Join(r.errs...)
	}
	return fmt.Errorf("%w\nand %d errors more", errors.Join(r.errs...), r.more)
}

// excerpt lists the first Ops of a history for a message, one per line.
func excerpt(ops []Op) (text string) {
	const most = 40
	for i, op := range ops {
		if i == most {
			return text + fmt.Sprintf("\n\tand %d more", len(ops)-most)
		}
		text += "\n\t" + op.String()
	}
	return text
}
