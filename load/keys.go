package load

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// zipfExponent is that of "zipf" without one. It is YCSB's.
const zipfExponent = 0.99

const maxExponent = 10 // beyond it, all but the first key are as good as never drawn

// Distribution says which of the keys the commands are about. The zero value is uniform.
type Distribution struct {
	exponent float64 // key n is drawn as often as 1/(n+1)^exponent says; 0: all as often
	hot      bool    // the first key only
}

// ParseDistribution reads "hot", "uniform", "zipf" or "zipf:S", S above 0 and at most 10. An error is like those of
// Options.Check.
func ParseDistribution(text string) (Distribution, error) {
	name, exponent, given := strings.Cut(text, ":")
	switch {
	case text == "hot":
		return Distribution{hot: true}, nil
	case text == "uniform":
		return Distribution{}, nil
	case text == "zipf":
		return Distribution{exponent: zipfExponent}, nil
	case name == "zipf" && given:
		s, err := strconv.ParseFloat(exponent, 64)
		if err == nil && s > 0 && s <= maxExponent {
			return Distribution{exponent: s}, nil
		}
		return Distribution{}, fmt.Errorf("distribution %q: the exponent of zipf is a number above 0, at most %d, such as zipf:0.99", text, maxExponent)
	}
	return Distribution{}, fmt.Errorf("distribution %q: give hot, uniform, zipf or zipf:S", text)
}

// String is the form that ParseDistribution reads.
func (d Distribution) String() string {
	switch {
	case d.hot:
		return "hot"
	case d.exponent > 0:
		return "zipf:" + strconv.FormatFloat(d.exponent, 'g', -1, 64)
	}
	return "uniform"
}

// keys draws numbers of keys. It does not change, so all workers share it.
type keys struct {
	count uint64
	cells []cell // for what is not uniform: Walker's alias method
}

// cell is a share of 1/count of all draws: the key of its own number gets a part of it, another key the rest.
type cell struct {
	own   uint32 // the part, of 2^32
	other uint32
}

func newKeys(count int, d Distribution) *keys {
	if d.hot {
		count = 1
	}
	k := &keys{count: uint64(count)}
	if d.exponent > 0 && count > 1 {
		k.cells = aliases(weights(count, d.exponent))
	}
	return k
}

// draw turns 64 random bits into the number of a key. Their product with the count has the number above the point, and
// below it as many bits of chance as the number has left over.
func (k *keys) draw(random uint64) uint32 {
	n, chance := bits.Mul64(random, k.count)
	if k.cells == nil {
		return uint32(n)
	}
	if c := k.cells[n]; uint32(chance>>32) >= c.own {
		return c.other
	}
	return uint32(n)
}

// weights are scaled so that their mean is 1.
func weights(count int, exponent float64) []float64 {
	w := make([]float64, count)
	sum := 0.0
	for i := range w {
		w[i] = math.Pow(float64(i+1), -exponent)
		sum += w[i]
	}
	for i := range w {
		w[i] *= float64(count) / sum
	}
	return w
}

// aliases fills the cell of each key that has less than a whole one with a part of a key that has more. It uses w up. As the
// weights fall, those above 1 stand at the beginning.
func aliases(w []float64) []cell {
	cells := make([]cell, len(w))
	rich := 0
	fill := func(n int) {
		cells[n] = cell{own: uint32(min(w[n]*(1<<32), math.MaxUint32)), other: uint32(rich)}
		w[rich] -= 1 - w[n]
	}
	for n := len(w) - 1; n > rich; n-- {
		fill(n)
		for rich < n-1 && w[rich] < 1 { // it gave away more than it could spare: it is filled by the next
			poor := rich
			rich++
			fill(poor)
		}
	}
	cells[rich] = cell{own: math.MaxUint32, other: uint32(rich)}
	return cells
}
