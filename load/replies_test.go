package load

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func frozen() time.Duration { return 0 }

func TestRepliesAreReadHoweverTheyArrive(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	text := ":1\r\n:-42\r\n:9223372036854775807\r\n:-9223372036854775808\r\n+OK\r\n-ERR no way\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*2\r\n:7\r\n$1\r\n8\r\n" +
		fmt.Sprintf("$%d\r\n%s\r\n", len(long), long) + ":2\r\n"
	want := []string{": 1 ", ": -42 ", fmt.Sprint(": ", math.MaxInt64, " "), fmt.Sprint(": ", math.MinInt64, " "), "+ 0 OK", "- 0 ERR no way",
		"$ 0 a\r\n", "$ 0 ", "_ 0 ", "_ 0 ", "* 2 ", ": 7 ", "$ 0 8", "$ 0 ", ": 2 "} // a value that no counter has is left out
	for name, from := range map[string]io.Reader{
		"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)), "in halves": iotest.HalfReader(strings.NewReader(text)),
	} {
		r := newReplies(from, frozen, maxLine)
		for i, want := range want {
			got, err := r.next()
			if s := fmt.Sprintf("%c %d %s", got.kind, got.n, got.text); err != nil || s != want {
				t.Errorf("%s: reply %d is %q, %v, want %q", name, i, s, err, want)
			}
		}
		if _, err := r.next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}

func TestWhatIsNoReplyIsNamed(t *testing.T) {
	for _, text := range []string{"HTTP/1.1 400 Bad Request\r\n", "\r\n", ":\r\n", ":1\n", ":x\r\n", ":12x\r\n", ":-\r\n", ":99999999999999999999\r\n", "$-2\r\n", "$x\r\n",
		"$2\r\nabcd\r\n", "*\r\n", "$99999999\r\n", strings.Repeat("+", maxLine+1)} {
		if r, err := newReplies(strings.NewReader(text), frozen, 0).next(); !errors.Is(err, errNotRESP) {
			t.Errorf("%.20q: %+v, %v, want %v", text, r, err, errNotRESP)
		}
	}
	for _, text := range []string{":1", "$3\r\nab", "+OK\r"} {
		if _, err := newReplies(strings.NewReader(text), frozen, 0).next(); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("%q: %v, want an end in the middle", text, err)
		}
	}
}

func TestARepliesAgeIsThatOfItsLastByte(t *testing.T) {
	now := time.Duration(0)
	clock := func() time.Duration { now += time.Second; return now }
	r := newReplies(io.MultiReader(strings.NewReader(":1\r\n:2\r\n:"), strings.NewReader("3\r\n")), clock, 0)
	for i, want := range []time.Duration{1, 1, 2} {
		if _, err := r.next(); err != nil || r.at() != want*time.Second {
			t.Errorf("reply %d came at %v (%v), want %v", i+1, r.at(), err, want*time.Second)
		}
	}
}

func FuzzReplies(f *testing.F) {
	f.Add([]byte(":1\r\n$1\r\n2\r\n*1\r\n+OK\r\n-ERR\r\n$-1\r\n"))
	f.Add([]byte("$4096\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole := newReplies(strings.NewReader(string(text)), frozen, 0)
		pieces := newReplies(iotest.OneByteReader(strings.NewReader(string(text))), frozen, 0)
		for {
			a, errA := whole.next()
			b, errB := pieces.next()
			if a.kind != b.kind || a.n != b.n || string(a.text) != string(b.text) || (errA == nil) != (errB == nil) {
				t.Fatalf("at once %+v, %v; byte by byte %+v, %v", a, errA, b, errB)
			}
			if errA != nil {
				return
			}
		}
	})
}
