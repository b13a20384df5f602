package resp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A handshake is what a client that we can't run here says when it connects, and the shapes (shape_test.go) of the replies
// that it understands. Lines that begin with
//
//	>        are a command, its arguments apart by blanks, or quoted as in Go
//	<        are the shape of a reply, ours and that of Redis; several when a command has several replies
//	<ours    are the shape of our reply; that of Redis is read only, because it is older, or we differ on purpose
//	#        are for the reader
type greeting struct {
	line    int
	command string
	replies []expectation
}

type expectation struct {
	line int
	ours bool // Redis may answer otherwise
	shape
}

func parseHandshake(text string) (greetings []greeting, err error) {
	for i, line := range strings.Split(text, "\n") {
		mark, rest, _ := strings.Cut(line, " ")
		switch {
		case mark == ">":
			greetings = append(greetings, greeting{line: i + 1, command: rest})
		case mark == "<" || mark == "<ours":
			if len(greetings) == 0 {
				return nil, fmt.Errorf("line %d: a reply without a command", i+1)
			}
			s, err := parseShape(rest)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			g := &greetings[len(greetings)-1]
			g.replies = append(g.replies, expectation{i + 1, mark == "<ours", s})
		case line != "" && mark != "#":
			return nil, fmt.Errorf("line %d: neither command nor reply: %s", i+1, line)
		}
	}
	for _, g := range greetings {
		if len(g.replies) == 0 {
			return nil, fmt.Errorf("line %d: a command without a reply", g.line)
		}
	}
	return greetings, nil
}

// encode is the command as clients send it.
func (g greeting) encode(t *testing.T) string {
	t.Helper()
	var args []string
	for rest := g.command; rest != ""; rest = strings.TrimLeft(rest, " ") {
		word, _, _ := strings.Cut(rest, " ")
		arg := word
		if quoted, err := strconv.QuotedPrefix(rest); err == nil {
			word = quoted
			arg, _ = strconv.Unquote(quoted)
		}
		args, rest = append(args, arg), rest[len(word):]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b.String()
}

// shakeHands says a handshake, each command when the one before is answered, or all at once, and compares the replies.
func shakeHands(t *testing.T, conn net.Conn, greetings []greeting, atOnce, redis bool) {
	t.Helper()
	r := bufio.NewReader(conn)
	send := func(greetings ...greeting) {
		var b strings.Builder
		for _, g := range greetings {
			b.WriteString(g.encode(t))
		}
		if _, err := io.WriteString(conn, b.String()); err != nil {
			t.Fatal(err)
		}
	}
	if atOnce {
		send(greetings...)
	}
	for _, g := range greetings {
		if !atOnce {
			send(g)
		}
		for _, want := range g.replies {
			got, err := readWire(r)
			if err != nil {
				t.Fatalf("line %d: %s: %v", g.line, g.command, err)
			}
			if !want.fits(got) && !(redis && want.ours) {
				t.Errorf("line %d: %s\nis answered\n%s", want.line, g.command, got)
			}
		}
	}
}

// handshakes runs a subtest for each handshake, in both ways.
func handshakes(t *testing.T, test func(t *testing.T, greetings []greeting, atOnce bool)) {
	paths, err := filepath.Glob("testdata/handshakes/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no handshakes: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		greetings, err := parseHandshake(string(text))
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) { test(t, greetings, false) })
		t.Run(name+" at once", func(t *testing.T) { test(t, greetings, true) })
	}
}

func TestClientsThatAreNotHereCouldConnect(t *testing.T) {
	handshakes(t, func(t *testing.T, greetings []greeting, atOnce bool) {
		shakeHands(t, serveTCP(t, Options{Cluster: autoCluster(t), Version: "test"}).dial(), greetings, atOnce, false)
	})
}

func TestRedisGivesTheSameShapes(t *testing.T) {
	dial := startRedis(t)
	handshakes(t, func(t *testing.T, greetings []greeting, atOnce bool) {
		conn := dial()
		defer conn.Close()
		shakeHands(t, conn, []greeting{{command: "FLUSHALL", replies: make([]expectation, 1)}}, false, true)
		shakeHands(t, conn, greetings, atOnce, true)
	})
}

