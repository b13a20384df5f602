package fsm

import (
	"fmt"
	"strconv"
	"strings"
)

// groups reads the Ops of a block, "--" between two groups.
func (s *script) groups(block []string) (groups []byte, all []Op) {
	var ops []Op
	for _, line := range block {
		words := strings.Fields(line)
		if words[0] == "--" {
			groups, all, ops = AppendGroup(groups, ops), append(all, ops...), nil
			continue
		}
		count, times := 1, strings.HasSuffix(words[0], "x")
		if times {
			count, words = int(s.int(strings.TrimSuffix(words[0], "x"))), words[1:]
		}
		for i := range count {
			one := append([]string(nil), words...)
			for w := range one {
				one[w] = strings.ReplaceAll(one[w], "%", strconv.Itoa(i))
			}
			ops = append(ops, s.op(one))
		}
	}
	return AppendGroup(groups, ops), append(all, ops...)
}

// op reads one Op.
func (s *script) op(words []string) Op {
	op := Op{Kind: s.kind(words[0])}
	facts, rest := kindFacts[op.Kind], words[1:]
	if facts.key {
		op.Key, rest = []byte(long(rest[0])), rest[1:]
	}
	if op.Kind == Register {
		op.Value = Value{Kind: Text, Text: s.node(rest).Append(nil)}
		return op
	}
	if op.Kind == Limit {
		return LimitOp(Limits{Bytes: s.number(rest, "bytes"), Keys: s.number(rest, "keys")})
	}
	if facts.value {
		op.Value, rest = ParseValue([]byte(long(rest[0]))), rest[1:]
	}
	if facts.amount {
		op.Amount = 1
		if len(rest) > 0 {
			op.Amount, rest = s.int(rest[0]), rest[1:]
		}
	}
	flags := map[string]Flags{"nx": NX, "xx": XX, "gt": GT, "lt": LT, "get": SetGet, "keepttl": KeepTTL}
	modes := map[string]ExpiryMode{"px": After, "at": At}
	for _, word := range rest {
		name, number, isExpiry := strings.Cut(word, "=")
		switch {
		case isExpiry && modes[name] != NoExpiry:
			op.Expiry = Expiry{Mode: modes[name], Millis: s.int(number)}
		case flags[word] != 0:
			op.Flags |= flags[word]
		default:
			s.t.Fatalf("line %d: what is %q?", s.line, word)
		}
	}
	return op
}

func (s *script) kind(name string) Kind {
	for k := Kind(1); k < kinds; k++ {
		if k.String() == name {
			return k
		}
	}
	s.t.Fatalf("line %d: no command and no Op is called %q", s.line, name)
	return 0
}

func (s *script) node(words []string) *Node {
	return &Node{Name: s.option(words, "name"), RESP: s.option(words, "resp"), Peer: s.option(words, "peer"),
		HTTP: s.option(words, "http"), Version: s.option(words, "version"), Nonvoter: s.option(words, "nonvoter") == "true"}
}

// number is the value of name=value among words, else 0.
func (s *script) number(words []string, name string) uint64 {
	text := s.option(words, name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	return n
}

// option is the value of name=value among words, else empty.
func (s *script) option(words []string, name string) string {
	for _, word := range words {
		if value, found := strings.CutPrefix(word, name+"="); found {
			return long(value)
		}
	}
	return ""
}

func (s *script) int(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatalf("line %d: %v", s.line, err)
	}
	return n
}

// moment reads an absolute stamp, or one relative to the present.
func (s *script) moment(text string) int64 {
	if text[0] == '+' || text[0] == '-' {
		return s.stamp + s.int(text)
	}
	return s.int(text)
}

// long reads "ab*512" as ab 512 times.
func long(word string) string {
	if text, count, found := strings.Cut(word, "*"); found {
		if n, err := strconv.Atoi(count); err == nil {
			return strings.Repeat(text, n)
		}
	}
	return word
}

// answers writes one line per Result; of many equal ones in a row, only the first, with their number.
func (s *script) answers(results Results, ops []Op) (lines []string) {
	if len(results) == 0 { // Superseded
		return nil
	}
	for i := range ops {
		r, ok := results.Next()
		if !ok || (i == len(ops)-1) != (len(results) == 0) {
			s.t.Fatalf("line %d: not the Results of %d Ops", s.line, len(ops))
		}
		lines = append(lines, describe(&ops[i], r))
	}
	return fold(lines)
}

// fold writes more than four equal lines in a row as one.
func fold(lines []string) (folded []string) {
	for len(lines) > 0 {
		run := 1
		for run < len(lines) && lines[run] == lines[0] {
			run++
		}
		if run > 4 {
			folded = append(folded, fmt.Sprintf("%s   × %d", lines[0], run))
		} else {
			folded = append(folded, lines[:run]...)
		}
		lines = lines[run:]
	}
	return folded
}

// describe says a Result: its Value, a Code in front unless OK, and "ok" where an Op has no more to say.
func describe(op *Op, r Result) string {
	value := "nil"
	switch r.Value.Kind {
	case Int:
		value = strconv.FormatInt(r.Value.Int, 10)
	case Text:
		value = strconv.Quote(string(r.Value.Text))
		if n := len(r.Value.Text); n > 40 {
			value = fmt.Sprintf("%q… (%d bytes)", r.Value.Text[:8], n)
		}
	}
	answersNothing := op.Kind.Writes() && op.Flags&SetGet == 0 && r.Value.Kind == Nil
	switch {
	case r.Code == OK && answersNothing:
		return "ok"
	case r.Code == OK:
		return value
	case r.Value.Kind == Nil && (answersNothing || r.Code != Skipped):
		return r.Code.String()
	}
	return r.Code.String() + " " + value
}
