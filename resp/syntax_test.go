package resp

import (
	"strings"
	"testing"
)

// hint writes arguments as redis-cli 7 does, which is how the syntax was written.
func hint(args []argument) string {
	words := make([]string, len(args))
	for i := range args {
		words[i] = args[i].hint()
	}
	return strings.Join(words, " ")
}

func (a *argument) hint() string {
	text := a.name
	switch a.kind {
	case "pure-token":
		text = ""
	case "oneof":
		words := make([]string, len(a.parts))
		for i := range a.parts {
			words[i] = a.parts[i].hint()
		}
		text = strings.Join(words, "|")
	case "block":
		text = hint(a.parts)
	}
	again := text
	text = strings.TrimSpace(a.token + " " + text)
	if a.multipleToken {
		again = text
	}
	if a.multiple {
		text += " [" + again + " ...]"
	}
	if a.optional {
		text = "[" + text + "]"
	}
	return text
}

func TestTheSyntaxOfEveryCommandIsUnderstood(t *testing.T) {
	for _, f := range families() {
		for _, c := range f.callable() {
			want := strings.NewReplacer(" | ", "|", "<", "", ">", "").Replace(c.syntax)
			if got := hint(parseSyntax(c.syntax)); got != want {
				t.Errorf("%s: %q is understood as %q", c.name, c.syntax, got)
			}
		}
	}
}

func TestSyntaxIsRead(t *testing.T) {
	for syntax, want := range map[string]string{
		"":                                 "",
		"key [key ...]":                    "key:key+",
		"[key [key ...]]":                  "key:key?+",
		"key value [key value ...]":        "(key:key value:string)+",
		"key increment":                    "key:key increment:string",
		"[NX | XX] [GET]":                  "{NX XX}? GET?",
		"<EX seconds | KEEPTTL>":           "{EX=seconds:integer KEEPTTL}",
		"ON | OFF | SKIP":                  "{ON OFF SKIP}",
		"[AUTH username password] version": "AUTH=(username:string password:string)? version:string",
		"cursor [MATCH pattern]":           "cursor:integer MATCH=pattern:pattern?",
		"[TYPE NORMAL | PUBSUB]":           "{(TYPE NORMAL) PUBSUB}?",
		"[ID id [id ...]]":                 "ID=id:string?+",
		"a | [B b] [C c]":                  "{a:string (B=b:string? C=c:string?)}",
		"key [a b ...]":                    "key:key (a:string b:string)?+",
		"[unclosed":                        "unclosed:string?",
		"] x":                              "]=x:string",
	} {
		if got := describeSyntax(parseSyntax(syntax)); got != want {
			t.Errorf("%q is understood as %q, want %q", syntax, got, want)
		}
	}
}

// describeSyntax tells blocks by (), oneofs by {}.
func describeSyntax(args []argument) string {
	words := make([]string, len(args))
	for i, a := range args {
		text := ""
		switch a.kind {
		case "oneof":
			text = "{" + describeSyntax(a.parts) + "}"
		case "block":
			text = "(" + describeSyntax(a.parts) + ")"
		case "pure-token":
		default:
			text = a.name + ":" + a.kind
		}
		if a.token != "" && text != "" {
			text = "=" + text
		}
		text = a.token + text
		if a.optional {
			text += "?"
		}
		if a.multiple {
			text += "+"
		}
		words[i] = text
	}
	return strings.Join(words, " ")
}
