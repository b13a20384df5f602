package sim

import (
	"math/big"
	"strings"
	"time"
)

// held is what a key must hold.
type held struct {
	there       bool
	millionths  *big.Int
	early, late time.Time // between them it ends; zero: never
}

// at says whether the key is there at all moments of a time, as far as that is sure.
func (h held) at(from, to time.Time) (there, sure bool) {
	switch {
	case !h.there:
		return false, true
	case h.late.IsZero() || to.Before(h.early):
		return true, true
	}
	return false, from.After(h.late)
}

// text is what a client reads.
func (h held) text() string {
	number := new(big.Rat).SetFrac(h.millionths, big.NewInt(1e6))
	if number.IsInt() {
		return number.Num().String()
	}
	return strings.TrimRight(number.FloatString(6), "0")
}

// whole is the integer that is held, if it is one of 64 bits.
func (h held) whole() (n int64, ok bool) {
	number := new(big.Rat).SetFrac(h.millionths, big.NewInt(1e6))
	return number.Num().Int64(), number.IsInt() && number.Num().IsInt64()
}

func millionths(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), big.NewInt(1e6)) }
