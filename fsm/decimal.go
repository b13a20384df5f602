package fsm

import (
	"cmp"

	"github.com/cockroachdb/apd/v3"
)

// Numbers beyond int64 are exact decimals: sums are made in decimal, with as many digits as they need, and what has more than
// we keep is refused. Nothing is ever rounded (docs/decisions/0023-exact-decimals.md).
//
// Canonical text has no exponent, no plus, no "-0", no leading zeros but the one before the point, no trailing ones behind it.
const (
	MaxWhole    = 36 // digits before the point, of an argument or a sum
	MaxFraction = 18 // digits behind it

	maxDigits = MaxWhole + MaxFraction
	maxNumber = maxDigits + 2 // bytes of canonical text
	farAway   = 1 << 24       // an exponent whose number has too many digits, however long its text is; larger ones count as this
)

// ParseDecimal reads text as INCRBYFLOAT does: a sign or none, digits with a point among them or none, an exponent or none
// ("5e3", ".5", "5.", "+5"; no blanks, hex, "inf" or "nan"). The Value is an Int if it is one, else canonical Text. The Code is
// OK, NotNumber or Digits. It allocates nothing for what ParseInt takes, and its work grows with the text only.
func ParseDecimal(text []byte) (Value, Code) {
	if n, ok := ParseInt(text); ok {
		return IntValue(n), OK
	}
	d, code := parseDigits(text)
	if code != OK {
		return Value{}, code
	}
	return d.value(), OK
}

// digits is the number 0.d₁d₂…dₙ × 10^point, without zeros at either end; 0 has none.
type digits struct {
	negative bool
	all      [maxDigits]byte // '0' to '9'
	count    int
	point    int
}

func parseDigits(text []byte) (d digits, code Code) {
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		d.negative, text = text[0] == '-', text[1:]
	}
	met, pointed, zeros, fit := 0, false, 0, true // zeros: met behind the last digit kept, to be kept if another follows
	for ; len(text) > 0; text = text[1:] {
		c := text[0]
		if c == '.' && !pointed {
			pointed = true
			continue
		}
		if c < '0' || c > '9' {
			break
		}
		met++
		switch leading := d.count == 0 && c == '0'; {
		case leading && pointed:
			d.point--
		case !leading && !pointed:
			d.point++
		}
		switch {
		case c == '0' && d.count > 0:
			zeros++
		case c != '0' && d.count+zeros < maxDigits:
			for ; zeros > 0; zeros-- {
				d.all[d.count] = '0'
				d.count++
			}
			d.all[d.count] = c
			d.count++
		case c != '0':
			fit = false
		}
	}
	exponent, ok := parseExponent(text)
	if met == 0 || !ok {
		return digits{}, NotNumber
	}
	if d.count == 0 {
		return digits{}, OK
	}
	d.point += exponent
	if !fit || !d.kept() {
		return digits{}, Digits
	}
	return d, OK
}

// parseExponent reads what is left behind the digits: nothing, or "e", a sign or none, and digits.
func parseExponent(text []byte) (exponent int, ok bool) {
	if len(text) == 0 {
		return 0, true
	}
	if text[0] != 'e' && text[0] != 'E' {
		return 0, false
	}
	text = text[1:]
	negative := len(text) > 0 && text[0] == '-'
	if negative || len(text) > 0 && text[0] == '+' {
		text = text[1:]
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		exponent = min(exponent*10+int(c-'0'), farAway)
	}
	if negative {
		exponent = -exponent
	}
	return exponent, len(text) > 0
}

// kept reports whether d is one of the numbers that we keep.
func (d *digits) kept() bool { return d.point <= MaxWhole && d.count-d.point <= MaxFraction }

// value is d as it is stored.
func (d *digits) value() Value {
	text := make([]byte, 0, maxNumber)
	if d.negative {
		text = append(text, '-')
	}
	whole := min(max(d.point, 0), d.count)
	text = append(text, d.all[:whole]...)
	if d.point <= 0 {
		text = append(text, '0')
	}
	for range d.point - whole {
		text = append(text, '0')
	}
	if whole == d.count {
		return ParseValue(text)
	}
	text = append(text, '.')
	for range -d.point {
		text = append(text, '0')
	}
	return Value{Kind: Text, Text: append(text, d.all[whole:d.count]...)}
}

// setNumber makes d the number in v.
func setNumber(d *apd.Decimal, v Value) Code {
	switch v.Kind {
	case Int:
		d.SetInt64(v.Int)
		return OK
	case Text:
		read, code := parseDigits(v.Text)
		if read.count > 0 {
			d.Coeff.SetString(string(read.all[:read.count]), 10)
			d.Negative, d.Exponent = read.negative, int32(read.point-read.count)
		}
		return code
	}
	return NotNumber
}

// numberValue is d as it is stored, or Digits.
func numberValue(d *apd.Decimal) (Value, Code) {
	var buf [2 * maxDigits]byte
	all := d.Coeff.Append(buf[:0], 10)
	read := digits{negative: d.Negative, point: len(all) + int(d.Exponent)}
	for len(all) > 0 && all[len(all)-1] == '0' {
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		return IntValue(0), OK
	}
	if read.count = len(all); read.count > maxDigits || !read.kept() {
		return Value{}, Digits
	}
	copy(read.all[:], all)
	return read.value(), OK
}

// sum makes d the exact x + y, or x - y.
func sum(d, x, y *apd.Decimal, minus bool) {
	exact := apd.BaseContext // no precision: nothing is rounded
	add := exact.Add
	if minus {
		add = exact.Sub
	}
	if _, err := add(d, x, y); err != nil {
		panic("BUG: a sum of numbers that we keep: " + err.Error())
	}
}

// addNumbers adds two numbers exactly.
func addNumbers(a, b Value) (Value, Code) {
	if a.Kind == Int && b.Kind == Int {
		if n, ok := addInts(a.Int, b.Int); ok {
			return IntValue(n), OK
		}
	}
	var x, y apd.Decimal
	if code := setNumber(&x, a); code != OK {
		return Value{}, code
	}
	if code := setNumber(&y, b); code != OK {
		return Value{}, code
	}
	sum(&x, &x, &y, false)
	return numberValue(&x)
}

// compareNumbers is negative, 0 or positive as a is below, equal to or above b.
func compareNumbers(a, b Value) (int, Code) {
	if a.Kind == Int && b.Kind == Int {
		return cmp.Compare(a.Int, b.Int), OK
	}
	var x, y apd.Decimal
	if code := setNumber(&x, a); code != OK {
		return 0, code
	}
	if code := setNumber(&y, b); code != OK {
		return 0, code
	}
	return x.Cmp(&y), OK
}

// addInts adds if the sum is an int64.
func addInts(a, b int64) (n int64, ok bool) {
	n = a + b
	return n, (n > a) == (b > 0) || b == 0
}
