package fsm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

// parseIntSlowly is what ParseInt promises, said with strconv: the one text that formatting gives back.
func parseIntSlowly(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == text
}

func checkParse(t *testing.T, text string) {
	t.Helper()
	wantInt, wantOK := parseIntSlowly(text)
	n, ok := ParseInt([]byte(text))
	if ok != wantOK || ok && n != wantInt {
		t.Errorf("ParseInt(%q) = %d, %v, want %d, %v", text, n, ok, wantInt, wantOK)
	}
	v := ParseValue([]byte(text))
	if v.Kind != Int && v.Kind != Text || (v.Kind == Int) != wantOK {
		t.Errorf("ParseValue(%q) is of kind %d", text, v.Kind)
	}
	if got := string(v.AppendText(nil)); got != text {
		t.Errorf("ParseValue(%q) reads %q", text, got)
	}
}

func TestParseIntTakesExactlyWhatFormattingGives(t *testing.T) {
	for _, text := range []string{
		"", "-", "+", "0", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1.0", "1e3", "0x1", "1_000", "a", "1a", "９",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
		"9223372036854775810", "18446744073709551615", "18446744073709551616", "99999999999999999999",
		"-99999999999999999999", "\x00", "1\x00", "--1",
	} {
		checkParse(t, text)
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100_000 {
		n := rnd.Int64() >> rnd.IntN(64)
		if rnd.IntN(2) == 0 {
			n = -n
		}
		checkParse(t, strconv.FormatInt(n, 10))
		checkParse(t, fmt.Sprint(uint64(n))+strconv.Itoa(rnd.IntN(100)))
		const alphabet = "0123456789-"
		short := make([]byte, rnd.IntN(22))
		for i := range short {
			short[i] = alphabet[rnd.IntN(len(alphabet))]
		}
		checkParse(t, string(short))
	}
	for _, n := range []int64{math.MaxInt64, math.MinInt64} {
		for d := range int64(100) {
			checkParse(t, strconv.FormatInt(n-d, 10))
			checkParse(t, strconv.FormatInt(n+d, 10))
		}
	}
}

func TestParseIntAllocatesNothing(t *testing.T) {
	text := []byte("-1234567890123")
	if allocs := testing.AllocsPerRun(100, func() { ParseInt(text) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestNilReadsAsNothing(t *testing.T) {
	if got := (Value{}).AppendText([]byte("x")); string(got) != "x" {
		t.Errorf("appended %q", got)
	}
}
