package resp

import (
	"bufio"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// wireReply is a reply as it stands on the wire, of RESP2 or RESP3.
type wireReply struct {
	kind  byte // its first byte: + - : $ * _ # , ( ! = % ~ >
	null  bool // $-1 or *-1; that of RESP3 has the kind _
	text  string
	items []wireReply // of % in turns a key and its value
}

const (
	maxWireLine  = 64 << 10
	maxWireBulk  = 16 << 20
	maxWireDepth = 8
)

// readWire reads one reply and is strict: whatever the protocol does not allow is an error. What an attribute (|) says is
// read and forgotten.
func readWire(r *bufio.Reader) (wireReply, error) { return readNested(r, maxWireDepth) }

func readNested(r *bufio.Reader, depth int) (wireReply, error) {
	line, err := readWireLine(r)
	if err != nil {
		return wireReply{}, err
	}
	if line == "" || depth == 0 {
		return wireReply{}, fmt.Errorf("no reply, or nested too deeply: %q", line)
	}
	reply := wireReply{kind: line[0], text: line[1:]}
	switch reply.kind {
	case '$', '!', '=':
		err = reply.readBulk(r)
	case '*', '~', '>', '%', '|':
		if err = reply.readItems(r, depth); err == nil && reply.kind == '|' {
			return readNested(r, depth)
		}
	default:
		err = reply.check()
	}
	if err != nil {
		return wireReply{}, fmt.Errorf("%q: %w", line, err)
	}
	return reply, nil
}

func readWireLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	text, ok := strings.CutSuffix(line, "\r\n")
	if !ok || strings.Contains(text, "\r") || len(text) > maxWireLine {
		return "", fmt.Errorf("no line of the protocol: %q", line)
	}
	return text, nil
}

// check finds faults in replies of one line.
func (w *wireReply) check() error {
	ok := false
	switch w.kind {
	case '+', '-':
		ok = true
	case ':':
		n, err := strconv.ParseInt(w.text, 10, 64)
		ok = err == nil && strconv.FormatInt(n, 10) == w.text
	case '_':
		ok = w.text == ""
	case '#':
		ok = w.text == "t" || w.text == "f"
	case ',':
		_, err := strconv.ParseFloat(w.text, 64)
		ok = err == nil && strings.Trim(w.text, "0123456789+-.eE") == "" || slices.Contains([]string{"inf", "-inf", "nan"}, w.text)
	case '(':
		n, isNumber := new(big.Int).SetString(w.text, 10)
		ok = isNumber && n.String() == w.text
	}
	if !ok {
		return fmt.Errorf("not allowed by the protocol")
	}
	return nil
}

// length reads the number behind the first byte. Only $ and * may be null.
func (w *wireReply) length(limit int) (int, error) {
	n, err := strconv.Atoi(w.text)
	switch {
	case err != nil || strconv.Itoa(n) != w.text || n > limit:
		return 0, fmt.Errorf("no length")
	case n >= 0:
		return n, nil
	case n == -1 && (w.kind == '$' || w.kind == '*'):
		w.null = true
		return 0, nil
	}
	return 0, fmt.Errorf("a negative length")
}

func (w *wireReply) readBulk(r *bufio.Reader) error {
	n, err := w.length(maxWireBulk)
	w.text = ""
	if err != nil || w.null {
		return err
	}
	body := make([]byte, n+2)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	if string(body[n:]) != "\r\n" {
		return fmt.Errorf("%d bytes do not end in CR LF", n)
	}
	w.text = string(body[:n])
	if w.kind == '=' && (n < 4 || w.text[3] != ':') {
		return fmt.Errorf("verbatim text without a format")
	}
	return nil
}

func (w *wireReply) readItems(r *bufio.Reader, depth int) error {
	n, err := w.length(maxWireBulk)
	w.text = ""
	if err != nil {
		return err
	}
	if w.kind == '%' || w.kind == '|' {
		n *= 2
	}
	for range n {
		item, err := readNested(r, depth-1)
		if err != nil {
			return err
		}
		if item.kind == '>' {
			return fmt.Errorf("a push inside of a reply")
		}
		w.items = append(w.items, item)
	}
	return nil
}

// String is the reply on one line, as shapes are written.
func (w wireReply) String() string {
	switch {
	case w.null:
		return string(w.kind) + "-1"
	case w.kind == '$':
		return strconv.Quote(w.text)
	case w.kind == ':':
		return w.text
	case !strings.ContainsRune("*~>%", rune(w.kind)):
		return string(w.kind) + w.text
	}
	items := make([]string, len(w.items))
	for i, item := range w.items {
		items[i] = item.String()
	}
	return map[byte]string{'*': "", '~': "set", '>': "push", '%': "map"}[w.kind] + "[" + strings.Join(items, " ") + "]"
}
