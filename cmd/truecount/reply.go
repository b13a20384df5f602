package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gomodule/redigo/redis"
)

// rawReply is a reply as redis-cli prints it into a pipe: the bytes and nothing else, a line for each element.
func rawReply(reply any) string {
	return rawLines(reply) + "\n"
}

// rawLines does not end in a newline.
func rawLines(reply any) string {
	switch r := reply.(type) {
	case nil:
		return ""
	case int64:
		return strconv.FormatInt(r, 10)
	case []byte:
		return string(r)
	case redis.Error:
		return string(r)
	case []any:
		lines := make([]string, len(r))
		for i, element := range r {
			lines[i] = rawLines(element)
		}
		return strings.Join(lines, "\n")
	}
	return fmt.Sprint(reply)
}

// terminalReply is a reply as redis-cli prints it on a terminal: types in brackets, strings quoted, arrays numbered.
func terminalReply(reply any) string {
	return terminalLines(reply, "")
}

// terminalLines ends in a newline. The first line is not indented: it may follow an element's number.
func terminalLines(reply any, indent string) string {
	switch r := reply.(type) {
	case nil:
		return "(nil)\n"
	case int64:
		return fmt.Sprintf("(integer) %d\n", r)
	case redis.Error:
		return fmt.Sprintf("(error) %s\n", string(r))
	case []byte:
		return quote(r) + "\n"
	case []any:
		return terminalArray(r, indent)
	}
	return fmt.Sprint(reply) + "\n"
}

func terminalArray(elements []any, indent string) string {
	if len(elements) == 0 {
		return "(empty array)\n"
	}
	width := len(strconv.Itoa(len(elements)))
	deeper := indent + strings.Repeat(" ", width+len(") "))
	var b strings.Builder
	for i, element := range elements {
		if i > 0 {
			b.WriteString(indent)
		}
		fmt.Fprintf(&b, "%*d) %s", width, i+1, terminalLines(element, deeper))
	}
	return b.String()
}

// quote escapes what is not printable ASCII, as Redis's sdscatrepr does.
func quote(text []byte) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\a':
			b.WriteString(`\a`)
		case c == '\b':
			b.WriteString(`\b`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
