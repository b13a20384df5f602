package resp

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A shape says what a reply has to look like:
//
//	"text"  /regex/  text     a bulk string: equal, matching, any
//	+OK                       a simple string
//	-ERR what it begins with  an error; only as a whole line
//	7  int                    an integer: this, any
//	_  $-1  *-1               null in RESP3; the two of RESP2
//	txt/regex/                verbatim text, of the format txt
//	true  false  double
//	[a b]  push[a b]  set[a]  an array, a push, a set
//	map{key=a key=b}          a map, its pairs in any order
//	any                       any reply at all
//
// A list or a map that ends in ... may have more.
type shape struct {
	kind   byte // as of wireReply; 0 for any
	null   bool
	text   string         // equal; unless it is free
	free   bool           // any text
	match  *regexp.Regexp // of the text, instead
	prefix bool           // the text only begins so
	items  []shape
	keys   []string // of a map, one for each item
	more   bool     // there may be more items
}

// parseShape reads the shape that is a whole line.
func parseShape(line string) (shape, error) {
	if text, ok := strings.CutPrefix(line, "-"); ok && (text == "" || text[0] < '0' || text[0] > '9') {
		return shape{kind: '-', text: text, prefix: true}, nil
	}
	p := shapeParser{rest: line}
	s, err := p.shape()
	if err == nil && strings.TrimSpace(p.rest) != "" {
		err = fmt.Errorf("too much: %q", p.rest)
	}
	if err != nil {
		return shape{}, fmt.Errorf("shape %q: %w", line, err)
	}
	return s, nil
}

type shapeParser struct{ rest string }

// shapeWords are the shapes without anything inside.
var shapeWords = map[string]shape{
	"text": {kind: '$', free: true}, "int": {kind: ':', free: true}, "double": {kind: ',', free: true}, "any": {},
	"_": {kind: '_'}, "$-1": {kind: '$', null: true}, "*-1": {kind: '*', null: true},
	"true": {kind: '#', text: "t"}, "false": {kind: '#', text: "f"},
}

func (p *shapeParser) shape() (shape, error) {
	for prefix, kind := range map[string]byte{"[": '*', "push[": '>', "set[": '~', "map{": '%'} {
		if p.take(prefix) {
			return p.list(kind)
		}
	}
	switch {
	case strings.HasPrefix(p.rest, `"`):
		quoted, err := strconv.QuotedPrefix(p.rest)
		if err != nil {
			return shape{}, err
		}
		p.rest = p.rest[len(quoted):]
		text, err := strconv.Unquote(quoted)
		return shape{kind: '$', text: text}, err
	case p.take("/"):
		return p.regex('$', "")
	case p.take("txt/"):
		return p.regex('=', "txt:")
	}
	end := strings.IndexAny(p.rest, " ]}")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	if s, ok := shapeWords[word]; ok {
		return s, nil
	}
	if text, ok := strings.CutPrefix(word, "+"); ok {
		return shape{kind: '+', text: text}, nil
	}
	if _, err := strconv.ParseInt(word, 10, 64); err != nil {
		return shape{}, fmt.Errorf("unknown: %q", word)
	}
	return shape{kind: ':', text: word}, nil
}

func (p *shapeParser) take(prefix string) (ok bool) {
	p.rest, ok = strings.CutPrefix(p.rest, prefix)
	return ok
}

func (p *shapeParser) regex(kind byte, begin string) (shape, error) {
	pattern, rest, ok := strings.Cut(p.rest, "/")
	if !ok {
		return shape{}, fmt.Errorf("no second /")
	}
	p.rest = rest
	match, err := regexp.Compile("(?s)^" + begin + ".*?(?:" + pattern + ")")
	if strings.HasPrefix(pattern, "^") {
		match, err = regexp.Compile("(?s)^" + begin + "(?:" + pattern[1:] + ")")
	}
	return shape{kind: kind, match: match}, err
}

func (p *shapeParser) list(kind byte) (shape, error) {
	s, end := shape{kind: kind}, "]"
	if kind == '%' {
		end = "}"
	}
	for {
		p.rest = strings.TrimLeft(p.rest, " ")
		switch {
		case p.take(end):
			return s, nil
		case p.take("..."):
			s.more = true
			continue
		case p.rest == "" || s.more:
			return shape{}, fmt.Errorf("no %s", end)
		}
		if kind == '%' {
			key, rest, ok := strings.Cut(p.rest, "=")
			if !ok {
				return shape{}, fmt.Errorf("no = behind a key")
			}
			s.keys, p.rest = append(s.keys, key), rest
		}
		item, err := p.shape()
		if err != nil {
			return shape{}, err
		}
		s.items = append(s.items, item)
	}
}

// fits reports whether the reply has the shape.
func (s shape) fits(w wireReply) bool {
	switch {
	case s.kind == 0:
		return true
	case s.kind != w.kind || s.null != w.null:
		return false
	case s.kind == '%':
		return s.fitsMap(w)
	case s.free:
		return true
	case s.match != nil:
		return s.match.MatchString(w.text)
	case s.prefix:
		return strings.HasPrefix(w.text, s.text)
	case s.text != w.text, len(w.items) < len(s.items), !s.more && len(w.items) > len(s.items):
		return false
	}
	for i, item := range s.items {
		if !item.fits(w.items[i]) {
			return false
		}
	}
	return true
}

// fitsMap looks for each key once; keys are bulk strings.
func (s shape) fitsMap(w wireReply) bool {
	values := map[string]wireReply{}
	for i := 0; i < len(w.items); i += 2 {
		if w.items[i].kind != '$' {
			return false
		}
		values[w.items[i].text] = w.items[i+1]
	}
	if len(values) != len(w.items)/2 || !s.more && len(values) != len(s.keys) {
		return false
	}
	for i, key := range s.keys {
		if value, ok := values[key]; !ok || !s.items[i].fits(value) {
			return false
		}
	}
	return true
}
