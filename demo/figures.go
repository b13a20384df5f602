package demo

import (
	"encoding/json"
	"fmt"
	"time"
)

// Figures compare what clients were told with what the counter holds.
type Figures struct {
	Acknowledged int64  `json:"acknowledged"` // increments answered before the value was read
	Value        int64  `json:"value"`        // a strong read's
	Lost         Misses `json:"lost"`         // acknowledged increments that the value does not hold
	Doubled      Misses `json:"doubled"`      // what the value holds beyond the acknowledged and the unanswered
	Unanswered   int64  `json:"unanswered"`   // sent, but their node died or did not know; they may be in the value
	Refused      int64  `json:"refused"`      // answered: surely not applied; then sent again

	ComparedAt  time.Time `json:"compared_at,omitzero"`   // when the value was read; zero: not yet
	NotCompared string    `json:"not_compared,omitempty"` // why it was not since, although it should have been
}

// Misses is how many increments a comparison has found lost, or doubled. Unknown is null in JSON.
type Misses int64

// Unknown stands where the last comparison is too old to be shown as true, or was never made.
const Unknown Misses = -1

// MarshalJSON writes a number, or null.
func (m Misses) MarshalJSON() ([]byte, error) {
	if m == Unknown {
		return []byte("null"), nil
	}
	return json.Marshal(int64(m))
}

// UnmarshalJSON reads what MarshalJSON has written.
func (m *Misses) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*m = Unknown
		return nil
	}
	return json.Unmarshal(text, (*int64)(m))
}

// compared reports whether there are numbers of lost and doubled increments.
func (f Figures) compared() bool { return f.Lost != Unknown }

// staleness stands in place of the numbers that a comparison would give.
func (f Figures) staleness() string {
	if f.ComparedAt.IsZero() {
		return "not compared yet"
	}
	return "not compared since " + f.ComparedAt.Local().Format(time.TimeOnly)
}

// wrong reports whether increments are known to be lost or doubled.
func (f Figures) wrong() bool { return f.Lost > 0 || f.Doubled > 0 }

// fault is the error of a demo that ends with these figures.
func (f Figures) fault() error {
	if !f.wrong() {
		return nil
	}
	return fmt.Errorf("%s of %s acknowledged increments lost, %s doubled: %s",
		grouped(f.Lost), grouped(f.Acknowledged), grouped(f.Doubled), remark(f))
}

// remark says what else could be behind figures that no demo should show, or why there are none.
func remark(f Figures) string {
	switch {
	case f.wrong():
		return "a bug, unless somebody else has written to " + Key + ", the demo's own key"
	case !f.compared():
		return "comparing fails: " + f.NotCompared
	}
	return ""
}
