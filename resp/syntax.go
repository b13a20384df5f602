package resp

import (
	"slices"
	"strings"
)

// argument is a part of a command's syntax, as COMMAND DOCS describes it. kind is one of key, string, integer, double,
// unix-time and pattern, or pure-token, oneof or block, of which the last two have parts.
type argument struct {
	name, kind, token  string
	optional, multiple bool
	multipleToken      bool // the token stands in front of each
	parts              []argument
}

// parseSyntax reads what stands in a row's syntax:
//
//	name           an argument; what kind it is, its name says
//	NAME           a token; an argument behind it belongs to it
//	[ … ]          may be left out
//	< … >          belongs together
//	a | b          one of them
//	x [x ...]      x, once or more often
//
// What it can't read it takes for names, so a mistake in the table spoils a hint and nothing else.
func parseSyntax(text string) []argument {
	for _, mark := range []string{"[", "]", "<", ">", "|"} {
		text = strings.ReplaceAll(text, mark, " "+mark+" ")
	}
	p := syntaxParser{words: strings.Fields(text)}
	return p.alternatives("")
}

type syntaxParser struct{ words []string }

func (p *syntaxParser) peek() string {
	if len(p.words) == 0 {
		return ""
	}
	return p.words[0]
}

func (p *syntaxParser) take() string {
	word := p.peek()
	p.words = p.words[1:]
	return word
}

// alternatives reads up to the end, which is not taken.
func (p *syntaxParser) alternatives(end string) []argument {
	first := p.sequence(end)
	if p.peek() != "|" {
		return first
	}
	one := argument{kind: "oneof", parts: []argument{blockOf(first)}}
	for p.peek() == "|" {
		p.take()
		one.parts = append(one.parts, blockOf(p.sequence(end)))
	}
	one.name = one.parts[0].name
	return []argument{one}
}

func (p *syntaxParser) sequence(end string) (args []argument) {
	for len(p.words) > 0 && p.peek() != end && p.peek() != "|" {
		switch word := p.take(); word {
		case "[":
			inner := p.group("]")
			if dots := len(inner) - 1; dots > 0 && inner[dots].name == "..." {
				args = orMore(args, inner[:dots])
				continue
			}
			one := blockOf(inner)
			one.optional = true
			args = append(args, one)
		case "<":
			args = append(args, blockOf(p.group(">")))
		default:
			args = appendWord(args, word)
		}
	}
	return args
}

// group reads up to the end and takes it.
func (p *syntaxParser) group(end string) []argument {
	inner := p.alternatives(end)
	if len(p.words) > 0 {
		p.take()
	}
	return inner
}

// appendWord adds a word. An argument behind a token is the token's, if that has none yet.
func appendWord(args []argument, word string) []argument {
	if word == strings.ToUpper(word) && word != "..." && word != "*" {
		return append(args, argument{name: strings.ToLower(word), kind: "pure-token", token: word})
	}
	if n := len(args); n > 0 && args[n-1].kind == "pure-token" && !args[n-1].optional {
		args[n-1].name, args[n-1].kind = word, kindOf(word)
		return args
	}
	return append(args, argument{name: word, kind: kindOf(word)})
}

// orMore makes the last arguments, which stand once more in brackets, one that may be there more often.
func orMore(args, again []argument) []argument {
	same := func(a, b argument) bool { return a.name == b.name && (a.token == b.token || b.token == "") }
	from := len(args) - len(again)
	if from < 0 || !slices.EqualFunc(args[from:], again, same) {
		one := blockOf(again)
		one.optional, one.multiple = true, true
		return append(args, one)
	}
	one := blockOf(slices.Clone(args[from:]))
	one.multiple, one.multipleToken = true, one.token != "" && again[0].token != ""
	return append(args[:from], one)
}

// blockOf makes one argument of several. A token in front with one of its own is the whole block's.
func blockOf(args []argument) argument {
	if len(args) == 1 {
		return args[0]
	}
	if len(args) == 0 {
		return argument{kind: "block"}
	}
	block := argument{kind: "block", parts: args}
	if first := &args[0]; first.token != "" && first.kind != "pure-token" && !first.optional {
		block.token, first.token = first.token, ""
	}
	names := make([]string, len(args))
	for i := range args {
		names[i] = args[i].name
	}
	block.name = strings.Join(names, "_")
	return block
}

// kindOf is what kind of argument has such a name.
func kindOf(name string) string {
	switch name {
	case "key", "newkey", "source", "destination":
		return "key"
	case "pattern":
		return "pattern"
	case "count", "cursor", "decrement", "epoch", "end", "index", "milliseconds", "numkeys", "numreplicas", "offset", "port", "protover",
		"seconds", "start", "timeout":
		return "integer"
	}
	if strings.HasPrefix(name, "unix-time") {
		return "unix-time"
	}
	return "string"
}
