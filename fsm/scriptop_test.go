package fsm

import (
	"fmt"
	"strconv"
	"strings"
)

// groups reads the Ops of a block, "--" between two groups.
func (s *script) groups(block []string) (groups []byte, all []Op) {
	var ops []Op
	var terms Terms
	for _, line := range block {
		words := strings.Fields(line)
		switch words[0] {
		case "--":
			groups, all, ops, terms = AppendGroupIf(groups, terms, ops), append(all, ops...), nil, Terms{}
			continue
		case "if":
			if words[1] == "whole" {
				terms.Conditions = append(terms.Conditions, Condition{Whole: true})
				continue
			}
			c := Condition{Key: []byte(long(words[1])), Missing: words[2] == "missing"}
			if !c.Missing {
				c.Index = uint64(s.int(words[3]))
				if words[3][0] == '-' {
					c.Index += s.m.Index()
				}
			}
			terms.Conditions = append(terms.Conditions, c)
			continue
		case "once":
			terms.Once = Once{sessionID(words[1]), uint64(s.int(words[2])), uint64(s.int(words[3]))}
			continue
		}
		count := 1
		if n, err := strconv.Atoi(strings.TrimSuffix(words[0], "x")); err == nil {
			count, words = n, words[1:]
		}
		for i := range count {
			one := append([]string(nil), words...)
			for w := range one {
				one[w] = strings.ReplaceAll(one[w], "%", strconv.Itoa(i))
			}
			ops = append(ops, s.op(one))
		}
	}
	return AppendGroupIf(groups, terms, ops), append(all, ops...)
}

// sessionID makes one of a name.
func sessionID(name string) (id SessionID) {
	copy(id[:], name)
	return id
}

// op reads one Op.
func (s *script) op(words []string) Op {
	op := Op{Kind: s.kind(words[0])}
	facts, rest := kindFacts[op.Kind], words[1:]
	if facts.key {
		op.Key, rest = []byte(long(rest[0])), rest[1:]
	}
	if facts.session {
		id := sessionID(string(op.Key))
		op.Key = id[:]
	}
	if facts.instance {
		if len(rest) > 0 && (!facts.lone || !strings.Contains(rest[0], "=")) {
			op.Instance, rest = []byte(long(rest[0])), rest[1:]
		}
	}
	if op.Kind == Register {
		op.Value = Value{Kind: Text, Text: s.node(rest).Append(nil)}
		return op
	}
	if op.Kind == Limit {
		return LimitOp(Limits{Bytes: s.number(rest, "bytes"), Keys: s.number(rest, "keys"), Instances: s.number(rest, "instances"),
			Sessions: s.number(rest, "sessions"), Lease: s.number(rest, "lease")})
	}
	if facts.amount && facts.value {
		op.Amount, rest = s.int(rest[0]), rest[1:]
	}
	if facts.value {
		op.Value, rest = ParseValue([]byte(long(rest[0]))), rest[1:]
	}
	if facts.amount && !facts.value {
		op.Amount = 1
		if op.Kind == Heartbeat {
			op.Amount = 0
		}
		if len(rest) > 0 {
			op.Amount, rest = s.int(rest[0]), rest[1:]
		}
	}
	for _, word := range rest {
		if !op.word(s, word) {
			s.t.Fatalf("line %d: what is %q?", s.line, word)
		}
	}
	return op
}

// word takes one of the words behind an Op, or reports that it is none.
func (op *Op) word(s *script, word string) bool {
	flags := map[string]Flags{"nx": NX, "xx": XX, "gt": GT, "lt": LT, "get": SetGet, "keepttl": KeepTTL,
		"saturate": Saturate, "tell": Tell, "decimals": Decimals, "fresh": Fresh}
	modes := map[string]ExpiryMode{"px": After, "at": At}
	comparators := map[string]Comparator{"eq": EQ, "ne": NE, "less": Less, "le": LE, "greater": Greater, "ge": GE, "any": ANY,
		"same": Same, "differs": Differs}
	name, value, _ := strings.Cut(word, "=")
	switch {
	case modes[name] != NoExpiry:
		op.Expiry = Expiry{Mode: modes[name], Millis: s.int(value)}
	case word == "forever":
		op.Expiry = Expiry{Mode: Forever}
	case comparators[name] != 0:
		op.Compare, op.Than = comparators[name], ParseValue([]byte(value))
	case name == "epoch":
		op.Epoch = Epoch{Number: uint64(s.int(value)), Given: true}
	case name == "low":
		op.Low = ParseValue([]byte(value))
	case name == "high":
		op.High = ParseValue([]byte(value))
	case flags[word] != 0:
		op.Flags |= flags[word]
	default:
		return false
	}
	return true
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

// long reads "ab*512" as ab 512 times, and two quotes as nothing.
func long(word string) string {
	if word == `""` {
		return ""
	}
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
	value := describeValue(r.Value)
	answersNothing := op.Kind.Writes() && op.Olds() == 0 && r.Value.Kind == Nil
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

func describeValue(v Value) string {
	switch v.Kind {
	case Int:
		return strconv.FormatInt(v.Int, 10)
	case Text:
		if n := len(v.Text); n > 60 {
			return fmt.Sprintf("%q… (%d bytes)", v.Text[:8], n)
		}
		return strconv.Quote(string(v.Text))
	case List:
		var words []string
		vs := v.List()
		for w, ok := vs.Next(); ok; w, ok = vs.Next() {
			words = append(words, describeValue(w))
		}
		return "[" + strings.Join(words, " ") + "]"
	}
	return "nil"
}
