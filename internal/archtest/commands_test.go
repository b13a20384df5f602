package archtest

import "testing"

func TestCheckCommandsFindsRowsWithoutALine(t *testing.T) {
	const doc = "| `INCR key` | adds one |\n- `IC.INCRBY key inst n`\n`PING`\n`DECRBY key n` and DECR"
	rows := []struct {
		sin, src string
		want     []string
	}{
		{"none", `var commands = []command{{name: "incr", arity: 2}, {name: "ic.incrby"}, {name: "ping"}}`, nil},
		{"none, in a map of pointers", `var commands = map[string]*command{"incr": &command{name: "incr"}}`, nil},
		{"none, beside others", `var ( other = 1; commands = [...]command{{arity: 2, name: "incr"}} )`, nil},
		{"a command nobody described", `var commands = []command{{name: "incr"}, {name: "get"}}`,
			[]string{"resp/a.go:1: GET is not in docs/COMMANDS.md\n\tinstead: a line that begins with `GET …`"}},
		{"a name that only begins a described one", `var commands = []command{{name: "decr"}}`, []string{"DECR is not in"}},
		{"a dot that is none", `var commands = []command{{name: "i..incrby"}}`, []string{"I..INCRBY is not in"}},
		{"a name that cannot be read", `var commands = []command{row("get"), {name: get}, {"get"}}`,
			[]string{"without a literal name", "without a literal name", "without a literal name"}},
		{"an empty table", `var commands = []command{}`, []string{"the command table is empty"}},
		{"a table made by a call", `var commands = table()`, []string{"no variable commands"}},
		{"no table", `var orders = []command{{name: "incr"}}`, []string{"no variable commands"}},
	}
	for _, row := range rows {
		t.Run(row.sin, func(t *testing.T) {
			expect(t, CheckCommands(plant(t, sources{"resp/a.go": "package resp; " + row.src}), doc), row.want...)
		})
	}
}

func TestCheckCommandsLooksInRespOnly(t *testing.T) {
	const table = `var commands = []command{{name: "incr"}}`
	tree := plant(t, sources{"rest/a.go": "package rest; " + table, "resp/a_test.go": "package resp; " + table})
	expect(t, CheckCommands(tree, "`INCR`"), "no variable commands")
}
