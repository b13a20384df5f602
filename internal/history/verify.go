package history

import (
	"errors"
	"time"
)

// Verify lets every checker look at a run. The limit is for the searches together; 0 is DefaultLimit.
func Verify(run *Run, limit time.Duration) []Verdict {
	return []Verdict{verdict("linearizable", len(run.Ops), Check(run.Ops, limit))}
}

// verdict is a checker's: what is only undecided is Invalid.
func verdict(checker string, checked int, err error) Verdict {
	v := Verdict{Checker: checker, Checked: checked}
	if err != nil {
		v.Error = err.Error()
		v.Invalid = errors.Is(err, ErrUndecided) && !errors.Is(err, ErrViolation) && !errors.Is(err, ErrHistory)
	}
	return v
}
