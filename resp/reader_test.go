package resp

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// readerPacket is one row of the golden table: bytes, the commands they hold, and the error they end in.
type readerPacket struct {
	name     string
	in       string
	commands [][]string
	err      string // without "Protocol error: "
	ours     bool   // Redis answers otherwise, or not at all
}

func cmd(args ...string) []string            { return args }
func cmds(commands ...[]string) [][]string   { return commands }
func bulks(args ...string) string            { return string(appendBulks(nil, args...)) }
func repeated(s string, n int) string        { return strings.Repeat(s, n) }
func declares(bulk string) string            { return "*1\r\n$" + bulk + "\r\n" }
func holds(l Limits, n int) (most int)       { return l.request() + l.inline() + lineEnd + max(n, readChunk) }
func feed(r *Reader, b []byte)               { r.Fill(copy(r.Space(len(b)), b)) }
func feedString(r *Reader, s string) *Reader { feed(r, []byte(s)); return r }

func appendBulks(dst []byte, args ...string) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(args))
	for _, a := range args {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(a), a)
	}
	return dst
}

var readerPackets = []readerPacket{
	{name: "nothing at all", in: ""},
	{name: "a command", in: "*2\r\n$4\r\nINCR\r\n$1\r\nk\r\n", commands: cmds(cmd("INCR", "k"))},
	{name: "two commands in one packet", in: bulks("A", "1") + bulks("B"), commands: cmds(cmd("A", "1"), cmd("B"))},
	{name: "an argument may hold line ends, NUL and dollars", in: bulks("A", "\r\n$1\r\n\x00"), commands: cmds(cmd("A", "\r\n$1\r\n\x00"))},
	{name: "an argument may be empty", in: bulks("A", ""), commands: cmds(cmd("A", ""))},
	{name: "the command's name may be empty", in: "*1\r\n$0\r\n\r\n", commands: cmds(cmd(""))},
	{name: "an empty array is skipped", in: "*0\r\n" + bulks("A"), commands: cmds(cmd("A"))},
	{name: "a negative array is skipped", in: "*-10\r\n" + bulks("A"), commands: cmds(cmd("A"))},
	{name: "the most negative array is skipped", in: "*-9223372036854775808\r\n" + bulks("A"), commands: cmds(cmd("A"))},
	{name: "empty lines are skipped", in: "\r\n\n \t\r\n" + bulks("A") + "\n\r\n", commands: cmds(cmd("A"))},
	{name: "inline and array commands mix", in: "A 1\r\n" + bulks("B", "2") + "C 3\n", commands: cmds(cmd("A", "1"), cmd("B", "2"), cmd("C", "3"))},
	{name: "half a count waits", in: bulks("A") + "*1", commands: cmds(cmd("A"))},
	{name: "half an argument waits", in: bulks("A") + "*1\r\n$4\r\nPIN", commands: cmds(cmd("A"))},
	{name: "half a line end waits", in: "*1\r\n$4\r\nPING\r"},

	{name: "a count needs digits", in: "*\r\n", err: "invalid multibulk length"},
	{name: "a count has no plus", in: "*+1\r\n", err: "invalid multibulk length"},
	{name: "a count has no leading zero", in: "*01\r\n", err: "invalid multibulk length"},
	{name: "a count has no double zero", in: "*00\r\n", err: "invalid multibulk length"},
	{name: "a count has no negative zero", in: "*-0\r\n", err: "invalid multibulk length"},
	{name: "a count is not a lone minus", in: "*-\r\n", err: "invalid multibulk length"},
	{name: "a count has no blank in front", in: "* 1\r\n", err: "invalid multibulk length"},
	{name: "a count has no blank behind", in: "*1 \r\n", err: "invalid multibulk length"},
	{name: "a count is whole", in: "*1.0\r\n", err: "invalid multibulk length"},
	{name: "the largest count of arguments", in: "*131072\r\n$x\r\n", err: "invalid bulk length"},
	{name: "one argument more", in: "*131073\r\n", err: "invalid multibulk length", ours: true},
	{name: "2^31", in: "*2147483648\r\n", err: "invalid multibulk length"},
	{name: "4000000000 arguments", in: "*4000000000\r\n", err: "invalid multibulk length"},
	{name: "2^63-1 arguments", in: "*9223372036854775807\r\n", err: "invalid multibulk length"},
	{name: "2^63 arguments", in: "*9223372036854775808\r\n", err: "invalid multibulk length"},
	{name: "a count below int64", in: "*-9223372036854775809\r\n", err: "invalid multibulk length"},
	{name: "2^64+1 arguments", in: "*18446744073709551617\r\n", err: "invalid multibulk length"},
	{name: "a count of 64 KiB is read to its end", in: "*" + repeated("1", 65535) + "\r\n", err: "invalid multibulk length"},
	{name: "a longer one isn't", in: "*" + repeated("1", 65536), err: "too big mbulk count string"},
	{name: "a count's line end is CRLF", in: "*1\rX", err: "invalid multibulk length", ours: true},

	{name: "a length of -1", in: declares("-1"), err: "invalid bulk length"},
	{name: "a length of nothing", in: declares(""), err: "invalid bulk length"},
	{name: "a length with a leading zero", in: declares("04"), err: "invalid bulk length"},
	{name: "a length with a plus", in: declares("+4"), err: "invalid bulk length"},
	{name: "the largest length waits", in: declares("1048576")},
	{name: "one byte more", in: declares("1048577"), err: "invalid bulk length", ours: true},
	{name: "2^31-1 bytes", in: declares("2147483647"), err: "invalid bulk length"},
	{name: "2^32 bytes", in: declares("4294967296"), err: "invalid bulk length"},
	{name: "nearly 2^63 bytes", in: declares("9223372036854775800"), err: "invalid bulk length"},
	{name: "2^63-1 bytes", in: declares("9223372036854775807"), err: "invalid bulk length"},
	{name: "2^63 bytes", in: declares("9223372036854775808"), err: "invalid bulk length"},
	{name: "a length of 20 digits", in: declares("18446744073709551617"), err: "invalid bulk length"},
	{name: "a length of 64 KiB of digits", in: declares(repeated("1", 65535)), err: "invalid bulk length"},
	{name: "an endless length", in: "*1\r\n$" + repeated("1", 65536), err: "too big bulk count string"},
	{name: "a length's line end is CRLF", in: "*1\r\n$1\rXA\r\n", err: "invalid bulk length", ours: true},
	{name: "commands in front of an error come first", in: bulks("A") + "*x\r\n" + bulks("B"), commands: cmds(cmd("A")), err: "invalid multibulk length"},

	{name: "no dollar", in: "*3\r\n$1\r\nA\r\n$1\r\nx\r\nfooz\r\n", err: "expected '$', got 'f'"},
	{name: "an array inside an array", in: "*1\r\n*1\r\n", err: "expected '$', got '*'"},
	{name: "an empty line instead of a header", in: "*1\r\n\r\n", err: "expected '$', got ' '"},
	{name: "a control character instead of a header", in: "*1\r\n\x01\r\n", err: "expected '$', got '\x01'"},
	{name: "a byte above ASCII instead of a header", in: "*1\r\n\xff\r\n", err: "expected '$', got '\xff'"},
	{name: "an argument without its CR", in: "*1\r\n$4\r\nPINGx\n", err: "expected CRLF after 4 bytes of bulk", ours: true},
	{name: "an argument without its LF", in: "*1\r\n$4\r\nPING\rx", err: "expected CRLF after 4 bytes of bulk", ours: true},
	{name: "an argument longer than declared", in: "*1\r\n$3\r\nPING\r\n", err: "expected CRLF after 3 bytes of bulk", ours: true},
	{name: "an argument shorter than declared", in: "*1\r\n$5\r\nPING\r\n\r\n", err: "expected CRLF after 5 bytes of bulk", ours: true},

	{name: "words between any blanks", in: " \t\v\fA  1\t2\r3 \r\n", commands: cmds(cmd("A", "1", "2", "3"))},
	{name: "vertical blanks inside a word", in: "A 1\v2\f3\r\n", commands: cmds(cmd("A", "1\v2\f3"))},
	{name: "double quotes and escapes", in: `A "a b" "\x41\x7A\n\r\t\b\a\"\\\q"` + "\n", commands: cmds(cmd("A", "a b", "Az\n\r\t\b\a\"\\q"))},
	{name: "not quite hexadecimal", in: `A "\x4" "\x4g" "\xg4" "\x"` + "\n", commands: cmds(cmd("A", "x4", "x4g", "xg4", "x"))},
	{name: "single quotes", in: `A 'it\'s' 'a\nb' '"' "'"` + "\n", commands: cmds(cmd("A", "it's", `a\nb`, `"`, "'"))},
	{name: "escapes only inside quotes", in: `A \n \x41` + "\n", commands: cmds(cmd("A", `\n`, `\x41`))},
	{name: "quotes inside a word", in: `A a"b c"` + "\n", commands: cmds(cmd("A", "ab c"))},
	{name: "empty words", in: `"" '' A` + "\n", commands: cmds(cmd("", "", "A"))},
	{name: "open double quotes", in: `A "b` + "\r\n", err: "unbalanced quotes in request"},
	{name: "open single quotes", in: `A 'b` + "\n", err: "unbalanced quotes in request"},
	{name: "quotes open behind a backslash", in: `A "b\` + "\n", err: "unbalanced quotes in request"},
	{name: "a word behind closing quotes", in: `A "b"c` + "\n", err: "unbalanced quotes in request"},
	{name: "NUL is a character like others", in: "A \x00b\n", commands: cmds(cmd("A", "\x00b")), ours: true},
	{name: "an inline command of 64 KiB", in: "A" + repeated("b", 65535) + "\n", commands: cmds(cmd("A" + repeated("b", 65535)))},
	{name: "a longer one", in: "A" + repeated("b", 65536), err: "too big inline request"},
	{name: "a longer one with its line end", in: "A" + repeated("b", 65536) + "\n", err: "too big inline request", ours: true},
}

// drain takes whole commands out of r and appends copies of them.
func drain(r *Reader, to [][]string) ([][]string, error) {
	for {
		args, err := r.Next()
		if args == nil || err != nil {
			return to, err
		}
		var words []string
		for _, a := range args {
			words = append(words, string(a))
		}
		to = append(to, words)
	}
}

// readPieces feeds r one piece after the other and gives what was in them, and the first error.
func readPieces(r *Reader, pieces ...[]byte) (commands [][]string, err error) {
	for _, p := range pieces {
		feed(r, p)
		if commands, err = drain(r, commands); err != nil {
			break
		}
	}
	return commands, err
}

func (p *readerPacket) check(t *testing.T, how string, commands [][]string, err error) {
	t.Helper()
	var wrong *ProtocolError
	if p.err == "" && err != nil || p.err != "" && (!errors.As(err, &wrong) || err.Error() != "Protocol error: "+p.err) {
		t.Fatalf("%s: error %v, want %q", how, err, p.err)
	}
	if !slices.EqualFunc(commands, p.commands, slices.Equal) {
		t.Fatalf("%s: commands %.200q, want %.200q", how, commands, p.commands)
	}
}

func TestBoundaryPacketsGiveTheirCommandsAndErrors(t *testing.T) {
	for _, p := range readerPackets {
		t.Run(p.name, func(t *testing.T) {
			commands, err := readPieces(&Reader{}, []byte(p.in))
			p.check(t, "whole", commands, err)
		})
	}
}

func TestAPacketCutAnywhereGivesTheSame(t *testing.T) {
	for _, p := range readerPackets {
		t.Run(p.name, func(t *testing.T) {
			in := []byte(p.in)
			commands, err := readPieces(&Reader{}, slices.Collect(slices.Chunk(in, 1))...)
			p.check(t, "byte by byte", commands, err)
			for cut := range in {
				if cut > 100 && cut < len(in)-100 {
					continue
				}
				commands, err := readPieces(&Reader{}, in[:cut], in[cut:])
				p.check(t, fmt.Sprintf("cut at %d", cut), commands, err)
			}
		})
	}
}

func TestALongPipelineCutAtRandomGivesTheSame(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var in []byte
		var want [][]string
		for range 300 {
			c := cmd("C")
			for range rng.IntN(5) {
				c = append(c, repeated(string(rune('a'+rng.IntN(26))), rng.IntN(1+rng.IntN(3000))))
			}
			in, want = appendBulks(in, c...), append(want, c)
		}
		var r Reader
		var got [][]string
		for len(in) > 0 {
			n := min(len(in), 1+rng.IntN(1+rng.IntN(20_000)))
			feed(&r, in[:n])
			in = in[n:]
			var err error
			if got, err = drain(&r, got); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(8) == 0 {
				r.Shrink()
			}
		}
		if !slices.EqualFunc(got, want, slices.Equal) || r.Buffered() != 0 {
			t.Fatalf("seed %d: got other commands, or %d bytes remain", seed, r.Buffered())
		}
	}
}

func TestLimitsAreWhatTheOwnerSays(t *testing.T) {
	small := Limits{Args: 3, Bulk: 10, Inline: 20, Request: 40}
	for _, p := range []readerPacket{
		{name: "arguments", in: "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n*4\r\n", commands: cmds(cmd("a", "b", "c")), err: "invalid multibulk length"},
		{name: "inline arguments", in: "a b c\na b c d\n", commands: cmds(cmd("a", "b", "c")), err: "too big inline request"},
		{name: "one argument", in: bulks("0123456789") + declares("11"), commands: cmds(cmd("0123456789")), err: "invalid bulk length"},
		{name: "a line", in: repeated("a", 20) + "\n" + repeated("a", 21), commands: cmds(cmd(repeated("a", 20))), err: "too big inline request"},
		{name: "a request of 40 bytes", in: bulks("01234567", "012345678", "a"), commands: cmds(cmd("01234567", "012345678", "a"))},
		{name: "a request of 41 bytes", in: "*3\r\n$9\r\n012345678\r\n$9\r\n012345678\r\n$1\r\n", err: "request exceeds the limit of 40 bytes"},
	} {
		t.Run(p.name, func(t *testing.T) {
			commands, err := readPieces(NewReader(small), []byte(p.in))
			p.check(t, "whole", commands, err)
			commands, err = readPieces(NewReader(small), slices.Collect(slices.Chunk([]byte(p.in), 1))...)
			p.check(t, "byte by byte", commands, err)
		})
	}
}

func TestAnErrorStaysAndWhatComesAfterItIsDropped(t *testing.T) {
	r := feedString(&Reader{}, "*x\r\n")
	_, first := r.Next()
	for range 3 {
		feedString(r, bulks("PING"))
		if args, err := r.Next(); args != nil || err == nil || err != first {
			t.Fatalf("Next after an error = %q, %v", args, err)
		}
		if r.Buffered() != 0 {
			t.Fatalf("%d bytes buffered after an error", r.Buffered())
		}
	}
	r.Shrink()
}

func TestBufferedSaysWhetherTheClientIsBetweenCommands(t *testing.T) {
	r := feedString(&Reader{}, bulks("A")+bulks("B")+"*2\r\n$1\r\nC")
	for _, want := range []int{len(bulks("B")) + 9, 9, 9} {
		if _, err := r.Next(); err != nil || r.Buffered() != want {
			t.Fatalf("Buffered = %d, %v, want %d", r.Buffered(), err, want)
		}
	}
	feedString(r, "\r\n$1\r\nc\r\n")
	if args, _ := r.Next(); len(args) != 2 || r.Buffered() != 0 {
		t.Fatalf("got %q, %d buffered", args, r.Buffered())
	}
}

func TestAppendingToAnArgumentDoesNotReachTheNextOne(t *testing.T) {
	args, _ := feedString(&Reader{}, bulks("SET", "key", "value")).Next()
	_ = append(args[0], "XXXXXXXXXXXX"...)
	_ = append(args[1], "XXXXXXXXXXXX"...)
	if !bytes.Equal(args[1], []byte("key")) || !bytes.Equal(args[2], []byte("value")) {
		t.Fatalf("arguments are %q", args)
	}
}