func TestShapesTellRepliesApart(t *testing.T) {
	rows := []struct{ shape, fits, not string }{
		{`"a"`, "$1\r\na\r\n", "$1\r\nb\r\n"},
		{`"a"`, "$1\r\na\r\n", "+a\r\n"},
		{"text", "$0\r\n\r\n", "$-1\r\n"},
		{"/^7\\.2/", "$5\r\n7.2.4\r\n", "$5\r\n17.2.\r\n"},
		{"/b/", "$3\r\na\nb\r\n", "$1\r\na\r\n"},
		{"+OK", "+OK\r\n", "+OKAY\r\n"},
		{"-ERR unknown", "-ERR unknown command\r\n", "-NOPROTO unknown\r\n"},
		{"int", ":7\r\n", "$1\r\n7\r\n"},
		{"-1", ":-1\r\n", ":1\r\n"},
		{"_", "_\r\n", "$-1\r\n"},
		{"$-1", "$-1\r\n", "*-1\r\n"},
		{"*-1", "*-1\r\n", "*0\r\n"},
		{"txt/role:master/", "=15\r\ntxt:role:master\r\n", "$11\r\nrole:master\r\n"},
		{"true", "#t\r\n", "#f\r\n"},
		{"double", ",1.5\r\n", "$3\r\n1.5\r\n"},
		{"[]", "*0\r\n", "~0\r\n"},
		{`["a" 1]`, "*2\r\n$1\r\na\r\n:1\r\n", "*1\r\n$1\r\na\r\n"},
		{`["a" ...]`, "*2\r\n$1\r\na\r\n:1\r\n", "*0\r\n"},
		{`push["a" [int]]`, ">2\r\n$1\r\na\r\n*1\r\n:1\r\n", "*2\r\n$1\r\na\r\n*1\r\n:1\r\n"},
		{"map{b=int a=[]}", "%2\r\n$1\r\na\r\n*0\r\n$1\r\nb\r\n:1\r\n", "%1\r\n$1\r\nb\r\n:1\r\n"},
		{"map{b=int}", "%1\r\n$1\r\nb\r\n:1\r\n", "*2\r\n$1\r\nb\r\n:1\r\n"},
		{"map{b=int}", "%1\r\n$1\r\nb\r\n:1\r\n", "%1\r\n+b\r\n:1\r\n"},
		{"map{b=int ...}", "%2\r\n$1\r\na\r\n*0\r\n$1\r\nb\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"},
	}
	for _, row := range rows {
		s, err := parseShape(row.shape)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{row.fits: true, row.not: false} {
			reply, err := readWire(bufio.NewReader(strings.NewReader(text)))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.fits(reply); got != want {
				t.Errorf("%q fits %s: %t", text, row.shape, got)
			}
		}
	}
	for _, bad := range []string{"", "[", "map{a}", `"a`, "/a", "what", "[1] 2", "[... 1]"} {
		if s, err := parseShape(bad); err == nil {
			t.Errorf("%q is a shape: %+v", bad, s)
		}
	}
}

func TestWhatTheProtocolForbidsIsNoReply(t *testing.T) {
	for _, bad := range []string{
		"\r\n", "OK\r\n", ":01\r\n", ":+1\r\n", ":\r\n", ":9223372036854775808\r\n", "$1\r\nab\r\n", "$01\r\na\r\n", "$-2\r\n",
		"$-1", "*1\r\n", "%1\r\n:1\r\n", "%-1\r\n", ">-1\r\n", "~-1\r\n", "!-1\r\n", "_x\r\n", "#true\r\n", ",1,5\r\n", ",Inf\r\n",
		"(1.5\r\n", "=3\r\nabc\r\n", "+a\rb\r\n", "+a\n", "*1\r\n>0\r\n",
	} {
		if reply, err := readWire(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("%q is read as %s", bad, reply)
		}
	}
}
