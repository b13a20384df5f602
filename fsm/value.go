package fsm

import "strconv"

// Limits of what a key and a value may be. Doors check them before they propose, so that a client gets its error without
// a round trip; the Machine relies on them only for its memory, never for its safety.
const (
	MaxKey      = 1024     // bytes in a key; at least 1
	MaxText     = 4 * 1024 // bytes in a string value
	MaxInstance = 255      // bytes in the name of an instance; at least 1
)

// ValueKind says how to read a Value. The numbers are stored in the log and in images: append only.
type ValueKind uint8

const (
	Nil     ValueKind = 0 // no value: the key does not exist, or there is nothing to answer
	Int     ValueKind = 1 // an int64, the fast path of every counter
	Text    ValueKind = 2 // a short opaque string
	decimal ValueKind = 3 // reserved: exact decimals
	// InstanceCounter is what Scan and Inspect call an instance counter: no Value is one, no Op can set one
	InstanceCounter ValueKind = 4
	List            ValueKind = 5 // Values one after the other, in Results only: no key holds one
)

// Value is what a key holds, or what an answer carries. The zero Value is Nil. Text belongs to whoever made the Value:
// keep a copy, not the slice. That of a List is encoded; List walks it.
type Value struct {
	Kind ValueKind
	Int  int64
	Text []byte
}

// IntValue is the Value of an integer.
func IntValue(n int64) Value { return Value{Kind: Int, Int: n} }

// ParseValue reads text the way Redis stores a string: as an integer exactly if formatting that integer gives the same
// bytes again (so "10" counts, "010", "+1" and "1.0" are opaque).
func ParseValue(text []byte) Value {
	if n, ok := ParseInt(text); ok {
		return IntValue(n)
	}
	return Value{Kind: Text, Text: text}
}

// ParseInt reads a strict decimal int64: an optional minus, no plus, no leading zeros or blanks, no "-0", in range. It
// allocates nothing. (Redis: string2ll.)
func ParseInt(text []byte) (n int64, ok bool) {
	if len(text) == 0 || len(text) > 20 {
		return 0, false
	}
	digits, negative := text, text[0] == '-'
	if negative {
		digits = text[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && len(text) > 1 {
		return 0, false
	}
	limit := uint64(1<<63 - 1)
	if negative {
		limit = 1 << 63
	}
	var sum uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		d := uint64(c - '0')
		if sum > (limit-d)/10 {
			return 0, false
		}
		sum = sum*10 + d
	}
	if negative {
		return -int64(sum), true
	}
	return int64(sum), true
}

// AppendText appends the Value as a client reads it; Nil and List append nothing.
func (v Value) AppendText(dst []byte) []byte {
	switch v.Kind {
	case Int:
		return strconv.AppendInt(dst, v.Int, 10)
	case Text:
		return append(dst, v.Text...)
	}
	return dst
}

// textLen is how many bytes AppendText would append.
func (v Value) textLen() int {
	if v.Kind != Int {
		return len(v.Text)
	}
	var digits [20]byte
	return len(strconv.AppendInt(digits[:0], v.Int, 10))
}
