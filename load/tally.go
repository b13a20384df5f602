package load

import (
	"fmt"
	"sync/atomic"
)

const (
	maxWrong = 10 // keys that a Verdict names

	chunkBits    = 1 << 20 // values in one chunk of what was witnessed
	maxWitnessed = 1 << 30 // values above are not told apart
)

// tally counts, per key, what has become of the increments. All workers share it.
type tally struct {
	keys      []account
	witnessed []atomic.Pointer[chunk] // values that were handed out, if there is one key only
	twice     atomic.Int64            // replies with a value that was handed out before
}

type account struct {
	acknowledged atomic.Int64
	unanswered   atomic.Int64 // sent, and nobody has said what became of them
	told         atomic.Int64 // the largest value that an acknowledged one has answered
}

type chunk [chunkBits / 64]atomic.Uint64

func newTally(keys int) *tally {
	t := &tally{keys: make([]account, keys)}
	if keys == 1 {
		t.witnessed = make([]atomic.Pointer[chunk], maxWitnessed/chunkBits)
	}
	return t
}

// add notes the outcome of n increments of a key, and the largest value that they have answered. Of those in doubt it does not
// count: nobody has promised that it lasts.
func (t *tally) add(key uint32, o outcome, n, value int64) {
	a := &t.keys[key]
	switch o {
	case acknowledged:
		a.acknowledged.Add(n)
		for {
			if told := a.told.Load(); value <= told || a.told.CompareAndSwap(told, value) {
				return
			}
		}
	case waiting, doubtful:
		a.unanswered.Add(n)
	}
}

// witness notes the value that an increment of the only key has answered.
func (t *tally) witness(value int64) {
	if t.witnessed == nil || value < 0 || value >= maxWitnessed {
		return
	}
	place := &t.witnessed[value/chunkBits]
	c := place.Load()
	if c == nil {
		place.CompareAndSwap(nil, new(chunk))
		c = place.Load()
	}
	bit := uint64(1) << (value % 64)
	if c[value%chunkBits/64].Or(bit)&bit != 0 {
		t.twice.Add(1)
	}
}

// Verdict is the outcome of comparing what was acknowledged with what the keys hold afterwards. All increments count, those of
// the warm-up, too.
type Verdict struct {
	Keys         int   `json:"keys"`
	Acknowledged int64 `json:"acknowledged"`
	Unanswered   int64 `json:"unanswered"` // sent, and nobody said what became of them: they may count or not
	Value        int64 `json:"value"`      // sum over the keys
	Lost         int64 `json:"lost"`       // acknowledged, or below a value that was told, and not in the value: at least so many
	Doubled      int64 `json:"doubled"`    // in the value, beyond what was acknowledged or unanswered
	// RepeatedValues counts replies to increments of a single key whose value another reply had, too.
	RepeatedValues int64    `json:"repeated_values"`
	Wrong          []string `json:"wrong"`             // sentences about keys that don't agree, at most ten
	Failure        string   `json:"failure,omitempty"` // why nothing could be compared
	Left           bool     `json:"left"`              // the keys could not be removed afterwards
}

// OK reports whether everything agrees.
func (v *Verdict) OK() bool {
	return v.Failure == "" && v.Lost == 0 && v.Doubled == 0 && v.RepeatedValues == 0
}

// compare judges the values of all keys, in their order.
func (t *tally) compare(values []int64, name func(uint32) string) *Verdict {
	v := &Verdict{Keys: len(t.keys), RepeatedValues: t.twice.Load(), Wrong: []string{}}
	for i := range t.keys {
		a, value := &t.keys[i], values[i]
		acked, open, told := a.acknowledged.Load(), a.unanswered.Load(), a.told.Load()
		v.Acknowledged += acked
		v.Unanswered += open
		v.Value += value
		lost, doubled := max(0, acked-value, told-value), max(0, value-acked-open)
		v.Lost += lost
		v.Doubled += doubled
		if (lost > 0 || doubled > 0) && len(v.Wrong) < maxWrong {
			saw := ""
			if told > value {
				saw = fmt.Sprintf("told up to %s, ", digits(told))
			}
			v.Wrong = append(v.Wrong, fmt.Sprintf("%s: %s acknowledged, %s unanswered, %svalue %s: %s lost, %s doubled",
				name(uint32(i)), digits(acked), digits(open), saw, digits(value), digits(lost), digits(doubled)))
		}
	}
	return v
}
