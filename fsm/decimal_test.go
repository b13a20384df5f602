package fsm

import (
	"strings"
	"testing"
)

func TestParseDecimalTakesWhatStrtoldTakesAndNoMore(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "+0": "0", "0.0": "0", "-.0": "0", "0e99999999999999999999": "0", "00.00e-5": "0",
		"5": "5", "+5": "5", "5.": "5", ".5": "0.5", "-.5": "-0.5", "5e3": "5000", "5E+3": "5000", "5e-3": "0.005", "005": "5",
		"3.0": "3", "10.50": "10.5", "100e-2": "1", "0.001e3": "1", "1e0": "1", "123.456e1": "1234.56", "1.5e-17": "0.000000000000000015",
		"9223372036854775807": "9223372036854775807", "9223372036854775808": "9223372036854775808", "1e18": "1000000000000000000",
		"1e35": "1" + strings.Repeat("0", 35), "1e-18": "0.000000000000000001",
		strings.Repeat("0", 4000) + "1." + strings.Repeat("0", 4000):                  "1",
		"0." + strings.Repeat("0", 4000) + "1e4001":                                   "1",
		"1" + strings.Repeat("0", 4000) + "e-4000":                                    "1",
		strings.Repeat("9", 36) + "." + strings.Repeat("9", 18):                       strings.Repeat("9", 36) + "." + strings.Repeat("9", 18),
		strings.Repeat("9", 36) + "." + strings.Repeat("9", 18) + "000e0000000000000": strings.Repeat("9", 36) + "." + strings.Repeat("9", 18),
	} {
		v, code := ParseDecimal([]byte(text))
		got := string(v.AppendText(nil))
		if _, isInt := parseIntSlowly(want); code != OK || got != want || (v.Kind == Int) != isInt {
			t.Errorf("ParseDecimal(%.60q) is %q of kind %d, %s, want %q", text, got, v.Kind, code, want)
		}
	}
	for _, text := range []string{
		"", "+", "-", ".", "-.", "e5", ".e5", "1e", "1e+", "1e5.0", "1e5e5", "1.2.3", "1,5", " 1", "1 ", "--1", "+-1", "0x10", "1f",
		"inf", "-inf", "infinity", "nan", "1_000", "1e1_0", "９", "1\x00", "\x001", strings.Repeat("9", 4000) + "x", "1e99999999x",
	} {
		if v, code := ParseDecimal([]byte(text)); code != NotNumber || v.Kind != Nil {
			t.Errorf("ParseDecimal(%.60q) is %+v, %s", text, v, code)
		}
	}
	for _, text := range []string{
		"1e36", "-1e36", "1" + strings.Repeat("0", 36), "1e-19", "0.0000000000000000001", "1e999999999", "1e-999999999",
		"1e99999999999999999999999", "1e-99999999999999999999999", strings.Repeat("9", 37), strings.Repeat("9", 4000), "1.0000000000000000001",
		strings.Repeat("9", 36) + "." + strings.Repeat("9", 19), "1" + strings.Repeat("0", 60) + ".1",
	} {
		if v, code := ParseDecimal([]byte(text)); code != Digits || v.Kind != Nil {
			t.Errorf("ParseDecimal(%.60q) is %+v, %s", text, v, code)
		}
	}
}

func TestTheLargestNumberIsOneThatWeKeep(t *testing.T) {
	v, code := ParseDecimal([]byte(largest))
	if code != OK || string(v.Text) != largest {
		t.Errorf("%s becomes %s, %s", largest, v.Text, code)
	}
	if len("-"+largest) != maxNumber {
		t.Errorf("%d bytes of %s, but maxNumber is %d", len("-"+largest), largest, maxNumber)
	}
	for _, unit := range []string{"1e-18", "1"} {
		if sum, code := addNumbers(v, Value{Kind: Text, Text: []byte(unit)}); code != Digits {
			t.Errorf("%s more is %+v, %s", unit, sum, code)
		}
	}
}

func TestIntegersAreAddedAndComparedWithoutAllocations(t *testing.T) {
	text := []byte("-1234567890123")
	if allocs := testing.AllocsPerRun(100, func() {
		v, _ := ParseDecimal(text)
		sum, _ := addNumbers(v, IntValue(5))
		if order, _ := compareNumbers(sum, v); order != 1 {
			t.Error(order)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// FuzzDecimal compares with fractions: what is read, a sum, and an order.
func FuzzDecimal(f *testing.F) {
	for _, text := range []string{"0", "-0", "1", "1.5", "-.5", "5e3", "1e-18", "1e36", "nan", "9223372036854775807",
		"99999999999999999999999999999999999.999999999999999999", "0.10", "1e", "00012.3400e-2"} {
		f.Add(text, "0.1")
		f.Add("-1", text)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 2000 || len(b) > 2000 { // the model knows exponents of four digits
			return
		}
		x, code := ParseDecimal([]byte(a))
		want, wantCode := parseSlowly(a)
		if code.text() != wantCode {
			t.Fatalf("ParseDecimal(%q): %s, want %s", a, code, wantCode)
		}
		if code == OK {
			text, _ := formatSlowly(want)
			checkCanonical(t, x, text)
		}
		y := ParseValue([]byte(b))
		sum, code := addNumbers(x, y)
		wantSum, wantCode := modelSum(string(x.AppendText(nil)), b)
		if code.text() != wantCode {
			t.Fatalf("%q + %q: %s, want %s", a, b, code, wantCode)
		}
		if code == OK {
			checkCanonical(t, sum, wantSum)
		}
		if other, _ := parseSlowly(b); want != nil && other != nil {
			if order, code := compareNumbers(x, y); code == OK && order != want.Cmp(other) {
				t.Fatalf("%q against %q: %d", a, b, order)
			}
		}
	})
}

// text is the code in the model's words.
func (c Code) text() string {
	if c == OK {
		return ""
	}
	return c.String()
}

func checkCanonical(t *testing.T, v Value, want string) {
	t.Helper()
	if _, isInt := parseIntSlowly(want); string(v.AppendText(nil)) != want || (v.Kind == Int) != isInt {
		t.Fatalf("%q of kind %d, want %q", v.AppendText(nil), v.Kind, want)
	}
}
