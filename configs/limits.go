package configs

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxBytes is how much the counters may take. The zero value is "none".
type MaxBytes struct {
	Auto bool // see Bytes. It is for a cluster that has no limit yet: nodes with other memory must not quarrel about it
	Size Size // unless Auto; 0: no limit
}

// Bytes is the limit in bytes, 0 for none. With Auto it is a quarter of the usable memory, in whole MiB: a machine needs room
// for what snapshots copy, for the log, and for its garbage collector, which by default lets memory double.
func (m MaxBytes) Bytes(memory Memory) Size {
	if m.Auto {
		return memory.usable() / 4 &^ (1<<20 - 1)
	}
	return m.Size
}

// UnmarshalText reads a size above 0, "none" or "auto".
func (m *MaxBytes) UnmarshalText(text []byte) error {
	switch string(text) {
	case "auto":
		*m = MaxBytes{Auto: true}
		return nil
	case "none":
		*m = MaxBytes{}
		return nil
	}
	size, err := positiveSize(text)
	if err != nil {
		return fmt.Errorf("%w; or none; or auto", err)
	}
	*m = MaxBytes{Size: size}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (m MaxBytes) MarshalText() ([]byte, error) {
	switch {
	case m.Auto:
		return []byte("auto"), nil
	case m.Size == 0:
		return []byte("none"), nil
	}
	return m.Size.MarshalText()
}

// MaxKeys is how many counters there may be. 0 is "none": no limit.
type MaxKeys uint64

// UnmarshalText reads a count above 0, or "none".
func (m *MaxKeys) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*m = 0
		return nil
	}
	n, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not a count: give a whole number above 0, such as 1000000; or none", text)
	}
	*m = MaxKeys(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (m MaxKeys) MarshalText() ([]byte, error) {
	if m == 0 {
		return []byte("none"), nil
	}
	return strconv.AppendUint(nil, uint64(m), 10), nil
}

// Count is how many of something there may be: at least one.
type Count uint64

// UnmarshalText reads a count above 0.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 63)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is not a count: give a whole number above 0, such as 1000000", text)
	}
	*c = Count(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (c Count) MarshalText() ([]byte, error) { return strconv.AppendUint(nil, uint64(c), 10), nil }

// MaxClients is how many clients may be connected at a time: 1 to 1,000,000.
type MaxClients int

// mostClients is more than the ports of one client machine, and more than a node has descriptors for by default.
const mostClients = 1_000_000

// UnmarshalText reads a count from 1 to 1000000.
func (m *MaxClients) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil || n == 0 || n > mostClients {
		return fmt.Errorf("%q is not a count of clients: give a whole number from 1 to %d", text, mostClients)
	}
	*m = MaxClients(n)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (m MaxClients) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(m), 10), nil }

// MinFree is the free space of a disk below which its node takes no writes: Percent of the disk, or Size. The zero value
// is "auto": who watches the disk decides.
type MinFree struct {
	Percent int // 1 to 99
	Size    Size
}

// UnmarshalText reads a whole percentage from 1% to 99%, a size above 0, or "auto".
func (m *MinFree) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		*m = MinFree{}
		return nil
	}
	if digits, ok := strings.CutSuffix(string(text), "%"); ok {
		n, err := strconv.ParseUint(digits, 10, 8)
		if err != nil || n < 1 || n > 99 {
			return fmt.Errorf("%q is not a percentage: give a whole one from 1%% to 99%%", text)
		}
		*m = MinFree{Percent: int(n)}
		return nil
	}
	size, err := positiveSize(text)
	if err != nil {
		return fmt.Errorf("%w; or a percentage such as 5%%; or auto", err)
	}
	*m = MinFree{Size: size}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (m MinFree) MarshalText() ([]byte, error) {
	switch {
	case m.Percent > 0:
		return []byte(strconv.Itoa(m.Percent) + "%"), nil
	case m.Size > 0:
		return m.Size.MarshalText()
	}
	return []byte("auto"), nil
}

// positive is a Size for which 0 makes no sense.
type positive struct{ *Size }

// UnmarshalText reads a size above 0.
func (p positive) UnmarshalText(text []byte) error {
	size, err := positiveSize(text)
	if err != nil {
		return err
	}
	*p.Size = size
	return nil
}

func positiveSize(text []byte) (Size, error) {
	var size Size
	if err := size.UnmarshalText(text); err != nil {
		return 0, err
	}
	if size == 0 {
		return 0, fmt.Errorf("%q is nothing: give a size above 0", text)
	}
	return size, nil
}
