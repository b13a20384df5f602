package resp

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A hostile packet is a row of testdata/hostile/*.txt:
//
//	== what it is
//	! ours: why Redis answers otherwise, or why it can't be asked
//	> bytes that are sent                          \r \n \t \\ \{ \xHH; {65536 of x} is as many of x
//	< bytes that are answered                      may be missing: nothing yet
//	closed                                         or: open, and between two commands
//
// There may be many > and <, in turn. Comments begin with #. "-update" writes the answers that are given now.
type hostilePacket struct {
	name, ours string
	steps      []hostileStep
	closed     bool
	heading    string // the lines above the steps, as they are
}

type hostileStep struct {
	sent   string // as it is written
	answer string // likewise; without < in front
}

func (p *hostilePacket) input() string {
	var b strings.Builder
	for _, s := range p.steps {
		b.WriteString(unquoteBytes(s.sent))
	}
	return b.String()
}

func (p *hostilePacket) answer() string {
	var b strings.Builder
	for _, s := range p.steps {
		b.WriteString(unquoteBytes(s.answer))
	}
	return b.String()
}

// String is the row as it stands in the file.
func (p *hostilePacket) String() string {
	var b strings.Builder
	b.WriteString(p.heading)
	for _, s := range p.steps {
		b.WriteString("> " + s.sent + "\n")
		if s.answer != "" {
			b.WriteString("< " + s.answer + "\n")
		}
	}
	if p.closed {
		return b.String() + "closed\n"
	}
	return b.String() + "open\n"
}

func readHostile(t testing.TB, path string) (packets []*hostilePacket) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &hostilePacket{}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		rest := line[min(2, len(line)):]
		switch {
		case line == "open" || line == "closed":
			p.closed = line == "closed"
			packets = append(packets, p)
			p = &hostilePacket{}
		case strings.HasPrefix(line, "> "):
			p.steps = append(p.steps, hostileStep{sent: rest})
		case strings.HasPrefix(line, "< ") && len(p.steps) > 0:
			p.steps[len(p.steps)-1].answer = rest
		case strings.HasPrefix(line, "== "), strings.HasPrefix(line, "! ours: "), line == "", line[0] == '#':
			p.heading += line + "\n"
			if strings.HasPrefix(line, "== ") {
				p.name = line[3:]
			} else if strings.HasPrefix(line, "! ours: ") {
				p.ours = line[len("! ours: "):]
			}
		default:
			t.Fatalf("%s:%d: what is %q?", path, i+1, line)
		}
	}
	if len(p.steps) > 0 {
		t.Fatalf("%s: the last row is neither open nor closed", path)
	}
	return packets
}

// hostileFiles are the packets by file.
func hostileFiles(t testing.TB) map[string][]*hostilePacket {
	paths, err := filepath.Glob("testdata/hostile/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no packets: %v", err)
	}
	files := map[string][]*hostilePacket{}
	for _, path := range paths {
		files[path] = readHostile(t, path)
	}
	return files
}

// unquoteBytes turns a row's notation into bytes.
func unquoteBytes(s string) string {
	var b strings.Builder
	for s != "" {
		switch {
		case s[0] == '{':
			inside, rest, _ := strings.Cut(s[1:], "}")
			times, what, ok := strings.Cut(inside, " of ")
			n, err := strconv.Atoi(times)
			if !ok || err != nil {
				panic("BUG: not a repetition: " + s)
			}
			b.WriteString(strings.Repeat(unquoteBytes(what), n))
			s = rest
		case strings.HasPrefix(s, `\{`):
			b.WriteByte('{')
			s = s[2:]
		case s[0] == '\\':
			c, _, rest, err := strconv.UnquoteChar(s, 0)
			if err != nil {
				panic("BUG: not an escape: " + s)
			}
			b.WriteByte(byte(c))
			s = rest
		default:
			b.WriteByte(s[0])
			s = s[1:]
		}
	}
	return b.String()
}

// repeats is how often s begins with the piece.
func repeats(s, piece string) (n int) {
	for strings.HasPrefix(s, piece) {
		n++
		s = s[len(piece):]
	}
	return n
}

// quoteBytes is its opposite.
func quoteBytes(s string) string {
	var b strings.Builder
	for s != "" {
		if n := repeats(s, s[:1]); n > 64 {
			fmt.Fprintf(&b, "{%d of %s}", n, quoteBytes(s[:1]))
			s = s[n:]
			continue
		}
		if line, _, ok := strings.Cut(s, "\n"); ok && strings.HasPrefix(s, strings.Repeat(line+"\n", 4)) {
			n := repeats(s, line+"\n")
			fmt.Fprintf(&b, `{%d of %s\n}`, n, quoteBytes(line))
			s = s[n*(len(line)+1):]
			continue
		}
		switch c := s[0]; {
		case c == '{':
			b.WriteString(`\{`)
		case c == '\\' || c == '\r' || c == '\n' || c == '\t':
			b.WriteString(strings.Trim(strconv.QuoteRune(rune(c)), "'"))
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
		s = s[1:]
	}
	return b.String()
}

func TestTheNotationOfPacketsIsItsOwnOpposite(t *testing.T) {
	var all strings.Builder
	for c := range 256 {
		all.WriteString(string([]byte{byte(c)}))
	}
	all.WriteString(strings.Repeat("x", 100) + strings.Repeat("\n", 100) + `{5 of x}\x41`)
	if got := unquoteBytes(quoteBytes(all.String())); got != all.String() {
		t.Errorf("%q became %q", all.String(), got)
	}
}
