package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// frame is a reply as it comes over the wire.
type frame struct {
	kind  byte
	text  string  // what stands in the line, or the bytes of a string; "-1" of a null of protocol 2
	items []frame // of an aggregate; of a map, keys and values in turns
}

var errMalformed = errors.New("malformed reply")

func readFrame(r *bufio.Reader) (f frame, err error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return f, err
	}
	if len(line) < 3 || !strings.HasSuffix(line, "\r\n") || strings.Contains(line[:len(line)-2], "\r") {
		return f, errMalformed
	}
	f.kind, f.text = line[0], line[1:len(line)-2]
	if !strings.ContainsRune("$=*~>%", rune(f.kind)) || f.text == "-1" {
		return f, nil
	}
	n, err := strconv.Atoi(f.text)
	if err != nil || n < 0 || strconv.Itoa(n) != f.text {
		return f, errMalformed
	}
	if f.kind == '$' || f.kind == '=' {
		body := make([]byte, n+lineEnd)
		if _, err := io.ReadFull(r, body); err != nil || string(body[n:]) != "\r\n" {
			return f, errMalformed
		}
		f.text = string(body[:n])
		return f, nil
	}
	if f.kind == '%' {
		n *= 2
	}
	for range n {
		item, err := readFrame(r)
		if err != nil {
			return f, err
		}
		f.items = append(f.items, item)
	}
	return f, nil
}

func frames(t *testing.T, replies string) (all []frame) {
	in := bufio.NewReader(strings.NewReader(replies))
	for {
		f, err := readFrame(in)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("our replies %q: %v", replies, err)
		}
		all = append(all, f)
	}
}

func (f frame) same(g frame) bool {
	return f.kind == g.kind && f.text == g.text && slices.EqualFunc(f.items, g.items, frame.same)
}

func (f frame) String() string {
	if !strings.ContainsRune("*~>%", rune(f.kind)) || f.text == "-1" {
		return fmt.Sprintf("%c%q", f.kind, f.text)
	}
	var items []string
	for _, item := range f.items {
		items = append(items, item.String())
	}
	return string(f.kind) + "[" + strings.Join(items, " ") + "]"
}

// sorted is the frame with its items in order; those of a map by pairs.
func (f frame) sorted(pairs bool) frame {
	if !pairs {
		f.items = slices.Clone(f.items)
		slices.SortFunc(f.items, func(a, b frame) int { return strings.Compare(a.String(), b.String()) })
		return f
	}
	var all []frame
	for pair := range slices.Chunk(f.items, 2) {
		all = append(all, frame{kind: '*', items: pair})
	}
	all = frame{items: all}.sorted(false).items
	f.items = nil
	for _, pair := range all {
		f.items = append(f.items, pair.items...)
	}
	return f
}
