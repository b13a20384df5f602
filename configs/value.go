package configs

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// value is a field of a Config: text goes in from every source, and what TOML has for it comes out.
type value interface {
	kind() string          // one word, for --help
	set(text string) error // what is not allowed leaves the field as it was; the error says what is
	toml() any             // string, bool or []string, or what marshals itself; set of its text gives the same value
}

// text is anything. It is UTF-8, for TOML can't hold what is not.
type text struct {
	p    *string
	word string
}

func (t text) kind() string { return t.word }
func (t text) toml() any    { return *t.p }
func (t text) set(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8: give a %s that is", s, t.word)
	}
	*t.p = s
	return nil
}

// choice is one of a few words.
type choice struct {
	p    *string
	word string
	of   []string
}

func (c choice) kind() string { return c.word }
func (c choice) toml() any    { return *c.p }
func (c choice) set(s string) error {
	i := slices.IndexFunc(c.of, func(word string) bool { return strings.EqualFold(word, s) })
	if i < 0 {
		last := len(c.of) - 1
		return fmt.Errorf("%q is not a %s: give %s or %s", s, c.word, strings.Join(c.of[:last], ", "), c.of[last])
	}
	*c.p = c.of[i]
	return nil
}

// yesno is true or false.
type yesno struct{ p *bool }

func (y yesno) kind() string { return "bool" }
func (y yesno) toml() any    { return *y.p }
func (y yesno) set(s string) error {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return fmt.Errorf("%q is neither: give true or false", s)
	}
	*y.p = b
	return nil
}

// list is addresses by comma; no text is no address.
type list struct{ p *[]string }

func (l list) kind() string { return "addresses" }
func (l list) toml() any    { return append([]string{}, *l.p...) } // never nil: nil would be left out
func (l list) set(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8: give addresses such as 127.0.0.1:7379", s)
	}
	var items []string
	if s != "" {
		items = strings.Split(s, ",")
	}
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
		if items[i] == "" {
			return fmt.Errorf("%q has an empty address: give host:port,host:port", s)
		}
	}
	*l.p = items
	return nil
}

// duration is more than nothing; what two of them must agree on is for Config.check.
type duration struct{ p *time.Duration }

func (d duration) kind() string { return "duration" }
func (d duration) toml() any    { return d.p.String() }
func (d duration) set(s string) error {
	v, err := time.ParseDuration(s)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is not a duration: give a number with its unit, such as 150ms or 1.5s", s)
	}
	*d.p = v
	return nil
}

// span is a duration between two others.
type span struct {
	p           *time.Duration
	least, most time.Duration
}

func (s span) kind() string { return "duration" }
func (s span) toml() any    { return s.p.String() }
func (s span) set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v < s.least || v > s.most || v%time.Millisecond != 0 {
		return fmt.Errorf("%q is not a duration from %v to %v: give whole milliseconds with a unit, such as 500ms or 10s", text, s.least, s.most)
	}
	*s.p = v
	return nil
}

// number is a size, a count or a percentage, and the words that stand for one. It may be an integer in a file.
type number struct {
	p interface {
		encoding.TextMarshaler
		encoding.TextUnmarshaler
	}
	word string
}

func (n number) kind() string       { return n.word }
func (n number) toml() any          { return n.p }
func (n number) set(s string) error { return n.p.UnmarshalText([]byte(s)) }

// textOf turns what TOML has into the text for a value. The error says what TOML should have.
func textOf(v value, raw any) (string, error) {
	want := "a string"
	switch v.(type) {
	case yesno:
		if b, ok := raw.(bool); ok {
			return strconv.FormatBool(b), nil
		}
		want = "true or false, without quotes"
	case list:
		if s, ok := joined(raw); ok {
			return s, nil
		}
		want = `a list of strings, such as ["127.0.0.1:7379"]`
	case number:
		if i, ok := raw.(int64); ok {
			return strconv.FormatInt(i, 10), nil
		}
		want = "a string, or an integer"
	case duration, span:
		want = `a string, such as "150ms"`
	}
	if s, ok := raw.(string); ok && strings.HasPrefix(want, "a string") {
		return s, nil
	}
	return "", errors.New("its value has the wrong type: give " + want)
}

// joined is a list of strings by comma. A comma inside of one would be taken for two.
func joined(raw any) (string, bool) {
	items, ok := raw.([]any)
	if !ok {
		return "", false
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if texts[i], ok = item.(string); !ok || strings.Contains(texts[i], ",") {
			return "", false
		}
	}
	return strings.Join(texts, ","), true
}
