package configs

import (
	"encoding"
	"math"
	"slices"
	"testing"
	"time"
)

// kilo and others are sizes as people say them.
const (
	kilo = 1000
	kibi = 1024
)

func TestSizesAreExact(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "1B": 1, "007": 7, "1kB": kilo, "1KB": kilo, "1KiB": kibi, "512MB": 512 * kilo * kilo,
		"64MiB": 64 * kibi * kibi, "1GiB": 1 << 30, "3TB": 3e12, "3TiB": 3 << 40, "7EiB": 7 << 60, "9EB": 9e18,
		"9223372036854775807":    math.MaxInt64,
		"9007199254740993":       9007199254740993, // a float64 would lose the last 1
		"9007199254740993B":      9007199254740993,
		"9223372036854775KB":     9223372036854775000,
		"8388607TiB":             8388607 << 40,
		"00000000000000000001MB": 1e6,
	} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, uint64(got), err, uint64(want))
		}
	}
}

func TestWhatIsNotASizeIsRefused(t *testing.T) {
	const not, large = "is not a size: give a whole number of bytes", "is too large: give less than 8EiB"
	for text, want := range map[string]string{
		"": not, "GiB": not, "1gb": not, "1G": not, "1Gib": not, "1.5GiB": not, "-1": not, "+1": not, " 1": not, "1 GiB": not,
		"1_000": not, "0x10": not, "1e9": not, "1GiBMiB": not, "1BiB": not, "auto": not, "1GiB1": not, "Infinity": not,
		"9223372036854775808": large, "8EiB": large, "9223372036854776KB": large, "8388608TiB": large,
		"99999999999999999999999999": large, "18446744073709551617B": large, "18014398509481985KiB": large,
		"99999999999999999999XB": not, "99999999999999999999G": not,
	} {
		got := Size(42)
		wantError(t, text, got.UnmarshalText([]byte(text)), want)
		if got != 42 {
			t.Errorf("%q: refused, but the size became %d", text, uint64(got))
		}
	}
}

func TestSizesAreWrittenInTheUnitThatFits(t *testing.T) {
	for size, want := range map[Size]string{
		0: "0", 1: "1", 1000: "1KB", 1023: "1023", 1024: "1KiB", 64 << 20: "64MiB", 512e6: "512MB", 1 << 30: "1GiB", 1e9: "1GB",
		1<<30 + 1: "1073741825", math.MaxInt64: "9223372036854775807", 1536 << 20: "1536MiB",
	} {
		if got := size.String(); got != want {
			t.Errorf("%d is written %q, want %q", uint64(size), got, want)
		}
		var back Size
		if err := back.UnmarshalText([]byte(want)); err != nil || back != size {
			t.Errorf("%q is read as %d, %v", want, uint64(back), err)
		}
	}
}

func TestWordsAndNumbersOfLimits(t *testing.T) {
	type both interface {
		encoding.TextMarshaler
		encoding.TextUnmarshaler
	}
	for _, test := range []struct {
		into       both
		text, want string // written again; a text that begins with ! is part of the error
	}{
		{new(MaxBytes), "auto", "auto"}, {new(MaxBytes), "none", "none"}, {new(MaxBytes), "1024MiB", "1GiB"}, {new(MaxBytes), "1", "1"},
		{new(MaxBytes), "0", "!give a size above 0; or none; or auto"}, {new(MaxBytes), "AUTO", "!or none; or auto"},
		{new(MaxBytes), "", "!is not a size"}, {new(MaxBytes), "5%", "!is not a size"},
		{new(MaxKeys), "none", "none"}, {new(MaxKeys), "1", "1"}, {new(MaxKeys), "9223372036854775807", "9223372036854775807"},
		{new(MaxKeys), "0", "!above 0"}, {new(MaxKeys), "9223372036854775808", "!not a count"}, {new(MaxKeys), "-1", "!not a count"},
		{new(MaxKeys), "1k", "!not a count"}, {new(MaxKeys), "auto", "!or none"}, {new(MaxKeys), "", "!not a count"},
		{new(MinFree), "auto", "auto"}, {new(MinFree), "5%", "5%"}, {new(MinFree), "99%", "99%"}, {new(MinFree), "2GB", "2GB"},
		{new(MinFree), "0", "!or a percentage"}, {new(MinFree), "0%", "!from 1% to 99%"}, {new(MinFree), "100%", "!from 1% to 99%"},
		{new(MinFree), "261%", "!from 1% to 99%"}, {new(MinFree), "0.5%", "!whole"}, {new(MinFree), "%", "!percentage"},
		{new(MinFree), "none", "!or auto"},
		{new(MaxClients), "1", "1"}, {new(MaxClients), "1000000", "1000000"}, {new(MaxClients), "0", "!from 1 to 1000000"},
		{new(MaxClients), "1000001", "!from 1 to 1000000"}, {new(MaxClients), "-1", "!a count of clients"}, {new(MaxClients), "none", "!a count of clients"},
		{new(Count), "1", "1"}, {new(Count), "0", "!above 0"}, {new(Count), "none", "!not a count"}, {new(Count), "9223372036854775808", "!not a count"},
		{positive{new(Size)}, "1", "1"}, {positive{new(Size)}, "0MiB", "!above 0"}, {positive{new(Size)}, "auto", "!is not a size"},
	} {
		err := test.into.UnmarshalText([]byte(test.text))
		if test.want[0] == '!' {
			wantError(t, test.text, err, test.want[1:])
			continue
		}
		written, _ := test.into.MarshalText()
		if err != nil || string(written) != test.want {
			t.Errorf("%T %q: written %q, %v, want %q", test.into, test.text, written, err, test.want)
		}
	}
}

func TestPlainValues(t *testing.T) {
	var c Config
	for _, test := range []struct {
		into       value
		text, want string // part of the error; empty: allowed
	}{
		{text{&c.ID, "name"}, "n1", ""}, {text{&c.ID, "name"}, "", ""}, {text{&c.ID, "name"}, "n\xff", "give a name that is"},
		{yesno{&c.Insecure}, "true", ""}, {yesno{&c.Insecure}, "0", ""}, {yesno{&c.Insecure}, "yes", "give true or false"},
		{yesno{&c.Insecure}, "", "give true or false"},
		{choice{&c.LogStore, "store", []string{"wal", "bolt"}}, "WAL", ""},
		{choice{&c.LogStore, "store", []string{"wal", "bolt"}}, "redis", `"redis" is not a store: give wal or bolt`},
		{choice{&c.LogLevel, "level", []string{"a", "b", "c"}}, "", "give a, b or c"},
		{duration{&c.Lease}, "1.5s", ""}, {duration{&c.Lease}, "150", "such as 150ms"}, {duration{&c.Lease}, "0s", "not a duration"},
		{duration{&c.Lease}, "-1s", "not a duration"}, {duration{&c.Lease}, "", "not a duration"},
		{list{&c.Join}, "", ""}, {list{&c.Join}, "a:1,,b:2", "empty address"}, {list{&c.Join}, ",", "empty address"},
		{list{&c.Join}, "a\xff:1", "not UTF-8"}, {list{&c.Join}, " a:1, b:2 ", ""},
	} {
		err := test.into.set(test.text)
		if test.want != "" {
			wantError(t, test.text, err, test.want)
		} else if err != nil {
			t.Errorf("%T %q: %v", test.into, test.text, err)
		}
	}
	if c.ID != "" || c.LogStore != "wal" || c.Lease != 1500*time.Millisecond || !slices.Equal(c.Join, []string{"a:1", "b:2"}) {
		t.Errorf("after all: %+v", c)
	}
}
