package history

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	// ErrHistory is wrapped when the Ops themselves make no sense: an unknown Kind or Outcome, a return before its call.
	ErrHistory = errors.New("history: malformed")
)

// Check decides whether a history is linearizable, key by key, within a time limit (0 is DefaultLimit). Nil says that it is, in
// full; errors wrap ErrViolation, ErrUndecided or ErrHistory and name the key and the Ops that clash. In a synctest bubble the
// time limit never fires, because time stands still while the search works; there MaxSteps alone bounds it.
func Check(ops []Op, limit time.Duration) error {
	if limit <= 0 {
		limit = DefaultLimit
	}
	keys, err := byKey(ops)
	if err != nil {
		return err
	}
	end := time.Now().Add(limit)
	var found report
	var rest []string
	for _, key := range slices.Sorted(maps.Keys(keys)) { // all that is cheap before anything that may take all the time
		decided, err := quick(keys[key])
		found.add(key, err)
		if !decided {
			rest = append(rest, key)
		}
	}
	for _, key := range rest {
		found.add(key, search(keys[key], time.Until(end)))
	}
	return found.err()
}

// report collects the errors of the keys, MaxReported of them in full.
type report struct {
	errs []error
	more int
}

func (r *report) add(key string, err error) {
	if err == nil {
		return
	}
	if len(r.errs) == MaxReported {
		r.more++
		return
	}
	r.errs = append(r.errs, fmt.Errorf("key %q: %w", key, err))
}

func (r *report) err() error {
	if r.more == 0 {
		return errors.Join(r.errs...)
	}
	return fmt.Errorf("%w\nand errors of %d more keys", errors.Join(r.errs...), r.more)
}

// byKey sorts out what may have had an effect or has an answer, in order of call. Failed reads and Ops that were not applied
// say nothing.
func byKey(ops []Op) (map[string][]Op, error) {
	keys := make(map[string][]Op)
	for _, op := range ops {
		if op.Kind < Incr || op.Kind > Del || op.Outcome > Done || op.Outcome == Done && op.Return < op.Call {
			return nil, fmt.Errorf("%w: %v", ErrHistory, op)
		}
		if op.Outcome == NotApplied || op.Outcome == Unknown && op.Kind == Get {
			continue
		}
		keys[op.Key] = append(keys[op.Key], op)
	}
	for _, list := range keys {
		slices.SortStableFunc(list, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	}
	return keys, nil
}

// quick runs the checks of one key that need no search, and reports whether they settle it. The simplest come first, because
// their messages say the most.
func quick(ops []Op) (decided bool, err error) {
	growing, counter := true, true
	for i := range ops {
		plus := ops[i].Kind == Incr && ops[i].Arg > 0
		growing = growing && (ops[i].Kind == Get || plus)
		counter = counter && (ops[i].Kind == Get || plus && ops[i].Arg == 1)
	}
	if counter {
		if err := distinct(ops); err != nil {
			return true, err
		}
	}
	if growing {
		if err := forward(ops); err != nil {
			return true, err
		}
	}
	if counter {
		return true, exact(ops)
	}
	return false, nil
}
