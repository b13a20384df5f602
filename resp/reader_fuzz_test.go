package resp

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fuzzLimits are small, so that the fuzzer reaches them.
var fuzzLimits = Limits{Args: 8, Bulk: 40, Inline: 60, Request: 120}

// FuzzReader compares the Reader, whole and in pieces, with a parser that is slow and obvious.
func FuzzReader(f *testing.F) {
	for _, p := range readerPackets {
		if len(p.in) < 1000 {
			f.Add([]byte(p.in), uint8(3))
		}
	}
	f.Add([]byte(repeated("A 'b' \"\\x41\"\r\n", 20)+bulks("INCR", "k")), uint8(7))
	f.Fuzz(func(t *testing.T, in []byte, size uint8) {
		want, wantErr := obviousRead(fuzzLimits, string(in))
		for _, piece := range []int{max(len(in), 1), 1, 1 + int(size)} {
			r := NewReader(fuzzLimits)
			var got [][]string
			var err error
			for p := range slices.Chunk(bytes.Clone(in), piece) {
				feed(r, p)
				if got, err = drain(r, got); err != nil {
					break
				}
				if len(r.buf) > holds(fuzzLimits, piece) || r.Buffered() > fuzzLimits.Request+fuzzLimits.Inline+lineEnd {
					t.Fatalf("%d bytes of buffer, %d in it", len(r.buf), r.Buffered())
				}
				if size%5 == 0 {
					r.Shrink()
				}
			}
			if !slices.EqualFunc(got, want, slices.Equal) {
				t.Fatalf("pieces of %d: commands %q, want %q", piece, got, want)
			}
			if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Fatalf("pieces of %d: error %v, want %v", piece, err, wantErr)
			}
		}
	})
}

// errObviousHalf is how the obvious parser says that a command isn't whole.
var errObviousHalf = errors.New("more input is needed")

// obviousRead parses in from its first byte to its last, with no state and no care for speed.
func obviousRead(l Limits, in string) (commands [][]string, err error) {
	for in != "" {
		words, rest, err := obviousCommand(l, in)
		if err == errObviousHalf {
			return commands, nil
		}
		if err != nil {
			return commands, err
		}
		if len(words) > 0 {
			commands = append(commands, words)
		}
		in = rest
	}
	return commands, nil
}

func obviousCommand(l Limits, in string) (words []string, rest string, err error) {
	if in[0] != '*' {
		return obviousInline(l, in)
	}
	n, rest, err := obviousHeader(l, in, "too big mbulk count string", "invalid multibulk length")
	if err != nil {
		return nil, "", err
	}
	if n > int64(l.Args) {
		return nil, "", &ProtocolError{"invalid multibulk length"}
	}
	for ; n > 0; n-- {
		if rest == "" {
			return nil, "", errObviousHalf
		}
		if rest[0] != '$' {
			return nil, "", &ProtocolError{"expected '$', got '" + strings.NewReplacer("\r", " ", "\n", " ").Replace(rest[:1]) + "'"}
		}
		var size int64
		size, rest, err = obviousHeader(l, rest, "too big bulk count string", "invalid bulk length")
		if err != nil {
			return nil, "", err
		}
		if size < 0 || size > int64(l.Bulk) {
			return nil, "", &ProtocolError{"invalid bulk length"}
		}
		if len(in)-len(rest)+int(size)+2 > l.Request {
			return nil, "", &ProtocolError{"request exceeds the limit of " + strconv.Itoa(l.Request) + " bytes"}
		}
		if len(rest) < int(size)+2 {
			return nil, "", errObviousHalf
		}
		if rest[size:size+2] != "\r\n" {
			return nil, "", &ProtocolError{"expected CRLF after " + strconv.Itoa(int(size)) + " bytes of bulk"}
		}
		words, rest = append(words, rest[:size]), rest[size+2:]
	}
	return words, rest, nil
}

func obviousHeader(l Limits, in, tooBig, invalid string) (n int64, rest string, err error) {
	line, rest, found := strings.Cut(in, "\r")
	if len(line) > l.Inline {
		return 0, "", &ProtocolError{tooBig}
	}
	if !found || rest == "" {
		return 0, "", errObviousHalf
	}
	n, err = strconv.ParseInt(line[1:], 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != line[1:] || rest[0] != '\n' {
		return 0, "", &ProtocolError{invalid}
	}
	return n, rest[1:], nil
}

func obviousInline(l Limits, in string) (words []string, rest string, err error) {
	line, rest, found := strings.Cut(in, "\n")
	if len(line) > l.Inline {
		return nil, "", &ProtocolError{"too big inline request"}
	}
	if !found {
		return nil, "", errObviousHalf
	}
	words, ok := obviousWords(strings.TrimSuffix(line, "\r"))
	if !ok {
		return nil, "", &ProtocolError{"unbalanced quotes in request"}
	}
	if len(words) > l.Args {
		return nil, "", &ProtocolError{"too big inline request"}
	}
	return words, rest, nil
}

// obviousWords reads a line with one loop for each kind of place one can be in.
func obviousWords(s string) (words []string, ok bool) {
	const blanks = " \t\n\v\f\r"
	for {
		if s = strings.TrimLeft(s, blanks); s == "" {
			return words, true
		}
		word := ""
		for s != "" && !strings.ContainsAny(s[:1], " \t\r\"'") {
			word, s = word+s[:1], s[1:]
		}
		if s != "" && (s[0] == '"' || s[0] == '\'') {
			quote := s[:1]
			for s = s[1:]; !strings.HasPrefix(s, quote); {
				if s == "" {
					return nil, false
				}
				taken, meaning := 1, s[:1]
				if quote == "'" && strings.HasPrefix(s, `\'`) {
					taken, meaning = 2, "'"
				}
				if quote == `"` && s[0] == '\\' && len(s) > 1 {
					taken, meaning = obviousEscape(s)
				}
				word, s = word+meaning, s[taken:]
			}
			if s = s[1:]; s != "" && !strings.ContainsAny(s[:1], blanks) {
				return nil, false
			}
		}
		words = append(words, word)
	}
}

func obviousEscape(s string) (taken int, meaning string) {
	if len(s) >= 4 && s[1] == 'x' {
		if n, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
			return 4, string([]byte{byte(n)})
		}
	}
	if i := strings.IndexByte("nrtba", s[1]); i >= 0 {
		return 2, "\n\r\t\b\a"[i : i+1]
	}
	return 2, s[1:2]
}
