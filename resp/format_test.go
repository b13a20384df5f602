package resp

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
)

// readReply reads one reply and writes it the way redis-cli does.
func readReply(r *bufio.Reader) (string, error) { return readIndented(r, "") }

func readIndented(r *bufio.Reader, indent string) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, text := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '+':
		return text, nil
	case '-':
		return "(error) " + text, nil
	case ':':
		return "(integer) " + text, nil
	case '_':
		return "(nil)", nil
	case ',':
		return "(double) " + text, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || !strings.ContainsRune("$=*~%>", rune(kind)) {
		return "", fmt.Errorf("no reply: %q", line)
	}
	if n < 0 {
		return "(nil)", nil
	}
	switch kind {
	case '$', '=':
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		if kind == '=' {
			return "(verbatim) " + strconv.Quote(string(body[:n])), err
		}
		return strconv.Quote(string(body[:n])), err
	case '%':
		return readMap(r, n, indent)
	}
	if n == 0 {
		return map[byte]string{'*': "(empty array)", '~': "(empty set)", '>': "(empty push)"}[kind], nil
	}
	mark := map[byte]string{'*': ")", '~': "~", '>': ">"}[kind]
	var b strings.Builder
	for i := 1; i <= n; i++ {
		prefix := fmt.Sprintf("%d%s ", i, mark)
		item, err := readIndented(r, indent+strings.Repeat(" ", len(prefix)))
		if err != nil {
			return "", err
		}
		if i > 1 {
			b.WriteString("\n" + indent)
		}
		b.WriteString(prefix + item)
	}
	return b.String(), nil
}

func readMap(r *bufio.Reader, n int, indent string) (string, error) {
	if n == 0 {
		return "(empty hash)", nil
	}
	var b strings.Builder
	for i := 1; i <= n; i++ {
		prefix := fmt.Sprintf("%d# ", i)
		inner := indent + strings.Repeat(" ", len(prefix))
		key, err := readIndented(r, inner)
		if err != nil {
			return "", err
		}
		value, err := readIndented(r, inner)
		if err != nil {
			return "", err
		}
		if i > 1 {
			b.WriteString("\n" + indent)
		}
		b.WriteString(prefix + key + " => " + value)
	}
	return b.String(), nil
}

func formatAll(t testing.TB, encoded string) (replies []string) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(encoded))
	for {
		reply, err := readReply(r)
		if err == io.EOF {
			return replies
		}
		if err != nil {
			t.Fatalf("%q: %v", encoded, err)
		}
		replies = append(replies, reply)
	}
}
