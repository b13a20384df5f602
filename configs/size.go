package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, up to MaxInt64. Its text is a whole number with a unit, or alone: 1GiB is 2^30, 1GB is 10^9.
type Size uint64

// units are tried in turn when a size is read. kB is read and not written.
var units = []struct {
	name  string
	bytes Size
}{
	{"EiB", 1 << 60}, {"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"EB", 1e18}, {"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}, {"", 1}, {"kB", 1e3},
}

// UnmarshalText reads a size exactly. Units are as written above: 1gb is refused, for it means one thing to Redis and
// another to a disk's maker.
func (s *Size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "BEGKMPTik")
	unit := string(text[len(digits):])
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return notSize(text)
	}
	n, err := strconv.ParseUint(digits, 10, 64) // an error: too large
	for _, u := range units {
		if u.name != unit {
			continue
		}
		if err != nil || n > math.MaxInt64/uint64(u.bytes) {
			return fmt.Errorf("%q is too large: give less than 8EiB", text)
		}
		*s = Size(n) * u.bytes
		return nil
	}
	return notSize(text)
}

func notSize(text []byte) error {
	return fmt.Errorf("%q is not a size: give a whole number of bytes, or of KB, MB, GB, TB, KiB, MiB, GiB or TiB, "+
		"such as 512MiB", text)
}

// MarshalText writes the same size in the unit that makes its number smallest.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the text of MarshalText.
func (s Size) String() string {
	name, bytes := "", Size(1)
	for _, u := range units {
		if s%u.bytes == 0 && u.bytes > bytes && s > 0 {
			name, bytes = u.name, u.bytes
		}
	}
	return strconv.FormatUint(uint64(s/bytes), 10) + name
}
