package sim

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/truecount/truecount/fsm"
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

// reread looks, at every host, at what owners have left behind, once all of it has ended that shall.
func (r *trial) reread() {
	r.mu.Lock()
	var keys []string
	var last time.Time
	for key, h := range r.left {
		keys = append(keys, key)
		if h.late.After(last) {
			last = h.late
		}
	}
	r.mu.Unlock()
	slices.Sort(keys)
	r.rest(time.Until(last) + time.Second)
	for _, host := range r.hosts {
		for some := range slices.Chunk(keys, 400) {
			var a Answer
			r.within("strong read at "+host, func() bool { a = r.Do(host, fsm.Strong, gets(some...)...); return a.Err == nil })
			if a.Err != nil {
				return
			}
			for i, key := range some {
				h := r.left[key]
				want, got := "", text(a.Results[i].Value)
				if h.there && h.late.IsZero() {
					want = h.text()
				}
				if want != got {
					r.anomaly("owned", "%s, which nobody has touched since, holds %q at %s, not %q", key, got, host, want)
				}
			}
		}
	}
}
